"""What a request costs: CPU time, from which capacity follows, and which is steadier than a rate that is borne.

A rate is borne or not by what the machine did in the worst second of a trial; time on a core is
counted by the nanosecond, and the contenders take turns of a few seconds, so that what disturbs
one disturbs all.
"""

import re
from contextlib import ExitStack
from statistics import median

from .bench import HERE
from .capacity import CORES, SETTLING_RATE
from .load import load

# Of the mix: what the dearest contender bears in its share of a core. Of each kind: so little that
# the core is never full.
MIX_RATE = 500
KIND_RATE = 200
# A load asks for everything once before it begins, and opens its connections: a short one costs
# that, too, and is subtracted.
SHORT = 0.2
MIX = (HERE / "mix.yaml").read_text()
KINDS = re.findall(r"^  - \{name: ([^,]+),", MIX, re.MULTILINE)


def mix_of(kind, folder):
    """The mix with one kind only, and nobody who listens."""
    lines = [line for line in MIX.splitlines() if not line.startswith(("  - {name:", "sockets:")) or line.startswith(f"  - {{name: {kind},")]
    path = folder / f"mix-{KINDS.index(kind)}.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def of_request(bench, service, mix, rate, seconds):
    """CPU seconds of one request, of all that is there of a contender."""
    found = []
    for length in (SHORT, SHORT + seconds):
        before = service.run_seconds()
        answers = load(service.address, bench.load_core, rate, seconds=length, warm_up=0, connections=64, mix=mix)["all"]["answers"]
        found.append((service.run_seconds() - before, answers))
    (short, few), (long, many) = found
    return (long - short) / max(1, many - few)


def measure(bench, names, quota, rounds, seconds, settling, turns, tell):
    """By contender and kind, "mix" being the mix in its share of a core: a cost for each round."""
    files = {kind: mix_of(kind, bench.folder) for kind in KINDS}
    costs = {name: {kind: [] for kind in ["mix", *KINDS]} for name in names}
    with ExitStack() as stack:
        services = {name: stack.enter_context(bench.start(name)) for name in names}
        for name, service in services.items():
            tell(f"{name} settles")
            load(service.address, bench.load_core, SETTLING_RATE, seconds=settling, warm_up=0, timeout=60, mix=HERE / "mix.yaml")
        for kind in KINDS:
            for name in turns(names, KINDS.index(kind)):
                tell(f"{name}: {kind}")
                costs[name][kind].append(of_request(bench, services[name], files[kind], KIND_RATE, seconds))
        for service in services.values():
            quota.confine(service.pids())
        for turn in range(rounds):
            for name in turns(names, turn):
                tell(f"round {turn + 1}/{rounds}: {name}")
                costs[name]["mix"].append(of_request(bench, services[name], HERE / "mix.yaml", MIX_RATE, seconds))
    return costs


def summary(costs):
    """Of the mix: medians, ranges, the capacity that follows, and how many times the best peer's it is."""
    found = {name: {"cost": median(by["mix"]), "low": min(by["mix"]), "high": max(by["mix"])} for name, by in costs.items()}
    best = min((values["cost"] for name, values in found.items() if name != "martlet"), default=0)
    for values in found.values():
        values["capacity"] = CORES / values["cost"] if values["cost"] else 0
        values["of_best_peer"] = best / values["cost"] if best and values["cost"] else None
    return found
