"""How many requests one client may send, and have under way."""


import pytest

from support.waiting import until
from support.wire import Client

PROXY = """
workers: $workers
pools: {web: {servers: [$web]}}
routes:
  - {name: web, match: {prefix: /}, proxy: {pool: web, upgrade: [websocket]}, limits: [$limit]}
"""
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket")]


@pytest.fixture
def limited(martlet):
    def start(web, limit, workers=1):
        return martlet(PROXY, web=web, limit=limit, workers=workers)

    return start


def test_more_than_the_rate_is_429_and_says_when_to_come_again(limited, origin):
    web = origin()
    proxy = limited(web, "{rate: 1/m, burst: 3}")
    with proxy.connect() as client:
        for _ in range(3):
            assert client.get("/").status == 200
        refused = client.get("/")
        assert refused.status == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert b"Too Many Requests" in refused.body
        api = client.get("/api", {"Accept": "application/json"})
        assert api.status == 429 and api.body.startswith(b'{"status":429,"error":"Too Many Requests"')
        # A body that nobody reads does not spoil the connection.
        assert client.ask("POST", "/", body=b"x" * 1000).status == 429
        assert client.ask("HEAD", "/").status == 429
    assert len(web.requests) == 3
    record = proxy.log_lines(4)[3]
    assert (record["status"], record["reason"], record["route"]) == (429, "refused:rate_limit", "web")
    assert proxy.metrics()["martlet_http_limited_total"].value(route="web") == 4


def test_it_comes_back_with_time(limited, origin):
    proxy = limited(origin(), "{rate: 20/s, burst: 1}")
    with proxy.connect() as client:
        until(lambda: client.get("/").status == 429, "the bucket is empty")
        until(lambda: client.get("/").status == 200, "the bucket fills")


@pytest.mark.parametrize("key", ["header:X-Key", "cookie:key"])
def test_each_value_of_a_key_is_counted_by_itself_and_its_absence_not(limited, origin, key):
    proxy = limited(origin(), f"{{key: '{key}', rate: 1/h, burst: 1}}")

    def status(value):
        fields = {"X-Key": value} if key.startswith("header") else {"Cookie": f"a=b; key={value}"}
        return proxy.get("/", fields).status

    assert [status("1"), status("1"), status("2"), status("2")] == [200, 429, 200, 429]
    assert [proxy.get("/").status for _ in range(5)] == [200] * 5


def test_workers_share_one_limit(limited, origin):
    proxy = limited(origin(), "{rate: 1/h, burst: 10}", workers=2)
    statuses = [proxy.get("/").status for _ in range(60)]
    assert statuses == [200] * 10 + [429] * 50


def test_as_many_are_under_way_as_may_until_one_ends(limited, held):
    proxy = limited(held, "{in_flight: 2}", workers=2)
    busy = [proxy.connect() for _ in range(2)]
    for client in busy:
        client.write("GET", "/hold")
        held.next_request()
    refused = proxy.get("/")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    # One client goes away without its answer.
    busy[0].close()
    until(lambda: proxy.get("/").status == 200, "its place is free")
    held.release.set()
    assert busy[1].read_response().status == 200
    with proxy.connect() as one, proxy.connect() as other:
        for client in (one, other, one, other):
            assert client.get("/").status == 200


def test_a_websocket_is_under_way_until_it_ends(limited, held):
    proxy = limited(held, "{in_flight: 1}")
    with Client(proxy.address) as client:
        client.write("GET", "/socket", UPGRADE)
        assert client.read_response_head().status == 101
        assert proxy.get("/").status == 429
    until(lambda: proxy.get("/").status == 200, "its place is free")


def test_a_server_that_fails_leaves_nothing_counted(limited, refused_port):
    proxy = limited(refused_port, "{in_flight: 1}")
    assert {proxy.get("/").status for _ in range(5)} <= {502, 503}


def test_a_reload_forgives_nobody(limited, origin):
    web = origin()
    proxy = limited(web, "{rate: 1/h, burst: 1}")
    assert [proxy.get("/").status for _ in range(2)] == [200, 429]
    start = proxy.reload()
    proxy.stderr.wait_for("configuration reloaded", start=start)
    assert proxy.get("/").status == 429


def test_a_fallback_is_counted_by_the_route_that_has_limits(martlet, origin, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    proxy = martlet(
        """
pools: {web: {servers: [$web]}}
routes:
  - {name: web, match: {prefix: /web}, proxy: web, limits: [{rate: 1/h, burst: 2}]}
  - {match: {prefix: /}, files: {root: $root, fallback: web}}
""",
        web=origin(),
        root=tmp_path,
    )
    assert [proxy.get(path).status for path in ("/b", "/c", "/d", "/web")] == [200, 200, 429, 429]
    assert [proxy.get("/a.txt").status for _ in range(5)] == [200] * 5
