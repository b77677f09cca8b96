"""What the origin answers, well and badly, late and not at all."""

from .row import answer, chunked, closing, row

TYPE = "Content-Type: application/x-own"


def silent(stream, request):
    """Says nothing until the proxy leaves."""
    stream.read_some()
    return False


def stuck(stream, request):
    """Says half of it until the proxy leaves."""
    stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    stream.read_some()
    return False


def leaving(stream, request):
    return False


HOP_BY_HOP = (
    "Connection: X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5", "Trailer: X-T", "Upgrade: h2c", "Proxy-Connection: close", "TE: trailers", "Proxy-Authenticate: Basic",
)  # fmt: skip
HIDDEN = (
    "Server: own",
    "Date: Thu, 01 Jan 1998 00:00:00 GMT",
    "X-Pad: p",
    "X-Accel-Expires: 1",
    "X-Accel-Limit-Rate: 0",
    "X-Accel-Buffering: no",
    "X-Accel-Charset: utf-8",
)
PASSED = (
    "X-Under_Score: 1", "Set-Cookie: a=1", "Set-Cookie: b=2", "Cache-Control: no-store", "Cache-Control: private", "Link: a", "Link: b", "Content-Language: de", "Content-Location: /y", "P3P: x", "Warning: w", "Age: 4",
    "Via: 1.1 origin", "Allow: GET", "Status: 200", "X-Powered-By: me", "Refresh: 3; url=/y", "Alt-Svc: h3", "X-Empty: ", "X-Latin: \xe4", "WWW-Authenticate: Basic", "Expires: 0", "Pragma: no-cache", "Retry-After: 5", "Content-Disposition: inline",
    "Access-Control-Allow-Origin: *", "X-Frappe-Request-Id: abc", "x-lower: l",
)  # fmt: skip
SECURITY = (
    "X-Frame-Options: DENY", "Strict-Transport-Security: max-age=1", "X-Content-Type-Options: nosniff", "X-XSS-Protection: 0", "Referrer-Policy: no-referrer", "Content-Security-Policy: default-src 'self'",
)  # fmt: skip
STATUSES = ("200 ", "200 OK there", "201 Created", "202 Accepted", "206 Partial Content", "226 IM Used", "299 Odd", "300 Multiple Choices", "301 Moved Permanently", "303 See Other", "304 Not Modified", "307 Temporary Redirect", "308 Permanent Redirect",
            "400 Bad Request", "401 Unauthorized", "402 Payment Required", "403 Forbidden", "404 Nix", "405 Method Not Allowed", "408 Request Timeout", "409 Conflict", "410 Gone", "413 Payload Too Large", "417 Expectation Failed",
            "418 I'm a teapot", "422 Unprocessable", "429 Too Many Requests", "500 Internal Server Error", "501 Not Implemented", "502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout", "599 Odd", "204 No Content")  # fmt: skip

ROWS = [
    *(
        row(
            f"the status of an answer: {status}",
            answer=answer(b"", status, length=False) if status[:3] in ("204", "304") else answer(b"body", status, TYPE),
            gives=int(status[:3]),
        )
        for status in STATUSES
    ),
    *(row(f"hop by hop from the origin: {field}", answer=answer(b"ok", "200 OK", field)) for field in HOP_BY_HOP),
    *(row(f"hidden of the origin: {field}", answer=answer(b"ok", "200 OK", field)) for field in HIDDEN),
    row("passed on from the origin", answer=answer(b"ok", "200 OK", *PASSED)),
    *(row(f"beside the security headers: {field}", answer=answer(b"ok", "200 OK", field)) for field in SECURITY),
    row("a type twice", answer=answer(b"ok", "200 OK", "Content-Type: a/b", "Content-Type: c/d")),
    row("a tag twice", answer=answer(b"ok", "200 OK", 'ETag: "a"', 'ETag: "b"')),
    *(
        row(f"a redirect of the origin to {where}", answer=answer(b"", "302 Found", f"Location: {where}"), gives=302)
        for where in (
            "/app",
            "app?x",
            "http://erp.test/app",
            "https://elsewhere.test/",
            "http://backend-server/abc",
            "//evil.test/",
            "/a b",
            "/ä".encode().decode("latin-1"),
        )
    ),
    row("a location of a 201", answer=answer(b"", "201 Created", "Location: /api/resource/ToDo/1"), gives=201),
    row("a location twice", answer=answer(b"", "302 Found", "Location: /a", "Location: /b"), gives=302),
    # Bodies.
    row("an empty answer", answer=answer(b"")),
    row(
        "an answer in chunks",
        answer=answer(chunked(b"hello", b" world"), "200 OK", TYPE, "Transfer-Encoding: chunked", length=False),
    ),
    row(
        "an answer in chunks with trailers",
        answer=answer(
            b"5;a=b\r\nhello\r\n0\r\nX-T: v\r\n\r\n", "200 OK", TYPE, "Transfer-Encoding: chunked", "Trailer: X-T", length=False
        ),
    ),
    row("an answer until the end", answer=closing(answer(b"hello", "200 OK", TYPE, length=False))),
    row("an answer of HTTP/1.0", answer=closing(b"HTTP/1.0 200 OK\r\nContent-Type: text/x-own\r\n\r\nhello")),
    row("an answer of HTTP/1.0 with a length", answer=closing(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")),
    row("a large answer", answer=answer(b"0123456789" * 300_000, "200 OK", TYPE)),
    row(
        "a large answer in chunks",
        answer=answer(chunked(*[b"c" * 50_000] * 30), "200 OK", TYPE, "Transfer-Encoding: chunked", length=False),
    ),
    row("a large answer, unbuffered", answer=answer(b"0123456789" * 100_000, "200 OK", TYPE, "X-Accel-Buffering: no")),
    row("more bytes than the length", answer=closing(answer(b"ok") + b"extra")),
    row("HEAD with a length", method="HEAD", answer=b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"),
    row("HEAD with chunks", method="HEAD", answer=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    row("HEAD of unknown length", method="HEAD", answer=closing(b"HTTP/1.1 200 OK\r\n\r\n")),
    row("a 204 with a length", answer=b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", gives=204, unsafe=True),
    row("a 304 with a length", answer=b'HTTP/1.1 304 Not Modified\r\nContent-Length: 200\r\nETag: "a"\r\n\r\n', gives=304),
    # Heads.
    row("a head of 100 KiB", answer=answer(b"ok", "200 OK", *(f"X-{n}: {'a' * 7000}" for n in range(14)))),
    row("a head of 140 KiB", answer=closing(answer(b"ok", "200 OK", *(f"X-{n}: {'a' * 7000}" for n in range(20)))), gives=502),
    row("a hundred fields of the origin", answer=answer(b"ok", "200 OK", *(f"X-{n}: {n}" for n in range(100)))),
    row("a field of the origin of 60 KB", answer=answer(b"ok", "200 OK", "X-Long: " + "a" * 60_000)),
    # Bad answers.
    row("no answer", answer=leaving, gives=502),
    row("no answer to a POST", method="POST", body=b"hello", answer=leaving, gives=502),
    row("no answer to a HEAD", method="HEAD", answer=leaving, gives=502),
    row("no answer to HTTP/1.0", version="1.0", answer=leaving, gives=502),
    row("half a head", answer=closing(b"HTTP/1.1 200 OK\r\nContent-"), gives=502),
    row("half a body", answer=closing(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")),
    row("half a body in chunks", answer=closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha")),
    row("no answer but garbage", answer=closing(b"garbage garbage\r\n\r\n"), gives=None, unsafe=True),
    row("a length that is none", answer=closing(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nok"), unsafe=True),
    row("a length twice", answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", unsafe=True),
    row(
        "lengths that differ", answer=closing(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"), unsafe=True
    ),
    row(
        "a length beside chunks",
        answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        unsafe=True,
    ),
    row(
        "a size of a chunk that is none, from the origin",
        answer=closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n"),
        gives=None,
        unsafe=True,
    ),
    row("a field of the origin without a colon", answer=closing(answer(b"ok", "200 OK", "nocolon")), unsafe=True),
    row("a space before a colon, from the origin", answer=closing(answer(b"ok", "200 OK", "X-A : b")), gives=502),
    row("NUL in a field of the origin", answer=closing(answer(b"ok", "200 OK", "X-A: b\0c")), gives=502),
    row("lines of the origin that end in LF alone", answer=closing(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), unsafe=True),
    row("status 600", answer=closing(answer(b"ok", "600 Big")), gives=600, unsafe=True),
    row("status 999", answer=closing(answer(b"ok", "999 Big")), gives=999, unsafe=True),
    row(
        "an error of the origin with a page of its own",
        answer=answer(b"<h1>own</h1>", "502 Bad Gateway", "Content-Type: text/html"),
        gives=502,
    ),
    # Down and late.
    row("the backend is down", variant="down", gives=502),
    row("the backend is down for a POST", method="POST", body=b"hello", variant="down", gives=502),
    row("the backend is down for a HEAD", method="HEAD", variant="down", gives=502),
    row("the backend is down for a client of HTTP/1.0", version="1.0", variant="down", gives=502),
    row("the backend is down for a client that takes gzip", "/x", "Accept-Encoding: gzip", variant="down", gives=502),
    row("the backend is down, the files are not", "/files/report.pdf", variant="down"),
    row("the backend is down, the assets are not", "/assets/small.txt", variant="down"),
    row("the backend is down, redirects are not", "/a/", variant="down", gives=301),
    row("the backend is late", answer=silent, variant="impatient", gives=504),
    row("the backend is late for a POST", method="POST", body=b"hello", answer=silent, variant="impatient", gives=504),
    row("the backend is late with the rest of its answer", answer=stuck, variant="impatient"),
]
