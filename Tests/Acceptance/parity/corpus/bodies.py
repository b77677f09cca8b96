"""Bodies of requests: collected, counted, limited, before the backend hears of them."""

from .row import FRAPPE, head, row

KIB = b"x" * 1024
CHUNKED, CONTINUE = "Transfer-Encoding: chunked", "Expect: 100-continue"
FORM = "Content-Type: application/x-www-form-urlencoded"


def small(name, *arguments, **more):
    """A row for a frontend that takes a KiB at most."""
    return row(name, *arguments, variant="small-bodies", **more)


ROWS = [
    row("a form", "/api/method/login", FORM, method="POST", body=b"usr=a&pwd=b"),
    row(
        "an upload",
        "/api/method/upload_file",
        "Content-Type: application/octet-stream",
        method="POST",
        body=bytes(range(256)) * 2000,
        answer=FRAPPE,
    ),
    row(
        "an upload in chunks",
        "/api/method/upload_file",
        "Content-Type: application/octet-stream",
        method="POST",
        body=(b"a" * 70_000, b"b", b"c" * 30_000),
        answer=FRAPPE,
    ),
    row("PUT", "/api/resource/ToDo/1", "Content-Type: application/json", method="PUT", body=b"{}"),
    row("PATCH", method="PATCH", body=b"{}"),
    row("DELETE with a body", method="DELETE", body=b"hello"),
    row("GET with a body", body=b"hello"),
    row("HEAD with a body", method="HEAD", body=b"hello"),
    row("OPTIONS with a body", method="OPTIONS", body=b"hello"),
    row("POST without a body", method="POST"),
    row("POST of nothing", method="POST", body=b""),
    row("POST in chunks", method="POST", body=(b"hello", b" ", b"world")),
    row("POST in no chunks", method="POST", body=()),
    row(
        "POST in chunks with extensions and trailers",
        raw=head("POST", "/x", [CHUNKED, "Trailer: X-T"]) + b"5;a=b\r\nhello\r\n0\r\nX-T: v\r\n\r\n",
    ),
    row("chunked in capitals", raw=head("POST", "/x", ["Transfer-Encoding: CHUNKED"]) + b"5\r\nhello\r\n0\r\n\r\n"),
    row("sizes of chunks with zeros and capitals", raw=head("POST", "/x", [CHUNKED]) + b"000A\r\n0123456789\r\n000\r\n\r\n"),
    row("GET in chunks", body=(b"hello",)),
    row("a body beyond memory", method="POST", body=b"y" * 400_000),
    row("a body beyond memory, in chunks", method="POST", body=(b"y" * 200_000, b"z" * 200_000)),
    row("a body to the realtime server", "/socket.io/?EIO=4", method="POST", body=(b"40",)),
    # Limits.
    small("a body at the limit", method="POST", body=KIB),
    small("a body over the limit", method="POST", body=KIB + b"x", gives=413),
    small("a body over the limit, not sent", "/x", "Content-Length: 1025", method="POST", gives=413),
    small("a body far over the limit, not sent", "/x", "Content-Length: 99999999999", method="POST", gives=413),
    small("a body at the limit, in chunks", method="POST", body=(KIB,)),
    small("a body over the limit, in chunks", method="POST", body=(KIB, b"x"), gives=413),
    small("a body over the limit, in one chunk", method="POST", body=(KIB * 2,), gives=413),
    small("a body over the limit for an asset", "/assets/small.txt", body=KIB * 2, gives=413),
    small("a body over the limit for a redirect", "/a/", method="POST", body=KIB * 2, gives=413),
    small("a body over the limit for what is protected", "/protected/x", method="POST", body=KIB * 2, gives=404),
    small("a body over the limit for the realtime server", "/socket.io/", method="POST", body=KIB * 2, gives=413),
    small("a body at the limit, to be told to continue", raw=head("POST", "/x", ["Content-Length: 1024", CONTINUE]), then=KIB),
    small("a body over the limit, to be told to continue", raw=head("POST", "/x", ["Content-Length: 1025", CONTINUE]), gives=413),
    row("a body without a limit", method="POST", body=b"x" * 100_000, variant="any-bodies"),
    row("a body without a limit, in chunks", method="POST", body=(b"x" * 100_000,), variant="any-bodies"),
    # Expect.
    row("a body, to be told to continue", raw=head("POST", "/x", ["Content-Length: 5", CONTINUE]), then=b"hello"),
    row("a body in chunks, to be told to continue", raw=head("POST", "/x", [CHUNKED, CONTINUE]), then=b"5\r\nhello\r\n0\r\n\r\n"),
    row(
        "a body for the realtime server, to be told to continue",
        raw=head("POST", "/socket.io/", ["Content-Length: 5", CONTINUE]),
        then=b"hello",
    ),
    row(
        "a body for an asset, to be told to continue",
        raw=head("POST", "/assets/small.txt", ["Content-Length: 5", CONTINUE]) + b"hello",
        gives=405,
    ),
    row("a body that is here already, to be told to continue", "/x", "Expect: 100-continue", method="POST", body=b"hello"),
    row("no body, to be told to continue", "/x", "Expect: 100-continue"),
    row("an expectation in capitals", raw=head("POST", "/x", ["Content-Length: 5", "EXPECT: 100-Continue"]), then=b"hello"),
    row("another expectation", "/x", "Expect: 200-ok", method="POST", body=b"hello"),
    row("an expectation of HTTP/1.0", "/x", "Expect: 100-continue", method="POST", body=b"hello", version="1.0"),
    # Framing that two servers could read differently.
    row(
        "Content-Length beside Transfer-Encoding",
        raw=head("POST", "/x", ["Content-Length: 5", "Transfer-Encoding: chunked"]) + b"5\r\nhello\r\n0\r\n\r\n",
        gives=400,
    ),
    row("Content-Length twice", "/x", "Content-Length: 5", "Content-Length: 5", method="POST", body=b"hello", gives=400),
    row(
        "Content-Length twice and different",
        "/x",
        "Content-Length: 5",
        "Content-Length: 6",
        method="POST",
        body=b"hello",
        gives=400,
    ),
    *(
        row(f"Content-Length: {value}", "/x", f"Content-Length: {value}", method="POST", body=b"hello", gives=400)
        for value in ("+5", "-5", "5x", "0x5", "", "5,5", "5 5")
    ),
    row(
        "Transfer-Encoding of two codings", raw=head("POST", "/x", ["Transfer-Encoding: gzip, chunked"]) + b"0\r\n\r\n", gives=501
    ),
    row("Transfer-Encoding: identity", raw=head("POST", "/x", ["Transfer-Encoding: identity"]), gives=501),
    row(
        "Transfer-Encoding of HTTP/1.0",
        raw=head("POST", "/x", [CHUNKED], version="1.0") + b"5\r\nhello\r\n0\r\n\r\n",
        version="1.0",
        gives=400,
    ),
    row("a size of a chunk that is none", raw=head("POST", "/x", [CHUNKED]) + b"zz\r\nhello\r\n0\r\n\r\n", gives=400),
    row("a chunk without an end", raw=head("POST", "/x", [CHUNKED]) + b"5\r\nhelloX\r\n0\r\n\r\n", gives=400),
]
