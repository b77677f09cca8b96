"""The 99th percentile of small proxied requests, where everybody still has a core to spare."""

from statistics import median

from .load import load

TARGET = "/api/method/ping"
SHARE = 0.7
CONNECTIONS = 64


def capacity(bench, name, seconds, first_rate=4000.0):
    """The rate at which the contender's core would be full.

    From the CPU time of a request, at a rate near the one that is measured: at a low one a
    contender wakes for each request, and each costs more. Not from a load that fills the core:
    before that, the load's own core is full.
    """
    rate = first_rate
    for _ in range(2):
        with bench.start(name) as service:
            before = sum(service.cpu_seconds())
            result = load(service.address, bench.load_core, rate, seconds=seconds, warm_up=0, connections=CONNECTIONS, target=TARGET)
            used = sum(service.cpu_seconds()) - before
        full = result["all"]["answers"] / used
        rate = full * SHARE
    return full


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
