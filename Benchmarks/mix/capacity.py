"""How many requests a contender bears in a small share of a core."""

import time
from dataclasses import dataclass
from statistics import median

from .bench import HERE
from .load import Unfit, load

# What still counts as served.
P99_LIMIT_US = 100_000
# When the generator itself was later than this, the trial says nothing about the server.
LAG_LIMIT_US = 10_000
# Neighbouring rates of the search differ by this at its end.
PRECISION = 1.06
CORES = 0.25
# Before it is confined: caches are filled, and who compresses files once has done so.
SETTLING_RATE = 400


@dataclass(frozen=True)
class Effort:
    """How much a search may cost."""

    seconds: float
    warm_up: float
    settling: float
    trials: int
    first_rate: float


def trial(bench, service, rate, effort):
    """The report of one load, and whether it was borne."""
    try:
        result = load(service.address, bench.load_core, rate, seconds=effort.seconds, warm_up=effort.warm_up, connections=100, mix=HERE / "mix.yaml")
    except Unfit as error:
        return {"rate_asked": rate, "unfit": str(error), "is_borne": False}
    errors = result["all"]["errors"] + result["events"]["errors"]
    result["is_borne"] = errors == 0 and result["all"]["latency"]["p99_us"] < P99_LIMIT_US
    return result


def was_late(result):
    return "lag" in result and result["lag"]["p99_us"] > LAG_LIMIT_US


def search(bench, name, quota, effort, near=None, tell=lambda what: None):
    """The highest rate that is borne, and all trials.

    A rate that is not borne is tried once more, for the machine has other things to do, too; and
    up to four times where the generator was late itself.
    """
    trials = []
    steps = Steps(near * 0.9 if near else effort.first_rate, 1.2 if near else 2)
    with bench.start(name) as service:
        tell(f"{name} settles")
        load(service.address, bench.load_core, SETTLING_RATE, seconds=effort.settling, warm_up=0, timeout=60, mix=HERE / "mix.yaml")
        quota.confine(service.pids())
        while len(trials) < effort.trials and not steps.is_over:
            failures = 0
            for _ in range(4):
                tell(f"{name} at {steps.rate:,.0f}/s")
                trials.append(trial(bench, service, steps.rate, effort))
                failures += not was_late(trials[-1])
                if trials[-1]["is_borne"] or failures == 2:
                    break
                # What it has not done yet is nobody's any more: it needs a while to see that.
                time.sleep(effort.warm_up)
            steps.take(trials[-1]["is_borne"])
    return steps.lowest, trials


class Steps:
    """Which rate is tried next: multiples until one is not borne, then halves between the two."""

    def __init__(self, rate, factor):
        self.rate, self._factor = rate, factor
        # The highest that was borne, the lowest that was not.
        self.lowest, self._highest = 0.0, None

    @property
    def is_over(self):
        return bool(self.lowest and self._highest) and self._highest / self.lowest <= PRECISION

    def take(self, is_borne):
        if is_borne:
            self.lowest = self.rate
        else:
            self._highest = self.rate
        if self._highest is None:
            self.rate *= self._factor
        elif not self.lowest:
            self.rate /= self._factor
        else:
            self.rate = (self.lowest * self._highest) ** 0.5


def summary(rounds):
    """Medians over rounds by contender, and how many times the best peer's Martlet's is."""
    found = {name: {"rate": median(rates), "low": min(rates), "high": max(rates)} for name, rates in rounds.items()}
    peers = [values["rate"] for name, values in found.items() if name != "martlet"]
    best = max(peers, default=0)
    for values in found.values():
        values["of_best_peer"] = values["rate"] / best if best else None
    return found
