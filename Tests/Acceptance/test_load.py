"""Servers that die and come back while wrk asks."""

import re
import subprocess
import threading

import pytest

from support.waiting import running, until
from support.wire import ask

PROXY = """
workers: 2
pools:
  web:
    servers: [{address: "$a", name: a}, {address: "$b", name: b}, {address: "$c", name: c}]
    required: true
    retries: 2
    health: {path: /api/method/ping, interval: 500ms, timeout: 500ms, rise: 2, fall: 2}
routes:
  - match: {prefix: /}
    proxy: web
"""


class Wrk:
    """wrk in the background; its report is read when it has ended."""

    def __init__(self, address, target, seconds, connections=24):
        self._child = subprocess.Popen(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", f"http://{address[0]}:{address[1]}{target}"],
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.kill()
        self._child.wait()

    def report(self):
        text = self._child.communicate(timeout=60)[0]
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        return {
            "requests": int(re.search(r"(\d+) requests in", text)[1]),
            "refused": int(refused[1]) if refused else 0,
            "errors": [int(n) for n in errors.groups()] if errors else [0, 0, 0, 0],
        }


@pytest.mark.long
def test_killing_and_restarting_a_backend_costs_no_request_a_5xx(martlet, gunicorn):
    servers = {name: gunicorn(name, threads=4) for name in "abc"}
    proxy = martlet(PROXY, **servers).wait_all_up()
    with Wrk(proxy.address, "/api/method/ping", 12) as wrk:

        def served(name):
            start = len(proxy.stdout)
            return lambda: any(f'"{name}"' in line for line in proxy.stdout.since(start))

        until(served("b"), "b serves under load")
        servers["b"].kill()
        # Out of rotation: a stretch of records without it, while the others go on.
        until(lambda: not any('"b"' in line for line in proxy.stdout.since()[-200:]), "b is out of rotation")
        servers["b"].start()
        until(served("b"), "b serves again")
        report = wrk.report()
    assert report["refused"] == 0, report
    connect, read, write, timeout = report["errors"]
    # A response already begun when its server was killed can only be cut: at most one per thread.
    assert (connect, write, timeout) == (0, 0, 0) and read <= 4, report
    assert report["requests"] > 500, report


@pytest.mark.long
def test_a_rolling_restart_costs_nothing(martlet, gunicorn):
    """One after the other ends politely (SIGTERM) and comes back, as a deploy does it."""
    servers = {name: gunicorn(name, threads=4) for name in "abc"}
    proxy = martlet(PROXY, **servers).wait_all_up()
    done, failures, count = threading.Event(), [], [0]

    def load():
        while not done.is_set():
            try:
                response = ask(proxy.address, "GET", "/api/method/ping")
                count[0] += 1
                if response.status != 200:
                    failures.append(response.status)
            except (OSError, AssertionError) as failure:
                failures.append(repr(failure))

    with running(load, 4, done):
        for name, server in servers.items():
            server.terminate()
            server.start()
            until(lambda: proxy.get("/api/method/ping").headers["X-Instance"] == name, f"{name} serves again")
    assert failures == []
    assert count[0] > 50
