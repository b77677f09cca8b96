"""Slow clients cost neither a backend's thread nor unbounded memory."""

import contextlib
import json
import os
import re
import subprocess
import threading

import pytest

from support.origin import answer
from support.waiting import PATIENCE, until
from support.wire import Client, chunked

MEGABYTE = 1 << 20

PROXY = """
limits: {body: 0, spill: $spill, spill_directory: $folder}
timeouts: {send: 60s, body: 60s}
pools: {web: {servers: [$web], timeouts: {response: 60s, send: 60s}}}
routes:
  - match: {prefix: /}
    proxy: {pool: web, request_buffering: $request, response_buffering: $response}
"""


@pytest.fixture
def proxy_to(martlet, tmp_path):
    def start(web, request="true", response="true", spill="512MiB"):
        return martlet(PROXY, web=web, request=request, response=response, spill=spill, folder=tmp_path)

    return start


def sized_origin(origin, size, finished=None):
    """Answers /free at once, and anything else with `size` bytes; tells when they are all written."""

    def behave(stream, request):
        if request.target == "/free":
            stream.send(answer(b"free"))
            return True
        stream.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")
        for _ in range(size // MEGABYTE):
            stream.send(PIECE)
        if finished:
            finished()
        return True

    return origin(behave)


PIECE = (bytes(range(256)) * 4096)[:MEGABYTE]


@pytest.mark.parametrize("form", ["length", "chunked"])
@pytest.mark.parametrize("size", [1000, 3_000_000])
def test_an_origin_sees_nothing_until_the_body_is_whole(proxy_to, origin, form, size):
    web = origin()
    proxy = proxy_to(web)
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    sent = body if form == "length" else chunked([body[i : i + 50_000] for i in range(0, size, 50_000)])
    how = f"Content-Length: {size}" if form == "length" else "Transfer-Encoding: chunked"
    with proxy.connect() as client:
        client.send(f"POST /upload HTTP/1.1\r\nHost: a\r\n{how}\r\n\r\n")
        client.send(sent[:-1])
        # Martlet answers others meanwhile, with what would be the only connection.
        for _ in range(3):
            assert proxy.get("/other").status == 200
        assert [r.target for r in web.requests] == ["/other"] * 3
        client.send(sent[-1:])
        assert client.read_response().status == 200
    assert web.requests[-1].body == body


def test_a_worker_holds_16_mib_of_large_bodies_in_memory_and_spills_the_next(martlet, origin, tmp_path):
    web = origin()
    proxy = martlet("workers: 1\nbuffers: {request: 1MiB}\n" + PROXY, web=web, request="true", response="true", spill="512MiB", folder=tmp_path)

    def spilled():
        count = 0
        for fd in os.listdir(f"/proc/{proxy.pid}/fd"):
            # A connection to the origin may be closed meanwhile.
            with contextlib.suppress(FileNotFoundError):
                count += str(tmp_path) in os.readlink(f"/proc/{proxy.pid}/fd/{fd}")
        return count

    clients = [proxy.connect() for _ in range(17)]
    for client in clients:
        assert spilled() == 0
        client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {MEGABYTE}\r\n\r\n")
        client.send(PIECE[:-1])
        # All before have their buffers: an answer comes after them.
        assert proxy.get("/other").status == 200
    until(lambda: spilled() == 1, "the seventeenth is on disk")
    for client in clients:
        client.send(PIECE[-1:])
        assert client.read_response().status == 200
    assert [request.body for request in web.requests if request.target == "/"] == [PIECE] * 17


def test_a_slow_client_does_not_hold_a_gunicorn_thread(proxy_to, gunicorn):
    web = gunicorn("single", threads=1)
    proxy = proxy_to(web)
    slow = [proxy.connect() for _ in range(8)]
    for client in slow:
        client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000)
    for _ in range(5):
        assert proxy.get("/api/method/ping").status == 200
    for client in slow:
        client.send(b"x" * 50_000)
        assert json.loads(client.read_response().body)["length"] == 100_000
    assert json.loads(proxy.get("/most-at-once").body)["most"] == 1


def test_a_slow_reader_does_not_hold_its_origin(proxy_to, origin):
    done = threading.Event()
    proxy = proxy_to(sized_origin(origin, 20 * MEGABYTE, done.set))
    with proxy.connect(receive_buffer=16384) as client:
        client.write("GET", "/big")
        head = client.read_response_head()
        assert done.wait(PATIENCE), "the origin must be rid of its response while the client has not read it"
        assert proxy.get("/free").body == b"free"
        assert client.read_exactly(int(head.headers["Content-Length"])) == PIECE * 20


def test_a_slow_reader_does_not_hold_a_gunicorn_thread(proxy_to, gunicorn):
    web = gunicorn("single", threads=1)
    proxy = proxy_to(web)
    slow = [proxy.connect(receive_buffer=16384) for _ in range(6)]
    for client in slow:
        client.write("GET", f"/big?size={8 * MEGABYTE}")
    for client in slow:
        assert client.read_response_head().status == 200
    for _ in range(5):
        assert proxy.get("/api/method/ping").status == 200
    for client in slow:
        assert len(client.read_exactly(8 * MEGABYTE)) == 8 * MEGABYTE


def test_without_response_buffering_a_slow_reader_slows_its_origin(proxy_to, origin):
    done = threading.Event()
    proxy = proxy_to(sized_origin(origin, 64 * MEGABYTE, done.set), response="false")
    with proxy.connect(receive_buffer=16384) as client:
        client.write("GET", "/big")
        client.read_response_head()
        assert not done.wait(0.5)
        assert proxy.peak_resident_bytes() < 32 * MEGABYTE
        assert len(client.read_exactly(64 * MEGABYTE)) == 64 * MEGABYTE


def test_spill_files_have_no_name(proxy_to, origin, tmp_path):
    """Unlinked at birth: nothing is left behind, however the process ends."""
    done = threading.Event()
    proxy = proxy_to(sized_origin(origin, 20 * MEGABYTE, done.set))
    with proxy.connect(receive_buffer=16384) as client:
        client.write("GET", "/big")
        client.read_response_head()
        assert done.wait(PATIENCE)
        open_files = [os.readlink(f"/proc/{proxy.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{proxy.pid}/fd")]
        assert [f for f in open_files if str(tmp_path) in f], "the body is on disk"
        assert list(tmp_path.iterdir()) == []


def test_a_spill_budget_that_is_spent_streams_instead_of_failing(proxy_to, origin):
    web = sized_origin(origin, 8 * MEGABYTE)
    proxy = proxy_to(web, spill="2MiB")
    readers = [proxy.connect(receive_buffer=16384) for _ in range(6)]
    for client in readers:
        client.write("GET", "/big")
    for client in readers:
        assert client.read_response_head().status == 200
    for client in readers:
        assert client.read_exactly(8 * MEGABYTE) == PIECE * 8
    proxy.stderr.wait_for("(?i)spill")
    assert any("spill" in name for name in proxy.metrics())
    # Uploads go on, too.
    with proxy.connect() as client:
        assert client.ask("POST", "/free", body=PIECE * 6).body == b"free"
    assert web.requests[-1].body == PIECE * 6


def test_a_spill_directory_that_cannot_be_written_streams_too(martlet, origin, tmp_path):
    web = sized_origin(origin, 4 * MEGABYTE)
    proxy = martlet(PROXY, web=web, request="true", response="true", spill="512MiB", folder=tmp_path / "missing")
    with proxy.connect(receive_buffer=16384) as client:
        client.write("GET", "/big")
        assert client.read_response().body == PIECE * 4
        assert client.ask("POST", "/free", body=PIECE * 3).body == b"free"


@pytest.mark.long
@pytest.mark.parametrize("buffering", ["true", "false"])
def test_200_mb_upload_in_little_memory(proxy_to, origin, buffering):
    def connected(stream):
        request = stream.read_request_head()
        left = int(request.headers["Content-Length"])
        while left > 0:
            piece = stream.read_some()
            assert piece, "the body must be whole"
            left -= len(piece)
        stream.send(answer(b"thanks"))
        stream.read_some()

    proxy = proxy_to(origin(connected=connected), request=buffering)
    with proxy.connect() as client:
        client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {200 * MEGABYTE}\r\n\r\n")
        for _ in range(200):
            client.send(PIECE)
        assert client.read_response().body == b"thanks"
    assert proxy.peak_resident_bytes() < 64 * MEGABYTE


@pytest.mark.long
@pytest.mark.parametrize("buffering", ["true", "false"])
def test_200_mb_download_in_little_memory(proxy_to, origin, buffering):
    proxy = proxy_to(sized_origin(origin, 200 * MEGABYTE), response=buffering)
    with proxy.connect() as client:
        client.write("GET", "/")
        left = int(client.read_response_head().headers["Content-Length"])
        while left > 0:
            piece = client.read_some()
            assert piece
            left -= len(piece)
        assert left == 0
        assert client.get("/free").body == b"free"
    assert proxy.peak_resident_bytes() < 64 * MEGABYTE


def kernel_memory(port):
    """Bytes that the kernel holds for the sockets whose own port is this one."""
    shown = subprocess.run(["ss", "-tmnH", f"( sport = :{port} )"], capture_output=True, text=True, check=True).stdout
    total = 0
    for memory in re.findall(r"skmem:\(([^)]*)\)", shown):
        value = {key: int(number) for key, number in re.findall(r"([a-z]+)([0-9]+)", memory)}
        # Read, written and not acknowledged, and allocated ahead.
        total += value["r"] + value["w"] + value["f"]
    return total


@pytest.mark.long
def test_200_slow_readers_fit_a_small_container(proxy_to, origin):
    """200 × 5 MiB, none of it read: what Martlet and the kernel hold of it stays far below 512 MiB.

    Slow is not reading at all here, which is the worst of it; then all of it is read and whole.
    """
    finished = []
    web = sized_origin(origin, 5 * MEGABYTE, lambda: finished.append(1))
    proxy = proxy_to(web, spill="2GiB")
    readers = [proxy.connect(receive_buffer=65536, timeout=60) for _ in range(200)]
    for client in readers:
        client.write("GET", "/big")
    until(lambda: len(finished) == 200, "the origin is rid of all responses", within=60)
    held = proxy.resident_bytes() + kernel_memory(proxy.address[1])
    assert held < 160 * MEGABYTE, f"{held / MEGABYTE:.0f} MiB are held for 200 slow readers"
    for client in readers:
        left = int(client.read_response_head().headers["Content-Length"])
        while left > 0:
            piece = client.read_some()
            assert piece
            left -= len(piece)
        client.close()
    assert proxy.peak_resident_bytes() < 160 * MEGABYTE


@pytest.mark.long
def test_memory_is_given_back_and_nothing_leaks(proxy_to, origin):
    """The same load twice: the second round needs no more than the first."""
    web = sized_origin(origin, 2 * MEGABYTE)
    proxy = proxy_to(web)

    def round_of_load():
        for _ in range(20):
            clients = [Client(proxy.address) for _ in range(20)]
            for client in clients:
                client.write("POST", "/x", body=PIECE[:300_000])
            for client in clients:
                assert len(client.read_response().body) == 2 * MEGABYTE
                client.close()
        return proxy.peak_resident_bytes(), len(os.listdir(f"/proc/{proxy.pid}/fd"))

    first, _ = round_of_load()
    second, _ = round_of_load()
    assert second < first + 8 * MEGABYTE
    # Every descriptor of the load is closed but the few idle ones towards the origin.
    until(lambda: len(os.listdir(f"/proc/{proxy.pid}/fd")) < 120, "descriptors are closed")
