"""gzip: which answers, for whom, and what becomes of their fields."""

from .row import FRAPPE, answer, chunked, closing, row

GZIP = "Accept-Encoding: gzip"


def json(size, *fields, status="200 OK", kind="application/json", length=True):
    body = b"[" + b"1," * ((size - 3) // 2) + b"1" + b" " * ((size - 3) % 2) + b"]"
    return answer(body, status, *([f"Content-Type: {kind}"] if kind else []), *fields, length=length)


ACCEPTED = (
    "gzip", "GZIP", "Gzip", "br, gzip", "deflate,gzip", "gzip, deflate, br, zstd", "gzip,", "gzip;q=0.5", "gzip;q=1.000", "gzip;q=0.001", "gzip ;q=1", "gzip; q=1",
    "deflate, gzip;q=1.0, *;q=0.5", "*;q=0, gzip", "x-gzip, gzip", "agzip, gzip", "identity, gzip",
)  # fmt: skip
REFUSED = (
    "", "*", "identity", "br", "x-gzip", "gzipx", "gzip;q=0", "gzip;q=0.0", "gzip;q=0.000", "gzip; q=0", "gzip;q=2", "gzip;q=", "gzip;q=.5", "gzip;Q=0", "gzip;q=1;x", "gzip;level=1",
    "gzip;q=0, gzip", "deflate", "*;q=1",
)  # fmt: skip

TYPES = (
    "text/html", "TEXT/HTML; charset=x", "text/plain", "text/css", "application/javascript", "application/json; charset=utf-8", "application/json;charset=utf-8",
    "Application/JSON", "application/xml", "image/svg+xml", "application/xhtml+xml", "application/rss+xml", "application/vnd.ms-fontobject", "font/opentype", "image/x-icon", "text/x-component",
    "text/javascript", "text/xml", "text/csv", "application/jsonx", "application/problem+json", "application/octet-stream", "application/pdf", "image/png", "font/woff2", "application/wasm", "application/json , x",
)  # fmt: skip

FIELDS = {
    "a strong tag": ['ETag: "abc"'],
    "a weak tag": ['ETag: W/"abc"'],
    "a tag without quotes": ["ETag: abc"],
    "a tag with a small w": ['ETag: w/"abc"'],
    "an empty tag": ["ETag: "],
    "Vary": ["Vary: Cookie"],
    "Vary twice": ["Vary: Cookie", "Vary: Origin"],
    "Vary that knows": ["Vary: Cookie, Accept-Encoding"],
    "Vary that is only that": ["Vary: Accept-Encoding"],
    "Vary with a star": ["Vary: *"],
    "Accept-Ranges": ["Accept-Ranges: bytes"],
    "Accept-Ranges: none": ["Accept-Ranges: none"],
    "Last-Modified": ["Last-Modified: Fri, 01 Mar 2024 12:00:00 GMT"],
    "no-transform": ["Cache-Control: no-transform"],
    "digests": ["Content-MD5: abc", "Digest: x=y"],
    "a coding": ["Content-Encoding: gzip"],
    "another coding": ["Content-Encoding: br"],
    "identity": ["Content-Encoding: identity"],
    "Content-Language": ["Content-Language: de"],
}

STATUSES = ("201 Created", "202 Accepted", "203 Non-Authoritative Information", "206 Partial Content", "301 Moved Permanently", "302 Found", "400 Bad Request", "401 Unauthorized",
            "403 Forbidden", "404 Not Found", "409 Conflict", "417 Expectation Failed", "429 Too Many Requests", "500 Internal Server Error", "503 Service Unavailable")  # fmt: skip

ROWS = [
    row("JSON of 255 bytes", "/x", GZIP, answer=json(255)),
    row("JSON of 256 bytes", "/x", GZIP, answer=json(256)),
    row("JSON of 255 bytes, not wanted", "/x", answer=json(255)),
    row("JSON of 256 bytes, not wanted", "/x", answer=json(256)),
    row("JSON of 200 KB", "/x", GZIP, answer=json(200_000)),
    row("an asset of 255 bytes", "/assets/exactly255.txt", GZIP),
    row("an asset of 256 bytes", "/assets/exactly256.txt", GZIP),
    row("an asset of 256 bytes, not wanted", "/assets/exactly256.txt"),
    row("a large asset, compressed", "/assets/frappe/large.css", GZIP),
    row("an asset with a compressed sibling", "/assets/frappe/script.js", GZIP),
    row("HEAD of a compressed asset", "/assets/frappe/script.js", GZIP, method="HEAD"),
    row("a missing asset, compressed", "/assets/none", GZIP, gives=404),
    *(
        row(f"the type of an asset, compressed: {name}", f"/assets/frappe/{name}", GZIP)
        for name in "icon.svg favicon.ico page.html data.xml app.wasm font.woff font.eot feed.rss feed.atom part.htc noextension image.png source.map".split()
    ),
    *(row(f"accepted: {value!r}", "/x", f"Accept-Encoding: {value}", answer=json(2000)) for value in ACCEPTED),
    *(row(f"not accepted: {value!r}", "/x", f"Accept-Encoding: {value}", answer=json(2000)) for value in REFUSED),
    row("accepted in the first of two fields", "/x", GZIP, "Accept-Encoding: br", answer=json(2000)),
    row("accepted in the second of two fields", "/x", "Accept-Encoding: br", GZIP, answer=json(2000)),
    row("accepted by a client behind another proxy", "/x", GZIP, "Via: 1.1 somebody", answer=json(2000)),
    row("accepted by a client of HTTP/1.0", "/x", GZIP, version="1.0", answer=json(2000)),
    *(row(f"the type of an answer, compressed: {kind}", "/x", GZIP, answer=json(2000, kind=kind)) for kind in TYPES),
    row("an answer without a type", "/x", GZIP, answer=json(2000, kind=None)),
    *(
        row(f"the status of an answer, compressed: {status}", "/x", GZIP, answer=json(2000, status=status), gives=int(status[:3]))
        for status in STATUSES
    ),
    row("the status of an answer, compressed: 204", "/x", GZIP, answer=answer(b"", "204 No Content", length=False), gives=204),
    row(
        "the status of an answer, compressed: 304",
        "/x",
        GZIP,
        answer=answer(b"", "304 Not Modified", 'ETag: "abc"', "Content-Type: application/json", length=False),
        gives=304,
    ),
    *(row(f"compressed with {what}", "/x", GZIP, answer=json(2000, *fields)) for what, fields in FIELDS.items()),
    *(row(f"could be compressed, with {what}", "/x", answer=json(2000, *fields)) for what, fields in FIELDS.items()),
    row("small, with Vary", "/x", GZIP, answer=json(100, "Vary: Cookie")),
    row(
        "HEAD, compressed",
        "/x",
        GZIP,
        method="HEAD",
        answer=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n",
    ),
    row(
        "HEAD, could be compressed",
        "/x",
        method="HEAD",
        answer=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n",
    ),
    row(
        "HEAD, small",
        "/x",
        GZIP,
        method="HEAD",
        answer=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n",
    ),
    row(
        "HEAD of unknown length, compressed",
        "/x",
        GZIP,
        method="HEAD",
        answer=answer(b"", "200 OK", "Content-Type: application/json", length=False),
    ),
    row(
        "chunks, compressed",
        "/x",
        GZIP,
        answer=answer(
            chunked(b"a" * 300, b"b" * 300),
            "200 OK",
            "Content-Type: application/json",
            "Transfer-Encoding: chunked",
            length=False,
        ),
    ),
    row(
        "a few bytes in chunks, compressed",
        "/x",
        GZIP,
        answer=answer(chunked(b"abc"), "200 OK", "Content-Type: application/json", "Transfer-Encoding: chunked", length=False),
    ),
    row(
        "no bytes in chunks, compressed",
        "/x",
        GZIP,
        answer=answer(chunked(), "200 OK", "Content-Type: application/json", "Transfer-Encoding: chunked", length=False),
    ),
    row("until the end, compressed", "/x", GZIP, answer=closing(json(2000, length=False))),
    row("until the end, could be compressed", "/x", answer=closing(json(2000, length=False))),
    row("a range of an answer", "/x", "Range: bytes=0-3", answer=json(2000, "Accept-Ranges: bytes")),
    row("a tag of an answer, known", "/x", 'If-None-Match: "abc"', answer=json(2000, 'ETag: "abc"')),
    row(
        "a time of an answer, known",
        "/x",
        "If-Modified-Since: Fri, 01 Mar 2024 12:00:00 GMT",
        answer=json(2000, "Last-Modified: Fri, 01 Mar 2024 12:00:00 GMT"),
    ),
    row("a tag of an answer, another wanted", "/x", 'If-Match: "other"', answer=json(2000, 'ETag: "abc"')),
    row("a page of Frappe, compressed", "/", GZIP, answer=FRAPPE),
    row("a missing page of Frappe, compressed", "/none", GZIP, answer=FRAPPE, gives=404),
    row("JSON of Frappe, compressed", "/api/resource/ToDo?size=5000", GZIP, answer=FRAPPE),
    row("JSON of Frappe in chunks, compressed", "/api/resource/ToDo?size=100&chunked=1", GZIP, answer=FRAPPE),
    row("a download of Frappe, unbuffered", "/api/method/download?size=3000&unbuffered=1", GZIP, answer=FRAPPE),
]
