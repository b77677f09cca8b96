"""X-Accel-Redirect: the backend permits, the proxy sends the file. And /protected, which nobody reaches from outside."""

from ..sites import MODIFIED_DATE, tag
from .row import FRAPPE, answer, row

PRIVATE = "/protected/private/files/"
SID = "Cookie: sid=0123456789abcdef"
GZIP = "Accept-Encoding: gzip"

# What a backend may say beside it: most of it is about an answer that nobody gets.
MANY = (
    "Content-Type: application/x-own",
    "Content-Disposition: attachment; filename=own",
    "Cache-Control: private,max-age=1",
    "Set-Cookie: a=1; Path=/",
    "Set-Cookie: b=2",
    "Expires: Thu, 01 Jan 2099 00:00:00 GMT",
    "Accept-Ranges: bytes",
    'ETag: "own"',
    "Last-Modified: Thu, 01 Jan 1998 00:00:00 GMT",
    "Vary: Cookie",
    "Content-Language: de",
    "Content-Encoding: identity",
    "Content-Range: bytes 0-1/2",
    "Location: /elsewhere",
    "Link: </style.css>",
    "Pragma: no-cache",
    "Refresh: 5",
    "WWW-Authenticate: Basic",
    "X-Frame-Options: DENY",
    "X-Own: own",
    "X-Accel-Buffering: no",
    "X-Accel-Expires: 5",
)


def permits(path, *fields, body=b"", status="200 OK"):
    return answer(body, status, f"X-Accel-Redirect: {path}", *fields)


def in_turn(first, second):
    """Answers `first` where the client asked, `second` where the first one leads."""

    def script(stream, request):
        stream.send(first if " /first " in request.line else second)

    return script


def leads(name, first, second, **more):
    return row(name, "/first", answer=in_turn(first, second), **more)


FILES = {
    "a file": "secret.txt",
    "a file of a known type": "secret.pdf",
    "a page": "secret.html",
    "a file of no type": "noextension",
    "an empty file": "empty.txt",
    "a name with an escaped space": "with%20space.txt",
    "a name with a raw space": "with space.txt",
    "a name with an escaped percent sign": "100%25.txt",
    "a name with an escaped umlaut": "Gr%C3%B6%C3%9Fe.txt",
    "a name with raw UTF-8": "Größe.txt".encode().decode("latin-1"),
    "a name with an escaped question mark": "quest%3Fion.txt",
    "a query, which is nobody's": "secret.txt?a=b",
    "slashes in a row": "//secret.txt",
    "a dot segment": "./secret.txt",
}

REFUSED = {
    "a missing file": PRIVATE + "none.txt",
    "a folder": "/protected/private/files",
    "a folder with a slash": "/protected/private/files/",
    "the root of what is protected": "/protected/",
    "a raw percent sign": PRIVATE + "100%.txt",
    "an escaped escape": PRIVATE + "with%2520space.txt",
    "a plus for a space": PRIVATE + "with+space.txt",
    "dot-dot": "/protected/private/x/../files/secret.txt",
    "dot-dot at the start": "/../protected/private/files/secret.txt",
    "dot-dot at the end": "/protected/private/..",
    "dot-dot in escapes": "/protected/private/%2e%2e/private/files/secret.txt",
    "dot-dot before an escaped slash": "/protected/..%2Fsite_config.json",
    "dot-dot in escapes of escapes": "/protected/%252e%252e/apps.txt",
    "two dots in a name": PRIVATE + "a..b",
    "NUL": PRIVATE + "a%00b",
    "nothing": "",
    "no slash at the start": "protected/private/files/secret.txt",
    "a whole URL": "http://erp.test/protected/private/files/secret.txt",
    "a missing asset": "/assets/none.txt",
}

OUTSIDE = {
    "as it is": "/protected/private/files/secret.txt",
    "with an escape": "/%70rotected/private/files/secret.txt",
    "with an escaped slash": "/protected%2Fprivate/files/secret.txt",
    "by dot-dot": "/x/../protected/private/files/secret.txt",
    "with merged slashes": "//protected//private/files/secret.txt",
    "a missing file": "/protected/none",
    "its root": "/protected/",
    "with a query": "/protected/private/files/secret.txt?x",
    "with the suffix of a page": "/protected/a.html",
}

ROWS = [
    # As Frappe does it.
    row("a private file with a session", "/private/files/secret.pdf", SID, answer=FRAPPE),
    row("a private file without a session", "/private/files/secret.pdf", answer=FRAPPE, gives=403),
    row("a private page with a session is redirected", "/private/files/secret.html", SID, answer=FRAPPE, gives=301),
    row("a private drawing with a session", "/private/files/secret.svg", SID, answer=FRAPPE),
    row("a private text with a session, compressed", "/private/files/secret.txt", SID, GZIP, answer=FRAPPE),
    row("a private file with a space in its name", "/private/files/with%20space.txt", SID, answer=FRAPPE),
    row("a private file with an umlaut in its name", "/private/files/Gr%C3%B6%C3%9Fe.txt", SID, answer=FRAPPE),
    row("a private file with a percent sign in its name", "/private/files/100%25.txt", SID, answer=FRAPPE),
    row("a private file that is missing", "/private/files/none.txt", SID, answer=FRAPPE, gives=404),
    row("a range of a private file", "/private/files/secret.pdf", SID, "Range: bytes=0-9", answer=FRAPPE, gives=206),
    row("a private file, seen before", "/private/files/secret.pdf", SID, f"If-None-Match: {tag(1024)}", answer=FRAPPE, gives=304),
    row("HEAD of a private file", "/private/files/secret.pdf", SID, method="HEAD", answer=FRAPPE),
    row("a private file of another site", "/private/files/secret.pdf", SID, host="other.test", answer=FRAPPE, gives=404),
    row("a private file of the fixed site", "/private/files/secret.txt", SID, variant="fixed-site", answer=FRAPPE),
    # What the value may name.
    *(row(f"permitted: {what}", answer=permits(PRIVATE + name)) for what, name in FILES.items()),
    *(row(f"permitted, and not there: {what}", answer=permits(value), gives=404) for what, value in REFUSED.items()),
    row("permitted: a backup", answer=permits("/protected/private/backups/20240301-erp.sql.gz")),
    row("permitted: a public file by its folder", answer=permits("/protected/public/files/report.pdf")),
    row("permitted: the configuration of the site", answer=permits("/protected/site_config.json")),
    row("permitted, and unreadable", answer=permits(PRIVATE + "unreadable.txt", *MANY), gives=403),
    row("permitted: an asset", answer=permits("/assets/small.txt", *MANY)),
    row("permitted: a public file", answer=permits("/files/report.pdf", *MANY)),
    row("permitted: a public page, which is a download", answer=permits("/files/page.html")),
    row("permitted: a public page that the backend disposes of too", answer=permits("/files/page.html", *MANY)),
    row("permitted: what is rewritten", answer=permits("/a.html?x=1", *MANY), gives=301),
    row("permitted twice: the first holds", answer=permits(PRIVATE + "secret.txt", f"X-Accel-Redirect: {PRIVATE}secret.pdf")),
    row("permitted by the realtime server", "/socket.io/", answer=permits(PRIVATE + "secret.txt")),
    # Which fields survive, and where.
    row("fields beside a permission", answer=permits(PRIVATE + "secret.pdf", *MANY)),
    row("a type beside a permission", answer=permits(PRIVATE + "secret.pdf", "Content-Type: text/plain; charset=utf-8")),
    row("fields beside a permission for a missing file", answer=permits(PRIVATE + "none.pdf", *MANY), gives=404),
    row("fields beside a permission, HEAD", method="HEAD", answer=permits(PRIVATE + "secret.pdf", *MANY)),
    row(
        "fields beside a permission, one range",
        "/x",
        "Range: bytes=0-9",
        answer=permits(PRIVATE + "secret.pdf", *MANY),
        gives=206,
    ),
    row(
        "fields beside a permission, two ranges",
        "/x",
        "Range: bytes=0-1,5-6",
        answer=permits(PRIVATE + "secret.pdf", *MANY),
        gives=206,
    ),
    row(
        "fields beside a permission, a range beyond the end",
        "/x",
        "Range: bytes=9999-",
        answer=permits(PRIVATE + "secret.pdf", *MANY),
        gives=416,
    ),
    row(
        "fields beside a permission, the tag known",
        "/x",
        f"If-None-Match: {tag(1024)}",
        answer=permits(PRIVATE + "secret.pdf", *MANY),
        gives=304,
    ),
    row(
        "fields beside a permission, the time known",
        "/x",
        f"If-Modified-Since: {MODIFIED_DATE}",
        answer=permits(PRIVATE + "secret.pdf", *MANY),
        gives=304,
    ),
    row(
        "fields beside a permission, another tag wanted",
        "/x",
        'If-Match: "other"',
        answer=permits(PRIVATE + "secret.pdf", *MANY),
        gives=412,
    ),
    row(
        "If-Range on a permitted file",
        "/x",
        f"If-Range: {tag(1024)}",
        "Range: bytes=0-3",
        answer=permits(PRIVATE + "secret.pdf"),
        gives=206,
    ),
    row(
        "a permitted text, compressed",
        "/x",
        GZIP,
        answer=permits(PRIVATE + "secret.txt", "Content-Type: text/plain", "Accept-Ranges: bytes", "Vary: Cookie"),
    ),
    row(
        "a permitted text with a coding that it has not, compressed",
        "/x",
        GZIP,
        answer=permits(PRIVATE + "secret.txt", "Content-Encoding: gzip"),
    ),
    row(
        "a permitted text of a type that is not compressed",
        "/x",
        GZIP,
        answer=permits(PRIVATE + "secret.txt", "Content-Type: application/x-own"),
    ),
    # The answer that brings the permission.
    row("a permission with a body", answer=permits(PRIVATE + "secret.txt", body=b"never seen")),
    row(
        "a permission in chunks",
        answer=answer(
            b"3\r\nabc\r\n0\r\n\r\n",
            "200 OK",
            "Transfer-Encoding: chunked",
            f"X-Accel-Redirect: {PRIVATE}secret.txt",
            length=False,
        ),
    ),
    row("a permission with status 403", answer=permits(PRIVATE + "secret.txt", status="403 Forbidden")),
    row("a permission with status 500", answer=permits(PRIVATE + "secret.txt", status="500 Internal Server Error")),
    row("a permission with status 206", answer=permits(PRIVATE + "secret.txt", status="206 Partial Content")),
    # The request that asked for it.
    row("a permission for a POST", method="POST", body=b"hello", answer=permits(PRIVATE + "secret.txt")),
    row("a permission for a POST in chunks", method="POST", body=(b"hello",), answer=permits(PRIVATE + "secret.txt")),
    row("a permission for a DELETE", method="DELETE", answer=permits(PRIVATE + "secret.txt")),
    row("a permission for an OPTIONS", method="OPTIONS", answer=permits(PRIVATE + "secret.txt")),
    # Back to an upstream.
    leads(
        "a permission that leads to the backend again",
        permits("/api/foo%20bar?q=%2F", *MANY),
        answer(b"second", "200 OK", "X-Second: 2", "Content-Type: text/plain", "Set-Cookie: c=3"),
    ),
    leads("a permission that leads to the realtime server", permits("/socket.io/?EIO=4"), answer(b"second")),
    leads(
        "a permission for a POST that leads to the backend again",
        permits("/api/foo"),
        answer(b"second"),
        method="POST",
        body=b"hello",
    ),
    row("permissions without end", answer=permits("/api/again"), gives=500),
    # From outside.
    *(row(f"what is protected, from outside, {what}", target, gives=404) for what, target in OUTSIDE.items()),
    row("POST to what is protected", OUTSIDE["as it is"], method="POST", body=b"hello", gives=404),
    row("HEAD of what is protected", OUTSIDE["as it is"], method="HEAD", gives=404),
    row("a word that begins with protected is the backend's", "/protectedx"),
    row("protected without a slash is the backend's", "/protected"),
    row("protected in capitals is the backend's", "/PROTECTED/x"),
    row("a client cannot permit itself", "/x", f"X-Accel-Redirect: {PRIVATE}secret.txt"),
]
