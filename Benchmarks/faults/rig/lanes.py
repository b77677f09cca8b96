"""Logins beside people who ask for reports without a pause: how long the logins take."""

import asyncio
import random
import tempfile

from .load import Broken, Connection, Load, percentile
from .plot import plot
from .scenarios import Bench, off_loop

CLIENTS = 30
REPORT = "/report?seconds=2"
LOGINS_PER_SECOND = 5


async def reports(address, done):
    """One client: a report, and the next as soon as it is here."""
    # Not all at once: real ones do not begin together.
    await asyncio.sleep(random.random() * 2)
    while not done.is_set():
        try:
            connection = await Connection.open(address)
            await connection.ask("GET", REPORT)
            connection.close()
        except (Broken, OSError):
            await asyncio.sleep(0.1)


class Logins(Load):
    def send(self, method="GET", target="/login"):
        super().send(method, target)


async def run(peer, folder, seconds):
    bench = await off_loop(lambda: Bench(peer, folder, threads=4, kind="lanes"))
    try:
        done = asyncio.Event()
        clients = [asyncio.create_task(reports(bench.proxy.address, done)) for _ in range(CLIENTS)]
        await asyncio.sleep(4)  # all slots are taken by then
        async with Logins(bench.proxy.address, rate=LOGINS_PER_SECOND) as load:
            await asyncio.sleep(seconds)
        done.set()
        for client in clients:
            client.cancel()
        return load
    finally:
        bench.close()


def lanes(peers, seconds, picture):
    print("\n| lanes | logins | lost | p50 ms | p99 ms | longest ms |\n|---|---|---|---|---|---|", flush=True)
    measured = {}
    for name, peer in peers.items():
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            load = asyncio.run(run(peer, folder, seconds))
        # One that got no answer took at least as long as it was waited for.
        times = [o.took for o in load.outcomes]
        lost = sum(1 for o in load.outcomes if o.why)
        measured[name] = times
        values = (percentile(times, 0.5), percentile(times, 0.99), max(times))
        print(f"| {name} | {len(times)} | {lost} | " + " | ".join(f"{v * 1000:.0f}" for v in values) + " |", flush=True)
    if picture:
        picture.write_text(plot(measured))
