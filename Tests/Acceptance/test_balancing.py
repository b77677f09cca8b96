"""Which server of a pool answers, and what happens when one does not."""

import json
import re
import threading
from collections import Counter

import pytest

from support.origin import answer
from support.waiting import PATIENCE, until
from support.wire import Client, Truncated


def named(origin, name, **more):
    return origin(answer(name.encode()), name=name, **more)


def asked(proxy, count, target="/", **more):
    """Who answered each of `count` requests on one connection."""
    with proxy.connect() as client:
        return [client.get(target, **more).body.decode() for _ in range(count)]


def test_round_robin_takes_turns(martlet, origin):
    a, b, c = (named(origin, n) for n in "abc")
    proxy = martlet('pools: {web: {servers: ["$a", "$b", "$c"]}}\nroutes: [{match: {prefix: /}, proxy: web}]\n', a=a, b=b, c=c)
    answers = asked(proxy, 30)
    assert Counter(answers) == {"a": 10, "b": 10, "c": 10}
    assert all(answers[i] != answers[i + 1] for i in range(29))


def test_weights_are_kept_smoothly(martlet, origin):
    # nginx's smooth weighted round robin: 5:1:1 is a a b a c a a, never five in a row.
    a, b, c = (named(origin, n) for n in "abc")
    proxy = martlet(
        """
pools:
  web:
    servers: [{address: "$a", weight: 5}, "$b", {address: "$c", weight: 1, name: third}]
routes: [{match: {prefix: /}, proxy: web}]
""",
        a=a,
        b=b,
        c=c,
    )
    answers = asked(proxy, 70)
    assert Counter(answers) == {"a": 50, "b": 10, "c": 10}
    assert "aaaaa" not in "".join(answers)


def test_least_requests_goes_to_the_idle_server(martlet, origin):
    release = threading.Event()

    def behave(name):
        def serve(stream, request):
            if request.target == "/hold":
                assert release.wait(PATIENCE)
            stream.send(answer(name))
            return True

        return serve

    a, b = origin(behave(b"a")), origin(behave(b"b"))
    proxy = martlet(
        'pools: {web: {servers: ["$a", "$b"], strategy: least_requests}}\nroutes: [{match: {prefix: /}, proxy: web}]\n', a=a, b=b
    )
    with proxy.connect() as holder:
        holder.write("GET", "/hold")
        until(lambda: a.requests or b.requests, "the held request arrives")
        idle = "b" if a.requests else "a"
        assert asked(proxy, 10) == [idle] * 10
        release.set()
        assert holder.read_response().status == 200


@pytest.mark.parametrize("strategy", ["random_two", "least_time"])
def test_a_server_that_is_busy_or_slow_is_left_alone(martlet, origin, strategy):
    release = threading.Event()

    def behave(name):
        def serve(stream, request):
            if request.target == "/hold":
                assert release.wait(PATIENCE)
            stream.send(answer(name))
            return True

        return serve

    a, b = origin(behave(b"a")), origin(behave(b"b"))
    proxy = martlet(
        f'pools: {{web: {{servers: ["$a", "$b"], strategy: {strategy}}}}}\nroutes: [{{match: {{prefix: /}}, proxy: web}}]\n', a=a, b=b
    )
    with proxy.connect() as holder:
        holder.write("GET", "/hold")
        until(lambda: a.requests or b.requests, "the held request arrives")
        idle = "b" if a.requests else "a"
        assert asked(proxy, 10) == [idle] * 10
        release.set()
        assert holder.read_response().status == 200


def test_a_backup_stands_in_while_the_others_are_down(martlet, origin):
    a, spare = Patient(origin, "a"), Patient(origin, "spare")
    proxy = martlet(
        f"pools: {{web: {{servers: ['$a', {{address: '$spare', backup: true}}], health: {HEALTH}}}}}\n"
        "routes: [{match: {prefix: /}, proxy: web}]\n",
        a=a,
        spare=spare,
    )
    until(lambda: asked(proxy, 1) == ["a"], "the first server is up")
    spare.wait_checks(2)
    assert asked(proxy, 10) == ["a"] * 10
    a.healthy = False
    until(lambda: asked(proxy, 1) == ["spare"], "the backup stands in")
    a.healthy = True
    until(lambda: asked(proxy, 1) == ["a"], "the first server is back")
    assert asked(proxy, 10) == ["a"] * 10


def test_a_server_that_comes_up_starts_slowly(martlet, origin):
    a, b = Patient(origin, "a"), Patient(origin, "b")
    routes = "routes: [{match: {prefix: /}, proxy: web}]\n"
    proxy = martlet('pools: {web: {servers: ["$a"]}}\n' + routes, a=a)
    assert asked(proxy, 1) == ["a"]
    # One is there already; the other comes up by its checks, at the start of an hour.
    proxy.write(f'pools: {{web: {{servers: ["$a", "$b"], slow_start: 1h, health: {HEALTH}}}}}\n' + routes, a=a, b=b)
    proxy.reload()
    until(lambda: "b" in asked(proxy, 20), "the second one gets its first requests")
    assert 1 <= Counter(asked(proxy, 51))["b"] <= 6


def test_hash_sends_equal_keys_to_one_server(martlet, origin):
    servers = {n: named(origin, n) for n in "abcd"}
    text = """
pools:
  web:
    servers: ["$a", "$b", "$c", "$d"]
    strategy: {hash: ["cookie:sid", "header:Authorization", address]}
routes: [{match: {prefix: /}, proxy: web}]
"""
    proxy, other = martlet(text, **servers), martlet("workers: 2\n" + text, **servers)
    by_cookie = {}
    for i in range(40):
        fields = {"Cookie": f"x=1; sid=s{i}; y=2", "Authorization": f"token {i % 3}"}
        answers = set(asked(proxy, 3, headers=fields))
        assert len(answers) == 1
        by_cookie[i] = answers.pop()
        # Any worker of any process agrees.
        assert other.get("/", fields).body.decode() == by_cookie[i]
    assert set(by_cookie.values()) == set("abcd")
    # Without the cookie the next key decides, and at last the address.
    assert len(set(asked(proxy, 8, headers={"Authorization": "token 7"}))) == 1
    assert len(set(asked(proxy, 8))) == 1


HEALTH = "{path: /health, interval: 250ms, timeout: 250ms, rise: 2, fall: 2, jitter: 0%}"


class Patient:
    """An origin whose health a test decides, and which counts its checks."""

    def __init__(self, origin, name, healthy=True):
        self.name = name.encode()
        self.healthy = healthy
        self.checks = []
        self.served = 0
        self.origin = origin(self._behave, name=name)

    def _behave(self, stream, request):
        if request.target.startswith("/health"):
            self.checks.append(request)
            stream.send(answer(b"pong" if self.healthy else b"", "200 OK" if self.healthy else "503 Updating"))
        else:
            self.served += 1
            stream.send(answer(self.name))
        return True

    def wait_checks(self, more):
        wanted = len(self.checks) + more
        until(lambda: len(self.checks) >= wanted, f"{more} more checks of {self.name}")

    def __str__(self):
        return str(self.origin)


def test_a_server_is_down_until_its_first_success(martlet, origin):
    a, b = Patient(origin, "a"), Patient(origin, "b", healthy=False)
    proxy = martlet(
        f'pools: {{web: {{servers: ["$a", "$b"], required: true, health: {HEALTH}}}}}\nroutes: [{{match: {{prefix: /}}, proxy: web}}]\n',
        a=a,
        b=b,
    ).wait_ready()
    b.wait_checks(2)
    assert asked(proxy, 10) == ["a"] * 10
    b.healthy = True
    until(lambda: "b" in asked(proxy, 2), "b is used once it is healthy")
    assert Counter(asked(proxy, 20)) == {"a": 10, "b": 10}


def test_nobody_healthy_is_503_and_not_ready(martlet, origin):
    a = Patient(origin, "a", healthy=False)
    proxy = martlet(
        f"pools: {{web: {{servers: [$a], required: true, health: {HEALTH}}}}}\nroutes: [{{match: {{prefix: /}}, proxy: web}}]\n", a=a
    )
    a.wait_checks(2)
    assert proxy.get("/").status == 503
    assert proxy.admin("/readyz").status == 503
    assert proxy.admin("/livez").status == 200
    a.healthy = True
    proxy.wait_ready()
    assert proxy.get("/").body == b"a"
    a.healthy = False
    proxy.wait_not_ready()
    assert proxy.get("/").status == 503


def test_servers_that_are_all_down_are_tried_where_the_pool_says_so(martlet, origin):
    a, b = Patient(origin, "a", healthy=False), Patient(origin, "b", healthy=False)
    proxy = martlet(
        f'pools: {{web: {{servers: ["$a", "$b"], when_all_down: try, health: {HEALTH}}}}}\n'
        "routes: [{match: {prefix: /}, proxy: web}]\n",
        a=a,
        b=b,
    )
    a.wait_checks(3)
    assert Counter(asked(proxy, 10)) == {"a": 5, "b": 5}
    assert proxy.admin("/readyz").status == 503, "nothing is known to be well"
    b.healthy = True
    proxy.wait_ready()
    assert asked(proxy, 10) == ["b"] * 10, "one that is up has everything"


def test_a_server_that_is_full_is_not_down_because_its_checks_wait(martlet, origin):
    """A gunicorn with one worker answers no check while it makes a report."""
    done = threading.Event()
    checks = []

    def behave(stream, request):
        if request.target == "/health":
            checks.append(request)
            done.wait(PATIENCE)  # at once when nobody makes a report
        elif request.target == "/report":
            done.wait(PATIENCE)
        stream.send(answer(b"well"))
        return True

    done.set()
    web = origin(behave)
    proxy = martlet(
        f"pools: {{web: {{servers: [{{address: $web, capacity: 1}}], required: true, health: {HEALTH}}}}}\n"
        "routes: [{match: {prefix: /}, proxy: web}]\n",
        web=web,
    ).wait_ready()
    done.clear()
    try:
        with proxy.connect() as client:
            client.write("GET", "/report")
            until(lambda: any(r.target == "/report" for r in web.requests), "the report is begun")
            start = len(checks)
            until(lambda: len(checks) >= start + 6, "more checks than take a server down")
            assert proxy.is_ready()
            done.set()
            assert client.read_response("GET").body == b"well"
    finally:
        done.set()
    assert not re.search(r"server .* down", proxy.stderr.text())


def test_rise_and_fall_are_counted(martlet, origin):
    a, b = Patient(origin, "a"), Patient(origin, "b")
    proxy = martlet(
        'pools: {web: {servers: ["$a", "$b"], health: {path: /health, interval: 250ms, timeout: 250ms, rise: 3, fall: 3, jitter: 0%}}}\n'
        "routes: [{match: {prefix: /}, proxy: web}]\n",
        a=a,
        b=b,
    )
    proxy.wait_all_up()
    b.healthy = False
    start = len(b.checks)
    until(lambda: "b" not in asked(proxy, 4), "b is left out")
    assert len(b.checks) - start >= 3, "not before the third failure"
    b.healthy = True
    start = len(b.checks)
    until(lambda: "b" in asked(proxy, 4), "b is back")
    assert len(b.checks) - start >= 3, "not before the third success"


def test_checks_ask_as_configured_and_judge_status_and_body(martlet, origin):
    seen = []

    def behave(body, status):
        def serve(stream, request):
            seen.append(request)
            stream.send(answer(body, status))
            return True

        return serve

    good = origin(behave(b'{"message": "pong"}', "203 Fine"))
    wrong_body = origin(behave(b'{"message": "maintenance"}', "203 Fine"))
    wrong_status = origin(behave(b'{"message": "pong"}', "404 Not Found"))
    text = """
pools:
  web:
    servers: [$server]
    required: true
    health:
      path: /api/method/ping?a=b
      host: erp.test
      headers: {X-Frappe-Site-Name: erp.test}
      status: [200-299]
      body: pong
      interval: 250ms
      timeout: 250ms
      rise: 1
routes: [{match: {prefix: /}, proxy: web}]
"""
    martlet(text, server=good).wait_ready()
    check = seen[0]
    assert (check.method, check.target) == ("GET", "/api/method/ping?a=b")
    assert (check.headers["Host"], check.headers["X-Frappe-Site-Name"]) == ("erp.test", "erp.test")
    for bad in (wrong_body, wrong_status):
        proxy = martlet(text, server=bad)
        until(lambda: len(bad.requests) >= 3, "three checks")
        assert not proxy.is_ready()


def test_maintenance_is_not_death(martlet, origin):
    """Frappe answers 503 while a site is migrated: users see its page, and no server is out for it."""
    page = b"<h1>Updating</h1>"
    updating = threading.Event()

    def behave(stream, request):
        if updating.is_set():
            stream.send(answer(page, "503 Service Unavailable", [("Retry-After", "300")]))
        else:
            stream.send(answer(b'{"message":"pong"}'))
        return True

    a, b = origin(behave), origin(behave)
    proxy = martlet(
        """
pools:
  web:
    servers: [{address: "$a", name: a}, {address: "$b", name: b}]
    ejection: {failures: 1, window: 60s, duration: 60s, max_percent: 50%}
    health: {path: /api/method/ping, status: 200, body: pong, maintenance: 503, interval: 250ms, timeout: 250ms, fall: 1, jitter: 0%}
routes: [{match: {prefix: /}, proxy: web}]
""",
        a=a,
        b=b,
    )

    def ready():
        response = proxy.admin("/readyz")
        return response.status, json.loads(response.body)["pools"]["web"]

    proxy.wait_all_up()
    assert ready() == (200, {"up": 2, "of": 2})

    updating.set()
    for name in "ab":
        proxy.stderr.wait_for(rf"notice server {name} \(\S+\) in maintenance \(503\): it stays in; pool web: 2 of 2 up")
    seen = [len(s.requests) for s in (a, b)]
    with proxy.connect() as client:
        for _ in range(20):
            response = client.get("/app")
            assert (response.status, response.body, response.headers["Retry-After"]) == (503, page, "300")
    # Some of them have been asked for a better answer than the other's: there is none.
    assert all(sum(r.target == "/app" for r in s.requests) >= 10 for s in (a, b)), "neither is spared"
    # More checks than `fall`, and more than live failures that eject.
    until(lambda: all(len(s.requests) >= n + 13 for s, n in zip((a, b), seen)), "three more checks each")
    assert ready() == (200, {"up": 2, "of": 2, "maintenance": 2})
    metrics = proxy.metrics()
    for name in "ab":
        assert metrics["martlet_server_up"].value(server=name) == 1
        assert metrics["martlet_server_maintenance"].value(server=name) == 1
        assert metrics["martlet_server_ejections_total"].value(server=name) == 0

    # Whoever starts in the middle of it serves the page, too.
    late = martlet(proxy.file.read_text()).wait_ready()
    assert late.get("/app").body == page
    late.stderr.wait_for(r"server a \(\S+\) up: 1 check succeeded, in maintenance \(503\)")

    updating.clear()
    for name in "ab":
        proxy.stderr.wait_for(rf"notice server {name} \(\S+\) no longer in maintenance; pool web: 2 of 2 up")
    assert proxy.get("/app").status == 200
    assert ready() == (200, {"up": 2, "of": 2})
    assert not re.search("ejected|down", proxy.stderr.text())


def test_live_failures_eject_a_server(martlet, origin):
    def broken(stream, request):
        return False  # Takes the request and closes.

    bad, good = origin(broken, name="bad"), named(origin, "good")
    proxy = martlet(
        """
pools:
  web:
    servers: ["$bad", "$good"]
    ejection: {failures: 3, window: 60s, duration: 60s, max_percent: 50%}
routes: [{match: {prefix: /}, proxy: web}]
""",
        bad=bad,
        good=good,
    )
    assert asked(proxy, 40) == ["good"] * 40
    assert 3 <= len(bad.requests) <= 4


def test_an_ejected_server_comes_back(martlet, origin):
    working = threading.Event()

    def behave(stream, request):
        if not working.is_set():
            return False
        stream.send(answer(b"back"))
        return True

    bad, good = origin(behave), named(origin, "good")
    proxy = martlet(
        """
pools:
  web:
    servers: ["$bad", "$good"]
    ejection: {failures: 2, window: 60s, duration: 300ms, max_percent: 50%}
routes: [{match: {prefix: /}, proxy: web}]
""",
        bad=bad,
        good=good,
    )
    assert asked(proxy, 10) == ["good"] * 10
    working.set()
    until(lambda: "back" in asked(proxy, 2), "the ejection ends")


def test_a_server_that_comes_back_is_used_after_its_checks_and_not_later(martlet, origin, gunicorn):
    """What live traffic held against a server ends with the process that it was."""
    web, other = gunicorn("web"), named(origin, "other")
    proxy = martlet(
        """
pools:
  web:
    servers: [{address: "$web", name: web}, {address: "$other", name: other}]
    ejection: {failures: 1, window: 60s, duration: 10m, max_percent: 50%}
    health: {path: /api/method/ping, interval: 250ms, timeout: 250ms, rise: 2, fall: 2, jitter: 0%}
routes: [{match: {prefix: /}, proxy: web}]
""",
        web=web,
        other=other,
    )

    def used():
        return {proxy.get("/api/method/ping").headers.get("X-Instance", "other") for _ in range(4)}

    until(lambda: used() == {"web", "other"}, "both serve")
    web.kill()
    until(lambda: proxy.metrics()["martlet_server_ejections_total"].value(server="web") or not asked(proxy, 2), "ejected")
    proxy.stderr.wait_for("server web .*down")
    web.start()
    until(lambda: "web" in used(), "used again once its checks succeed")


def test_ejection_spares_the_last_servers(martlet, origin):
    """At most max_percent of a pool: a failing half is out, the other half stays whatever it does."""

    def broken(stream, request):
        broken.count += 1
        return False

    broken.count = 0
    a, b = origin(broken), origin(broken)
    proxy = martlet(
        """
pools:
  web:
    servers: ["$a", "$b"]
    ejection: {failures: 2, window: 60s, duration: 60s, max_percent: 50%}
routes: [{match: {prefix: /}, proxy: web}]
""",
        a=a,
        b=b,
    )
    for _ in range(12):
        assert proxy.get("/").status in (502, 503)
    assert max(len(a.requests), len(b.requests)) >= 8, "one of them is still tried"


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_a_refused_connection_is_retried_whatever_the_method(martlet, origin, refused_port, method):
    good = named(origin, "good")
    proxy = martlet(
        'pools: {web: {servers: ["$bad", "$good"], ejection: off}}\nroutes: [{match: {prefix: /}, proxy: web}]\n',
        bad=refused_port,
        good=good,
    )
    with proxy.connect() as client:
        for _ in range(10):
            response = client.ask(method, "/", body=None if method == "GET" else b"body" * 5000)
            assert response.body == b"good"
    if method != "GET":
        assert {r.body for r in good.requests} == {b"body" * 5000}
    assert {r["attempts"] for r in proxy.log_lines(10)} == {1, 2}


def test_a_request_that_reached_a_server_is_not_sent_twice(martlet, origin):
    def swallow(stream, request):
        return False

    a, b = origin(swallow), origin(swallow)
    proxy = martlet('pools: {web: {servers: ["$a", "$b"], ejection: off}}\nroutes: [{match: {prefix: /}, proxy: web}]\n', a=a, b=b)
    for i, method in enumerate(["POST", "PATCH", "LOCK"], 1):
        assert proxy.ask(method, "/", body=b"once").status == 502
        assert len(a.requests) + len(b.requests) == i


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_an_idempotent_request_is_sent_to_the_next_server(martlet, origin, method):
    # RFC 9110 §9.2.2.
    def swallow(stream, request):
        return False

    bad, good = origin(swallow), named(origin, "good")
    proxy = martlet('pools: {web: {servers: ["$bad", "$good"], ejection: off}}\nroutes: [{match: {prefix: /}, proxy: web}]\n', bad=bad, good=good)
    body = b"held" * 1000 if method == "PUT" else None
    for _ in range(4):
        assert proxy.ask(method, "/", body=body).status == 200
    assert len(bad.requests) == 2
    if body:
        assert {r.body for r in good.requests} == {body}


def test_retries_are_limited(martlet, origin):
    def swallow(stream, request):
        return False

    servers = {n: origin(swallow) for n in "abcd"}
    proxy = martlet(
        'pools: {web: {servers: ["$a", "$b", "$c", "$d"], retries: 2, ejection: off}}\nroutes: [{match: {prefix: /}, proxy: web}]\n', **servers
    )
    assert proxy.get("/").status == 502
    assert sum(len(s.requests) for s in servers.values()) == 3
    assert proxy.log_lines(1)[0]["attempts"] == 3


def test_a_response_that_has_begun_is_not_retried(martlet, origin):
    def half(stream, request):
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        return False

    a, b = origin(half), origin(half)
    proxy = martlet(
        'pools: {web: {servers: ["$a", "$b"], ejection: off}}\n'
        "routes: [{match: {prefix: /}, proxy: {pool: web, response_buffering: false}}]\n",
        a=a,
        b=b,
    )
    with Client(proxy.address) as client:
        client.write("GET", "/")
        assert client.read_response_head().status == 200
        with pytest.raises((Truncated, ConnectionResetError)):
            client.read_exactly(10)
    assert len(a.requests) + len(b.requests) == 1


def closes_a_reused_connection(stream, request):
    """Answers the first request of a connection, and takes the second without a word."""
    stream.count = getattr(stream, "count", 0) + 1
    if stream.count == 2:
        return False
    stream.send(answer(b"fresh"))
    return True


def test_a_reused_connection_that_dies_is_replaced_by_a_fresh_one(martlet, origin):
    web = origin(closes_a_reused_connection)
    # Even with no retries: no server failed, a connection was stale.
    proxy = martlet("pools: {web: {servers: [$web], retries: 0, ejection: off}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", web=web)
    assert asked(proxy, 12) == ["fresh"] * 12


def test_a_post_on_a_reused_connection_that_dies_is_not_repeated(martlet, origin):
    web = origin(closes_a_reused_connection)
    proxy = martlet("pools: {web: {servers: [$web], retries: 3, ejection: off, keepalive: {reuse: always}}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", web=web)
    with proxy.connect() as client:
        assert client.ask("POST", "/", body=b"1").status == 200
        assert client.ask("POST", "/", body=b"2").status == 502
    assert [r.body for r in web.requests] == [b"1", b"2"]


def test_a_post_that_only_reads_is_repeated_when_its_reused_connection_dies(martlet, origin):
    web = origin(closes_a_reused_connection)
    proxy = martlet("pools: {web: {servers: [$web], retries: 3, ejection: off}}\nroutes: [{match: {prefix: /}, proxy: {pool: web, idempotent: true}}]\n", web=web)
    with proxy.connect() as client:
        assert client.ask("POST", "/", body=b"1").status == 200
        assert client.ask("POST", "/", body=b"2").status == 200
    assert [r.body for r in web.requests] == [b"1", b"2", b"2"]


def test_a_get_that_a_server_answers_by_closing_does_not_go_through_all_kept_connections(martlet, origin):
    def leave(stream, request):
        if request.target == "/leave":
            return False
        stream.send(answer(b"ok"))
        return True

    web = origin(leave)
    proxy = martlet(
        "workers: 1\npools: {web: {servers: [$web], retries: 1, ejection: off, keepalive: {idle: 30s}}}\n"
        "routes: [{match: {prefix: /}, proxy: web}]\n",
        web=web,
    )
    clients = [proxy.connect() for _ in range(8)]
    for client in clients:
        # Each on a connection of its own, which is kept.
        assert client.ask("POST", "/", body=b"x").status == 200
    assert proxy.get("/leave").status == 502
    assert len([r for r in web.requests if r.target == "/leave"]) == 2


def test_a_connection_that_the_origin_closed_while_idle_is_not_used(martlet, origin):
    def once(stream, request):
        stream.send(answer(b"ok"))
        return False  # Keep-alive promised, closed all the same.

    web = origin(once)
    proxy = martlet("pools: {web: {servers: [$web], retries: 0, ejection: off, keepalive: {reuse: always}}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", web=web)
    with proxy.connect() as client:
        for i in range(20):
            # Not even a POST, which could not be repeated.
            assert client.ask("POST", "/", body=b"x").status == 200
            web.wait_closed()


def test_idle_upstream_connections_are_retired_in_time(martlet, origin):
    web = origin()
    proxy = martlet("pools: {web: {servers: [$web], keepalive: {connections: 8, idle: 300ms}}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", web=web)
    with proxy.connect() as client:
        assert client.get("/").status == 200
        web.wait_closed()
        assert client.get("/").status == 200
    assert web.connections == 2


def test_upstream_keep_alive_can_be_off(martlet, origin):
    web = origin()
    proxy = martlet("pools: {web: {servers: [$web], keepalive: off}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", web=web)
    assert asked(proxy, 5) == ["ok"] * 5
    assert web.connections == 5
    # RFC 9112 §9.6: the origin is told.
    assert {r.headers.get("Connection", "").lower() for r in web.requests} == {"close"}


@pytest.mark.long
def test_the_race_against_gunicorns_keep_alive_is_never_lost(martlet, gunicorn):
    """gunicorn closes an idle connection after 2 s: requests paced around that never fail."""
    web = gunicorn("a", threads=8, keepalive=2)
    proxy = martlet("pools: {web: {servers: [$web], retries: 0, ejection: off}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", web=web)
    failures, done = [], threading.Event()

    def pace(gap):
        with Client(proxy.address) as client:
            for i in range(4):
                method = "POST" if i % 2 else "GET"
                response = client.ask(method, "/api/method/ping", body=b"x" if i % 2 else None)
                if response.status != 200:
                    failures.append((gap, method, response.status))
                if i < 3:
                    done.wait(gap)  # Never set: an interruptible pause, which is what is tested.

    gaps = [1.40, 1.46, 1.50, 1.54, 1.60, 1.80, 1.90, 1.95, 1.98, 1.99, 2.00, 2.01, 2.02, 2.05, 2.10, 2.30]
    threads = [threading.Thread(target=pace, args=(gap,), daemon=True) for gap in gaps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len([l for l in proxy.log_lines(len(gaps) * 4) if l["status"] == 200]) == len(gaps) * 4


def test_a_cookie_keeps_a_client_with_its_server(martlet, origin):
    servers = {n: named(origin, n) for n in "abc"}
    text = """
pools:
  web:
    servers: [{address: "$a", name: one}, {address: "$b", name: two}, {address: "$c", name: three}]
    affinity: {cookie: {name: MARTLET, path: /, max_age: 1h, same_site: strict}}
routes: [{match: {prefix: /}, proxy: web}]
"""
    proxy = martlet(text, **servers)
    first = proxy.get("/")
    cookie = first.headers["Set-Cookie"]
    pair, *attributes = [part.strip() for part in cookie.split(";")]
    attributes = {a.lower() for a in attributes}
    assert pair.startswith("MARTLET=")
    assert {"path=/", "max-age=3600", "samesite=strict", "httponly"} <= attributes
    assert "secure" not in attributes, "auto: not over plain HTTP"
    # It names the server without telling its address.
    assert str(servers["a"].address[1]) not in pair and "127.0.0.1" not in pair
    assert {proxy.get("/", {"Cookie": f"a=b; {pair}"}).body for _ in range(9)} == {first.body}
    assert "Set-Cookie" not in proxy.get("/", {"Cookie": pair}).headers
    # Another process with the same configuration understands it.
    assert martlet(text, **servers).get("/", {"Cookie": pair}).body == first.body
    # Garbage is a client without a cookie.
    assert "MARTLET=" in proxy.get("/", {"Cookie": "MARTLET=nonsense"}).headers["Set-Cookie"]
    # When its server is gone, the client gets another, and a new cookie.
    servers[first.body.decode()].close()
    moved = proxy.get("/", {"Cookie": pair})
    assert moved.status == 200 and moved.body != first.body
    assert moved.headers["Set-Cookie"].split(";")[0] != pair


def test_affinity_by_hash_moves_only_the_clients_of_a_lost_server(martlet, origin):
    servers = {n: named(origin, n) for n in "abc"}
    proxy = martlet(
        """
pools:
  web:
    servers: ["$a", "$b", "$c"]
    affinity: {hash: ["cookie:sid", address]}
    ejection: {failures: 1, window: 60s, duration: 60s, max_percent: 50%}
routes: [{match: {prefix: /}, proxy: web}]
""",
        **servers,
    )

    def homes():
        return {i: proxy.get("/", {"Cookie": f"sid={i}"}).body.decode() for i in range(30)}

    before = homes()
    assert set(before.values()) == set("abc")
    assert homes() == before
    servers["b"].close()
    after = homes()
    assert "b" not in after.values()
    assert {i: h for i, h in after.items() if before[i] != "b"} == {i: h for i, h in before.items() if h != "b"}


def test_names_are_resolved(martlet, origin):
    web = origin()
    proxy = martlet("pools: {web: {servers: ['localhost:$port']}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", port=web.address[1])
    until(lambda: proxy.get("/").status == 200, "localhost is resolved")


def test_start_survives_a_name_that_does_not_resolve(martlet, origin):
    web = origin()
    proxy = martlet(
        """
pools:
  web: {servers: [$web]}
  ghost: {servers: ["no-such-host.invalid:8000"], required: false}
routes:
  - {match: {prefix: /ghost}, proxy: ghost}
  - {match: {prefix: /}, proxy: web}
""",
        web=web,
    )
    assert proxy.get("/").status == 200
    assert proxy.get("/ghost").status in (502, 503)
    proxy.stderr.wait_for("no-such-host.invalid")


def test_a_comma_list_from_the_environment_names_the_servers(martlet, origin):
    a, b = named(origin, "a"), named(origin, "b")
    proxy = martlet(
        'pools: {web: {servers: "${BACKENDS}"}}\nroutes: [{match: {prefix: /}, proxy: web}]\n',
        env={"BACKENDS": f"{a},{b}"},
    )
    assert Counter(asked(proxy, 10)) == {"a": 5, "b": 5}


def test_metrics_tell_of_servers(martlet, origin):
    a, b = named(origin, "a"), named(origin, "b")
    proxy = martlet('pools: {web: {servers: ["$a", "$b"]}}\nroutes: [{match: {prefix: /}, proxy: web}]\n', a=a, b=b)
    asked(proxy, 10)
    text = proxy.admin("/metrics").body.decode()
    assert re.search(r'pool="web"', text) and str(a) in text and str(b) in text
