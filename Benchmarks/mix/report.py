"""What is shown on the terminal."""

from . import capacity, cost, tail

CAPACITY_TARGET = 1.5


def table(title, head, rows):
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [f"\n{title}"]
    for row in [head, *rows]:
        lines.append("  " + row[0].ljust(widths[0]) + "".join("  " + v.rjust(w) for v, w in zip(row[1:], widths[1:])))
    return "\n".join(lines)


def capacities(found):
    rows = [
        [name, f"{c['rate']:,.0f}", f"{c['low']:,.0f}–{c['high']:,.0f}", f"{c['of_best_peer']:.2f}" if c["of_best_peer"] else "–"]
        for name, c in found.items()
    ]
    return table(
        f"the mix in {capacity.CORES} of a core: requests a second with p99 < {capacity.P99_LIMIT_US // 1000} ms and no error",
        ["", "req/s", "spread", "× best peer"],
        rows,
    )


def costs(by_contender, found):
    rows = [[kind, *(f"{by[kind][0] * 1e6:,.0f}" for by in by_contender.values())] for kind in cost.KINDS]
    rows.append(["the mix", *(f"{c['cost'] * 1e6:,.0f}" for c in found.values())])
    rows.append(["spread", *(f"{c['low'] * 1e6:,.0f}–{c['high'] * 1e6:,.0f}" for c in found.values())])
    rows.append([f"{capacity.CORES} of a core / that", *(f"{c['capacity']:,.0f}/s" for c in found.values())])
    rows.append(["× best peer", *(f"{c['of_best_peer']:.2f}" if c["of_best_peer"] else "–" for c in found.values())])
    return table(
        f"CPU time of a request in µs: each kind at {cost.KIND_RATE}/s with a core, the mix at {cost.MIX_RATE}/s with {capacity.CORES} of one",
        ["", *by_contender],
        rows,
    )


def kinds(by_contender):
    """Of the fastest load that each has borne: p99 by kind, and how much each sent."""
    names = list(next(iter(by_contender.values()))["kinds"])
    rows = [[kind, *(f"{r['kinds'][kind]['latency']['p99_us'] / 1000:,.1f}" for r in by_contender.values())] for kind in names]
    rows.append(["events", *(f"{r['events']['latency']['p99_us'] / 1000:,.1f}" for r in by_contender.values())])
    rows.append(["KiB/answer", *(f"{r['all']['body_bytes'] / max(1, r['all']['answers']) / 1024:.1f}" for r in by_contender.values())])
    rows.append(["at req/s", *(f"{r['rate_asked']:,.0f}" for r in by_contender.values())])
    return table("p99 in ms by kind, each at the highest rate that it has borne", ["", *by_contender], rows)


def tails(rate, share, found):
    rows = [
        [name, *(f"{t[key]:,.0f}" for key in ("p50_us", "p99_us")), f"{t['p99_low_us']:,.0f}–{t['p99_high_us']:,.0f}"]
        + [f"{t['p99_9_us']:,.0f}", f"{t['lag_p99_us']:,.0f}", f"{t['errors']}"]
        for name, t in found.items()
    ]
    title = f"{rate:,.0f} small proxied requests a second, {share:.0%} of the slowest peer's capacity, one core"
    if share < tail.SHARE - 0.005:
        title += f"\n(not {tail.SHARE:.0%}: beyond, it would be the load's own core that is measured)"
    return table(title, ["", "p50 µs", "p99 µs", "spread", "p99.9 µs", "generator's p99 µs", "errors"], rows)


def verdict(is_held, what):
    return f"{'HELD' if is_held else 'MISSED'}: {what}"


def cost_verdict(found):
    if "martlet" not in found or len(found) < 2:
        return None
    ratio = found["martlet"]["of_best_peer"]
    if not ratio:
        return None
    return verdict(ratio >= CAPACITY_TARGET, f"by its CPU time Martlet could bear {ratio:.2f} times as much as the best peer (target {CAPACITY_TARGET})")


def capacity_verdict(found):
    if "martlet" not in found or len(found) < 2:
        return None
    own = found["martlet"]
    ratio = own["of_best_peer"]
    if not ratio:
        return None
    best = max((values for name, values in found.items() if name != "martlet"), key=lambda values: values["rate"])
    least, most = own["low"] / max(best["high"], 1e-9), own["high"] / max(best["low"], 1e-9)
    if least < CAPACITY_TARGET <= most:
        return f"UNDECIDED: Martlet bears {ratio:.2f} times as much as the best peer (target {CAPACITY_TARGET}); its rounds range from {least:.2f} to {most:.2f}"
    return verdict(ratio >= CAPACITY_TARGET, f"Martlet bears {ratio:.2f} times as much as the best peer (target {CAPACITY_TARGET})")


def tail_verdict(found):
    if "martlet" not in found or len(found) < 2:
        return None
    if any(values["errors"] for values in found.values()):
        return "UNDECIDED: p99, for there were errors: the machine or the core of the load was too busy"
    if any(values["lag_p99_us"] > values["p99_us"] / 2 for values in found.values()):
        return "UNDECIDED: p99, for the generator's own lateness is more than half of it: the machine was busy"
    name, best = min(((n, v) for n, v in found.items() if n != "martlet"), key=lambda pair: pair[1]["p99_us"])
    own = found["martlet"]
    what = f"Martlet's p99 is {own['p99_us']:,.0f} µs, the best peer's {best['p99_us']:,.0f} µs ({name})"
    if own["p99_low_us"] <= best["p99_us"] <= own["p99_high_us"] and best["p99_low_us"] <= own["p99_us"] <= best["p99_high_us"]:
        return f"UNDECIDED: {what}, and each is within what the other's rounds range over"
    return verdict(own["p99_us"] <= best["p99_us"], what)
