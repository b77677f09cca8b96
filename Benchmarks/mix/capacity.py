"""How many requests a contender bears in a small share of a core."""

from dataclasses import dataclass
from statistics import median

from .bench import HERE
from .load import Unfit, load

# What still counts as served.
P99_LIMIT_US = 100_000
# When the generator itself was later than this, the trial says nothing about the server.
LAG_LIMIT_US = 20_000
# Neighbouring rates of the search differ by this at its end.
PRECISION = 1.06
CORES = 0.25


@dataclass(frozen=True)
class Effort:
    """How much a search may cost."""

    seconds: float
    warm_up: float
    trials: int
    first_rate: float = 500.0


def trial(bench, name, quota, rate, effort):
    """One load on a fresh contender: the report, and whether it bore it."""
    with bench.start(name, quota) as service:
        try:
            result = load(service.address, bench.load_core, rate, seconds=effort.seconds, warm_up=effort.warm_up, connections=100, mix=HERE / "mix.yaml")
        except Unfit as error:
            return {"rate_asked": rate, "unfit": str(error), "is_borne": False}
    errors = result["all"]["errors"] + result["events"]["errors"]
    result["is_borne"] = errors == 0 and result["all"]["latency"]["p99_us"] < P99_LIMIT_US
    return result


def search(bench, name, quota, effort, near=None, tell=lambda what: None):
    """The highest rate that is borne, and all trials: doubled until one is not, then halved between.

    A rate that is not borne is tried once more, for the machine has other things to do, too.
    """
    trials = []
    lowest, highest = 0.0, None
    rate = near * 0.9 if near else effort.first_rate
    while len(trials) < effort.trials and (highest is None or lowest == 0 or highest / lowest > PRECISION):
        for _ in range(2):
            tell(f"{name} at {rate:,.0f}/s")
            trials.append(trial(bench, name, quota, rate, effort))
            if trials[-1]["is_borne"]:
                break
        if trials[-1]["is_borne"]:
            lowest = rate
        else:
            highest = rate
        if highest is None:
            # Close to what an earlier round has found.
            rate *= 1.2 if near else 2
        elif lowest == 0:
            rate /= 1.5 if near else 4
        else:
            rate = (lowest * highest) ** 0.5
    return lowest, trials


def summary(rounds):
    """Medians over rounds by contender, and how many times the best peer's Martlet's is."""
    found = {name: {"rate": median(rates), "low": min(rates), "high": max(rates)} for name, rates in rounds.items()}
    peers = [values["rate"] for name, values in found.items() if name != "martlet"]
    best = max(peers, default=0)
    for values in found.values():
        values["of_best_peer"] = values["rate"] / best if best else None
    return found
