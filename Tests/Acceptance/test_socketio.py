"""Socket.IO as Frappe uses it: real servers and real clients, over two instances."""

import asyncio
import json

import pytest
import socketio

# What config/erpnext.yaml says about realtime, with checks that a test can wait for.
PROXY = """
pools:
  realtime:
    servers: [{address: "$a", name: a}, {address: "$b", name: b}]
    affinity: $affinity
    required: true
    health: {path: /health, interval: 200ms, timeout: 2s, rise: 1, fall: 2}
routes:
  - match: {prefix: /}
    proxy: {pool: realtime, upgrade: [websocket], timeouts: {response: 60s}}
"""

HASH = '{hash: ["cookie:sid", "header:Authorization", address]}'
COOKIE = "{cookie: {name: MARTLET}}"


@pytest.fixture
def servers(realtime):
    return {"a": realtime("a"), "b": realtime("b")}


def url(proxy):
    return f"http://{proxy.address[0]}:{proxy.address[1]}"


def client():
    return socketio.AsyncClient(reconnection_delay=0.1, reconnection_delay_max=0.5)


async def wait_upgraded(one):
    while one.eio.transport() != "websocket":
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
@pytest.mark.parametrize("affinity", [HASH, COOKIE])
def test_a_client_talks_over_every_transport(martlet, servers, run_async, transports, affinity):
    proxy = martlet(PROXY, affinity=affinity, **servers).wait_ready()

    async def talk():
        for i in range(4):
            one = client()
            await one.connect(url(proxy), headers={"Cookie": f"sid=user{i}"}, transports=transports)
            if transports == ["polling", "websocket"]:
                await wait_upgraded(one)
            replies = [await one.call("echo", {"n": n, "text": "x" * n * 1000}) for n in range(6)]
            assert [r["value"]["n"] for r in replies] == list(range(6))
            assert len({r["instance"] for r in replies}) == 1
            assert replies[-1]["transport"] == transports[-1]
            await one.disconnect()

    run_async(talk())


@pytest.mark.parametrize("affinity", [HASH, COOKIE])
def test_fifty_clients_at_once_poll_then_upgrade(martlet, servers, run_async, affinity):
    proxy = martlet(PROXY, affinity=affinity, **servers).wait_ready()

    async def one_client(i, all_here):
        one = client()
        await one.connect(url(proxy), headers={"Cookie": f"sid=user{i}"})
        await wait_upgraded(one)
        await all_here.wait()
        instances = {(await one.call("echo", n))["instance"] for n in range(5)}
        await one.disconnect()
        assert len(instances) == 1
        return instances.pop()

    async def crowd():
        all_here = asyncio.Barrier(50)
        return await asyncio.gather(*(one_client(i, all_here) for i in range(50)))

    homes = run_async(crowd())
    assert set(homes) == {"a", "b"}, "both instances have clients"


@pytest.mark.long
def test_clients_reconnect_when_their_server_dies(martlet, servers, run_async):
    proxy = martlet(PROXY, affinity=HASH, **servers).wait_ready()

    async def survive():
        clients = [client() for _ in range(10)]
        homes = []
        for i, one in enumerate(clients):
            await one.connect(url(proxy), headers={"Cookie": f"sid=user{i}"})
            await wait_upgraded(one)
            homes.append((await one.call("echo", i))["instance"])
        lost = [c for c, home in zip(clients, homes) if home == "a"]
        kept = [c for c, home in zip(clients, homes) if home == "b"]
        assert lost and kept
        kept_sids = [c.get_sid() for c in kept]
        await asyncio.to_thread(servers["a"].kill)
        for one in lost:
            while True:
                try:
                    reply = await one.call("echo", "again", timeout=5)
                    break
                except (socketio.exceptions.TimeoutError, socketio.exceptions.SocketIOError):
                    await asyncio.sleep(0.05)
            assert reply["instance"] == "b"
        # Those of the other server never noticed.
        assert [c.get_sid() for c in kept] == kept_sids
        await asyncio.to_thread(servers["a"].start)
        for one in clients:
            await one.disconnect()

    run_async(survive(), within=90)


def test_polling_stays_with_one_server_and_a_foreign_one_refuses(martlet, servers):
    """What affinity is for: a server does not know the other's sessions."""
    proxy = martlet(PROXY, affinity=HASH, **servers).wait_ready()
    with proxy.connect() as one:
        cookie = {"Cookie": "sid=me"}
        opened = one.get("/socket.io/?EIO=4&transport=polling", cookie)
        sid = json.loads(opened.body[1:])["sid"]
        target = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
        assert one.ask("POST", target, cookie, b"40").body.lower() == b"ok"
        assert one.get(target, cookie).body.startswith(b"40")
    home = proxy.log_lines(1)[0]["server"]
    assert {r["server"] for r in proxy.log_lines(3)} == {home}


def test_a_polling_request_that_waits_is_answered_late(martlet, servers):
    """A long poll holds its connection until the server pings (5 s here): no timeout cuts it."""
    proxy = martlet(PROXY, affinity=HASH, **servers).wait_ready()
    with proxy.connect() as one:
        cookie = {"Cookie": "sid=me"}
        sid = json.loads(one.get("/socket.io/?EIO=4&transport=polling", cookie).body[1:])["sid"]
        target = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
        assert one.get(target, cookie).body == b"2", "the server's ping"
