"""Heads of requests: hosts, odd names, sizes, and what is refused before any location."""

from .row import row

HOSTS = (
    "erp.test",
    "ERP.Test",
    "erp.test:80",
    "ERP.Example.COM:8080",
    "erp.test.",
    "erp.test.:80",
    "erp",
    "127.0.0.1",
    "127.0.0.1:8080",
    "[::1]",
    "[::1]:80",
    "a_b.test",
    "-",
    "a--b.test",
    "xn--bcher-kva.test",
    "_",
)
ODD_HOSTS = (
    "erp.test:",
    "erp.test:abc",
    "erp.test:99999",
    "a:b:c",
    "[::1",
    "a%2fb",
    "a\\b",
    "bücher.test",
    "a,b",
    "a@b",
    "user:pass@erp.test",
    "a?b",
    "a#b",
    "*",
    "*.test",
    "$host",
    "'",
    '"',
    "<x>",
    "a;b",
    "a|b",
)
BAD_HOSTS = ("", "a/b", "/", "a..b", "..", ".", "erp..", "a b", "a\tb", "::1", ":80")


def raw(name, data, **more):
    more.setdefault("gives", 400)
    return row(name, raw=data, **more)


ROWS = [
    *(row(f"a Host: {host}", "/x", host=host) for host in HOSTS),
    *(row(f"an odd Host: {host}", "/x", host=host) for host in ODD_HOSTS),
    *(row(f"a bad Host: {host!r}", "/x", host=host, gives=400) for host in BAD_HOSTS),
    raw("a Host with a control byte", b"GET /x HTTP/1.1\r\nHost: a\x01b\r\n\r\n"),
    raw("no Host", b"GET /x HTTP/1.1\r\n\r\n"),
    raw("two Hosts", b"GET /x HTTP/1.1\r\nHost: erp.test\r\nHost: erp.test\r\n\r\n"),
    raw("two Hosts that differ", b"GET /x HTTP/1.1\r\nHost: erp.test\r\nHost: other.test\r\n\r\n"),
    raw("an address in the target", b"GET http://erp.test/x?y=%2F HTTP/1.1\r\nHost: erp.test\r\n\r\n", gives=200),
    raw("an address in the target with https", b"GET https://erp.test/x HTTP/1.1\r\nHost: erp.test\r\n\r\n", gives=200),
    raw("an address in the target with a port", b"GET http://erp.test:8080/x HTTP/1.1\r\nHost: erp.test:8080\r\n\r\n", gives=200),
    raw(
        "an address in the target that is not the Host", b"GET http://other.test/x HTTP/1.1\r\nHost: erp.test\r\n\r\n", gives=200
    ),
    raw("an address in the target without a path", b"GET http://erp.test HTTP/1.1\r\nHost: erp.test\r\n\r\n", gives=200),
    raw("an address in the target with a query only", b"GET http://erp.test?a=b HTTP/1.1\r\nHost: erp.test\r\n\r\n", gives=200),
    # Request lines.
    raw("no request line", b"GARBAGE\r\n\r\n"),
    raw("a version that is not there yet", b"GET /x HTTP/9.9\r\nHost: erp.test\r\n\r\n", gives=505),
    raw("HTTP/2.0 in a request line", b"GET /x HTTP/2.0\r\nHost: erp.test\r\n\r\n", gives=505),
    raw("a request of HTTP/0.9", b"GET /x\r\n", gives=None),
    raw("a version that is none", b"GET /x HTTX/1.1\r\nHost: erp.test\r\n\r\n"),
    raw("a space in the target", b"GET /a b HTTP/1.1\r\nHost: erp.test\r\n\r\n"),
    raw("two spaces before the version", b"GET /x  HTTP/1.1\r\nHost: erp.test\r\n\r\n", gives=200),
    raw("no slash before the target", b"GET x HTTP/1.1\r\nHost: erp.test\r\n\r\n"),
    raw("a method in small letters", b"get /x HTTP/1.1\r\nHost: erp.test\r\n\r\n"),
    raw("a control byte in the target", b"GET /a\x01b HTTP/1.1\r\nHost: erp.test\r\n\r\n"),
    raw("NUL in the target", b"GET /a\x00b HTTP/1.1\r\nHost: erp.test\r\n\r\n"),
    raw("TRACE", b"TRACE /x HTTP/1.1\r\nHost: erp.test\r\n\r\n", gives=405),
    raw("CONNECT", b"CONNECT erp.test:80 HTTP/1.1\r\nHost: erp.test\r\n\r\n"),
    raw("OPTIONS of all", b"OPTIONS * HTTP/1.1\r\nHost: erp.test\r\n\r\n"),
    row("the root is as far as dots lead", "/../x", gives=400),
    row("the root is as far as escaped dots lead", "/%2e%2e/x", gives=400),
    row("NUL in escapes", "/a%00b", gives=400),
    row("an escape that is none", "/a%zzb", gives=400),
    row("an escape that is cut", "/a%4", gives=400),
    row("an escape that is none, in a query", "/a?b=%zz"),
    raw("empty lines before a request", b"\r\n\r\nGET /x HTTP/1.1\r\nHost: erp.test\r\n\r\n", gives=200),
    raw("lines that end in LF alone", b"GET /x HTTP/1.1\nHost: erp.test\n\n", gives=200),
    # Fields.
    raw("a field without a colon", b"GET /x HTTP/1.1\r\nHost: erp.test\r\ngarbage\r\n\r\n", gives=200),
    raw("a space before a colon", b"GET /x HTTP/1.1\r\nHost: erp.test\r\nX-A : b\r\n\r\n"),
    raw("a field over two lines", b"GET /x HTTP/1.1\r\nHost: erp.test\r\nX-A: b\r\n c\r\n\r\n"),
    raw("NUL in a field", b"GET /x HTTP/1.1\r\nHost: erp.test\r\nX-A: b\x00c\r\n\r\n"),
    raw("a control byte in a field", b"GET /x HTTP/1.1\r\nHost: erp.test\r\nX-A: b\x01c\r\n\r\n", gives=200),
    raw("a CR in a field", b"GET /x HTTP/1.1\r\nHost: erp.test\r\nX-A: b\rc\r\n\r\n"),
    raw("a field without a name", b"GET /x HTTP/1.1\r\nHost: erp.test\r\n: b\r\n\r\n"),
    raw("a name with a parenthesis", b"GET /x HTTP/1.1\r\nHost: erp.test\r\nX(A: b\r\n\r\n", gives=200),
    row("a name with _", "/x", "X_Under: 1", "X-Dash: 2"),
    row("a name that begins with _", "/x", "_X: 1"),
    # Sizes.
    row("a hundred fields", "/x", *(f"X-{n}: {n}" for n in range(100))),
    row("three hundred fields", "/x", *(f"X-{n}: {n}" for n in range(300))),
    row("a field of 7 KiB", "/x", "X-Long: " + "a" * 7000),
    row("a Cookie of 7 KiB", "/x", "Cookie: a=" + "a" * 7000),
    row("a field of 9 KiB", "/x", "X-Long: " + "a" * 9000, gives=400),
    row("fields of 40 KiB", "/x", *["X-Long: " + "a" * 7700] * 5, gives=400),
    row("a target of 4 KiB", "/" + "t" * 4000),
    row("a target of 8 KiB", "/" + "t" * 8100),
    row("a target of 9 KiB", "/" + "t" * 9000, gives=414),
    row("a target of 40 KiB", "/" + "t" * 40_000, gives=414),
    row("fields of 40 KiB for an asset", "/assets/small.txt", *["X-Long: " + "a" * 7700] * 5, gives=400),
]
