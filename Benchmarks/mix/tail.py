"""The 99th percentile of small proxied requests, where everybody still has a core to spare."""

import resource
from dataclasses import dataclass
from statistics import median

from .load import load

TARGET = "/api/method/ping"
SHARE = 0.7
# Of a core that the load, which is the generator and the origin, may need: beyond that it is the
# load's own queue that is measured.
LOAD_SHARE = 0.4
CONNECTIONS = 64


@dataclass(frozen=True)
class Costs:
    """CPU seconds of one request: the contender's, and those of the busier core of the load."""

    own: float
    load: float


def costs(bench, name, seconds, turns, first_rate=4000.0):
    """Measured at a rate near the one that matters: at a low one everybody wakes for each request.

    From these follows the rate at which the contender's core would be full. To fill it is no way
    to find out: a core of the load may be full before.
    """
    rate = first_rate
    for _ in range(turns):
        with bench.start(name) as service:
            meters = (lambda: sum(service.cpu_seconds()), bench.origin_cpu_seconds, children_cpu_seconds)
            before = [read() for read in meters]
            result = load(service.address, bench.load_core, rate, seconds=seconds, warm_up=0, connections=CONNECTIONS, target=TARGET)
            own, origin, generator = ((read() - b) / result["all"]["answers"] for read, b in zip(meters, before))
        found = Costs(own, origin + generator if bench.loads_share_core else max(origin, generator))
        rate = min(SHARE / found.own, LOAD_SHARE / found.load)
    return found


def children_cpu_seconds():
    """Of the processes that have been waited for: the generators."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def chosen_rate(found):
    """The rate for everybody, and the share of the slowest peer's capacity that it is."""
    peers = [costs for name, costs in found.items() if name != "martlet"] or list(found.values())
    slowest = 1 / max(costs.own for costs in peers)
    rate = min(SHARE * slowest, LOAD_SHARE / max(costs.load for costs in found.values()))
    return rate, rate / slowest


def measure(bench, name, rate, seconds, warm_up, seed):
    with bench.start(name) as service:
        return load(
            service.address, bench.load_core, rate, seconds=seconds, warm_up=warm_up, connections=CONNECTIONS, seed=seed, target=TARGET
        )


def summary(rounds):
    """Medians over rounds by contender, in microseconds."""
    found = {}
    for name, results in rounds.items():
        p99 = [r["all"]["latency"]["p99_us"] for r in results]
        found[name] = {
            "p50_us": median(r["all"]["latency"]["p50_us"] for r in results),
            "p99_us": median(p99),
            "p99_low_us": min(p99),
            "p99_high_us": max(p99),
            "p99_9_us": median(r["all"]["latency"]["p99_9_us"] for r in results),
            "lag_p99_us": median(r["lag"]["p99_us"] for r in results),
            "achieved": median(r["rate_achieved"] for r in results),
            "errors": sum(r["all"]["errors"] for r in results),
        }
    return found
