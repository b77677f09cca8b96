"""The faults, each as a function of a running bench; what they do takes `seconds` in all."""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

from support.peers import OWN_ADDRESS, Gunicorn, Realtime

from .load import Load, tally
from .nameserver import NameServer

SCENARIOS = {}


def scenario(name):
    def register(function):
        SCENARIOS[name] = function
        return function

    return register


class Bench:
    """Three gunicorns (or two Socket.IO servers), one proxy, and what the servers have seen."""

    def __init__(self, peer, folder, threads=8, kind="web"):
        self.folder = Path(folder)
        os.environ["EFFECTS"] = str(folder)
        options = {"threads": threads, "application": "effects:application"}
        server, options, names = (Realtime, {}, "ab") if kind == "realtime" else (Gunicorn, options, "abc")
        self.servers = []
        self.proxy = self.names = None
        try:
            if kind == "dns":
                self._start_named(peer, options)
                return
            for name in names:
                self.servers.append(server(name, **options))
            self.proxy = peer(self.folder, self.addresses(), kind=kind)
        except BaseException:
            self.close()
            raise

    def _start_named(self, peer, options):
        """Three servers on one port, known by one name, of which the first two are told."""
        own = OWN_ADDRESS.split(".")
        port = 0
        for number, name in enumerate("abc"):
            host = ".".join(["127", str(10 + number), *own[2:]])
            self.servers.append(Gunicorn(name, address=(host, port), **options))
            port = self.servers[0].address[1]
        self.names = NameServer(OWN_ADDRESS)
        self.names.addresses = [server.address[0] for server in self.servers[:2]]
        self.proxy = peer(self.folder, {"web": f"web.test:{port}"}, kind="dns", nameserver=OWN_ADDRESS)

    def addresses(self):
        return {server.name: str(server) for server in self.servers}

    def close(self):
        for one in [self.proxy, *self.servers]:
            if one:
                one.kill()
        if self.names:
            self.names.close()

    def load(self, **options):
        return Load(self.proxy.address, **options)

    def break_server(self, name, what):
        (self.folder / f"{name}.fault").write_text(what)

    def mend_server(self, name):
        (self.folder / f"{name}.fault").unlink()

    def effects(self):
        """How often each POST was seen by any server, by its id."""
        lines = (self.folder / "effects").read_text().splitlines()
        return Counter(line.split()[1] for line in lines if line.startswith("POST "))

    def tally(self, load):
        return tally(load.outcomes, self.effects())


async def off_loop(function, *arguments):
    """What blocks runs beside the load."""
    return await asyncio.to_thread(function, *arguments)


@scenario("kill")
async def kill(bench, seconds):
    """SIGKILL to one server, which comes back."""
    victim = bench.servers[0]
    async with bench.load() as load:
        await asyncio.sleep(seconds * 0.3)
        await off_loop(victim.kill)
        await asyncio.sleep(seconds * 0.3)
        await off_loop(victim.start)
        await asyncio.sleep(seconds * 0.4)
    return load


async def roll(bench, seconds, drain):
    pause = seconds / 8
    async with bench.load() as load:
        await asyncio.sleep(pause)
        for server in bench.servers:
            if drain:
                await off_loop(bench.proxy.drain, server.name)
                # Traefik cannot be asked whether the server has finished.
                await asyncio.sleep(0.5)
            await off_loop(server.terminate)
            await off_loop(server.start)
            if drain:
                await off_loop(bench.proxy.undrain, server.name)
            # Until its checks have seen it again, as an operator would wait.
            await asyncio.sleep(max(pause, 1.5))
    return load


@scenario("rolling")
async def rolling(bench, seconds):
    """SIGTERM to each server in turn, which starts again; the proxy is not told."""
    return await roll(bench, seconds, drain=False)


@scenario("rolling-drain")
async def rolling_drain(bench, seconds):
    """The same, each server taken out by the proxy's own means before."""
    return await roll(bench, seconds, drain=True)


@scenario("silent")
async def silent(bench, seconds):
    """SIGSTOP: a server whose kernel accepts and that never answers, until SIGCONT."""
    group = bench.servers[0].process.pid
    async with bench.load() as load:
        await asyncio.sleep(seconds * 0.3)
        os.killpg(group, signal.SIGSTOP)
        await asyncio.sleep(seconds * 0.4)
        os.killpg(group, signal.SIGCONT)
        await asyncio.sleep(seconds * 0.3)
    return load


def misbehaving(fault):
    async def run(bench, seconds):
        async with bench.load() as load:
            await asyncio.sleep(seconds * 0.3)
            bench.break_server("a", fault)
            await asyncio.sleep(seconds * 0.4)
            bench.mend_server("a")
            await asyncio.sleep(seconds * 0.3)
        return load

    return run


# Health checks pass all the while: only live traffic speaks against the server.
SCENARIOS["reset-early"] = misbehaving("reset-early")
SCENARIOS["reset-late"] = misbehaving("reset-late")
SCENARIOS["answers-503"] = misbehaving("answers-503")


@scenario("reload")
async def reload(bench, seconds):
    """A server comes and goes, ten times a second."""
    every = bench.addresses()
    fewer = {name: address for name, address in every.items() if name != "c"}
    async with bench.load() as load:
        for turn in range(int(seconds * 10)):
            await off_loop(bench.proxy.set_servers, every if turn % 2 else fewer)
            await asyncio.sleep(0.1)
    return load


@scenario("dns")
async def dns(bench, seconds):
    """A name leads elsewhere: a and b, then b and c; a ends after its record's second is over."""
    async with bench.load() as load:
        await asyncio.sleep(seconds * 0.2)
        bench.names.addresses = [server.address[0] for server in bench.servers[1:]]
        await asyncio.sleep(max(2, seconds * 0.4))
        await off_loop(bench.servers[0].terminate)
        await asyncio.sleep(seconds * 0.4)
    return load


@scenario("all-down")
async def all_down(bench, seconds):
    """No server for 5 s, and 5,000 GETs in a burst meanwhile; less of both in fewer seconds."""
    held = int(min(5000, seconds * 1000))
    async with bench.load(rate=50) as load:
        await asyncio.sleep(1)
        before = bench.proxy.anonymous_bytes()
        for server in bench.servers:
            await off_loop(server.kill)
        for _ in range(held // 50):
            for _ in range(50):
                load.send("GET")
            await asyncio.sleep(0.04)
        await asyncio.sleep(1)
        load.note = f"RssAnon +{(bench.proxy.anonymous_bytes() - before) / 2**20:.1f} MiB"
        for server in bench.servers:
            await off_loop(server.start)
        await asyncio.sleep(1)
    return load


@scenario("sigterm")
async def sigterm(bench, seconds):
    """Requests go on for 300 ms after the proxy was asked to end."""
    async with bench.load() as load:
        await asyncio.sleep(1)
        bench.proxy.end()
        await asyncio.sleep(0.3)
    return load


async def measure(peer, name, folder, seconds):
    """The scenario's tally, its note, and what the proxy itself says of lost requests."""
    bench = await off_loop(lambda: Bench(peer, Path(folder), kind="dns" if name == "dns" else "web"))
    try:
        load = await SCENARIOS[name](bench, seconds)
        return bench.tally(load), getattr(load, "note", ""), bench.proxy.why_lost()
    finally:
        bench.close()
