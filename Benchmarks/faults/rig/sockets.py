"""WebSockets and Socket.IO by hand: what drops, and who cannot connect."""

import asyncio
import os
import struct
import tempfile
from collections import Counter

from .load import Broken, Connection
from .scenarios import Bench, off_loop

SOCKETS = 1000
RELOADS = 10
CLIENTS = 100


class WebSocket:
    """A client's WebSocket with short text messages."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, address, target):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(
            f"GET {target} HTTP/1.1\r\nHost: web.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            writer.close()
            raise Broken(head.split(b"\r\n")[0].decode())
        return cls(reader, writer)

    def send(self, text):
        mask = os.urandom(4)
        data = bytes(b ^ mask[i % 4] for i, b in enumerate(text.encode()))
        self._writer.write(struct.pack("!BB", 0x81, 0x80 | len(data)) + mask + data)

    async def receive(self):
        kind, size = await self._reader.readexactly(2)
        if size == 126:
            (size,) = struct.unpack("!H", await self._reader.readexactly(2))
        data = await self._reader.readexactly(size)
        if kind & 0x0F == 8:
            raise Broken("closed")
        return data.decode()

    def close(self):
        self._writer.close()


async def echoes(socket, done):
    """Whether a socket answers until `done`."""
    try:
        while not done.is_set():
            socket.send("still there?")
            if await asyncio.wait_for(socket.receive(), 10) != "still there?":
                return False
            await asyncio.sleep(1)
        return True
    except (Broken, OSError, asyncio.IncompleteReadError, TimeoutError):
        return False
    finally:
        socket.close()


async def reload_websockets(bench):
    """How many of 1,000 WebSockets live through ten reloads."""
    done = asyncio.Event()
    tasks = []
    for _ in range(SOCKETS):
        tasks.append(asyncio.create_task(echoes(await WebSocket.open(bench.proxy.address, "/echo"), done)))
    for _ in range(RELOADS):
        bench.proxy.reload()
        await asyncio.sleep(0.5)
    await asyncio.sleep(1.5)
    done.set()
    kept = sum(await asyncio.gather(*tasks))
    return f"{kept} of {SOCKETS} kept"


async def ask(address, method, target, body=b""):
    """One request on a connection of its own, without a cookie."""
    connection = await Connection.open(address)
    try:
        status, content, _ = await connection.ask(method, target, body)
    finally:
        connection.close()
    if status != 200:
        raise Broken(str(status))
    return content.decode()


async def session(address):
    """Connects by polling and upgrades; the instance that has it."""
    path = "/socket.io/?EIO=4"
    sid = (await ask(address, "GET", f"{path}&transport=polling")).split('"sid":"')[1].split('"')[0]
    polling = f"{path}&transport=polling&sid={sid}"
    await ask(address, "POST", polling, b"40")
    said = ""
    while '"instance":"' not in said:
        said += await ask(address, "GET", polling)
    socket = await WebSocket.open(address, f"{path}&transport=websocket&sid={sid}")
    try:
        socket.send("2probe")
        if await socket.receive() != "3probe":
            raise Broken("no probe")
        socket.send("5")
        return said.split('"instance":"')[1].split('"')[0]
    finally:
        socket.close()


async def cookieless(bench):
    """How many of 100 clients without cookies connect and upgrade, all from one address."""

    async def outcome():
        try:
            return await asyncio.wait_for(session(bench.proxy.address), 15)
        except (Broken, OSError, IndexError, asyncio.IncompleteReadError, TimeoutError):
            return None

    instances = Counter(await asyncio.gather(*(outcome() for _ in range(CLIENTS))))
    failed = instances.pop(None, 0)
    spread = " + ".join(str(n) for n in sorted(instances.values(), reverse=True)) or "0"
    return f"{CLIENTS - failed} of {CLIENTS} connect ({spread} by server)"


SOCKET_SCENARIOS = {"reload-websockets": reload_websockets, "socketio-cookieless": cookieless}


async def measure_sockets(peer, name):
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        bench = await off_loop(lambda: Bench(peer, folder, kind="realtime"))
        try:
            return await asyncio.wait_for(SOCKET_SCENARIOS[name](bench), 120)
        finally:
            bench.close()
