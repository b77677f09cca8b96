"""The regression guard that is not a timer: system calls per request."""

import os
import re
import shutil
import signal

import pytest

from support.origin import answer
from support.process import Process, completed
from support.wire import Client

REQUESTS = 2000
TRANSFERS = {"read", "readv", "recvfrom", "recvmsg", "recvmmsg", "write", "writev", "sendto", "sendmsg", "sendmmsg", "splice", "sendfile"}

PROXY = """
log: {access: off}
pools: {web: {servers: [$web]}}
routes:
  - match: {prefix: /}
    proxy: web
"""


@pytest.fixture(scope="module")
def strace():
    """The command, where tracing is permitted at all."""
    path = shutil.which("strace")
    if not path or completed([path, "-c", "true"]).returncode != 0:
        pytest.skip("strace is missing or not permitted")
    return path


def count(strace, proxy, work):
    """System calls of all threads of `proxy` while `work` runs."""
    tracer = Process([strace, "-c", "-f", "-U", "calls,name", "-p", proxy.pid])
    try:
        # One line per thread, or one for all, and only then is it attached to each.
        threads = len(os.listdir(f"/proc/{proxy.pid}/task"))
        if threads > 1:
            tracer.stderr.wait_for(rf"attached with {threads} threads")
        else:
            tracer.stderr.wait_for(r"attached")
        work()
        tracer.signal(signal.SIGINT)
        tracer.wait()
    finally:
        tracer.kill()
    table = re.findall(r"^ *(\d+) (\w+)$", tracer.stderr.text(), re.MULTILINE)
    return {name: int(calls) for calls, name in table if name != "total"}


def serve_quickly(stream):
    """Answers without looking: the test is of the proxy's calls, not of the origin."""
    reply = answer(b"x" * 128)
    while stream.read_some():
        stream.send(reply)


def test_four_transfers_per_small_keep_alive_request(martlet, origin, strace):
    proxy = martlet(PROXY, web=origin(connected=serve_quickly))
    with Client(proxy.address) as client:

        def work():
            for _ in range(REQUESTS):
                assert client.get("/").status == 200

        work()
        calls = count(strace, proxy, work)
    transfers = sum(calls.get(name, 0) for name in TRANSFERS)
    assert abs(transfers - 4 * REQUESTS) <= 0.01 * 4 * REQUESTS, calls
    # Registered once; nothing allocated; no clock asked by a system call; nothing opened.
    for name in ("epoll_ctl", "mmap", "brk", "munmap", "connect", "socket", "accept4", "close", "clock_gettime", "futex"):
        assert calls.get(name, 0) <= 0.01 * REQUESTS, calls
    waits = sum(calls.get(name, 0) for name in ("epoll_wait", "epoll_pwait", "epoll_pwait2"))
    assert waits <= 2.02 * REQUESTS, calls


def test_a_small_file_costs_two_transfers(martlet, tmp_path, strace):
    (tmp_path / "x.css").write_text("x" * 4096)
    proxy = martlet("log: {access: off}\nroutes:\n  - match: {prefix: /}\n    files: {root: $root}\n", root=tmp_path)
    with Client(proxy.address) as client:

        def work():
            for _ in range(REQUESTS):
                assert client.get("/x.css").status == 200

        work()
        calls = count(strace, proxy, work)
    transfers = sum(calls.get(name, 0) for name in TRANSFERS)
    assert abs(transfers - 2 * REQUESTS) <= 0.01 * 2 * REQUESTS, calls
    assert sum(calls.values()) <= 4.1 * REQUESTS, calls


def test_a_large_body_is_not_read(martlet, origin, strace):
    """It goes through a pipe that holds all of it, however slow the client: some ten calls, where
    copies of 16 KiB are 16 to be read and as many to be sent."""
    size, requests = 256 << 10, 200
    proxy = martlet(PROXY, web=origin(answer(b"x" * size)))
    with Client(proxy.address) as client:

        def work():
            for _ in range(requests):
                assert len(client.get("/").body) == size

        work()
        calls = count(strace, proxy, work)
    assert calls["splice"] >= 2 * requests, calls
    assert sum(calls.get(name, 0) for name in TRANSFERS - {"splice"}) <= 8 * requests, calls
    # The pipe is kept.
    for name in ("pipe2", "close", "fcntl"):
        assert calls.get(name, 0) <= 0.01 * requests, calls
