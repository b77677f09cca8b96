"""The three permanent redirects of `location /`, on the decoded path, for every method."""

from .row import row

# Where nginx redirects to is what the comparison shows; the names only tell them apart.
REDIRECTED = (
    "/a/ /a// /a/b/ /a/./ /a/. /a/../b/ /a.html /a/index.html /a/index.html/ /a.html/ /a.html.html /aindex.html /.html /index.html "
    "/index.html?x /a/? /a/?? /a/?x=1 /a/?x=%20&y=%2F /a.html? /a.html?x=.html /a+b.html?x=1&y=%2F /a.html#fragment "
    "/a%20b/ /a%3Fb/ /a%23b/ /a%25b/ /a%2525b/ /a%22b/ /a%26b/ /a%27b/ /a%2Bb/ /a%2B%20b/ /a%2Fb/ /a%3Cb%3E/ /a%7Cb/ /a%24b/ "
    "/a%7Eb/ /a%7Fb/ /a%01b/ /a%80b/ /a%0D/ /a/%0A /%C3%A4/ /%c3%a4/ /ä/ /a%E2%82%AC/?q=%E2%82%AC /%61/ /a/%69ndex.html "
    "/a.%68tml /a%2Ehtml //evil.test/ ///evil.test/ /%2Fevil.test/ /\\evil.test/ /%5Cevil.test/ /a;b/ /a&b/ /a'b/ /a\"b/ /a<b>/ /a|b/ "
    "/a{b}/ /$1/ /a$b/ /a*b/ /a:b/ /a@b/ /a=b/ /a,b/ /a~b/ /files/ /files/sub/ /files/none/ /files.html /protected.html /Socket.io/ "
    "/api/method/ping/ /app/todo/ /note.html"
).split()

NOT_REDIRECTED = (
    "/ // /?x=/ /a/.. /a /a?x=/ /a.HTML /a.htm /a.htmlx /index.htm /a%0Ab/ /a%0Ab.html /a/%0A/ /a#b/ /a?b.html /robots.txt /files/x.html/ /files/a.html/b/ /socket.io.html"
).split()

ROWS = [
    *(row(f"redirected: {target}", target, gives=301) for target in REDIRECTED),
    *(row(f"not redirected: {target}", target) for target in NOT_REDIRECTED),
    *(
        row(f"{method} is redirected", "/a/?x=1", method=method, body=b"hello", gives=301)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH")
    ),
    row("HEAD is redirected", "/a.html", method="HEAD", gives=301),
    row("a POST in chunks is redirected", "/a/", method="POST", body=(b"hello",), gives=301),
    row("a request of HTTP/1.0 is redirected", "/a/", version="1.0", gives=301),
    row("a redirect tells neither scheme nor port", "/a/", "X-Forwarded-Proto: https", host="erp.test:8443", gives=301),
    row("a redirect of an address in the target", raw=b"GET http://erp.test/a/ HTTP/1.1\r\nHost: erp.test\r\n\r\n", gives=301),
    row("a redirect of a client that takes gzip", "/a/", "Accept-Encoding: gzip", gives=301),
    row("raw DEL in a target", raw=b"GET /a\x7fb/ HTTP/1.1\r\nHost: erp.test\r\n\r\n", gives=400),
]
