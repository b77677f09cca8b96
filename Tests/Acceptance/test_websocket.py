"""Upgrades: tunnels both ways, refusals, and their ends."""

import asyncio
import threading

import aiohttp
import pytest

from support.origin import answer
from support.waiting import PATIENCE
from support.wire import Client

PROXY = """
timeouts: {$client}
pools: {realtime: {servers: [$server]}}
routes:
  - match: {prefix: /}
    proxy: {pool: realtime, upgrade: [websocket]}
"""

UPGRADE = [
    ("Connection", "keep-alive, Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Origin", "http://site.test"),
]
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


@pytest.fixture
def proxy_to(martlet):
    def start(server, client="head: 60s"):
        return martlet(PROXY, server=server, client=client)

    return start


def test_messages_pass_both_ways_in_every_size(proxy_to, realtime, run_async):
    proxy = proxy_to(realtime("a"))

    async def talk():
        async with aiohttp.ClientSession() as session:
            url = f"http://{proxy.address[0]}:{proxy.address[1]}/echo"
            async with session.ws_connect(url, max_msg_size=0, protocols=("echo.v1",)) as channel:
                assert channel.protocol == "echo.v1"
                for size in (0, 1, 125, 126, 65535, 65536, 1_000_000, 8_000_000):
                    sent = bytes(range(256)) * (size // 256) + bytes(size % 256)
                    await channel.send_bytes(sent)
                    assert await channel.receive_bytes() == sent
                await channel.send_str("gr\u00fc\u00df dich")
                assert await channel.receive_str() == "gr\u00fc\u00df dich"
                await channel.ping()
                await channel.close(code=4001, message=b"done")
                assert channel.close_code is not None

    run_async(talk())
    record = proxy.log_lines(1)[0]
    assert (record["status"], record["reason"]) == (101, "ok")
    assert record["bytes_in"] > 9_000_000 and record["bytes_out"] > 9_000_000


def test_many_messages_in_flight_keep_their_order(proxy_to, realtime, run_async):
    proxy = proxy_to(realtime("a"))

    async def talk():
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(f"http://{proxy.address[0]}:{proxy.address[1]}/echo", max_msg_size=0) as channel:

                async def send():
                    for i in range(2000):
                        await channel.send_str(f"{i}:" + "x" * (i * 7 % 5000))

                sender = asyncio.ensure_future(send())
                for i in range(2000):
                    assert (await channel.receive_str()).startswith(f"{i}:")
                await sender

    run_async(talk())


def test_the_handshake_passes(proxy_to, origin):
    def connected(stream):
        request = stream.read_request()
        web.note(request)
        if "Upgrade" in request.headers:
            stream.send(SWITCH)
            stream.read_some()
        else:
            stream.send(answer(b"plain"))

    web = origin(connected=connected)
    proxy = proxy_to(web)
    with Client(proxy.address) as client:
        client.write("GET", "/socket.io/?EIO=4&transport=websocket", UPGRADE)
        response = client.read_response()
        assert response.status == 101
        assert response.headers["Upgrade"].lower() == "websocket"
        assert "upgrade" in response.headers["Connection"].lower()
        assert response.headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    seen = web.next_request().headers
    assert (seen["Upgrade"].lower(), seen["Connection"].lower()) == ("websocket", "upgrade")
    assert seen["Sec-WebSocket-Key"] == "dGhlIHNhbXBsZSBub25jZQ=="
    assert seen["Origin"] == "http://site.test"


@pytest.mark.parametrize("protocol", ["h2c", "websocket, h2c", "tls/1.0", "websocketx"])
def test_only_upgrades_that_are_named_pass(proxy_to, origin, protocol):
    web = origin()
    fields = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", protocol), ("HTTP2-Settings", "AAMAAABk")]
    assert proxy_to(web).get("/", fields).status in (200, 400)
    for request in web.requests:
        assert request.headers.get("Upgrade", "websocket") == "websocket"
        assert "HTTP2-Settings" not in request.headers


def test_a_route_without_upgrade_does_not_upgrade(martlet, origin):
    web = origin()
    proxy = martlet("pools: {web: {servers: [$web]}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", web=web)
    assert proxy.get("/", UPGRADE).status == 200
    assert "Upgrade" not in web.next_request().headers


def test_bytes_that_follow_the_handshake_at_once_are_not_lost(proxy_to, origin):
    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH + b"from the server")
        web.note(stream.read_exactly(15))

    web = origin(connected=connected)
    with Client(proxy_to(web).address) as client:
        lines = "".join(f"{n}: {v}\r\n" for n, v in UPGRADE)
        client.send(f"GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\nfrom the client")
        assert client.read_response().status == 101
        assert client.read_exactly(15) == b"from the server"
        assert web.next_request() == b"from the client"


def test_half_close_passes_through(proxy_to, origin):
    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH)
        said = stream.read_to_end()
        stream.send(b"heard " + said)

    with Client(proxy_to(origin(connected=connected), "half_closed: 10s").address) as client:
        client.write("GET", "/", UPGRADE)
        assert client.read_response().status == 101
        client.send(b"all I say")
        client.shutdown_sending()
        assert client.read_to_end() == b"heard all I say"


def test_a_half_closed_tunnel_does_not_stay_forever(proxy_to, origin):
    ended = threading.Event()

    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH)
        stream.read_to_end()
        try:
            while not ended.is_set():
                stream.socket.settimeout(PATIENCE)
                # The other half ends as well: with a reset, which is seen here.
                stream.send(b"x")
                ended.wait(0.02)
        except ConnectionError:
            ended.set()

    with Client(proxy_to(origin(connected=connected), "half_closed: 300ms, tunnel: 1h").address) as client:
        client.write("GET", "/", UPGRADE)
        assert client.read_response().status == 101
        client.shutdown_sending()
        client.close()
        assert ended.wait(PATIENCE), "the server's half must end"


def test_the_servers_end_is_the_clients_end(proxy_to, origin):
    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH + b"bye")

    with Client(proxy_to(origin(connected=connected)).address) as client:
        client.write("GET", "/", UPGRADE)
        assert client.read_response().status == 101
        assert client.read_to_end() == b"bye"


def test_an_idle_tunnel_is_closed(proxy_to, origin):
    ended = threading.Event()

    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH)
        try:
            stream.read_to_end()
        finally:
            ended.set()

    proxy = proxy_to(origin(connected=connected), "tunnel: 1s")
    with Client(proxy.address) as client:
        client.write("GET", "/", UPGRADE)
        assert client.read_response().status == 101
        client.read_end()
        assert ended.wait(PATIENCE)
    assert proxy.log_lines(1)[0]["reason"] == "timeout:tunnel"


def test_a_tunnel_with_traffic_one_way_is_not_idle(proxy_to, origin):
    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH)
        for _ in range(12):
            stream.socket.settimeout(0.15)
            try:
                stream.socket.recv(1)  # Nothing comes: this is how the time passes.
            except TimeoutError:
                pass
            stream.send(b"tick")

    with Client(proxy_to(origin(connected=connected), "tunnel: 1s").address) as client:
        client.write("GET", "/", UPGRADE)
        assert client.read_response().status == 101
        assert client.read_to_end() == b"tick" * 12


@pytest.mark.parametrize("status", ["400 Bad Request", "403 Forbidden", "200 OK", "302 Found"])
def test_a_refused_upgrade_is_an_answer_like_any_other(proxy_to, origin, status):
    proxy = proxy_to(origin(answer(b"not today", status, [("X-Why", "because")])))
    with proxy.connect() as client:
        for _ in range(3):
            response = client.get("/", UPGRADE)
            assert (response.status, response.body) == (int(status[:3]), b"not today")
            assert response.headers["X-Why"] == "because"
            assert "Upgrade" not in response.headers
        assert client.get("/").body == b"not today"


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ],
)
def test_a_101_to_something_else_is_a_502(proxy_to, origin, response):
    def behave(stream, request):
        stream.send(response)
        return False

    assert proxy_to(origin(behave)).get("/", UPGRADE).status == 502


def test_an_upgrade_from_http_1_0_is_ignored(proxy_to, origin):
    # RFC 9110 §7.8.
    web = origin()
    assert proxy_to(web).get("/", UPGRADE, version="1.0").status == 200
    assert "Upgrade" not in web.next_request().headers


def test_a_tunnel_has_back_pressure(proxy_to, origin):
    """A side that does not read stops the other side; Martlet does not collect what is between."""
    sent = []

    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH)
        stream.socket.settimeout(1)
        piece = bytes(1 << 16)
        try:
            while sum(sent) < 256 << 20:
                sent.append(stream.socket.send(piece))
        except TimeoutError:
            pass
        full.set()
        stream.socket.settimeout(PATIENCE)
        stream.read_some()

    full = threading.Event()
    proxy = proxy_to(origin(connected=connected))
    with Client(proxy.address, receive_buffer=65536) as client:
        client.write("GET", "/", UPGRADE)
        assert client.read_response_head().status == 101
        assert full.wait(60), "the sender must be stopped"
        assert sum(sent) < 64 << 20
        assert proxy.peak_resident_bytes() < 64 << 20
        left = sum(sent) - len(client.pending)
        client.pending = b""
        while left > 0:
            left -= len(client.read_some())
        assert left == 0
