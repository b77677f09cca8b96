"""Fixtures: the proxy under test, scripted origins, real peers. All of them end with their test."""

import asyncio
import threading

import pytest

from parity.bench import Bench
from support import martlet as command_line
from support.martlet import CRASH, Martlet
from support.origin import Origin, RefusedPort, SilentPort, answer
from support.peers import Gunicorn, HAProxy, Nginx, Realtime
from support.process import completed
from support.share import SOURCE
from support.tls import Authority, SecureOrigin
from support.waiting import PATIENCE

STARTED = pytest.StashKey()


def pytest_sessionstart(session):
    if not command_line.exists():
        pytest.exit(f"no martlet to test at {command_line.BINARY}: build it, or set MARTLET", returncode=3)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds to a failure what the proxies of its test said last."""
    report = yield
    if report.failed:
        for proxy in item.stash.get(STARTED, []):
            lines = proxy.stderr.since()
            crash = next((i for i, line in enumerate(lines) if CRASH.search(line)), None)
            # What a crash says first matters, of other ends the last.
            said = "\n".join(lines[-40:] if crash is None else lines[crash : crash + 40])
            report.sections.append((f"stderr of martlet (pid {proxy.pid}, exit {proxy.exit_code})", said))
            records = "\n".join(proxy.stdout.since()[-10:])
            report.sections.append(("its last access records", records))
    return report


@pytest.fixture
def martlet(request, tmp_path_factory):
    """Starts a proxy: `martlet(text, name=value)`; see support.martlet.configuration."""
    started = request.node.stash.setdefault(STARTED, [])

    def start(text, /, **more):
        proxy = Martlet(tmp_path_factory.mktemp("martlet"), text, **more)
        started.append(proxy)
        return proxy

    yield start
    failures = []
    for proxy in reversed(started):
        try:
            proxy.stop()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


def _origins(kind):
    """Starts origins of a kind; then ends them, and fails the test when they met something wrong."""
    started = []

    def start(*arguments, **more):
        more.setdefault("name", f"origin {len(started)}")
        started.append(kind(*arguments, **more))
        return started[-1]

    yield start
    for one in started:
        one.close()
    for one in started:
        one.check()


@pytest.fixture
def origin():
    """Starts a scripted origin: see support.origin.Origin."""
    yield from _origins(Origin)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Issues certificates: see support.tls.Authority."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def pair(authority):
    """A certificate and its key, for site.test and 127.0.0.1."""
    return authority.issue("site.test", "127.0.0.1", name="site")


@pytest.fixture
def secure_origin():
    """Starts one that speaks TLS: see support.tls.SecureOrigin."""
    yield from _origins(SecureOrigin)


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The library that makes shares slow, compiled once: see support.share."""
    built = tmp_path_factory.mktemp("library") / "slow_share.so"
    done = completed(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", built, SOURCE, "-ldl"])
    assert done.returncode == 0, done.stderr
    return built


@pytest.fixture
def held(origin):
    """An origin whose answers to /hold wait for a word of the test."""
    release = threading.Event()

    def behave(stream, request):
        if request.target == "/hold":
            assert release.wait(PATIENCE)
        if request.target == "/socket":
            stream.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
            stream.read_to_end()
            return False
        stream.send(answer(request.target.encode()))
        return True

    one = origin(behave)
    one.release = release
    yield one
    release.set()


@pytest.fixture
def refused_port():
    port = RefusedPort()
    yield port
    port.close()


@pytest.fixture
def silent_port():
    port = SilentPort()
    yield port
    port.close()


def _starter(kind):
    started = []

    def start(name, **options):
        started.append(kind(name, **options))
        return started[-1]

    return start, started


@pytest.fixture
def gunicorn():
    """Starts a gunicorn for one test: `gunicorn("a", workers=1, threads=4)`."""
    start, started = _starter(Gunicorn)
    yield start
    for one in started:
        one.kill()


@pytest.fixture(scope="session")
def backend():
    """A gunicorn that tests share and leave alone."""
    one = Gunicorn("shared")
    yield one
    one.kill()


@pytest.fixture
def realtime():
    """Starts a Socket.IO server for one test: `realtime("a")`."""
    start, started = _starter(Realtime)
    yield start
    for one in started:
        one.kill()


@pytest.fixture
def nginx(tmp_path_factory):
    """Starts nginx: `nginx("location / { ... }")`."""
    started = []

    def start(server):
        started.append(Nginx(tmp_path_factory.mktemp("nginx"), server))
        return started[-1]

    yield start
    for one in started:
        one.terminate()


@pytest.fixture
def haproxy(tmp_path_factory):
    """Starts HAProxy: `haproxy("server web 127.0.0.1:8080 send-proxy")`."""
    started = []

    def start(server):
        started.append(HAProxy(tmp_path_factory.mktemp("haproxy"), server))
        return started[-1]

    yield start
    for one in started:
        one.terminate()


@pytest.fixture
def run_async():
    """Runs a coroutine to its end, within the patience of a test."""

    def run(coroutine, within=60):
        return asyncio.run(asyncio.wait_for(coroutine, within))

    return run


@pytest.fixture(scope="session")
def bench():
    """nginx and Martlet in the place of frappe_docker's frontend: see parity.bench.Bench."""
    one = Bench()
    yield one
    one.close()
