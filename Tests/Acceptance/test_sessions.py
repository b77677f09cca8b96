"""Sessions of Engine.IO stay with the server that opened them, and move when it drains: scripted peers."""

import fcntl
import signal
import struct
import threading

import pytest

from support.origin import answer
from support.waiting import PATIENCE, until
from support.wire import chunked

PROXY = """
pools:
  realtime:
    servers: [{address: "$a", name: a}, {address: "$b", name: b}]
    engine_io: {drain_window: $window}
    ejection: off
routes:
  - match: {prefix: /}
    proxy: {pool: realtime, upgrade: [websocket], timeouts: {response: 60s}}
"""

OPEN = "/socket.io/?EIO=4&transport=polling"
UPGRADE = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
RESTART = b"\x88\x02" + struct.pack(">H", 1012)


def opening(sid):
    return f'0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}}'.encode()


@pytest.fixture
def pair(martlet, origin):
    """A proxy before two servers, each opening sessions called like itself."""

    def start(opens=None, window="0s", **more):
        def server(name):
            def behave(stream, request):
                if "sid=" in request.target:
                    stream.send(answer(name.encode()))
                else:
                    stream.send(answer(opening(f"{name}-session")) if opens is None else opens(f"{name}-session"))
                return True

            return origin(behave, name=name)

        servers = {"a": server("a"), "b": server("b")}
        return martlet(PROXY, window=window, **more, **servers), servers

    return start


def open_both(proxy):
    """Has each of two servers open a session."""
    for _ in range(2):
        assert proxy.get(OPEN).status == 200


def home(proxy, name, method="GET"):
    """Who answers a request of a session, without any cookie."""
    return proxy.ask(method, f"{OPEN}&sid={name}-session", body=b"40" if method == "POST" else None)


def order(proxy, name, what):
    assert proxy.admin(f"/pools/realtime/servers/{name}/{what}", method="POST").status == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_a_session_is_led_to_the_server_that_opened_it_on_every_worker(pair, workers):
    proxy, _ = pair(workers=workers)
    # Each worker begins its round at another server.
    for _ in range(8):
        open_both(proxy)
    for _ in range(8):
        for name in "ab":
            for method in ("GET", "POST"):
                assert home(proxy, name, method).body == name.encode()


def test_without_engine_io_sessions_are_requests_like_others(martlet, origin):
    servers = {name: origin(answer(name.encode()), name=name) for name in "ab"}
    text = PROXY.replace("engine_io: {drain_window: $window}", "engine_io: false")
    proxy = martlet(text, **servers)
    assert {home(proxy, "a").body for _ in range(4)} == {b"a", b"b"}


@pytest.mark.parametrize(
    "opens",
    [
        lambda sid: answer(f'96:0{{"sid":"{sid}","upgrades":[]}}2:40'.encode()),
        lambda sid: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunked([opening(sid)[i : i + 5] for i in range(0, len(opening(sid)), 5)]),
    ],
    ids=["revision 3", "chunked"],
)
def test_sessions_are_learned_in_every_form(pair, opens):
    proxy, _ = pair(opens)
    open_both(proxy)
    for name in "abab":
        assert home(proxy, name).body == name.encode()


def test_a_session_is_learned_from_an_answer_that_comes_in_pieces(martlet, origin):
    def server(name):
        def behave(stream, request):
            if "sid=" in request.target:
                stream.send(answer(name.encode()))
                return True
            assert "Accept-Encoding" not in request.headers, "what opens a session must be readable"
            whole = answer(opening(f"{name}-session"))
            for piece in (whole[:-80], whole[-80:-79], whole[-79:]):
                stream.send(piece)
                # The next piece is another packet: each waits until the proxy has read.
                until(lambda: not unread(stream.socket), "the proxy has read")
            return True

        return origin(behave, name=name)

    proxy = martlet(PROXY, window="0s", a=server("a"), b=server("b"))
    for _ in range(2):
        response = proxy.get(OPEN, [("Accept-Encoding", "gzip")])
        assert response.body in (opening("a-session"), opening("b-session"))
    for name in "abab":
        assert home(proxy, name).body == name.encode()


def unread(sock):
    """Bytes that the peer's kernel has not taken, or its process not acknowledged (SIOCOUTQ)."""
    return struct.unpack("i", fcntl.ioctl(sock, 0x5411, b"\0" * 4))[0]


def test_a_reload_forgets_no_session(pair):
    proxy, servers = pair()
    open_both(proxy)
    proxy.write(PROXY.replace("name: b}", "name: b, weight: 3}"), window="1s", **servers)
    start = proxy.reload()
    proxy.stderr.wait_for("configuration reloaded", start=start)
    for name in "abab":
        assert home(proxy, name).body == name.encode()


def test_a_session_whose_server_is_gone_is_refused_and_sent_nowhere_else(pair):
    proxy, servers = pair()
    open_both(proxy)
    servers["a"].close()
    for method in ("GET", "POST"):
        response = home(proxy, "a", method)
        assert response.status == 410
        assert response.headers["Cache-Control"] == "no-store"
        assert proxy.log_line(method=method, status=410)["reason"] == "refused:session_lost"
    assert not [r for r in servers["b"].requests if "a-session" in r.target]
    assert home(proxy, "b").body == b"b"


def test_sessions_are_counted(pair):
    proxy, servers = pair()

    def counted():
        families = proxy.metrics()
        of_pool = (f"martlet_sessions_{what}_total" for what in ("opened", "lost"))
        return [families["martlet_sessions"].value()] + [families[name].value(pool="realtime") for name in of_pool]

    assert counted() == [0, 0, 0]
    open_both(proxy)
    assert counted() == [2, 2, 0]
    servers["a"].close()
    assert home(proxy, "a").status == 410
    assert counted() == [2, 2, 1]


def test_a_server_that_refused_connections_has_lost_its_sessions_when_it_is_back(pair, origin):
    proxy, servers = pair()
    open_both(proxy)
    address = servers["a"].address
    servers["a"].close()
    assert home(proxy, "a").status == 410
    back = origin(address=address[0], port=address[1])
    assert home(proxy, "a").status == 410, "the new process would say 'Session ID unknown'"
    assert not back.requests


def test_a_poll_that_reached_a_server_is_not_sent_again(martlet, origin):
    def break_off(stream, request):
        if "sid=" in request.target:
            return False
        stream.send(answer(opening("the-session")))
        return True

    servers = {name: origin(break_off, name=name) for name in "ab"}
    proxy = martlet(PROXY, window="0s", **servers)
    assert proxy.get(OPEN).status == 200
    assert proxy.get(f"{OPEN}&sid=the-session").status == 502
    asked = [r for one in servers.values() for r in one.requests if "sid=" in r.target]
    assert len(asked) == 1


def test_a_draining_server_keeps_its_sessions_until_their_clients_are_told(pair):
    proxy, servers = pair(window="1h")
    open_both(proxy)
    order(proxy, "a", "drain")
    for _ in range(3):
        assert home(proxy, "a").body == b"a"
        assert b"b-session" in proxy.get(OPEN).body, "new ones go elsewhere"
    order(proxy, "a", "undrain")
    assert home(proxy, "a").body == b"a"


def test_after_the_window_a_draining_server_has_no_sessions(pair):
    proxy, servers = pair(window="0s")
    open_both(proxy)
    order(proxy, "a", "drain")
    until(lambda: home(proxy, "a").status == 410, "the session is refused")
    assert home(proxy, "b").body == b"b"
    order(proxy, "a", "undrain")
    # What was told to go does not come back, and what is new does.
    until(lambda: b"a-session" in proxy.get(OPEN).body, "a takes clients again")
    until(lambda: home(proxy, "a").body == b"a", "and knows its new session")


def test_a_poll_that_waits_is_answered_when_its_client_is_told(martlet, origin):
    def behave(stream, request):
        if "sid=" not in request.target:
            stream.send(answer(opening("the-session")))
            return True
        stream.read_to_end()
        return False

    one = origin(behave)
    text = PROXY.replace("name: b}", "name: b, backup: true}")
    proxy = martlet(text, window="0s", a=one, b=origin())
    assert proxy.get(OPEN).status == 200
    with proxy.connect() as client:
        client.write("GET", f"{OPEN}&sid=the-session")
        until(lambda: len(one.requests) == 2, "the poll waits")
        order(proxy, "a", "drain")
        assert client.read_response().status == 410
        assert b"ok" == client.get("/").body, "the connection goes on, to the other server"


def test_a_session_waits_for_its_own_server_alone(martlet, origin):
    """Where servers have a capacity: another's room is none for it, and another's want of room no reason to wait."""
    released = threading.Event()

    def server(name):
        def behave(stream, request):
            if "hold" in request.target:
                released.wait(PATIENCE)
            known = "sid=" in request.target
            stream.send(answer(name.encode() if known else opening(f"{name}-session")))
            return True

        return origin(behave, name=name)

    servers = {"a": server("a"), "b": server("b")}
    text = PROXY.replace("ejection: off", "ejection: off\n    capacity: 1\n    queue: {}")
    proxy = martlet(text, window="0s", **servers)
    open_both(proxy)
    with proxy.connect() as poll, proxy.connect() as post:
        poll.write("GET", f"{OPEN}&sid=a-session&hold")
        until(lambda: [r for r in servers["a"].requests if "hold" in r.target], "the poll waits at a")
        post.write("POST", f"{OPEN}&sid=a-session", body=b"40")
        until(lambda: proxy.metrics()["martlet_queue_waiting"].value(pool="realtime") == 1, "a is full, b is not")
        released.set()
        assert poll.read_response().body == b"a"
        assert post.read_response().body == b"a"
        released.clear()
        poll.write("GET", f"{OPEN}&sid=b-session&hold")
        until(lambda: [r for r in servers["b"].requests if "hold" in r.target], "b is full")
        servers["a"].close()
        assert home(proxy, "a").status == 410
        released.set()
        assert poll.read_response().body == b"b"


def test_a_session_that_waits_for_its_own_server_keeps_nobody_from_another(martlet, origin):
    """And when a reload takes that server away, the session is told."""
    released = {name: threading.Event() for name in "ab"}

    def server(name):
        def behave(stream, request):
            if "hold" in request.target:
                released[name].wait(PATIENCE)
            known = "sid=" in request.target
            stream.send(answer(name.encode() if known else opening(f"{name}-session")))
            return True

        return origin(behave, name=name)

    def waiting():
        return proxy.metrics()["martlet_queue_waiting"].value(pool="realtime")

    servers = {"a": server("a"), "b": server("b")}
    text = PROXY.replace("ejection: off", "ejection: off\n    capacity: 1\n    queue: {timeout: 60s}")
    proxy = martlet(text, window="0s", **servers)
    open_both(proxy)
    with proxy.connect() as poll, proxy.connect() as post, proxy.connect() as other:
        poll.write("GET", f"{OPEN}&sid=a-session&hold")
        until(lambda: [r for r in servers["a"].requests if "hold" in r.target], "a is full")
        post.write("POST", f"{OPEN}&sid=a-session", body=b"40")
        until(lambda: waiting() == 1, "its session waits for it")
        other.write("GET", OPEN)
        assert b"b-session" in other.read_response().body, "b has room, whoever stands in front"
        proxy.write(text.replace('{address: "$a", name: a}, ', ""), window="0s", **servers)
        proxy.reload()
        assert post.read_response().status == 410
        assert waiting() == 0
        released["a"].set()
        assert poll.read_response().body == b"a"


# WebSockets.


class Frames:
    """Two ends of a tunnel: a client, and a server that does what it is told."""

    def __init__(self, martlet, origin, early=b"", window="0s", **more):
        self.server = None
        ready = []

        def connected(stream):
            stream.read_request_head()
            stream.send(SWITCH + early)
            self.server = stream
            ready.append(True)
            until(lambda: stream.socket.fileno() < 0 or len(ready) > 1, "the end of the test", within=60)

        self._ready = ready
        self.proxy = martlet(PROXY, window=window, a=origin(connected=connected), b=origin(), **more)
        order(self.proxy, "b", "drain")
        self.client = self.proxy.connect()
        self.client.write("GET", "/socket.io/?EIO=4&transport=websocket", UPGRADE)
        assert self.client.read_response_head().status == 101
        until(lambda: ready, "the server has switched")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ready.append(True)
        self.client.close()

    def drain(self):
        order(self.proxy, "b", "undrain")
        order(self.proxy, "a", "drain")

    def check_server_is_told(self):
        """A Close comes, masked, with 1001; and then the end."""
        head = self.server.read_exactly(6)
        assert head[:2] == b"\x88\x82"
        code = bytes(x ^ head[2 + i] for i, x in enumerate(self.server.read_exactly(2)))
        assert struct.unpack(">H", code)[0] == 1001
        assert self.server.read_to_end() == b""


def test_a_drain_closes_a_websocket_on_both_sides(martlet, origin):
    with Frames(martlet, origin, early=b"\x81\x02hi") as tunnel:
        assert tunnel.client.read_exactly(4) == b"\x81\x02hi"
        tunnel.client.send(b"\x81\x82\0\0\0\0yo")
        assert tunnel.server.read_exactly(8)[-2:] == b"yo"
        tunnel.drain()
        assert tunnel.client.read_to_end() == RESTART
        tunnel.check_server_is_told()
        # What the sides say now is read and dropped.
        tunnel.client.send(b"\x88\x82\0\0\0\0" + struct.pack(">H", 1012))
        tunnel.server.send(b"\x88\x02" + struct.pack(">H", 1001))
        tunnel.client.close()
        tunnel.server.close()
        assert tunnel.proxy.log_line(status=101)["reason"] == "drained:tunnel"


def test_the_clients_close_waits_for_the_end_of_a_frame(martlet, origin):
    with Frames(martlet, origin) as tunnel:
        tunnel.server.send(b"\x81\x04ha")
        assert tunnel.client.read_exactly(4) == b"\x81\x04ha"
        tunnel.drain()
        tunnel.check_server_is_told()
        tunnel.server.send(b"l")
        assert tunnel.client.read_exactly(1) == b"l"
        # With its end comes the beginning of another, which is dropped.
        tunnel.server.send(b"f\x81\x04dro")
        assert tunnel.client.read_to_end() == b"f" + RESTART


def test_the_servers_close_waits_for_the_end_of_a_frame(martlet, origin):
    with Frames(martlet, origin) as tunnel:
        tunnel.client.send(b"\x81\x84\0\0\0\0l")
        assert tunnel.server.read_exactly(7) == b"\x81\x84\0\0\0\0l"
        tunnel.drain()
        assert tunnel.client.read_to_end() == RESTART
        tunnel.client.send(b"eft\x81\x84\0")
        assert tunnel.server.read_exactly(3) == b"eft"
        tunnel.check_server_is_told()


def test_a_frame_without_end_holds_nobody_for_long(martlet, origin):
    with Frames(martlet, origin) as tunnel:
        tunnel.server.send(b"\x81\x04ha")
        assert tunnel.client.read_exactly(4) == b"\x81\x04ha"
        tunnel.drain()
        assert tunnel.client.read_to_end() == b"", "the grace is over"


def test_an_undrain_lets_websockets_stay(martlet, origin):
    # The only one would be told in the middle of the window.
    with Frames(martlet, origin, window="3s") as tunnel:
        tunnel.drain()
        order(tunnel.proxy, "a", "undrain")
        tunnel.client.socket.settimeout(2)
        with pytest.raises(TimeoutError):
            tunnel.client.socket.recv(1)
        tunnel.server.send(b"\x81\x02hi")
        assert tunnel.client.read_exactly(4) == b"\x81\x02hi"


def test_a_server_that_leaves_the_file_gives_its_websockets_away(martlet, origin):
    with Frames(martlet, origin) as tunnel:
        other = origin()
        text = PROXY.replace('{address: "$a", name: a}, ', "")
        tunnel.proxy.write(text, window="0s", b=other)
        tunnel.proxy.reload()
        assert tunnel.client.read_to_end() == RESTART
        tunnel.check_server_is_told()


def test_the_end_of_martlet_closes_websockets_in_good_order(martlet, origin):
    with Frames(martlet, origin, window="1s", shutdown="{deadline: 10s}") as tunnel:
        tunnel.proxy.signal(signal.SIGTERM)
        assert tunnel.client.read_to_end() == RESTART
        tunnel.check_server_is_told()
        tunnel.client.close()
        tunnel.server.close()
        assert tunnel.proxy.wait() == 0
