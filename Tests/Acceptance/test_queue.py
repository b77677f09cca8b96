"""Requests that wait: for a slot of a server that is full, and for a server to come up."""

import json
import threading
import time

import pytest

from support.origin import RefusedPort, answer
from support.waiting import PATIENCE, TooLate, until

from test_sessions import SWITCH, UPGRADE

ONE = """
pools: {web: {servers: ["$a"], capacity: $capacity, queue: {%s}}}
routes:
  - {match: {prefix: /login}, proxy: {pool: web, priority: high}}
  - {match: {prefix: /report}, proxy: {pool: web, priority: low}}
  - {match: {prefix: /}, proxy: web}
"""


class Gate:
    """An origin's behaviour: each request is held until it is let go by its target."""

    def __init__(self):
        self.lock = threading.Condition()
        self.inside = []
        self.order = []
        self.most = 0
        self.open = False

    def __call__(self, stream, request):
        with self.lock:
            self.inside.append(request.target)
            self.order.append(request.target)
            self.most = max(self.most, len(self.inside))
            assert self.lock.wait_for(lambda: self.open or request.target not in self.inside, PATIENCE)
            if request.target in self.inside:
                self.inside.remove(request.target)
        stream.send(answer(request.target.encode()))
        return True

    def let_go(self, target):
        with self.lock:
            self.inside.remove(target)
            self.lock.notify_all()

    def let_all_go(self):
        with self.lock:
            self.open = True
            self.lock.notify_all()


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.let_all_go()


def waiting(proxy):
    return json.loads(proxy.admin("/pools").body)["pools"][0]["waiting"]


def ask(proxy, target, **more):
    client = proxy.connect()
    client.write("GET", target, **more)
    return client


def settled(client):
    """The answer, and the end of the connection."""
    with client:
        return client.read_response()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_gets_no_more_requests_at_once_than_its_capacity(martlet, origin, gate, workers):
    a = origin(gate)
    proxy = martlet(f"workers: {workers}\n" + ONE % "timeout: 30s", a=a, capacity=3)
    clients = [ask(proxy, f"/{i}") for i in range(12)]
    until(lambda: waiting(proxy) == 9 and len(gate.inside) == 3, "three are served and nine wait")
    gate.let_all_go()
    assert sorted(settled(c).body for c in clients) == sorted(b"/%d" % i for i in range(12))
    assert gate.most == 3
    assert waiting(proxy) == 0


def test_the_urgent_go_first_and_equals_in_the_order_in_which_they_came(martlet, origin, gate):
    a = origin(gate)
    proxy = martlet("workers: 1\n" + ONE % "low: 100%", a=a, capacity=1)
    clients = [ask(proxy, "/first")]
    until(lambda: gate.inside, "the first is with the server")
    for i, target in enumerate(["/report/1", "/1", "/login/1", "/report/2", "/login/2", "/2"]):
        clients.append(ask(proxy, target))
        until(lambda: waiting(proxy) == i + 1, f"{target} waits")
    gate.let_all_go()
    for client in clients:
        assert settled(client).status == 200
    assert gate.order == ["/first", "/login/1", "/login/2", "/1", "/2", "/report/1", "/report/2"]


def test_slots_are_kept_free_for_the_urgent(martlet, origin, gate):
    a = origin(gate)
    proxy = martlet(ONE % "normal: 75%, low: 50%", a=a, capacity=4)
    reports = [ask(proxy, f"/report/{i}") for i in range(4)]
    until(lambda: waiting(proxy) == 2 and len(gate.inside) == 2, "two reports wait though two slots are free")
    pages = [ask(proxy, f"/{i}") for i in range(2)]
    until(lambda: waiting(proxy) == 3, "one page has the third slot, the other waits")
    login = ask(proxy, "/login/1")
    until(lambda: "/login/1" in gate.inside, "the login has the fourth")
    gate.let_all_go()
    for client in [*reports, *pages, login]:
        assert settled(client).status == 200


def test_who_has_waited_too_long_is_told_when_to_come_again(martlet, origin, gate):
    a = origin(gate)
    proxy = martlet(ONE % "timeout: 300ms, retry_after: 7s", a=a, capacity=1)
    first = ask(proxy, "/first")
    until(lambda: gate.inside, "the first is with the server")
    with proxy.connect() as client:
        response = client.get("/second", headers=[("Accept", "application/json")])
        assert response.status == 503
        assert response.headers["Retry-After"] == "7"
        assert response.headers["Content-Type"] == "application/json"
        assert json.loads(response.body)["status"] == 503
        page = client.get("/third", headers=[("Accept", "text/html")])
        assert page.status == 503
        assert b'<meta http-equiv="refresh" content="7">' in page.body
        assert page.headers["Cache-Control"] == "no-store"
        # A page that answered a form would not send it again: it must not try.
        posted = client.ask("POST", "/fourth", body=b"x")
        assert posted.status == 503 and b"refresh" not in posted.body
    log = proxy.log_lines(3)
    assert [line["reason"] for line in log] == ["refused:queue_timeout"] * 3
    assert all(300 <= line["queued_ms"] < 3000 for line in log)
    metrics = proxy.metrics()
    assert metrics["martlet_queue_refused_total"].value(pool="web", reason="timeout") == 3
    assert metrics["martlet_queue_waiting"].value(pool="web") == 0
    gate.let_all_go()
    assert settled(first).status == 200


def test_a_page_of_ones_own_is_sent_to_browsers(martlet, origin, gate, tmp_path):
    (tmp_path / "busy.html").write_text("<h1>Back in a moment</h1>\n")
    a = origin(gate)
    proxy = martlet(ONE % f"timeout: 50ms, page: '${{file:{tmp_path}/busy.html}}'", a=a, capacity=1)
    first = ask(proxy, "/first")
    until(lambda: gate.inside, "the first is with the server")
    with proxy.connect() as client:
        page = client.get("/", headers=[("Accept", "text/html")])
        assert page.status == 503 and b"<h1>Back in a moment</h1>" in page.body
        assert client.get("/", headers=[("Accept", "application/json")]).headers["Content-Type"] == "application/json"
    gate.let_all_go()
    assert settled(first).status == 200


def test_when_the_queue_is_full_the_least_urgent_gives_way(martlet, origin, gate):
    a = origin(gate)
    proxy = martlet("workers: 1\n" + ONE % "requests: 2", a=a, capacity=1)
    first = ask(proxy, "/first")
    until(lambda: gate.inside, "the first is with the server")
    report = ask(proxy, "/report")
    until(lambda: waiting(proxy) == 1, "a report waits")
    page = ask(proxy, "/page")
    until(lambda: waiting(proxy) == 2, "a page waits")
    with proxy.connect() as client:
        assert client.get("/report/2").status == 503
    login = ask(proxy, "/login")
    assert settled(report).status == 503
    gate.let_all_go()
    for client in [first, page, login]:
        assert settled(client).status == 200
    reasons = [line["reason"] for line in proxy.log_lines(5)]
    assert reasons.count("refused:queue_full") == 2


def test_a_client_that_leaves_gives_up_its_place(martlet, origin, gate):
    a = origin(gate)
    proxy = martlet(ONE % "", a=a, capacity=1)
    first = ask(proxy, "/first")
    until(lambda: gate.inside, "the first is with the server")
    leaver = ask(proxy, "/leaver")
    until(lambda: waiting(proxy) == 1, "one waits")
    stayer = ask(proxy, "/stayer")
    until(lambda: waiting(proxy) == 2, "two wait")
    leaver.reset()
    until(lambda: waiting(proxy) == 1, "one waits again")
    gate.let_all_go()
    for client in [first, stayer]:
        assert settled(client).status == 200
    assert "/leaver" not in gate.order


def test_without_a_queue_a_full_server_means_503(martlet, origin, gate):
    a = origin(gate)
    proxy = martlet(
        'pools: {web: {servers: ["$a"], capacity: 1, queue: off}}\nroutes: [{match: {prefix: /}, proxy: web}]\n', a=a
    )
    first = ask(proxy, "/first")
    until(lambda: gate.inside, "the first is with the server")
    with proxy.connect() as client:
        assert client.get("/").status == 503
    gate.let_all_go()
    assert settled(first).status == 200


# While no server is there.

HOLD = """
pools: {web: {servers: ["$a"], queue: {timeout: 30s}}}
routes: [{match: {prefix: /}, proxy: web}]
"""


def test_requests_wait_for_a_server_that_is_down(martlet, origin):
    port = RefusedPort()
    proxy = martlet(HOLD, a=port)
    gets = [ask(proxy, f"/{i}") for i in range(20)]
    post = proxy.connect()
    post.write("POST", "/order", body=b"one")
    until(lambda: waiting(proxy) == 21, "all wait")
    port.close()
    a = origin(lambda s, r: s.send(answer(r.target.encode() + r.body)) or True, address=port.address[0], port=port.address[1])
    assert sorted(settled(c).body for c in gets) == sorted(b"/%d" % i for i in range(20))
    assert settled(post).body == b"/orderone"
    assert [r.target for r in a.requests].count("/order") == 1


def test_a_server_that_comes_up_is_not_run_over(martlet, origin):
    port = RefusedPort()
    proxy = martlet("workers: 1\n" + HOLD, a=port)
    gets = [ask(proxy, f"/{i}") for i in range(40)]
    until(lambda: waiting(proxy) == 40, "all wait")
    gate = Gate()
    port.close()
    origin(gate, address=port.address[0], port=port.address[1])
    for expected in [1, 2, 4, 8]:
        until(lambda: len(gate.inside) == expected, f"{expected} are let through")
        for target in list(gate.inside):
            gate.let_go(target)
    gate.let_all_go()
    for client in gets:
        assert settled(client).status == 200


def test_those_who_wait_go_over_to_a_new_configuration(martlet, origin):
    port = RefusedPort()
    a = origin(lambda s, r: s.send(answer(r.target.encode())) or True)
    proxy = martlet(HOLD, a=port)
    client = ask(proxy, "/held")
    until(lambda: waiting(proxy) == 1, "it waits")
    proxy.write(HOLD, a=a)
    proxy.reload()
    assert settled(client).body == b"/held"
    port.close()


def test_a_health_check_that_passes_lets_them_go(martlet, origin):
    healthy = threading.Event()

    def behave(stream, request):
        if request.target == "/health" and not healthy.is_set():
            stream.send(answer(b"starting", status="503 Service Unavailable"))
        else:
            stream.send(answer(request.target.encode()))
        return True

    a = origin(behave)
    proxy = martlet(
        """
pools:
  web:
    servers: ["$a"]
    health: {path: /health, interval: 100ms, rise: 1}
    queue: {timeout: 30s}
routes: [{match: {prefix: /}, proxy: web}]
""",
        a=a,
    )
    clients = [ask(proxy, f"/{i}") for i in range(5)]
    until(lambda: waiting(proxy) == 5, "all wait")
    assert {r.target for r in a.requests} <= {"/health"}
    healthy.set()
    assert sorted(settled(c).body for c in clients) == sorted(b"/%d" % i for i in range(5))


# Where waiting meets the rest.


def connects(proxy):
    return proxy.metrics()["martlet_upstream_connects_total"].value()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_with_a_capacity_that_is_down_is_not_stormed(martlet, refused_port, workers):
    proxy = martlet(
        f"workers: {workers}\n"
        'pools: {web: {servers: ["$a"], capacity: 4, queue: {timeout: 30s}}}\nroutes: [{match: {prefix: /}, proxy: web}]\n',
        a=refused_port,
    )
    for i in range(20):
        ask(proxy, f"/{i}")
    # Each that comes may have tried on its way into the line; from then on each worker tries now and then.
    until(lambda: connects(proxy) >= 30, "the server is tried")
    begin, before = time.monotonic(), connects(proxy)
    until(lambda: connects(proxy) >= before + 5, "it is tried again")
    until(lambda: time.monotonic() - begin > 0.5, "half a second has passed")
    tries = connects(proxy) - before
    assert tries <= 10 * workers * (time.monotonic() - begin) + 2 * workers


def test_all_who_wait_go_over_to_a_new_configuration_whatever_their_priority(martlet, origin):
    port = RefusedPort()
    a = origin(lambda s, r: s.send(answer(r.target.encode())) or True)
    text = ONE.replace("capacity: $capacity, ", "")
    proxy = martlet(text % "timeout: 30s", a=port)
    clients = [ask(proxy, target) for target in ["/login", "/page", "/report"]]
    until(lambda: waiting(proxy) == 3, "they wait")
    proxy.write(text % "timeout: 30s", a=a)
    proxy.reload()
    assert [settled(c).body for c in clients] == [b"/login", b"/page", b"/report"]
    port.close()


def test_a_websocket_that_goes_first_to_a_server_that_has_come_up_lets_others_follow(martlet, origin):
    port = RefusedPort()
    proxy = martlet(
        """
workers: 1
pools: {web: {servers: ["$a"], queue: {timeout: 30s}}}
routes: [{match: {prefix: /}, proxy: {pool: web, upgrade: [websocket]}}]
""",
        a=port,
    )
    socket = ask(proxy, "/socket", headers=UPGRADE)
    until(lambda: waiting(proxy) == 1, "the WebSocket waits")
    pages = [ask(proxy, f"/{i}") for i in range(5)]
    until(lambda: waiting(proxy) == 6, "pages wait behind it")
    port.close()

    def behave(stream, request):
        if request.target != "/socket":
            stream.send(answer(request.target.encode()))
            return True
        stream.send(SWITCH)
        stream.read_end()
        return False

    origin(behave, address=port.address[0], port=port.address[1])
    with socket:
        assert socket.read_response().status == 101
        assert [settled(c).body for c in pages] == [b"/%d" % i for i in range(5)]


def test_a_client_that_closes_its_side_in_the_queue_is_given_up_behind_it_too(martlet, origin, gate):
    a = origin(gate)
    proxy = martlet("timeouts: {half_closed: 1s}\n" + ONE % "", a=a, capacity=1)
    first = ask(proxy, "/first")
    until(lambda: gate.inside, "the first is with the server")
    leaver = ask(proxy, "/leaver")
    until(lambda: waiting(proxy) == 1, "one waits")
    leaver.shutdown_sending()
    gate.let_go("/first")
    until(lambda: "/leaver" in gate.inside, "it is with the server")
    assert leaver.read_to_end() == b""
    until(lambda: in_flight(proxy) == 0, "its slot is free")
    assert settled(first).status == 200


def in_flight(proxy):
    return sum(s["in_flight"] for s in proxy.servers())


def test_an_app_that_nobody_asks_may_sleep(martlet, origin):
    a = origin(lambda s, r: s.send(answer(r.target.encode())) or True)
    proxy = martlet(
        """
pools:
  web:
    servers: ["$a"]
    health: {path: /health, interval: 100ms, when_active: 1s}
routes: [{match: {prefix: /}, proxy: web}]
""",
        a=a,
    ).wait_ready()

    def checks():
        return len([r for r in a.requests if r.target == "/health"])

    # Once it is up, nobody asks it again: not in five times its interval.
    known = checks()
    with pytest.raises(TooLate):
        until(lambda: checks() > known, "another check", within=0.5)
    assert proxy.is_ready()
    assert proxy.get("/first").body == b"/first"
    until(lambda: checks() > known + 2, "checks go on")
