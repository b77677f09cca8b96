"""Keep-alive, pipelines and HTTP/1.0."""

from .row import OK, answer, chunked, head, row

GET, ASSET = head("GET", "/x"), head("GET", "/assets/small.txt")
KEEP = "Connection: keep-alive"
CHUNKS = answer(
    chunked(b"hello", b" world"), "200 OK", "Content-Type: application/x-own", "Transfer-Encoding: chunked", length=False
)


def leaves_at(target):
    """Answers, but closes where the request is for `target`."""

    def script(stream, request):
        if f" {target} " in request.line:
            return False
        stream.send(OK)

    return script


def pipeline(name, *requests, methods=None, **more):
    return row(name, raw=b"".join(requests), methods=methods or ("GET",) * len(requests), **more)


ROWS = [
    row("a client that closes", "/x", "Connection: close"),
    row("a client that closes, in capitals", "/x", "Connection: CLOSE"),
    row("a client that closes, in a list", "/x", "Connection: close, X-Foo", "X-Foo: 1"),
    row("a client that keeps alive", "/x", KEEP),
    row("a client that closes after an asset", "/assets/small.txt", "Connection: close"),
    row("a client that closes after a redirect", "/a/", "Connection: close", gives=301),
    pipeline("two requests at once", GET, GET),
    pipeline("three requests at once, for files and the backend", ASSET, GET, ASSET),
    pipeline("a HEAD before a GET", head("HEAD", "/x"), GET, methods=("HEAD", "GET")),
    pipeline("a redirect before a GET", head("GET", "/a/"), GET, gives=301),
    pipeline("a missing asset before a GET", head("GET", "/assets/none"), GET, gives=404),
    pipeline("a POST before a GET", head("POST", "/x", ["Content-Length: 5"]) + b"hello", GET, methods=("POST", "GET")),
    pipeline(
        "a POST in chunks before a GET",
        head("POST", "/x", ["Transfer-Encoding: chunked"]) + chunked(b"hello"),
        GET,
        methods=("POST", "GET"),
    ),
    pipeline(
        "a POST of an asset before a GET",
        head("POST", "/assets/small.txt", ["Content-Length: 5"]) + b"hello",
        GET,
        methods=("POST", "GET"),
        gives=405,
    ),
    pipeline(
        "an asset, a range of it, and what is the same",
        ASSET,
        head("GET", "/assets/small.txt", ["Range: bytes=0-3"]),
        head("GET", "/assets/small.txt", ["If-None-Match: *"]),
    ),
    pipeline("an empty line between requests", GET + b"\r\n", GET),
    pipeline("a backend that leaves after its first answer", GET, head("GET", "/leave"), answer=leaves_at("/leave")),
    row("HTTP/1.0", version="1.0"),
    row("HTTP/1.0 that keeps alive", "/x", KEEP, version="1.0"),
    row("HTTP/1.0 of an asset", "/assets/small.txt", version="1.0"),
    row("HTTP/1.0 of an asset that keeps alive", "/assets/small.txt", KEEP, version="1.0"),
    row("HTTP/1.0 without a Host", host=None, version="1.0"),
    row("HTTP/1.0 without a Host, a public file", "/files/report.pdf", host=None, version="1.0"),
    row("HTTP/1.0 without a Host, an asset", "/assets/small.txt", host=None, version="1.0"),
    row("HTTP/1.0 without a Host, the realtime server", "/socket.io/", host=None, version="1.0"),
    row("HTTP/1.0 of an answer in chunks", version="1.0", answer=CHUNKS),
    row("HTTP/1.0 of an answer in chunks, that keeps alive", "/x", KEEP, version="1.0", answer=CHUNKS),
    row("HTTP/1.0 of an asset that could be compressed", "/assets/frappe/script.js", "Accept-Encoding: gzip", version="1.0"),
    row("HTTP/1.0 with a body", method="POST", body=b"hello", version="1.0"),
    row("HTTP/1.0 of a missing asset", "/assets/none", version="1.0", gives=404),
    row("HTTP/1.0 of an asset's range", "/assets/frappe/paper.pdf", "Range: bytes=0-9", version="1.0", gives=206),
    row("HEAD of HTTP/1.0", method="HEAD", version="1.0"),
]
