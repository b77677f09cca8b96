"""Socket.IO as Frappe uses it: real servers and real clients, over two instances."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
import socketio
from yarl import URL

# What config/erpnext.yaml says about realtime, with checks that a test can wait for.
PROXY = """
pools:
  realtime:
    servers: [{address: "$a", name: a}, {address: "$b", name: b}]
    affinity: $affinity
    required: true
    health: {path: /health, interval: 500ms, timeout: 500ms, rise: 1, fall: 3}
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


@asynccontextmanager
async def client(proxy, name, transports=None):
    """A connected client with a browser's jar of cookies, `sid` among them."""
    # The jar takes cookies of addresses, too: tests have no host names.
    jar = aiohttp.CookieJar(unsafe=True)
    jar.update_cookies({"sid": name}, URL(url(proxy)))
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        one = socketio.AsyncClient(http_session=session, reconnection_delay=0.1, reconnection_delay_max=0.5)
        await one.connect(url(proxy), transports=transports)
        try:
            yield one
        finally:
            await one.disconnect()


async def wait_upgraded(one):
    while one.eio.transport() != "websocket":
        await asyncio.sleep(0.01)


async def answer_of(one):
    """What the server says once there is one again."""
    while True:
        try:
            return await one.call("echo", "again", timeout=5)
        except socketio.exceptions.SocketIOError:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
@pytest.mark.parametrize("affinity", [HASH, COOKIE])
def test_a_client_talks_over_every_transport(martlet, servers, run_async, transports, affinity):
    proxy = martlet(PROXY, affinity=affinity, **servers).wait_all_up()

    async def talk(name):
        async with client(proxy, name, transports) as one:
            if transports == ["polling", "websocket"]:
                await wait_upgraded(one)
            replies = [await one.call("echo", {"n": n, "text": "x" * n * 1000}) for n in range(6)]
            assert [r["value"]["n"] for r in replies] == list(range(6))
            assert len({r["instance"] for r in replies}) == 1
            assert replies[-1]["transport"] == transports[-1]

    async def everybody():
        await asyncio.gather(*(talk(f"user{i}") for i in range(4)))

    run_async(everybody())


@pytest.mark.parametrize("affinity", [HASH, COOKIE])
def test_fifty_clients_at_once_poll_then_upgrade(martlet, servers, run_async, affinity):
    proxy = martlet(PROXY, affinity=affinity, **servers).wait_all_up()

    async def one_client(i, all_here):
        async with client(proxy, f"user{i}") as one:
            await wait_upgraded(one)
            await all_here.wait()
            instances = {(await one.call("echo", n))["instance"] for n in range(5)}
        assert len(instances) == 1
        return instances.pop()

    async def crowd():
        all_here = asyncio.Barrier(50)
        return await asyncio.gather(*(one_client(i, all_here) for i in range(50)))

    homes = run_async(crowd())
    assert set(homes) == {"a", "b"}, "both instances have clients"


@pytest.mark.long
def test_clients_reconnect_when_their_server_dies(martlet, servers, run_async):
    proxy = martlet(PROXY, affinity=HASH, **servers).wait_all_up()

    async def survive():
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(client(proxy, f"user{i}")) for i in range(10)]
            homes = []
            for one in clients:
                await wait_upgraded(one)
                homes.append((await one.call("echo", "first"))["instance"])
            lost = [c for c, home in zip(clients, homes) if home == "a"]
            kept = [c for c, home in zip(clients, homes) if home == "b"]
            assert lost and kept
            kept_sids = [c.get_sid() for c in kept]
            await asyncio.to_thread(servers["a"].kill)
            for one in lost:
                assert (await answer_of(one))["instance"] == "b"
            # Those of the other server never noticed.
            assert [c.get_sid() for c in kept] == kept_sids
            await asyncio.to_thread(servers["a"].start)

    run_async(survive(), within=90)


def test_polling_stays_with_one_server_and_a_foreign_one_refuses(martlet, servers):
    """What affinity is for: a server does not know the other's sessions."""
    proxy = martlet(PROXY, affinity=HASH, **servers).wait_all_up()
    with proxy.connect() as one:
        cookie = {"Cookie": "sid=me"}
        opened = one.get("/socket.io/?EIO=4&transport=polling", cookie)
        sid = json.loads(opened.body[1:])["sid"]
        target = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
        assert one.ask("POST", target, cookie, b"40").body.lower() == b"ok"
        assert b"40{" in one.get(target, cookie).body
    home = proxy.log_lines(1)[0]["server"]
    assert {r["server"] for r in proxy.log_lines(3)} == {home}


def test_a_polling_request_that_waits_is_answered_late(martlet, servers):
    """A long poll holds its connection until the server pings (2 s here): no timeout cuts it."""
    proxy = martlet(PROXY, affinity=HASH, **servers).wait_all_up()
    with proxy.connect() as one:
        cookie = {"Cookie": "sid=me"}
        sid = json.loads(one.get("/socket.io/?EIO=4&transport=polling", cookie).body[1:])["sid"]
        target = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
        assert one.get(target, cookie).body == b"2", "the server's ping"
