"""What is measured."""

from dataclasses import dataclass

from .processes import DESCRIPTORS

MEBIBYTE = 1 << 20

# A proxy holds two descriptors for a connection that asks, and some of its own.
TEN_THOUSAND = min(10_000, (DESCRIPTORS - 600) // 2)


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    target: str = "/small"
    # Bytes of the answer's body, decoded.
    size: int = 128
    connections: int = 64
    # The yardstick in floor/ that does no more than this needs.
    floor: str | None = None
    # What it is about, for configurations (@if) and for who takes part: tls, gzip, log, assets,
    # routes, servers, workers, websocket.
    needs: tuple = ()
    # load: wrk asks without a pause. idle: connections stand still. start: it starts, and answers once.
    kind: str = "load"
    # Each request comes over a connection of its own.
    is_new: bool = False
    routes: int = 0
    servers: int = 1
    workers: int = 1
    # How much longer than others it is measured: opening many connections costs, too.
    stretch: int = 1
    # Its system calls are worth counting.
    is_traced: bool = False
    # What several have in common, for --scenarios.
    group: str | None = None

    def __str__(self):
        return self.title.format(connections=self.connections)

    @property
    def is_secure(self):
        return "tls" in self.needs

    @property
    def is_file(self):
        return "assets" in self.needs

    @property
    def headers(self):
        """What each request says beside the usual."""
        return (("Connection: close",) if self.is_new else ()) + (("Accept-Encoding: gzip",) if "gzip" in self.needs else ())


SCENARIOS = [
    Scenario("small", "small proxied, keep-alive, 64 connections", floor="relay", is_traced=True),
    Scenario("one", "small proxied, one connection: latency", connections=1, floor="relay"),
    Scenario("json10k", "10 KiB of JSON proxied, 64 connections", "/10k", 10240, floor="relay"),
    Scenario("gzip", "10 KiB of JSON proxied and compressed, 64 connections", "/10k", 10240, needs=("gzip",)),
    Scenario("1m", "1 MiB proxied, 16 connections", "/1m", MEBIBYTE, 16, floor="splice", is_traced=True),
    Scenario("many", "small proxied, 1,000 connections", connections=1000, floor="relay"),
    Scenario("new", "a new connection per request, 16 at once", connections=16, floor="relay-new", is_new=True),
    Scenario("log", "small proxied, a line of JSON for each request", needs=("log",)),
    Scenario("asset4k", "4 KiB asset, 64 connections", "/assets/4k.css", 4096, floor="sender", needs=("assets",), is_traced=True),
    Scenario("asset1m", "1 MiB asset, 16 connections", "/assets/1m.js", MEBIBYTE, 16, floor="sendfile", needs=("assets",), is_traced=True),
    Scenario("tls", "small proxied over TLS, keep-alive, 64 connections", needs=("tls",)),
    Scenario("tls-new", "a new TLS connection per request, sessions resumed, 16 at once", connections=16, is_new=True, needs=("tls",)),
    Scenario("tls-1m", "1 MiB proxied over TLS, 16 connections", "/1m", MEBIBYTE, 16, needs=("tls",)),
    Scenario("routes10", "10 routes, asked in turn", "/route/00000/", needs=("routes",), routes=10, group="routes"),
    Scenario("routes10k", "10,000 routes, asked in turn", "/route/00000/", needs=("routes",), routes=10_000, group="routes"),
    Scenario("servers3", "3 servers in turn", needs=("servers",), servers=3, group="servers"),
    Scenario("servers300", "300 servers in turn", needs=("servers",), servers=300, group="servers"),
    Scenario("connections10", "10 connections", connections=10, floor="relay", group="connections"),
    Scenario(
        "connections10k", "{connections:,} connections", connections=TEN_THOUSAND, floor="relay", stretch=3, group="connections",
    ),
    Scenario("workers2", "two workers on two cores", needs=("workers",), workers=2),
    Scenario("idle", "idle connections, {connections:,} of them", connections=TEN_THOUSAND, kind="idle", group="idle"),
    Scenario(
        "idle-websocket", "idle WebSockets, {connections:,} of them", "/socket", 2, connections=TEN_THOUSAND,
        kind="idle", needs=("websocket",), group="idle",
    ),
    Scenario(
        "idle-tls", "idle TLS connections, {connections:,} of them", connections=TEN_THOUSAND,
        kind="idle", needs=("tls",), group="idle",
    ),
    Scenario("start", "from the start to the first answer", kind="start"),
]  # fmt: skip


def chosen(words, also):
    """The scenarios of these names or groups, and those that `also` names for one of them."""
    known = {s.name for s in SCENARIOS} | {s.group for s in SCENARIOS}
    if unknown := set(words) - known:
        raise SystemExit(f"no such scenario: {', '.join(sorted(unknown))}")
    names = {s.name for s in SCENARIOS if s.name in words or s.group in words}
    names |= {other for name in names for other in also(name)}
    return [s for s in SCENARIOS if s.name in names]
