"""Orders by the admin listener: drains, weights, reloads; none of them costs a request."""

import json
import threading
from collections import Counter
from urllib.parse import quote

import pytest

from support.origin import answer
from support.waiting import PATIENCE, running, until
from support.wire import Client, ask

PROXY = """
workers: 2
pools:
  web:
    servers:
      - {address: "$a", name: a, instance: one}
      - {address: "$b", name: b, instance: two}
    affinity: {cookie: {name: stick}}
  socketio:
    servers: [{address: "$a", name: a-ws, instance: one}, {address: "$b", name: b-ws, instance: two}]
routes:
  - {match: {prefix: /ws}, proxy: {pool: socketio, upgrade: [websocket]}}
  - {match: {prefix: /}, proxy: web}
"""
TOKEN = "0123456789abcdef"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket")]


@pytest.fixture
def servers(origin):
    """Two that say their name, echo behind an upgrade, and hold /hold until told."""
    release = threading.Event()

    def start(name):
        def behave(stream, request):
            if "Upgrade" in request.headers:
                stream.send(SWITCH)
                while data := stream.read_some():
                    stream.send(data)
                return False
            if request.target == "/hold":
                assert release.wait(PATIENCE)
            stream.send(answer(name))
            return True

        one = origin(behave)
        one.release = release
        return one

    return {"a": start(b"a"), "b": start(b"b")}


def post(proxy, target, **more):
    response = ask(proxy.admin_address, "POST", target, **more)
    return response.status, json.loads(response.body)


def pools(proxy):
    body = json.loads(proxy.admin("/pools").body)
    return {s["name"]: {**s, "pool": p["name"]} for p in body["pools"] for s in p["servers"]}


def load_on(proxy, failures, counts, keep=20):
    """A steady load, each connection good for some requests."""

    def work(done):
        while not done.is_set():
            try:
                with Client(proxy.address) as client:
                    for _ in range(keep):
                        response = client.get("/")
                        assert response.status == 200
                        counts[response.body] += 1
            except Exception as failure:
                failures.append(repr(failure))

    done = threading.Event()
    return running(lambda: work(done), 4, done)


def test_the_state_of_servers_is_told(martlet, servers):
    proxy = martlet(PROXY, **servers).wait_ready()
    a = pools(proxy)["a"]
    assert a == {
        "pool": "web", "name": "a", "address": str(servers["a"]), "instance": "one", "state": "up", "healthy": True,
        "in_flight": 0, "weight": 1,
    }  # fmt: skip
    instances = json.loads(proxy.admin("/instances").body)["instances"]
    assert [(i["name"], [(s["pool"], s["name"]) for s in i["servers"]]) for i in instances] == [
        ("one", [("web", "a"), ("socketio", "a-ws")]),
        ("two", [("web", "b"), ("socketio", "b-ws")]),
    ]


def test_a_drain_under_load_loses_no_request(martlet, servers):
    proxy = martlet(PROXY, **servers).wait_ready()
    failures, counts = [], Counter()
    with load_on(proxy, failures, counts):
        until(lambda: counts[b"a"] > 50 and counts[b"b"] > 50, "both serve")
        for _ in range(5):
            status, said = post(proxy, "/pools/web/servers/a/drain")
            assert status == 200 and said["servers"][0]["state"] == "draining"
            until(lambda: pools(proxy)["a"]["in_flight"] == 0, "what it had is finished")
            before, others = len(servers["a"].requests), counts[b"b"]
            until(lambda: counts[b"b"] > others + 100, "the other one serves")
            assert len(servers["a"].requests) == before, "and this one gets nothing"
            assert post(proxy, "/pools/web/servers/a/undrain")[1]["servers"][0]["state"] == "up"
            until(lambda: len(servers["a"].requests) > before + 20, "it serves again")
    assert failures == []


def test_a_drained_server_finishes_what_it_has_and_nothing_holds_to_it(martlet, servers):
    proxy = martlet(PROXY, **servers).wait_ready()
    with proxy.connect() as busy, proxy.connect() as tunnel, proxy.connect() as client:
        first = client.get("/")
        cookie = first.headers["Set-Cookie"].partition(";")[0]
        name = first.body.decode()
        other = "b" if name == "a" else "a"
        instance = {"a": "one", "b": "two"}[name]
        held = servers[name]
        assert client.get("/", [("Cookie", cookie)]).body.decode() == name
        busy.write("GET", "/hold", [("Cookie", cookie)])
        until(lambda: any(r.target == "/hold" for r in held.requests), "the request is with it")
        # A tunnel to the same instance: its pool alternates between the two.
        post(proxy, f"/pools/socketio/servers/{other}-ws/drain")
        tunnel.write("GET", "/ws", UPGRADE)
        assert tunnel.read_response_head().status == 101
        post(proxy, f"/pools/socketio/servers/{other}-ws/undrain")

        status, said = post(proxy, f"/instances/{instance}/drain")
        assert status == 200
        assert {(s["pool"], s["state"]) for s in said["servers"]} == {("web", "draining"), ("socketio", "draining")}
        # Affinity does not hold; the client's own connection stays, and so does the tunnel.
        moved = client.get("/", [("Cookie", cookie)])
        assert moved.body.decode() == other and "Set-Cookie" in moved.headers
        tunnel.send(b"still here")
        assert tunnel.read_exactly(10) == b"still here"
        assert proxy.metrics()["martlet_server_draining"].value(pool="web", server=name) == 1
        assert proxy.metrics()["martlet_server_up"].value(pool="web", server=name) == 1
        ready = json.loads(proxy.admin("/readyz").body)
        assert ready["ready"] and ready["pools"]["web"] == {"up": 1, "of": 2}
        held.release.set()
        assert busy.read_response().body.decode() == name
        # No idle connection to it is kept: what is left is the tunnel.
        until(lambda: held.connections - held.closed == 1, "idle connections are given up")
        proxy.stderr.wait_for(rf"server {name} drains: it finishes 1 request; pool web: 1 of 2 left")
        post(proxy, f"/instances/{instance}/undrain")
        proxy.stderr.wait_for(rf"server {name} is drained no more; pool web: 2 of 2 up")
        assert client.get("/", [("Cookie", cookie)]).body.decode() == name


def test_orders_outlive_a_reload_unless_the_file_says_something_new(martlet, servers):
    proxy = martlet(PROXY, **servers).wait_ready()
    post(proxy, "/pools/web/servers/a/drain")
    post(proxy, "/pools/web/servers/b/weight?value=7")
    assert post(proxy, "/reload") == (200, {"reloaded": True, "warnings": []})
    after = pools(proxy)
    assert (after["a"]["state"], after["b"]["weight"]) == ("draining", 7)
    proxy.write(PROXY.replace("name: b,", "name: b, weight: 2, drain: true,"), **servers)
    assert post(proxy, "/reload")[0] == 200
    after = pools(proxy)
    assert (after["a"]["state"], after["b"]["weight"], after["b"]["state"]) == ("draining", 2, "draining")
    # All of a required pool is drained: that is no place for requests.
    assert proxy.admin("/readyz").status == 503
    assert proxy.get("/").status == 503
    proxy.write(PROXY, **servers)
    assert post(proxy, "/reload")[0] == 200
    assert pools(proxy)["b"]["state"] == "up"


def test_a_bad_reload_is_told_with_its_places(martlet, servers):
    proxy = martlet(PROXY, **servers).wait_ready()
    proxy.file.write_text(proxy.file.read_text() + "limts: {}\n")
    status, said = post(proxy, "/reload")
    assert status == 422
    assert "has errors" in said["error"] and "limts" in said["diagnostics"][0]
    assert proxy.get("/").status == 200


def test_a_weight_shifts_the_share(martlet, servers):
    proxy = martlet(PROXY.replace("workers: 2", "workers: 1"), **servers).wait_ready()

    def share():
        bodies = Counter(proxy.get("/").body for _ in range(100))
        return bodies[b"a"]

    assert 49 <= share() <= 51
    status, said = post(proxy, "/pools/web/servers/a/weight?value=9")
    assert status == 200 and said["servers"][0]["weight"] == 9
    # Workers are told by message: a request or two may come before it.
    assert 87 <= share() <= 92
    post(proxy, "/pools/web/servers/a/weight?value=1")
    assert 48 <= share() <= 52


def test_mistakes_are_told_with_what_would_be_right(martlet, servers):
    proxy = martlet(PROXY, **servers)
    assert post(proxy, "/pools/wbe/servers/a/drain") == (
        404, {"error": "there is no pool wbe", "expected": ["web", "socketio"]},
    )  # fmt: skip
    assert post(proxy, f"/pools/web/servers/{quote('x y')}/drain") == (
        404, {"error": "there is no server x y in pool web", "expected": ["a", "b"]},
    )  # fmt: skip
    assert post(proxy, "/instances/three/drain")[1]["expected"] == ["one", "two"]
    assert post(proxy, "/pools/web/servers/a/weight?value=0")[0] == 400
    assert post(proxy, "/pools/web/servers/a/drain", body=b"now")[0] == 413
    response = proxy.admin("/reload")
    assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert all(s["state"] == "up" for s in pools(proxy).values())


def test_a_token_is_asked_for_where_there_is_one(martlet, servers):
    proxy = martlet(f"admin: {{listen: 127.0.0.1:0, token: {TOKEN}}}\n" + PROXY, **servers)
    refused = ask(proxy.admin_address, "POST", "/reload")
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="martlet"'
    assert post(proxy, "/reload", headers=[("Authorization", f"Bearer {TOKEN}x")])[0] == 401
    assert post(proxy, "/reload", headers=[("Authorization", f"Bearer {TOKEN}")])[0] == 200
    assert proxy.admin("/pools").status == 200


def test_without_a_token_only_loopback_may_change_something(martlet, servers):
    proxy = martlet("admin: 0.0.0.0:0\n" + PROXY, **servers)
    proxy.admin_address = ("127.0.0.1", proxy.admin_address[1])
    assert post(proxy, "/reload")[0] == 403
    assert proxy.admin("/pools").status == 200
    local = martlet(PROXY, **servers)
    assert post(local, "/reload", headers=[("Origin", "http://evil.test")])[0] == 403
    assert post(local, "/reload")[0] == 200


def test_reloads_under_load_drop_no_websocket_and_no_idle_connection(martlet, servers):
    proxy = martlet(PROXY, **servers).wait_ready()
    failures, counts = [], Counter()
    sockets = [proxy.connect() for _ in range(200)]
    for socket in sockets:
        socket.write("GET", "/ws", UPGRADE)
        assert socket.read_response_head().status == 101
    idle = proxy.connect()
    assert idle.get("/").status == 200
    with load_on(proxy, failures, counts):
        for i in range(20):
            seen = sum(counts.values())
            assert post(proxy, "/reload")[0] == 200
            until(lambda: sum(counts.values()) > seen + 20, "requests go on")
    for i, socket in enumerate(sockets):
        socket.send(b"%04d" % i)
        assert socket.read_exactly(4) == b"%04d" % i
    assert idle.get("/").status == 200
    assert failures == []
