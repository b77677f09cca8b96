"""What is shown: medians over rounds, their spread, and ratios within the run."""

from statistics import median

from .contenders import FLOOR


def summary(rounds):
    """Median of each value over the rounds, and how far CPU time ranged."""
    result = {key: median(r[key] for r in rounds) for key in rounds[0]}
    # User and system of the round in the middle, so that they add up.
    middle = sorted(rounds, key=lambda r: r["cpu_us"])[(len(rounds) - 1) // 2]
    for key in ("cpu_us", "user_us", "system_us"):
        result[key] = middle[key]
    result["cpu_us_low"] = min(r["cpu_us"] for r in rounds)
    result["cpu_us_high"] = max(r["cpu_us"] for r in rounds)
    result["rounds"] = len(rounds)
    return result


def with_ratios(contenders):
    """Adds CPU time per request as a multiple of the best peer's and of the floor's."""
    peers = [c["cpu_us"] for name, c in contenders.items() if name not in ("martlet", FLOOR)]
    best = min(peers, default=None)
    floor = contenders.get(FLOOR, {}).get("cpu_us")
    for values in contenders.values():
        values["of_best_peer"] = values["cpu_us"] / best if best else None
        values["of_floor"] = values["cpu_us"] / floor if floor else None
    return contenders


def table(scenario, contenders):
    """Lines for the terminal."""
    head = ["", "CPU µs/req", "user", "system", "spread", "× best peer", "× floor", "req/s", "p50 µs", "p99 µs", "memory MiB"]
    rows = [head]
    for name, c in contenders.items():
        rows.append(
            [
                name,
                f"{c['cpu_us']:.2f}",
                f"{c['user_us']:.2f}",
                f"{c['system_us']:.2f}",
                f"{c['cpu_us_low']:.2f}–{c['cpu_us_high']:.2f}",
                f"{c['of_best_peer']:.2f}" if c["of_best_peer"] else "–",
                f"{c['of_floor']:.2f}" if c["of_floor"] else "–",
                f"{c['rps']:,.0f}",
                f"{c['p50_us']:,.0f}",
                f"{c['p99_us']:,.0f}",
                f"{c['memory_mib']:.1f}",
            ]
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = [f"\n{scenario.title}"]
    for row in rows:
        lines.append("  " + row[0].ljust(widths[0]) + "  " + "  ".join(v.rjust(w) for v, w in zip(row[1:], widths[1:])))
    return "\n".join(lines)
