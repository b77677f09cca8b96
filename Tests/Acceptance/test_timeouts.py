"""Every wait has an end, with the right status."""

import threading
import time

import pytest

from support.origin import answer
from support.waiting import PATIENCE, until
from support.wire import Client, chunked

PROXY = """
timeouts: {$client}
pools: {web: {servers: [$web], timeouts: {$upstream}, retries: 0}}
routes:
  - match: {prefix: /}
    proxy: {pool: web, request_buffering: false, response_buffering: false}
"""


@pytest.fixture
def proxy_to(martlet):
    def start(web, client="head: 60s", upstream="connect: 5s"):
        return martlet(PROXY, web=web, client=client, upstream=upstream)

    return start


def hold(stream, request=None):
    """An origin that says nothing until the proxy leaves."""
    while stream.read_some():
        pass


def test_a_head_that_does_not_come_is_408(proxy_to, origin):
    proxy = proxy_to(origin(), client="head: 1s")
    with proxy.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        assert client.read_response().status == 408
        client.read_end()
    assert proxy.log_lines(1)[0]["reason"] == "client_timeout:head"


def test_bytes_of_a_head_do_not_buy_more_time(proxy_to, origin):
    """A head has one deadline: a byte now and then (slowloris) does not move it."""
    proxy = proxy_to(origin(), client="head: 1s")
    with proxy.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        client.socket.settimeout(0.05)
        started = time.monotonic()
        while time.monotonic() - started < 15:
            try:
                if client.pending or client._receive():
                    break
            except TimeoutError:
                client.send(b"x")
        client.socket.settimeout(5)
        assert client.read_response().status == 408


def test_a_connection_that_says_nothing_is_closed(proxy_to, origin):
    proxy = proxy_to(origin(), client="head: 1s")
    with proxy.connect() as client:
        got = client.read_to_end()
        assert got == b"" or got.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_stalls_is_408(martlet, origin):
    for buffering in ("true", "false"):
        proxy = martlet(
            """
timeouts: {body: 1s}
pools: {web: {servers: [$web]}}
routes: [{match: {prefix: /}, proxy: {pool: web, request_buffering: $buffering}}]
""",
            web=origin(connected=hold),
            buffering=buffering,
        )
        with proxy.connect() as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome")
            assert client.read_response().status == 408
            client.read_end()
        assert proxy.log_lines(1)[0]["reason"] == "client_timeout:body"


def test_a_body_that_progresses_is_not_timed_out(proxy_to, origin):
    """body is the time between two reads, not for the whole."""
    proxy = proxy_to(origin(), client="body: 1s")
    with proxy.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            client.socket.settimeout(0.2)
            with pytest.raises(TimeoutError):  # Nothing comes: this is how the time passes.
                client._receive()
            client.send(b"x")
        client.socket.settimeout(20)
        assert client.read_response().status == 200


def test_an_idle_keep_alive_connection_is_closed_without_a_word(proxy_to, origin):
    proxy = proxy_to(origin(), client="keepalive: 400ms, head: 60s")
    with proxy.connect() as client:
        assert client.get("/").status == 200
        started = time.monotonic()
        client.read_end()
        assert time.monotonic() - started > 0.3


def test_requests_on_a_connection_can_be_limited(martlet, origin):
    proxy = martlet(
        "keepalive: {requests: 3}\npools: {web: {servers: [$web]}}\nroutes: [{match: {prefix: /}, proxy: web}]\n",
        web=origin(),
    )
    with proxy.connect() as client:
        said = [client.get("/").headers.get("Connection", "").lower() for _ in range(3)]
        assert "close" not in said[:2] and said[2] == "close"
        client.read_end()


def test_an_origin_that_never_answers_is_504(proxy_to, origin):
    proxy = proxy_to(origin(connected=hold), upstream="response: 300ms")
    with proxy.connect() as client:
        for _ in range(2):
            assert client.get("/").status == 504
    records = proxy.log_lines(2)
    assert {r["reason"] for r in records} == {"server_timeout:waiting"}
    assert records[0]["duration_ms"] >= 250


def test_a_response_that_stalls_is_cut(proxy_to, origin):
    def behave(stream, request):
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
        hold(stream)

    proxy = proxy_to(origin(behave), upstream="response: 300ms")
    with proxy.connect() as client:
        client.write("GET", "/")
        client.read_response_head()
        got = b""
        try:
            got = client.read_to_end()
        except ConnectionResetError:
            pass
        assert len(got) < 100
    assert proxy.log_lines(1)[0]["reason"] == "server_timeout:response"


def test_a_response_that_progresses_is_not_timed_out(proxy_to, origin):
    def behave(stream, request):
        stream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(8):
            stream.socket.settimeout(0.15)
            try:
                stream.socket.recv(1)  # Nothing comes: this is how the time passes.
            except TimeoutError:
                pass
            stream.send(b"1\r\nx\r\n")
        stream.send(b"0\r\n\r\n")
        return False

    proxy = proxy_to(origin(behave), upstream="response: 600ms")
    assert proxy.get("/").body == b"x" * 8


def test_a_server_that_does_not_take_connections_is_504(martlet, silent_port):
    proxy = martlet(PROXY, web=silent_port, client="head: 60s", upstream="connect: 300ms")
    assert proxy.get("/").status == 504
    assert proxy.log_lines(1)[0]["reason"] == "server_timeout:connect"


def test_a_server_that_refuses_connections_is_502(martlet, refused_port):
    proxy = martlet(PROXY, web=refused_port, client="head: 60s", upstream="connect: 5s")
    with proxy.connect() as client:
        for _ in range(3):
            assert client.get("/").status == 502


def test_a_client_that_reads_nothing_is_let_go(proxy_to, origin):
    size = 64 << 20

    def behave(stream, request):
        stream.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")
        piece = bytes(1 << 20)
        for _ in range(size >> 20):
            stream.send(piece)
        return True

    proxy = proxy_to(origin(behave), client="send: 1s")
    with proxy.connect(receive_buffer=65536) as client:
        client.write("GET", "/")
        assert proxy.log_lines(1)[0]["reason"] == "client_timeout:response"


def test_a_client_that_leaves_ends_its_upstream_request(proxy_to, origin):
    left = threading.Event()

    def behave(stream, request):
        try:
            hold(stream)
        finally:
            left.set()

    web = origin(behave)
    proxy = proxy_to(web)
    with proxy.connect() as client:
        client.write("GET", "/")
        web.next_request()
    assert left.wait(PATIENCE), "the upstream connection must end"
    assert proxy.log_lines(1)[0]["reason"] == "client_closed:waiting"


@pytest.mark.parametrize("buffering", ["true", "false"])
def test_expect_100_is_answered_here_and_not_passed_on(martlet, origin, buffering):
    web = origin()
    proxy = martlet(
        """
expect_continue: answer
pools: {web: {servers: [$web]}}
routes: [{match: {prefix: /}, proxy: {pool: web, request_buffering: $buffering}}]
""",
        web=web,
        buffering=buffering,
    )
    with proxy.connect() as client:
        for body in (b"body", [b"bo", b"dy"]):
            how = "Transfer-Encoding: chunked" if isinstance(body, list) else "Content-Length: 4"
            client.send(f"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{how}\r\n\r\n")
            assert client.read_response_head().status == 100
            client.send(chunked(body) if isinstance(body, list) else body)
            assert client.read_response().body == b"ok"
            seen = web.next_request()
            assert (seen.body, "Expect" in seen.headers) == (b"body", False)


def test_expect_100_can_be_relayed(martlet, origin):
    def connected(stream):
        head = stream.read_request_head()
        assert head.headers["Expect"].lower() == "100-continue"
        if head.target == "/no":
            stream.send(answer(b"no", "417 Expectation Failed", [("Connection", "close")]))
            return
        stream.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        stream.send(answer(stream.read_exactly(4), headers=[("Connection", "close")]))

    proxy = martlet(
        """
expect_continue: relay
pools: {web: {servers: [$web]}}
routes: [{match: {prefix: /}, proxy: {pool: web, request_buffering: false}}]
""",
        web=origin(connected=connected),
    )
    for target, status in (("/yes", 200), ("/no", 417)):
        with Client(proxy.address) as client:
            client.send(f"POST {target} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            if status == 200:
                assert client.read_response_head().status == 100
                client.send(b"body")
            assert client.read_response().status == status


def test_expect_100_is_relayed_to_its_end_whatever_a_reload_says(martlet, origin):
    begun = threading.Event()

    def connected(stream):
        stream.read_request_head()
        begun.set()
        first = stream.read_exactly(1)
        stream.send(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        stream.send(answer(first + stream.read_exactly(3), headers=[("Connection", "close")]))

    text = """
expect_continue: $how
pools: {web: {servers: [$web]}}
routes:
  - {match: {exact: /which}, respond: {status: 200, body: $how}}
  - {match: {prefix: /}, proxy: {pool: web, request_buffering: false}}
"""
    web = origin(connected=connected)
    proxy = martlet(text, web=web, how="relay")
    with proxy.connect() as client:
        client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert begun.wait(PATIENCE)
        proxy.write(text, web=web, how="answer")
        proxy.reload()
        until(lambda: proxy.get("/which").body == b"answer", "the new configuration is in force")
        # Who does not wait for leave gets none from us either.
        client.send(b"b")
        assert client.read_response_head().status == 103
        assert client.read_response_head().status == 100
        client.send(b"ody")
        assert client.read_response().body == b"body"


def test_another_expectation_is_refused_or_ignored(martlet, origin):
    # RFC 9110 §10.1.1: an expectation other than 100-continue may be answered with 417.
    proxy = martlet("pools: {web: {servers: [$web]}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", web=origin())
    assert proxy.ask("POST", "/", {"Expect": "miracles"}, b"x").status in (200, 417)


def test_expect_from_http_1_0_is_ignored(martlet, origin):
    # RFC 9110 §10.1.1.
    proxy = martlet("pools: {web: {servers: [$web]}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", web=origin())
    response = proxy.ask("POST", "/", {"Expect": "100-continue"}, b"x", version="1.0")
    assert (response.status, response.informational) == (200, [])
