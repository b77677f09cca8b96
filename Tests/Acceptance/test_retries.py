"""What becomes of requests whose server fails them."""

import gzip
import os
import signal
import socket
import threading
import time

import pytest

from support.origin import answer
from support.waiting import until
from support.wire import Stream, Truncated

ROUTES = "routes: [{match: {prefix: /}, proxy: web}]\n"


def pool(more="", ejection="off"):
    return f'pools: {{web: {{servers: ["$bad", "$good"], ejection: {ejection}, {more}}}}}\n' + ROUTES


def in_background(ask, count=1):
    """Asks in threads; gives them, and the list that answers come into."""
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask()), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, answers


def joined(threads):
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "a request has had no answer"


def total(proxy, name):
    return proxy.metrics()[name].value()


class Silent:
    """Reads requests and answers none, but for health checks while it is well."""

    def __init__(self):
        self.is_well = True

    def __call__(self, stream, request):
        if request.target == "/health":
            if not self.is_well:
                return False
            stream.send(answer(b"well"))
            return True
        stream.read_end()
        return False


HEALTH = "health: {path: /health, interval: 100ms, timeout: 500ms, fall: 2, jitter: 0%}"


def healthy(stream, request):
    stream.send(answer(b"good"))
    return True


def asked(origin):
    return [r for r in origin.requests if r.target != "/health"]


# Take-back


def test_requests_that_wait_for_a_server_found_dead_are_answered_by_another(martlet, origin):
    silent = Silent()
    bad, good = origin(silent), origin(healthy)
    proxy = martlet(pool(HEALTH, ejection="{failures: 1}"), bad=bad, good=good)
    proxy.wait_all_up()
    threads, answers = in_background(lambda: proxy.ask("PUT", "/", body=b"kept"), count=6)
    until(lambda: len(asked(bad)) >= 3, "some wait for the silent one")
    silent.is_well = False
    joined(threads)
    assert [r.body for r in answers] == [b"good"] * 6
    assert {r.body for r in asked(good)} == {b"kept"}
    records = [r for r in proxy.log_lines(6) if r["attempts"] > 1]
    assert len(records) == len(asked(bad))
    assert {(r["reason"], r["retried"]) for r in records} == {("ok", "server_failed:down")}
    # Found dead once is failed once: by health checks, not by each request that it had.
    assert total(proxy, "martlet_upstream_failures_total") == 0


def test_requests_that_wait_for_an_ejected_server_are_answered_by_another(martlet, origin):
    def silent(stream, request):
        if request.target == "/wait":
            stream.read_end()
        return False

    bad, good = origin(silent), origin(answer(b"good"))
    proxy = martlet(pool(ejection="{failures: 1, duration: 1m}") + "workers: 2\n", bad=bad, good=good)
    threads, answers = in_background(lambda: proxy.get("/wait"), count=8)
    until(lambda: len(bad.requests) >= 2, "some wait for the silent one")
    while total(proxy, "martlet_server_ejected") == 0:
        assert proxy.get("/break").body == b"good"
    joined(threads)
    assert [r.body for r in answers] == [b"good"] * 8


def test_a_post_stays_with_the_server_that_was_found_dead(martlet, origin):
    silent = Silent()
    bad, good = origin(silent), origin(healthy)
    proxy = martlet(pool(HEALTH + ", timeouts: {response: 2s}"), bad=bad, good=good)
    proxy.wait_all_up()
    threads, answers = in_background(lambda: proxy.ask("POST", "/", body=b"once"), count=4)
    until(lambda: len(asked(bad)) >= 2, "some wait for the silent one")
    silent.is_well = False
    joined(threads)
    assert sorted(r.status for r in answers) == [200, 200, 504, 504]
    assert len(asked(bad)) == len(asked(good)) == 2


def test_a_request_stays_where_it_is_when_there_is_no_other_server(martlet, origin):
    silent, release = Silent(), threading.Event()

    def late(stream, request):
        if request.target == "/health":
            return silent(stream, request)
        release.wait(20)
        stream.send(answer(b"late"))
        return True

    bad = origin(late)
    proxy = martlet("pools: {web: {servers: [$bad], " + HEALTH + "}}\n" + ROUTES, bad=bad)
    proxy.wait_ready()
    threads, answers = in_background(lambda: proxy.get("/"))
    until(lambda: len(asked(bad)) == 1, "it waits")
    silent.is_well = False
    proxy.wait_not_ready()
    release.set()
    joined(threads)
    assert answers[0].body == b"late"


def test_draining_takes_nothing_back(martlet, origin):
    release = threading.Event()

    def late(stream, request):
        release.wait(20)
        stream.send(answer(b"late"))
        return True

    bad, good = origin(late), origin(late)
    proxy = martlet(pool(), bad=bad, good=good)
    threads, answers = in_background(lambda: proxy.get("/"), count=2)
    until(lambda: len(bad.requests) == len(good.requests) == 1, "both have one")
    drained = pool().replace('"$bad"', '{address: "$bad", drain: true}')
    proxy.write(drained, bad=bad, good=good)
    proxy.stderr.wait_for("drains", start=proxy.reload())
    release.set()
    joined(threads)
    assert [r.body for r in answers] == [b"late"] * 2
    assert len(bad.requests) == len(good.requests) == 1


def test_a_frozen_gunicorn_costs_no_get(martlet, gunicorn):
    bad, good = gunicorn("bad", threads=8), gunicorn("good", threads=8)
    health = "health: {path: /api/method/ping, interval: 200ms, timeout: 400ms, fall: 2, jitter: 0%}"
    proxy = martlet(pool(health, ejection="{failures: 5}"), bad=bad, good=good)
    proxy.wait_all_up()
    os.killpg(bad.process.pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        threads, answers = in_background(lambda: proxy.get("/api/method/ping"), count=8)
        joined(threads)
        assert [r.status for r in answers] == [200] * 8
        assert time.monotonic() - begin < 10, "they waited for more than the checks"
    finally:
        os.killpg(bad.process.pid, signal.SIGCONT)


def test_requests_outlast_the_death_of_all_servers_at_once(martlet, gunicorn):
    a, b = gunicorn("a", workers=1, threads=8), gunicorn("b", workers=1, threads=8)
    proxy = martlet(pool("queue: {timeout: 30s}"), bad=a, good=b)
    threads, answers = in_background(lambda: proxy.get("/slow?seconds=1"), 8)
    until(lambda: total(proxy, "martlet_server_in_flight") == 8, "all are with their servers")
    for server in (a, b):
        server.kill()
    for server in (a, b):
        server.start()
    joined(threads)
    assert [r.status for r in answers] == [200] * 8


@pytest.mark.parametrize("reuse, lost", [("safe", 0), ("always", 1)])
def test_a_gunicorn_that_ends_is_sent_no_post_that_it_does_not_read(martlet, gunicorn, reuse, lost):
    # It closes its listener at once, but its kept connections only when the last request is done.
    a, b = gunicorn("a", workers=1, threads=8, keepalive=30), gunicorn("b", workers=1, threads=8, keepalive=30)
    proxy = martlet(pool(f"keepalive: {{idle: 30s, reuse: {reuse}}}, retries: 1") + "workers: 1\n", bad=a, good=b)
    threads, slow = in_background(lambda: proxy.get("/slow?seconds=2"), 2)
    until(lambda: total(proxy, "martlet_server_in_flight") == 2, "both are busy")
    for _ in range(4):
        assert proxy.get("/echo").status == 200
    a.process.signal(signal.SIGTERM)
    until(a._is_gone, "its listener is closed")
    statuses = []
    posts = [threading.Thread(target=lambda: statuses.append(proxy.ask("POST", "/echo", body=b"x").status)) for _ in range(4)]
    for post in posts:
        post.start()
    joined(posts)
    joined(threads)
    assert (statuses.count(502) > 0) == (lost > 0), statuses
    assert statuses.count(200) + statuses.count(502) == 4


@pytest.mark.parametrize("idempotent, statuses", [("true", [200] * 4), ("false", [502, 200, 502, 200])])
def test_a_server_that_dies_over_a_post_costs_it_only_where_it_may_have_had_an_effect(martlet, origin, idempotent, statuses):
    bad, good = origin(lambda stream, request: False), origin(answer(b"good"))
    routes = f"routes: [{{match: {{prefix: /}}, proxy: {{pool: web, idempotent: {idempotent}}}}}]\n"
    proxy = martlet(pool().replace(ROUTES, "workers: 1\n" + routes), bad=bad, good=good)
    # More than is held behind a head.
    body = b"x" * 100_000
    assert [proxy.ask("POST", "/", body=body).status for _ in range(4)] == statuses
    assert all(request.body == body for request in good.requests)


# Held answers


def cut(length, sent, framing="Content-Length: %d"):
    head = ("HTTP/1.1 200 OK\r\n" + (framing % length if "%d" in framing else framing) + "\r\n\r\n").encode()

    def behave(stream, request):
        stream.send(head + b"x" * sent)
        return False

    return behave


@pytest.mark.parametrize("length, sent", [(10, 4), (65536, 0), (65536, 65535), (20_000, 17_000)])
def test_a_server_that_dies_within_a_held_answer_is_not_noticed(martlet, origin, length, sent):
    bad, good = origin(cut(length, sent)), origin(answer(b"good"))
    proxy = martlet(pool(), bad=bad, good=good)
    for _ in range(4):
        response = proxy.get("/")
        assert (response.status, response.body) == (200, b"good")
    assert len(bad.requests) == 2
    assert {r.get("retried") for r in proxy.log_lines(4)} == {None, "server_closed:response"}


def test_a_post_whose_answer_is_cut_is_not_repeated(martlet, origin):
    bad, good = origin(cut(10, 4)), origin(cut(10, 4))
    proxy = martlet(pool(), bad=bad, good=good)
    with proxy.connect() as client:
        client.write("POST", "/", body=b"once")
        with pytest.raises((Truncated, ConnectionResetError)):
            client.read_response()
    assert len(bad.requests) + len(good.requests) == 1


def test_a_held_answer_that_stops_is_cleanly_refused(martlet, origin):
    def stop(stream, request):
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        stream.read_end()

    bad, good = origin(stop), origin(stop)
    proxy = martlet(pool("timeouts: {response: 300ms}"), bad=bad, good=good)
    assert proxy.get("/").status == 504
    assert proxy.log_lines(1)[0]["reason"] == "server_timeout:response"


@pytest.mark.parametrize(
    "method, head, more",
    [
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n", ""),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX-Accel-Buffering: no\r\n\r\n", ""),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "retries: {hold: 0}"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "retries: 0"),
        ("POST", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", ""),
    ],
)
def test_an_answer_that_is_not_held_reaches_the_client_as_it_comes(martlet, origin, method, head, more):
    release = threading.Event()

    def slow(stream, request):
        stream.send(head)
        release.wait(20)
        length = int(head.split(b"Length: ")[1].split(b"\r")[0])
        stream.send(b"x" * length)
        return True

    bad, good = origin(slow), origin(slow)
    proxy = martlet(pool(more), bad=bad, good=good)
    with proxy.connect() as client:
        client.write(method, "/", body=b"" if method == "POST" else None)
        assert client.read_response_head().status == 200
        release.set()


def test_a_chunked_answer_is_streamed(martlet, origin):
    release = threading.Event()

    def slow(stream, request):
        stream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n")
        release.wait(20)
        stream.send(b"0\r\n\r\n")
        return True

    bad, good = origin(slow), origin(slow)
    proxy = martlet(pool(), bad=bad, good=good)
    with proxy.connect() as client:
        client.write("GET", "/")
        assert client.read_response_head().status == 200
        assert client.read_some()
        release.set()


def test_a_held_answer_comes_whole_and_its_connection_goes_on(martlet, origin):
    body = bytes(i % 251 for i in range(65536))

    def in_pieces(stream, request):
        for start in range(0, len(body), 9000):
            if start == 0:
                stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n")
            stream.send(body[start : start + 9000])
        return True

    bad, good = origin(in_pieces), origin(in_pieces)
    proxy = martlet(pool() + "workers: 1\n", bad=bad, good=good)
    with proxy.connect() as client:
        for version in ("1.1", "1.1", "1.0"):
            assert client.ask("GET", "/", version=version, headers=[("Connection", "keep-alive")]).body == body
        head = client.ask("HEAD", "/")
        assert (head.status, head.headers["Content-Length"]) == (200, "65536")


def test_a_held_answer_is_compressed_on_its_way(martlet, origin):
    body = b"compressible " * 3000

    def in_pieces(stream, request):
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 39000\r\n\r\n" + body[:100])
        stream.send(body[100:])
        return True

    bad, good = origin(in_pieces), origin(in_pieces)
    proxy = martlet(pool() + "gzip: {}\n", bad=bad, good=good)
    response = proxy.get("/", headers=[("Accept-Encoding", "gzip")])
    assert response.headers["Content-Encoding"] == "gzip"


# Statuses


def busy(body=b"busy"):
    return answer(body, "503 Service Unavailable", [("X-From", "server")])


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_an_answer_of_503_sends_an_idempotent_request_to_another_server(martlet, origin, method):
    def head_or_all(stream, request):
        whole = busy()
        stream.send(whole[:-4] if request.method == "HEAD" else whole)
        return True

    def good(stream, request):
        whole = answer(b"good")
        stream.send(whole[:-4] if request.method == "HEAD" else whole)
        return True

    bad, good = origin(head_or_all), origin(good)
    proxy = martlet(pool(), bad=bad, good=good)
    for _ in range(4):
        assert proxy.ask(method, "/", body=b"held" * 3000 if method == "PUT" else None).status == 200
    assert len(bad.requests) == 2
    assert {(r["attempts"], r.get("retried")) for r in proxy.log_lines(4)} == {(1, None), (2, "server_failed:status")}
    assert total(proxy, "martlet_upstream_failures_total") == 2
    # The answer was read to its end: the connection goes on.
    assert total(proxy, "martlet_retries_total") == 2


def test_a_post_is_not_repeated_over_an_answer(martlet, origin):
    bad, good = origin(busy()), origin(busy())
    proxy = martlet(pool(), bad=bad, good=good)
    for i in range(1, 5):
        assert proxy.ask("POST", "/", body=b"once").status == 503
        assert len(bad.requests) + len(good.requests) == i


def test_the_last_answer_goes_to_the_client_as_it_came(martlet, origin):
    bad, good = origin(busy(b"first")), origin(busy(b"second"))
    proxy = martlet(pool(ejection="{failures: 1, max_percent: 100%}"), bad=bad, good=good)
    for _ in range(4):
        response = proxy.get("/")
        assert (response.status, response.headers["X-From"]) == (503, "server")
        assert response.body in (b"first", b"second")
    # A site that is being maintained is no server that fails.
    assert total(proxy, "martlet_upstream_failures_total") == 0
    assert total(proxy, "martlet_server_ejected") == 0


@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_an_answer_passed_over_is_given_after_all_when_the_other_server_is_gone(martlet, origin, refused_port, framing):
    chunked = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n"
    bad, good = origin(busy() if framing == "counted" else chunked), refused_port
    proxy = martlet(pool(), bad=bad, good=good)
    for _ in range(3):
        response = proxy.get("/")
        assert (response.status, response.body) == (503, b"busy")


def test_an_answer_given_after_all_is_compressed_like_any_other(martlet, origin, refused_port):
    body = b"compressible " * 4000
    bad = origin(answer(body, "404 Not Found", [("Content-Type", "text/plain")]))
    proxy = martlet(pool("retries: {statuses: [404]}") + "gzip: {}\n", bad=bad, good=refused_port)
    for _ in range(3):
        response = proxy.get("/", headers=[("Accept-Encoding", "gzip")])
        assert (response.status, gzip.decompress(response.body)) == (404, body)


def test_servers_that_answer_503_while_others_do_not_are_ejected(martlet, origin):
    bad, good = origin(busy()), origin(answer(b"good"))
    proxy = martlet(pool(ejection="{failures: 3, duration: 1m}") + "workers: 1\n", bad=bad, good=good)
    for _ in range(20):
        assert proxy.get("/").body == b"good"
    assert len(bad.requests) == 3


def test_a_server_that_answers_posts_with_503_is_ejected(martlet, origin):
    bad, good = origin(busy()), origin(answer(b"good"))
    proxy = martlet(pool(ejection="{failures: 3, duration: 1m}") + "workers: 1\n", bad=bad, good=good)
    statuses = [proxy.ask("POST", "/", body=b"x").status for _ in range(20)]
    assert (statuses.count(503), len(bad.requests)) == (3, 3)


def test_a_site_in_maintenance_ejects_nobody(martlet, origin):
    def maintain(stream, request):
        stream.send(answer(b"later", status="503 Service Unavailable"))
        return True

    a, b = origin(maintain), origin(maintain)
    health = "health: {path: /health, interval: 100ms, maintenance: 503}"
    proxy = martlet(pool(health, ejection="{failures: 3, duration: 1m}") + "workers: 1\n", bad=a, good=b)
    until(lambda: proxy.admin("/pools").body.count(b'"maintenance"') == 2, "both are in maintenance")
    for _ in range(10):
        assert proxy.ask("POST", "/", body=b"x").status == 503
        assert proxy.get("/").status == 503
    assert total(proxy, "martlet_server_ejections_total") == 0


def test_a_status_that_is_not_listed_is_an_answer(martlet, origin):
    bad, good = origin(busy()), origin(answer(b"good"))
    proxy = martlet(pool("retries: {statuses: [502, 504]}"), bad=bad, good=good)
    assert sorted(proxy.get("/").status for _ in range(4)) == [200, 200, 503, 503]


def test_the_budget_keeps_a_busy_pool_from_twice_its_load(martlet, origin):
    bad, good = origin(busy()), origin(busy())
    proxy = martlet(pool("retries: {budget: 0%}"), bad=bad, good=good)
    for _ in range(4):
        assert proxy.get("/").status == 503
    assert len(bad.requests) + len(good.requests) == 4
    assert total(proxy, "martlet_retries_refused_total") == 4


# A platform's page

PAGE = b"<html><h1>Error 404 - This app is stopped or does not exist</h1></html>"


def page(body=PAGE):
    return answer(body, "404 Not Found")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("retries", [1, 0])
def test_a_platforms_page_never_reaches_a_client(martlet, origin, method, retries):
    chunked = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE), PAGE)
    bad, good = origin(page()), origin(chunked)
    proxy = martlet(pool(f"retries: {retries}, platform_page: '<h1>Error 404 - This app'"), bad=bad, good=good)
    for _ in range(3):
        response = proxy.ask(method, "/", body=b"x" * 40_000 if method == "POST" else None)
        assert response.status == 503
        assert b"stopped" not in response.body
    assert len(bad.requests) + len(good.requests) == 3 * (1 + retries)
    assert {r["reason"] for r in proxy.log_lines(3)} == {"server_failed:platform_page"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_met_by_a_platforms_page_goes_to_another_server(martlet, origin, method):
    def in_halves(stream, request):
        stream.send(page()[:60])
        stream.send(page()[60:])
        return True

    bad, good = origin(in_halves), origin(answer(b"good"))
    proxy = martlet(pool("platform_page: '<h1>Error 404 - This app'"), bad=bad, good=good)
    for _ in range(4):
        assert proxy.ask(method, "/", body=b"x" if method == "POST" else None).body == b"good"
    assert total(proxy, "martlet_upstream_failures_total") == 2


def test_a_real_404_passes_untouched(martlet, origin):
    bad, good = origin(page(b"no such page")), origin(page(b"no such page"))
    proxy = martlet(pool("platform_page: '<h1>Error 404 - This app'"), bad=bad, good=good)
    for method in ("GET", "POST"):
        response = proxy.ask(method, "/", body=b"" if method == "POST" else None)
        assert (response.status, response.body) == (404, b"no such page")
    assert len(bad.requests) + len(good.requests) == 2


# Slow servers


def test_a_get_without_a_byte_of_an_answer_goes_to_another_server(martlet, origin):
    def silent(stream, request):
        stream.read_end()

    bad, good = origin(silent), origin(answer(b"good"))
    proxy = martlet(pool("retries: {try_timeout: 200ms}"), bad=bad, good=good)
    assert [proxy.get("/").body for _ in range(4)] == [b"good"] * 4
    assert len(bad.requests) == 2
    assert {r.get("retried") for r in proxy.log_lines(4)} == {None, "server_timeout:try"}
    assert total(proxy, "martlet_upstream_failures_total") == 2


def test_a_post_waits_for_its_server(martlet, origin):
    release = threading.Event()

    def slow(stream, request):
        release.wait(0.6)  # Never set: longer than a try, shorter than the whole.
        stream.send(answer(b"late"))
        return True

    bad, good = origin(slow), origin(slow)
    proxy = martlet(pool("retries: {try_timeout: 100ms}"), bad=bad, good=good)
    assert proxy.ask("POST", "/", body=b"once").body == b"late"
    assert len(bad.requests) + len(good.requests) == 1


def test_all_tries_together_have_the_time_for_a_response(martlet, origin):
    def silent(stream, request):
        stream.read_end()

    bad, good = origin(silent), origin(silent)
    proxy = martlet(pool("retries: {try_timeout: 200ms}, timeouts: {response: 500ms}"), bad=bad, good=good)
    assert proxy.get("/").status == 504
    assert len(bad.requests) == len(good.requests) == 1
    record = proxy.log_lines(1)[0]
    assert record["reason"] == "server_timeout:waiting"
    assert 450 <= record["duration_ms"] < 5000


def test_a_server_that_has_begun_to_answer_has_its_time(martlet, origin):
    pause = threading.Event()

    def slow(stream, request):
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        pause.wait(0.5)  # Never set: longer than a try.
        stream.send(b"x" * 100_000)
        return True

    bad, good = origin(slow), origin(slow)
    proxy = martlet(pool("retries: {try_timeout: 100ms}"), bad=bad, good=good)
    assert len(proxy.get("/").body) == 100_000


def test_half_a_head_from_a_server_that_reads_no_further_holds_nobody_up(martlet, origin):
    steps = [threading.Event() for _ in range(2)]
    head = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def early(stream):
        stream.read_request_head()
        for part, step in zip((head[:10], head[10:20]), steps):
            stream.send(part)
            step.wait(20)
        stream.send(head[20:])
        stream.read_end()

    web, other = origin(connected=early), origin()
    proxy = martlet(
        "pools: {web: {servers: [$web]}, other: {servers: [$other]}}\n"
        "routes: [{match: {prefix: /other}, proxy: other}, {match: {prefix: /}, proxy: web}]\n",
        web=web,
        other=other,
    )
    threads, answers = in_background(lambda: proxy.ask("POST", "/", body=b"x" * 20_000_000))
    web.wait_connections(1)
    for step in steps:
        for _ in range(20):
            assert proxy.get("/other").status == 200
        step.set()
    joined(threads)
    assert answers[0].status == 413


def test_many_connections_that_have_died_at_once_are_not_tried_one_after_the_other(martlet):
    """One may be taken for good; after that each is looked at before it is used."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        proxy = martlet(
            "workers: 1\n"
            'pools: {web: {servers: ["$a"], keepalive: {connections: 1000, idle: 1m}, ejection: off}}\n' + ROUTES,
            a=f"127.0.0.1:{listener.getsockname()[1]}",
        )
        listener.settimeout(20)
        clients, streams = [], []
        for i in range(50):
            client = proxy.connect()
            client.write("GET", f"/{i}")
            clients.append(client)
            streams.append(Stream(listener.accept()[0]))
            streams[-1].read_request()
        for stream in streams:
            stream.send(answer())
        for client in clients:
            client.read_response()
        until(lambda: proxy.metrics()["martlet_connections"].value(side="upstream") == 50, "all are kept")
        # The request comes first, and then, before anything is read, the end of them all.
        proxy.signal(signal.SIGSTOP)
        clients[0].write("GET", "/again")
        for stream in streams:
            stream.reset()
        proxy.signal(signal.SIGCONT)
        with Stream(listener.accept()[0]) as fresh:
            assert fresh.read_request().target == "/again"
            fresh.send(answer(b"again"))
            assert clients[0].read_response().body == b"again"
        assert total(proxy, "martlet_upstream_requests_total") <= 52


def test_the_time_in_the_queue_is_not_the_servers(martlet, origin):
    """A request that has been with a server, and waits for the next, finds its time as it left it."""
    asked = threading.Event()

    def dies(stream, request):
        asked.set()
        return False

    a = origin(dies)
    proxy = martlet(
        'pools: {web: {servers: ["$a"], ejection: off, retries: {tries: 1, try_timeout: 200ms}, '
        "timeouts: {response: 500ms}, queue: {timeout: 30s}}}\n" + ROUTES,
        a=a,
    )
    with proxy.connect() as client:
        client.write("GET", "/")
        assert asked.wait(20)
        a.close()
        until(lambda: total(proxy, "martlet_queue_waiting") == 1, "it waits")
        begin = time.monotonic()
        until(lambda: time.monotonic() - begin > 0.7, "longer than a server has")

        def answers(stream, request):
            time.sleep(0.05)
            stream.send(answer(b"late"))
            return True

        origin(answers, address=a.address[0], port=a.address[1])
        assert client.read_response().body == b"late"
