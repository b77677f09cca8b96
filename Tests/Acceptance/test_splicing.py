"""Large bodies have ways of their own, through the kernel or in large pieces over TLS, and nobody can tell."""

import os
import random
import resource
import threading

import pytest

from support.origin import answer
from support.tls import SecureClient
from support.waiting import PATIENCE, until
from support.wire import Truncated

KILOBYTE = 1 << 10
MEGABYTE = 1 << 20
# No piece of it looks like another.
BODY = random.Random(7).randbytes(8 * MEGABYTE)

PROXY = """
listen: ["127.0.0.1:0", {address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key}}]
timeouts: {send: 60s}
pools: {web: {servers: [$web], timeouts: {response: 60s}}}
routes:
  - match: {prefix: /}
    proxy: {pool: web, response_buffering: $buffering}
"""


@pytest.fixture(params=["true", "false"], ids=["buffered", "unbuffered"])
def buffering(request):
    return request.param


@pytest.fixture
def proxy_to(martlet, pair):
    """Starts a proxy in front of a server."""

    def start(web, buffering="true"):
        return martlet(PROXY, web=web, buffering=buffering, certificate=pair[0], key=pair[1])

    return start


@pytest.fixture(params=["plain", "tls"])
def connect(request, authority):
    """Connects with a proxy, either way."""

    def start(proxy, **more):
        plain, secure = proxy.addresses
        if request.param == "plain":
            return proxy.connect(**more)
        return SecureClient(secure, authority.trust(), **more)

    return start


def by_length(stream, request):
    """Answers /N with N bytes."""
    size = int(request.target[1:])
    stream.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")
    for start in range(0, size, len(BODY)):
        stream.send(BODY[: size - start])
    return True


def expected(size):
    return (BODY * (size // len(BODY) + 1))[:size]


def pipes(proxy):
    """The ends of pipes that the proxy has open."""
    folder = f"/proc/{proxy.pid}/fd"
    return [link for fd in os.listdir(folder) if (link := link_of(f"{folder}/{fd}")).startswith("pipe:")]


def link_of(path):
    try:
        return os.readlink(path)
    except FileNotFoundError:
        return ""


@pytest.mark.parametrize("size", [64 * KILOBYTE - 1, 64 * KILOBYTE, MEGABYTE, 50 * MEGABYTE])
def test_a_body_comes_as_it_was_sent_and_connections_go_on(proxy_to, connect, origin, buffering, size):
    web = origin(by_length)
    proxy = proxy_to(web, buffering)
    with connect(proxy) as client:
        # The second request is there before the first is answered.
        for _ in range(2):
            client.write("GET", f"/{size}")
        for _ in range(2):
            assert client.read_response().body == expected(size)
        assert client.get("/5").body == BODY[:5]
    assert web.connections == 1
    assert [line["bytes_out"] >= size for line in proxy.log_lines(3)] == [True, True, False]


def test_clients_that_read_slowly_get_all_of_it(proxy_to, connect, origin, buffering):
    """More of them than there are pipes, and each with more than a pipe holds."""
    size = 3 * MEGABYTE
    proxy = proxy_to(origin(by_length), buffering)
    clients = [connect(proxy, receive_buffer=16384, timeout=60) for _ in range(80)]
    for client in clients:
        client.write("GET", f"/{size}")
    for client in clients:
        assert client.read_response().body == expected(size)
    for client in clients:
        assert client.get("/100000").body == expected(100000)


def test_what_a_slow_server_sends_is_passed_on_at_once(proxy_to, connect, origin, buffering):
    """Each piece is awaited by the client before the server sends the next."""
    seen = threading.Semaphore(0)
    piece, count = 1000, 100

    def behave(stream, request):
        stream.send(f"HTTP/1.1 200 OK\r\nContent-Length: {piece * count}\r\n\r\n")
        for start in range(0, piece * count, piece):
            stream.send(BODY[start : start + piece])
            assert seen.acquire(timeout=PATIENCE)
        return True

    proxy = proxy_to(origin(behave), buffering)
    with connect(proxy) as client:
        client.write("GET", "/")
        client.read_response_head()
        for start in range(0, piece * count, piece):
            assert client.read_exactly(piece) == BODY[start : start + piece]
            seen.release()


def test_what_stands_behind_a_body_is_not_taken_for_it(proxy_to, connect, origin):
    extra = answer(b"not yours")

    def behave(stream, request):
        size = int(request.target[1:])
        # With one send: what comes later might find the next request under way.
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + BODY[:size] + extra)
        return True

    web = origin(behave)
    proxy = proxy_to(web)
    with connect(proxy) as client:
        for size in (300_000, 300_001, 300_002):
            assert client.get(f"/{size}").body == expected(size)
    assert not client.pending


def test_a_server_that_closes_early_is_seen_to_have(proxy_to, connect, origin, buffering):
    def behave(stream, request):
        stream.send(f"HTTP/1.1 200 OK\r\nContent-Length: {2 * MEGABYTE}\r\n\r\n")
        stream.send(BODY[:MEGABYTE])
        return False

    proxy = proxy_to(origin(behave), buffering)
    with connect(proxy) as client:
        with pytest.raises((Truncated, OSError)):
            client.get("/cut")
    assert proxy.log_line(target="/cut")["reason"] == "server_closed:response"


def test_a_client_that_goes_takes_its_pipe_along(proxy_to, origin, buffering):
    """The server never ends, and each client leaves when a pipe has been filled for it."""
    gone = threading.Semaphore(0)

    def behave(stream, request):
        stream.send(f"HTTP/1.1 200 OK\r\nContent-Length: {1 << 40}\r\n\r\n")
        try:
            while True:
                stream.send(BODY)
        finally:
            gone.release()

    proxy = proxy_to(origin(behave), buffering)
    at_first = len(pipes(proxy))
    for _ in range(10):
        with proxy.connect(receive_buffer=16384) as client:
            client.write("GET", "/")
            client.read_response_head()
            until(lambda: len(pipes(proxy)) > at_first, "a pipe is in use")
            client.reset()
        assert gone.acquire(timeout=PATIENCE), "the server is told"
        # Empty ones may be kept; this one is not empty.
        until(lambda: len(pipes(proxy)) == at_first, "the pipe is closed")


def test_without_descriptors_for_pipes_bodies_are_copied(proxy_to, origin):
    web = origin(by_length)
    proxy = proxy_to(web)
    at_first = len(pipes(proxy))
    with proxy.connect() as client:
        # From now on both connections are there, and no descriptor is left.
        assert client.get("/5").body == BODY[:5]
        highest = max(map(int, os.listdir(f"/proc/{proxy.pid}/fd")))
        _, most = resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (3, most))
        assert client.get(f"/{MEGABYTE}").body == BODY[:MEGABYTE]
        assert len(pipes(proxy)) == at_first
        resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (highest + 100, most))
        assert client.get(f"/{MEGABYTE}").body == BODY[:MEGABYTE]
        assert len(pipes(proxy)) > at_first
    assert web.connections == 1
