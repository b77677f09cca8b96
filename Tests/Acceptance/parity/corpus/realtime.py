"""/socket.io: polling, WebSocket and what the realtime server is told of the client."""

from .row import UNTRUSTED, answer, row

POLL = "/socket.io/?EIO=4&transport=polling"
SOCKET = "/socket.io/?EIO=4&transport=websocket"
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)
OPEN = answer(
    b'0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}',
    "200 OK",
    "Content-Type: text/plain; charset=UTF-8",
    "Access-Control-Allow-Origin: *",
)


def switching(stream, request):
    """A WebSocket server's yes, and an echo in capitals."""
    stream.send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    stream.send(stream.read_some().upper())
    return False


ROWS = [
    row("polling opens", POLL, answer=OPEN),
    row(
        "polling sends",
        POLL + "&sid=abc",
        "Content-Type: text/plain;charset=UTF-8",
        method="POST",
        body=b"40",
        answer=answer(b"ok", "200 OK", "Content-Type: text/html"),
    ),
    row(
        "polling, compressed by the proxy",
        POLL,
        "Accept-Encoding: gzip",
        answer=answer(b"4" * 600, "200 OK", "Content-Type: text/plain; charset=UTF-8"),
    ),
    row("polling over an untrusted peer", POLL, peer=UNTRUSTED, answer=OPEN),
    row("polling without a slash", "/socket.io?EIO=4", answer=OPEN),
    row("the realtime server's own library", "/socket.io/socket.io.js"),
    row("a word that begins with socket.io", "/socket.iox"),
    row("a page below socket.io is not redirected", "/socket.io/a.html"),
    row("socket.io with an escape", "/%73ocket.io/?EIO=4", answer=OPEN),
    row("socket.io by dot-dot", "/x/../socket.io/?EIO=4", answer=OPEN),
    row("socket.io with merged slashes", "//socket.io//?EIO=4", answer=OPEN),
    row("a WebSocket", SOCKET, *UPGRADE, answer=switching, gives=101, tunnel=b"hello"),
    row(
        "a WebSocket with an origin that lies",
        SOCKET,
        *UPGRADE,
        "Origin: https://evil.test",
        "Cookie: sid=abc",
        answer=switching,
        gives=101,
        tunnel=b"hello",
    ),
    row("a WebSocket over https", SOCKET, *UPGRADE, "X-Forwarded-Proto: https", answer=switching, gives=101, tunnel=b"hello"),
    row("a WebSocket of the fixed site", SOCKET, *UPGRADE, variant="fixed-site", answer=switching, gives=101, tunnel=b"hello"),
    row(
        "a WebSocket with protocols and extensions",
        SOCKET,
        *UPGRADE,
        "Sec-WebSocket-Protocol: a, b",
        "Sec-WebSocket-Extensions: permessage-deflate",
        answer=switching,
        gives=101,
        tunnel=b"hello",
    ),
    row(
        "a WebSocket with Connection in a list",
        SOCKET,
        "Connection: keep-alive, Upgrade",
        *UPGRADE[1:],
        answer=switching,
        gives=101,
        tunnel=b"hello",
    ),
    row(
        "a WebSocket in capitals",
        SOCKET,
        "Connection: UPGRADE",
        "Upgrade: WebSocket",
        *UPGRADE[2:],
        answer=switching,
        gives=101,
        tunnel=b"hello",
    ),
    row(
        "a WebSocket that is refused",
        SOCKET,
        *UPGRADE,
        answer=answer(b'{"code":3}', "400 Bad Request", "Content-Type: application/json"),
        gives=400,
    ),
    row("a WebSocket to a page", "/app", *UPGRADE),
    row("an upgrade to something else", POLL, "Connection: Upgrade", "Upgrade: foo", answer=OPEN),
    row(
        "an upgrade to h2c", POLL, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk", answer=OPEN
    ),
    row("an empty Upgrade", POLL, "Upgrade: ", answer=OPEN),
    row("an Upgrade without Connection", POLL, "Upgrade: websocket", answer=OPEN),
    row("the origin of a browser is replaced", POLL, "Origin: https://evil.test", answer=OPEN),
    row("the origin over https", POLL, "X-Forwarded-Proto: https", answer=OPEN),
    row("the origin of a Host with a port", POLL, host="ERP.test:8080", answer=OPEN),
    row("the origin of the fixed site", POLL, variant="fixed-site", answer=OPEN),
    row("the addresses so far, from an untrusted peer", POLL, "X-Forwarded-For: 6.6.6.6", peer=UNTRUSTED, answer=OPEN),
    row("the addresses so far, from a trusted peer", POLL, "X-Forwarded-For: 6.6.6.6", answer=OPEN),
    row("the addresses so far, in a list", POLL, "X-Forwarded-For: 6.6.6.6, 7.7.7.7", peer=UNTRUSTED, answer=OPEN),
    row(
        "the addresses so far, in two fields",
        POLL,
        "X-Forwarded-For: 6.6.6.6",
        "X-Forwarded-For: 7.7.7.7",
        peer=UNTRUSTED,
        answer=OPEN,
    ),
    row("the addresses so far, empty", POLL, "X-Forwarded-For: ", peer=UNTRUSTED, answer=OPEN),
    row("the addresses so far, garbage", POLL, "X-Forwarded-For: garbage", peer=UNTRUSTED, answer=OPEN),
    row("fields of a connection", POLL, "Connection: close", "Keep-Alive: 5", "TE: trailers", answer=OPEN),
    row(
        "cross-origin questions are the realtime server's",
        POLL,
        "Origin: http://erp.test",
        "Access-Control-Request-Method: POST",
        method="OPTIONS",
        answer=answer(b"", "204 No Content", length=False),
        gives=204,
    ),
    row(
        "a redirect to the upstream's own name",
        POLL,
        answer=answer(b"", "302 Found", "Location: http://socketio-server/abc"),
        gives=302,
    ),
    row("a redirect elsewhere", POLL, answer=answer(b"", "302 Found", "Location: http://elsewhere.test/abc"), gives=302),
    row(
        "a status that polling knows",
        POLL,
        answer=answer(b'{"code":1,"message":"Session ID unknown"}', "400 Bad Request", "Content-Type: application/json"),
        gives=400,
    ),
    row("the realtime server is down", POLL, variant="down", gives=502),
    row("a WebSocket while the realtime server is down", SOCKET, *UPGRADE, variant="down", gives=502),
]
