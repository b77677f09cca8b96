"""What Martlet is to reach, as data, and whether it does."""

from dataclasses import dataclass

from .contenders import FLOOR, LEAN
from .scenarios import SCENARIOS

# Whom a value is compared with: the best of these, as far as they were measured.
BEST = LEAN
PEERS = (*LEAN, "traefik", "envoy", "caddy")
OWN = ("martlet",)

WORDS = {
    BEST: "best of nginx, HAProxy, h2o", PEERS: "each peer", OWN: "its own", ("nginx", "h2o"): "better of nginx and h2o",
    ("nginx",): "nginx", (FLOOR,): "floor",
}  # fmt: skip
UNITS = {"cpu_us": "µs", "p50_us": "µs", "p99_us": "µs", "bytes_per_connection": "B", "start_ms": "ms", "resident_mib": "MiB"}
MEASURES = {
    "cpu_us": "CPU", "p50_us": "p50", "p99_us": "p99", "body_bytes": "bytes sent", "bytes_per_connection": "memory",
    "start_ms": "start", "resident_mib": "resident",
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """Martlet's `measure` is at most `limit`: times what `of` have, or in the measure's unit."""

    scenario: str
    limit: float
    of: tuple = ()
    measure: str = "cpu_us"
    # The scenario in which `of` were measured, when it is another.
    against: str | None = None
    # The difference to what `of` have is limited, not the ratio.
    is_difference: bool = False

    def text(self):
        what = MEASURES[self.measure]
        if not self.of:
            return f"{what} ≤ {self.limit:,g} {UNITS[self.measure]}"
        whom = WORDS[self.of] + (f" in {self.against}" if self.against else "")
        if self.is_difference:
            return f"{what} ≤ {whom} + {self.limit:g} {UNITS[self.measure]}"
        return f"{what} ≤ {self.limit:.2f} × {whom}"

    def verdict(self, scenarios):
        """What was measured beside what was to be reached; the value is None when something lacks."""
        value = self._value(scenarios)
        # What a reader sees rounded to the limit has reached it.
        outcome = "not measured" if value is None else "holds" if round(value, 2) <= self.limit else "falls short"
        return {
            "scenario": self.scenario, "measure": self.measure, "target": self.text(), "value": value,
            "limit": self.limit, "shown": self._shown(value), "outcome": outcome,
        }  # fmt: skip

    def _shown(self, value):
        if value is None:
            return "–"
        if self.is_difference:
            return f"{value:+,.2f} {UNITS[self.measure]}"
        return f"{value:.2f} ×" if self.of else f"{value:,.1f} {UNITS[self.measure]}"

    def _value(self, scenarios):
        own = scenarios.get(self.scenario, {}).get("martlet", {}).get(self.measure)
        if own is None or not self.of:
            return own
        others = scenarios.get(self.against or self.scenario, {})
        measured = [others[name][self.measure] for name in self.of if self.measure in others.get(name, {})]
        if not measured:
            return None
        best = min(measured)
        return own - best if self.is_difference else own / best if best else None


def growth(scenario, against):
    return Target(scenario, 1.10, OWN, against=against)


TARGETS = [
    Target("small", 0.80, BEST),
    Target("small", 1.10, (FLOOR,)),
    Target("json10k", 0.75, BEST),
    Target("gzip", 0.40, ("nginx",)),
    Target("gzip", 1.10, ("nginx",), "body_bytes"),
    Target("many", 0.65, BEST),
    Target("new", 0.85, BEST),
    Target("1m", 0.50, BEST),
    Target("asset4k", 1.10, (FLOOR,)),
    Target("asset4k", 0.90, ("nginx", "h2o")),
    Target("asset1m", 0.90, ("nginx",)),
    Target("tls", 0.80, BEST),
    Target("tls-new", 1.00, BEST),
    Target("tls-1m", 0.90, BEST),
    Target("log", 0.6, OWN, against="small", is_difference=True),
    Target("one", 1.00, ("nginx",), "p50_us"),
    # Needs a load that does not wait for answers: see load/. No scenario of this name is here yet.
    Target("open70", 1.00, PEERS, "p99_us"),
    Target("idle", 256, measure="bytes_per_connection"),
    Target("idle-websocket", 512, measure="bytes_per_connection"),
    Target("idle-tls", 12 * 1024, measure="bytes_per_connection"),
    Target("start", 20, measure="start_ms"),
    Target("start", 8, measure="resident_mib"),
    growth("routes10k", "routes10"),
    growth("servers300", "servers3"),
    growth("connections10k", "connections10"),
    growth("workers2", "small"),
]


def compared_with(scenario):
    """The other scenarios that this one's targets need."""
    return [t.against for t in TARGETS if t.scenario == scenario and t.against]


def verdicts(scenarios):
    """Of what was chosen, and of what nobody can choose; `scenarios` are summaries by scenario and contender."""
    others = {s.name for s in SCENARIOS} - scenarios.keys()
    return [target.verdict(scenarios) for target in TARGETS if target.scenario not in others]
