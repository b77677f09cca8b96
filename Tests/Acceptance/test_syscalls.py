"""The regression guard that is not a timer: the system calls of each request, one by one."""

import re
import shutil
import signal
from collections import Counter

import pytest

from support.kinds import Site
from support.origin import answer
from support.process import Process, completed
from support.tls import SecureClient
from support.wire import Client

REQUESTS = 1000

# What the worker asks of the kernel for one request of a kind, in order, and nothing else.
PROXIED = ["epoll_wait", "recvfrom", "sendto", "epoll_wait", "recvfrom", "sendto"]
LOCAL = ["epoll_wait", "recvfrom", "sendto"]
CALLS = {
    "small": PROXIED,
    # Its body goes out from the buffer that it was read into, behind a head of ours.
    "json": [*PROXIED[:-1], "sendmsg"],
    "chunked": PROXIED,
    "gzip": PROXIED,
    # A request that must not be sent twice: one look whether the kept connection has died.
    "post": ["epoll_wait", "recvfrom", "recvfrom", "sendmsg", "epoll_wait", "recvfrom", "sendto"],
    "asset": LOCAL,
    "tls": PROXIED,
    "tls asset": LOCAL,
    "websocket": PROXIED,
}


@pytest.fixture(scope="module")
def strace():
    """The command, where tracing is permitted at all."""
    path = shutil.which("strace")
    if not path or completed([path, "-c", "true"]).returncode != 0:
        pytest.skip("strace is missing or not permitted")
    return path


def trace(strace, proxy, folder, work):
    """By thread: the names of the system calls that the proxy makes while `work` runs."""
    tracer = Process([strace, "-ff", "-o", folder / "calls", "-p", proxy.pid])
    try:
        # Only then is it attached to each thread.
        tracer.stderr.wait_for(r"attached with \d+ threads")
        work()
        tracer.signal(signal.SIGINT)
        tracer.wait()
    finally:
        tracer.kill()
    return {int(file.suffix[1:]): names(file.read_text()) for file in folder.glob("calls.*")}


def names(text):
    """The calls of a thread, without waits that ended by their time."""
    calls = re.findall(r"^(\w+)\((.*)$", text, re.MULTILINE)
    return [name for name, rest in calls if not (name == "epoll_wait" and re.search(r"[1-9]\d*\) += 0$", rest))]


@pytest.mark.parametrize("kind", CALLS)
def test_a_request_makes_these_system_calls_and_no_other(martlet, origin, strace, tmp_path, kind):
    site = Site(martlet, origin, tmp_path)
    site.ask(kind, REQUESTS)
    threads = trace(strace, site.proxy, tmp_path, lambda: site.ask(kind, REQUESTS))
    site.close()
    calls = threads.pop(site.thread("worker 0"))
    pattern = " ".join(CALLS[kind]) + " "
    met = " ".join(calls + [""]).count(pattern)
    others = sum(map(len, threads.values()))
    # Rounding: what a second brings, whoever asks: looking after idle connections, a batch for the log.
    assert met >= 0.99 * REQUESTS, calls[:50]
    assert len(calls) <= 1.01 * REQUESTS * len(CALLS[kind]), calls[:50]
    # The threads beside the worker look after the whole, not after requests.
    assert others < 0.5 * REQUESTS, {thread: calls[:50] for thread, calls in threads.items()}


def test_a_connection_for_one_request_is_read_at_once_and_not_registered(martlet, origin, strace, tmp_path):
    """It is accepted with its request, has its options from the listener, and is closed by its answer."""
    routes = "# shutdown: none\nlog: {access: off}\npools: {web: {servers: [$web]}}\n"
    proxy = martlet(routes + "routes: [{match: {prefix: /}, proxy: web}]\n", web=origin(answer(b"x" * 128)))

    def work():
        for _ in range(REQUESTS):
            with Client(proxy.address) as client:
                assert len(client.get("/", [("Connection", "close")]).body) == 128
                client.read_end()

    work()
    threads = trace(strace, proxy, tmp_path, work)
    calls = max(threads.values(), key=len)
    expected = ["epoll_wait", "accept4", "recvfrom", "sendto", "epoll_wait", "recvfrom", "sendto", "close"]
    met = " ".join(calls + [""]).count(" ".join(expected) + " ")
    # On a busy machine a server takes two milliseconds now and then, and its client is registered.
    assert met >= 0.9 * REQUESTS, calls[:50]
    assert len(calls) <= 1.1 * REQUESTS * len(expected), calls[:50]


def test_a_large_body_is_not_read(martlet, origin, strace, tmp_path):
    """It goes through a pipe that holds all of it, however slow the client: some ten calls, where
    copies of 16 KiB are 16 to be read and as many to be sent."""
    size, requests = 256 << 10, 200
    routes = "log: {access: off}\npools: {web: {servers: [$web]}}\nroutes: [{match: {prefix: /}, proxy: web}]\n"
    proxy = martlet(routes, web=origin(answer(b"x" * size)))
    with Client(proxy.address) as client:

        def work():
            for _ in range(requests):
                assert len(client.get("/").body) == size

        work()
        threads = trace(strace, proxy, tmp_path, work)
    calls = Counter(name for names in threads.values() for name in names)
    assert calls["splice"] >= 2 * requests, calls
    assert calls["recvfrom"] + calls["sendto"] + calls["sendmsg"] <= 8 * requests, calls
    # The pipe is kept.
    for name in ("pipe2", "close", "fcntl"):
        assert calls[name] <= 0.01 * requests, calls


def test_a_large_body_over_tls_is_read_in_large_pieces(martlet, origin, authority, pair, strace, tmp_path):
    """Of 128 KiB, where the server has sent as much, and not of 16."""
    size, requests = 1 << 20, 50
    site = """
listen: [{address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key}}]
log: {access: off}
pools: {web: {servers: [$web]}}
routes: [{match: {prefix: /}, proxy: web}]
"""
    proxy = martlet(site, web=origin(answer(b"x" * size)), certificate=pair[0], key=pair[1])
    with SecureClient(proxy.address, authority.trust()) as client:

        def work():
            for _ in range(requests):
                assert len(client.get("/").body) == size

        work()
        threads = trace(strace, proxy, tmp_path, work)
    calls = Counter(name for names in threads.values() for name in names)
    # A record has 16 KiB, and is sent as soon as it is sealed; the kernel is told that more comes.
    assert calls["sendto"] <= 75 * requests, calls
    assert calls["recvfrom"] <= 32 * requests, calls
