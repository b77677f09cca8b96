"""Socket.IO clients that keep no cookie, while servers are deployed and die: real servers and clients.

MARTLET_SWARM=500 makes the swarm larger.
"""

import asyncio
import json
import os
import time
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
import socketio

from support.waiting import until

SWARM = int(os.environ.get("MARTLET_SWARM", 100))
WINDOW = max(3, SWARM // 50)

PROXY = """
workers: 2
pools:
  realtime:
    servers: [{address: "$a", name: a}, {address: "$b", name: b}]
    engine_io: {drain_window: $window}
routes:
  - match: {prefix: /}
    proxy: {pool: realtime, upgrade: [websocket], timeouts: {response: 60s}}
"""

TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]]


@pytest.fixture
def servers(realtime):
    return {"a": realtime("a"), "b": realtime("b")}


class Member:
    """A client without cookies, as scripts and apps are, that notes when it goes and comes back."""

    def __init__(self, http, transports):
        self.transports = transports
        self.left = []
        self.returned = []
        self.client = socketio.AsyncClient(http_session=http)
        self.client.on("disconnect", lambda reason: self.left.append(time.monotonic()))
        self.client.on("connect", self._connected)

    def _connected(self):
        if self.left:
            self.returned.append(time.monotonic())

    async def connect(self, proxy):
        url = f"http://{proxy.address[0]}:{proxy.address[1]}"
        await self.client.connect(url, transports=self.transports, wait_timeout=30)

    async def home(self):
        return (await self.client.call("echo", "where", timeout=30))["instance"]

    @property
    def is_here(self):
        return len(self.left) == len(self.returned) and self.client.connected

    @property
    def absences(self):
        return [back - gone for gone, back in zip(self.left, self.returned)]


@asynccontextmanager
async def swarm(proxy, count, transports=TRANSPORTS):
    async with AsyncExitStack() as stack:
        members = []
        for i in range(count):
            http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
            await stack.enter_async_context(http)
            members.append(Member(http, transports[i % len(transports)]))
        await asyncio.gather(*(m.connect(proxy) for m in members))
        try:
            yield members
        finally:
            await asyncio.gather(*(m.client.disconnect() for m in members))


async def eventually(condition, what, within=60):
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.02)


async def homes(members):
    return await asyncio.gather(*(m.home() for m in members))


def order(proxy, name, what):
    response = proxy.admin(f"/pools/realtime/servers/{name}/{what}", method="POST")
    assert response.status == 200


def in_flight(proxy, name):
    pools = json.loads(proxy.admin("/pools").body)["pools"]
    return next(s["in_flight"] for s in pools[0]["servers"] if s["name"] == name)


async def check_nobody_was_unknown(proxy, members):
    """A server answers 400 to a session that it does not know. Looks at all that came before."""
    start = len(proxy.stdout)
    await homes(members)
    proxy.get("/the-end")
    await asyncio.to_thread(proxy.stdout.wait_for, "/the-end", start)
    records = [json.loads(line) for line in proxy.stdout.since() if line.startswith("{")]
    assert [r for r in records if r["status"] == 400 and "sid=" in r["target"]] == []


@pytest.mark.long
def test_a_hundred_clients_without_cookies_poll_then_upgrade(martlet, servers, run_async):
    proxy = martlet(PROXY, window="1s", **servers)

    async def crowd():
        async with swarm(proxy, 100, [["polling", "websocket"]]) as members:
            assert {m.client.eio.transport() for m in members} == {"websocket"}
            assert set(await homes(members)) == {"a", "b"}
            await check_nobody_was_unknown(proxy, members)

    run_async(crowd(), within=90)


@pytest.mark.long
@pytest.mark.timeout(150 + 4 * WINDOW)
def test_a_deploy_moves_clients_without_a_stampede(martlet, servers, run_async):
    proxy = martlet(PROXY, window=f"{WINDOW}s", **servers)

    async def deploy(name, members):
        """What an operator does; answers when clients left, counted from the drain on."""
        before = {m: len(m.left) for m in members}
        start = time.monotonic()
        await asyncio.to_thread(order, proxy, name, "drain")
        while await asyncio.to_thread(in_flight, proxy, name) > 0:
            assert time.monotonic() < start + WINDOW + 20, "the clients are told to go"
            await asyncio.sleep(0.1)
        await asyncio.to_thread(servers[name].terminate)
        await asyncio.to_thread(servers[name].start)
        await asyncio.to_thread(order, proxy, name, "undrain")
        await eventually(lambda: all(m.is_here for m in members), "all are back")
        return [m.left[before[m]] - start for m in members if len(m.left) > before[m]]

    async def everything():
        async with swarm(proxy, SWARM) as members:
            assert set(await homes(members)) == {"a", "b"}
            for name in ("a", "b"):
                left = await deploy(name, members)
                assert len(left) > SWARM / 4, "it had its share of the clients"
                await homes(members)
                # No third of the window has half of them or more, and none a tenth only.
                for third in range(3):
                    share = sum(third <= t / WINDOW * 3 < third + 1 for t in left) / len(left)
                    assert 0.1 < share < 0.5, sorted(left)
                assert max(left) < WINDOW + 3
            absences = sorted(t for m in members for t in m.absences)
            print(f"{len(absences)} absences, median {absences[len(absences) // 2]:.2f} s, longest {absences[-1]:.2f} s")
            assert absences[-1] < 10
            assert max(len(m.left) for m in members) <= 2, "nobody is sent away twice for one deploy"
            await check_nobody_was_unknown(proxy, members)

    run_async(everything(), within=110 + 4 * WINDOW)


@pytest.mark.long
def test_a_close_never_falls_into_a_message(martlet, servers, run_async):
    """Messages of all sizes are on their way, both ways, when the clients are told to go."""
    proxy = martlet(PROXY, window="1s", **servers)
    sizes = [0, 5, 125, 126, 4000, 65535, 65536, 200_000]
    received = [0] * 8

    async def talk(i, http):
        url = f"http://{proxy.address[0]}:{proxy.address[1]}/echo"
        async with http.ws_connect(url, max_msg_size=0) as channel:

            async def send():
                for n in range(1_000_000):
                    await channel.send_bytes(n.to_bytes(4, "big") + bytes(sizes[n % len(sizes)]))

            sender = asyncio.ensure_future(send())
            while (message := await channel.receive()).type == aiohttp.WSMsgType.BINARY:
                n = received[i]
                assert message.data == n.to_bytes(4, "big") + bytes(sizes[n % len(sizes)])
                received[i] += 1
            sender.cancel()
            assert message.type == aiohttp.WSMsgType.CLOSE, message
            return channel.close_code

    async def everybody():
        async with aiohttp.ClientSession() as http:
            clients = [asyncio.ensure_future(talk(i, http)) for i in range(len(received))]
            await eventually(lambda: min(received) > 0, "messages pass")
            for name in servers:
                await asyncio.to_thread(order, proxy, name, "drain")
            assert set(await asyncio.gather(*clients)) == {1012}

    run_async(everybody())
    for name in servers:
        until(lambda: in_flight(proxy, name) == 0, "the servers' sides have ended, too")


@pytest.mark.long
def test_the_clients_of_a_killed_server_come_back_on_the_other(martlet, servers, run_async):
    proxy = martlet(PROXY, window="3s", **servers)

    async def survive():
        async with swarm(proxy, 30) as members:
            before = await homes(members)
            await asyncio.to_thread(servers["a"].kill)
            lost = [m for m, home in zip(members, before) if home == "a"]
            kept = [m for m, home in zip(members, before) if home == "b"]
            assert lost and kept
            await eventually(lambda: all(m.left and m.is_here for m in lost), "all are back")
            assert set(await homes(members)) == {"b"}
            assert not any(m.left for m in kept), "those of the other server notice nothing"
            assert max(t for m in lost for t in m.absences) < 10
            await check_nobody_was_unknown(proxy, members)

    run_async(survive(), within=90)
