"""Files on a share that takes its time, or hangs: nobody waits for it who need not.

`support/slow_share.c` stands between Martlet and libc and makes directories such shares.
"""

import os
import random
import re

import pytest

from support.martlet import Martlet
from support.share import Share, shared
from support.waiting import until
from support.wire import Truncated

MiB = 1 << 20

CONFIG = """
file_cache: {$cache}
pools: {web: {servers: [$web]}}
routes:
  - {name: web, match: {prefix: /web}, proxy: web}
  - {match: {prefix: /local}, files: {alias: $local}}
  - {match: {prefix: /other}, files: {alias: $other}}
  - {name: share, match: {prefix: /share}, files: {alias: $share}}
  - {match: {prefix: /either}, files: {alias: $share, fallback: web}}
"""


class Site:
    """A proxy with a local directory, two shares and a server."""

    def __init__(self, martlet, origin, library, folder, cache="freshness: 1m", delay=0, config=CONFIG):
        calls = folder / "calls"
        self.share, self.other = Share(folder / "share", calls), Share(folder / "other", calls)
        self.local = folder / "local"
        self.local.mkdir()
        (self.local / "a.txt").write_bytes(b"local")
        self.origin = origin()
        self.values = {
            "cache": cache, "web": self.origin, "local": self.local, "share": self.share.path, "other": self.other.path,
        }  # fmt: skip
        env = shared(library, self.share, self.other, delay=delay)
        self.proxy: Martlet = martlet(config, env=env, **self.values)

    def waiting(self):
        family = self.proxy.metrics()["martlet_file_waiting"]
        return sum(value for (_, labels), value in family.samples.items() if str(self.share.path) in str(labels))

    def begin(self, target, headers=(), method="GET", body=None, **more):
        """A client that has asked and not been answered."""
        client = self.proxy.connect(**more)
        client.write(method, target, headers, body)
        return client


@pytest.fixture
def site(martlet, origin, library, tmp_path):
    sites = []

    def start(**more):
        sites.append(Site(martlet, origin, library, tmp_path, **more))
        return sites[-1]

    yield start
    for one in sites:  # A thread that hangs would hold up the proxy's end.
        for share in (one.share, one.other):
            share.release()
        # The loop never asks a share, whatever happened.
        asked = [call for call in one.share.calls() + one.other.calls() if call[0].startswith("worker")]
        assert not asked, asked


def noise(size):
    return random.Random(size).randbytes(size)


def test_who_need_not_wait_for_a_share_that_hangs_does_not(site):
    one = site()
    for share in (one.share, one.other):
        share.write("hot.txt", b"hot")
        share.write("cold.txt", b"cold")
    assert one.proxy.get("/share/hot.txt").body == b"hot"
    one.share.hang()
    waiting = [one.begin(f"/share/{name}") for name in ("cold.txt", "cold.txt", "none.txt")]
    until(lambda: one.share.calls("none.txt"), "the share is being asked")
    with one.proxy.connect() as client:
        for _ in range(50):  # The loop turns: all others are answered first.
            assert client.get("/share/hot.txt").body == b"hot"
            assert client.get("/local/a.txt").body == b"local"
            assert client.get("/other/cold.txt").body == b"cold"
            assert client.get("/web/x").body == b"ok"
    assert not any(client.has_data() for client in waiting)
    one.share.release()
    assert [client.read_response().status for client in waiting] == [200, 200, 404]


def test_requests_for_the_same_file_are_one_question(site):
    one = site()
    content = one.share.write("a.txt", b"content")
    one.share.hang()
    clients = [one.begin("/share/a.txt") for _ in range(20)]
    until(lambda: one.share.calls("a.txt"), "the share is being asked")
    with one.proxy.connect() as client:
        assert client.get("/local/a.txt").status == 200  # The loop has read all of the others by now.
    one.share.release()
    for client in clients:
        assert client.read_response().body == content
    assert [call[1] for call in one.share.calls("a.txt")].count("open") == 1


def test_a_hot_file_is_served_while_the_share_is_asked_whether_it_has_changed(site):
    one = site(cache="freshness: 2s")
    one.share.write("a.txt", b"old")
    with one.proxy.connect() as client:
        assert client.get("/share/a.txt").body == b"old"
        one.share.write("a.txt", b"newer")
        one.share.hang()
        before = len(one.share.calls())

        def asked():
            assert client.get("/share/a.txt").body == b"old"
            return len(one.share.calls()) > before

        until(asked, "the share is asked again, and nobody waits")
        assert client.get("/share/a.txt").body == b"old"
        one.share.release()
        until(lambda: client.get("/share/a.txt").body == b"newer", "the change is noticed")


def test_a_file_that_comes_is_not_missing_for_long(site):
    one = site()  # However long files are fresh.
    with one.proxy.connect() as client:
        assert client.get("/share/a.txt").status == 404
        one.share.write("a.txt", b"here")
        until(lambda: client.get("/share/a.txt").status == 200, "the file is found", within=5)


def test_who_waits_for_too_long_is_answered_504(site):
    one = site(cache="timeout: 200ms")
    content = one.share.write("a.txt", b"content")
    one.share.hang()
    with one.proxy.connect() as client:
        assert client.get("/share/a.txt").status == 504
        # What was sent with a request that has waited is no request.
        hidden = b"GET /local/a.txt HTTP/1.1\r\nHost: a\r\n\r\n"
        assert client.ask("POST", "/share/a.txt", body=hidden).status == 504
        assert client.get("/local/a.txt").body == b"local"
        one.share.release()
        until(lambda: client.get("/share/a.txt").body == content, "the share answers again")
    records = [line for line in one.proxy.log_lines(3) if line["status"] == 504]
    assert [record["reason"] for record in records] == ["file_timeout:lookup"] * 2


def test_a_share_has_a_bounded_queue(site):
    one = site(cache="threads: 1, waiting: 2")
    one.share.hang()
    waiting = []
    for i in range(3):
        waiting.append(one.begin(f"/share/{i}"))
        if i == 0:
            until(lambda: one.share.calls("0"), "the thread is busy")
        else:
            until(lambda: one.waiting() == i, "the question waits")
    refused = one.proxy.get("/share/3")
    assert refused.status == 503 and refused.headers["Retry-After"] == "1"
    assert one.proxy.log_line(status=503)["reason"] == "refused:file_queue"
    # Who asks what is asked already waits for that answer.
    waiting.append(one.begin("/share/2"))
    with one.proxy.connect() as client:
        assert client.get("/other/3").status == 404, "another share has its own queue"
    one.share.release()
    assert [client.read_response().status for client in waiting] == [404] * 4


def test_a_client_that_goes_leaves_its_answer_in_the_cache(site):
    one = site()
    content = one.share.write("a.txt", b"content")
    one.share.hang()
    client = one.begin("/share/a.txt")
    until(lambda: one.share.calls("a.txt"), "the share is being asked")
    client.reset()
    one.proxy.log_line(reason="client_closed:waiting")
    one.share.release()
    until(lambda: "close" in [call[1] for call in one.share.calls("a.txt")], "the file is in memory")
    before = len(one.share.calls())
    assert one.proxy.get("/share/a.txt").body == content
    assert len(one.share.calls()) == before


def test_a_path_that_nobody_remembers_is_answered_all_the_same(site):
    one = site(delay=1)
    for _ in range(2):
        assert one.proxy.get("/share/" + "d/" * 200 + "x").status == 404


def test_what_a_share_does_not_have_goes_to_the_fallback_with_its_body(site):
    one = site(delay=5)
    with one.proxy.connect() as client:
        assert client.ask("POST", "/either/a%2Fb?c", body=b"body").body == b"ok"
        request = one.origin.next_request()
        assert (request.method, request.target, request.body) == ("POST", "/either/a%2Fb?c", b"body")
        assert client.ask("POST", "/either/a", body=[b"in ", b"chunks"]).body == b"ok"
        assert one.origin.next_request().body == b"in chunks"


def test_who_waits_across_a_reload_is_answered_by_the_route_that_it_came_with(site):
    one = site()
    one.share.write("a.txt", b"share")
    one.other.write("a.txt", b"other")
    one.share.hang()
    client = one.begin("/share/a.txt")
    until(lambda: one.share.calls("a.txt"), "the share is being asked")
    one.proxy.write(CONFIG, **{**one.values, "share": one.other.path})
    start = one.proxy.reload()
    one.proxy.stderr.wait_for("configuration reloaded", start=start)
    until(lambda: one.proxy.get("/share/a.txt").body == b"other", "the new route serves")
    one.share.release()
    assert client.read_response().body == b"share"
    assert client.get("/share/a.txt").body == b"other"


# Large files


def test_a_large_file_comes_through_the_threads_whole(site):
    one = site(delay=1)
    content = one.share.write("big.bin", noise(3 * MiB + 123))
    with one.proxy.connect() as client:
        for _ in range(2):
            assert client.get("/share/big.bin").body == content
        assert client.get("/share/big.bin", {"Range": "bytes=1000000-1999999"}).body == content[1000000:2000000]
        parts = client.get("/share/big.bin", {"Range": "bytes=0-299999,3000000-"})
        assert parts.status == 206
        assert content[:300000] in parts.body and content[3000000:] in parts.body
        assert client.ask("HEAD", "/share/big.bin").headers["Content-Length"] == str(len(content))
        assert client.get("/local/a.txt").body == b"local"
    calls = {call[1] for call in one.share.calls("big.bin")}
    assert "pread" in calls and "sendfile" not in calls


def test_a_slow_reader_holds_up_no_thread(site):
    one = site(cache="threads: 1, freshness: 1m")
    content = one.share.write("big.bin", noise(8 * MiB))
    slow = [one.begin("/share/big.bin", receive_buffer=4096) for _ in range(5)]
    for client in slow:
        client.read_response_head()
    assert one.proxy.get("/share/big.bin").body == content
    for client in slow:
        assert client.read_exactly(len(content)) == content


def test_memory_stays_flat_over_a_file_of_a_gigabyte(site):
    one = site()
    with open(one.share.path / "huge.bin", "wb") as file:
        file.truncate(1 << 30)
    assert one.proxy.get("/share/huge.bin", {"Range": "bytes=0-99"}).status == 206
    before = one.proxy.peak_resident_bytes()
    slow = [one.begin("/share/huge.bin", receive_buffer=4096) for _ in range(150)]
    for client in slow:
        client.read_response_head()
    with one.proxy.connect() as client:
        client.write("GET", "/share/huge.bin")
        assert client.read_response_head().headers["Content-Length"] == str(1 << 30)
        left = 1 << 30
        while left:
            piece = client.read_some()
            assert piece.count(0) == len(piece) > 0
            left -= len(piece)
    # Heads and what the kernel has not taken: 64 pieces of 128 KiB at most, and each client's own.
    assert one.proxy.peak_resident_bytes() - before < 32 * MiB


def test_a_file_that_shrinks_cuts_the_response_visibly(site):
    one = site()
    content = one.share.write("big.bin", noise(32 * MiB))
    client = one.begin("/share/big.bin", receive_buffer=4096)
    client.read_response_head()
    os.truncate(one.share.path / "big.bin", MiB // 2)
    with pytest.raises(Truncated) as cut:
        client.read_exactly(len(content))
    assert content.startswith(cut.value.got)
    assert one.proxy.log_line(target="/share/big.bin")["reason"] == "file_failed:cut"


def test_a_share_that_hangs_within_a_file_cuts_the_response_in_time(site):
    one = site(cache="timeout: 300ms")
    content = one.share.write("big.bin", noise(32 * MiB))
    client = one.begin("/share/big.bin", receive_buffer=4096)
    client.read_response_head()
    one.share.hang()
    with pytest.raises(Truncated):
        client.read_exactly(len(content))
    assert one.proxy.log_line(target="/share/big.bin")["reason"] == "file_timeout:read"
    assert one.proxy.get("/local/a.txt").body == b"local"
    one.share.release()
    assert one.proxy.get("/share/big.bin").body == content


def test_a_client_that_goes_while_a_piece_is_read_leaves_nothing_behind(site):
    one = site()
    content = one.share.write("big.bin", noise(8 * MiB))
    assert one.proxy.get("/share/big.bin", {"Range": "bytes=0-0"}).status == 206
    reads = len(one.share.calls("big.bin"))
    one.share.hang()
    client = one.begin("/share/big.bin")
    until(lambda: len(one.share.calls("big.bin")) > reads, "a piece is being read")
    client.reset()
    one.proxy.log_line(reason="client_closed:response")
    one.share.release()
    assert one.proxy.get("/share/big.bin").body == content


# Compressed files


COMPRESSED = re.sub("^file_cache", "gzip: on\nfile_cache", CONFIG, flags=re.MULTILINE)


def test_the_first_to_want_a_file_compressed_waits_and_nobody_else(site):
    one = site(config=COMPRESSED)
    text = one.share.write("app.css", b"body { color: red }\n" * 50_000)
    gzip = {"Accept-Encoding": "gzip"}
    one.share.hang()
    waiting = [one.begin("/share/app.css", gzip) for _ in range(3)] + [one.begin("/share/app.css")]
    until(lambda: one.share.calls("app.css"), "the share is being asked")
    assert one.proxy.get("/local/a.txt").body == b"local"
    one.share.release()
    *coded, plain = [client.read_response() for client in waiting]
    assert plain.body == text and plain.headers["Vary"] == "Accept-Encoding"
    for response in coded:
        assert response.headers["Content-Encoding"] == "gzip"
        assert int(response.headers["Content-Length"]) == len(response.body) < 10_000
    assert one.proxy.get("/share/app.css", gzip).body == coded[0].body
    # Once for who came first, once for who wanted something else.
    assert [call[1] for call in one.share.calls("app.css")].count("open") == 2
