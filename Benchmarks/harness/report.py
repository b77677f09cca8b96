"""What is shown: medians over rounds, their spread, and ratios within the run."""

from statistics import median

from .contenders import FLOOR

# For each kind of scenario: heading, key, format.
COLUMNS = {
    "load": [
        ("CPU µs/req", "cpu_us", ".2f"), ("user", "user_us", ".2f"), ("system", "system_us", ".2f"),
        ("lowest", "cpu_us_low", ".2f"), ("highest", "cpu_us_high", ".2f"), ("× best peer", "of_best_peer", ".2f"),
        ("× floor", "of_floor", ".2f"), ("added µs", "added_us", "+.2f"), ("× before", "of_before", ".2f"), ("req/s", "rps", ",.0f"), ("p50 µs", "p50_us", ",.0f"), ("p99 µs", "p99_us", ",.0f"),
        ("memory MiB", "memory_mib", ".1f"), ("bytes", "body_bytes", ",.0f"),
        ("calls/req", "calls", ".2f"),
    ],
    "idle": [
        ("bytes/connection", "bytes_per_connection", ",.0f"), ("lowest", "bytes_per_connection_low", ",.0f"),
        ("highest", "bytes_per_connection_high", ",.0f"), ("memory MiB", "memory_mib", ".1f"),
    ],
    "start": [
        ("start ms", "start_ms", ".1f"), ("lowest", "start_ms_low", ".1f"), ("highest", "start_ms_high", ".1f"),
        ("resident MiB", "resident_mib", ".1f"),
    ],
}  # fmt: skip
# What a scenario's bars are about, and whose spread is told.
MAIN = {"load": "cpu_us", "idle": "bytes_per_connection", "start": "start_ms"}


def summary(kind, rounds):
    """Median of each value over the rounds, and how far the main one ranged."""
    result = {key: median(r[key] for r in rounds) for key in rounds[0]}
    main = MAIN[kind]
    result[f"{main}_low"] = min(r[main] for r in rounds)
    result[f"{main}_high"] = max(r[main] for r in rounds)
    if kind == "load":
        # User and system of the round in the middle, so that they add up.
        middle = sorted(rounds, key=lambda r: r["cpu_us"])[(len(rounds) - 1) // 2]
        result |= {key: middle[key] for key in ("cpu_us", "user_us", "system_us")}
    result["rounds"] = len(rounds)
    return result


def summarised(scenario, names, done, before):
    """A scenario's values by contender: of all rounds, with calls and ratios."""
    by_name = {}
    for name in names:
        if rounds := done.measured[scenario.name].get(name):
            calls = done.calls.get((scenario.name, name))
            by_name[name] = summary(scenario.kind, rounds) | (calls_summary(calls) if calls else {})
    return with_ratios(by_name, before)


def calls_summary(calls):
    """Their sum, and each call that is made for every twentieth request or oftener."""
    return {"calls": sum(calls.values()), "by_call": {c: n for c, n in sorted(calls.items(), key=lambda i: -i[1]) if n >= 0.05}}


def with_ratios(contenders, before):
    """Adds CPU time per request as a multiple of the best peer's and of the floor's, and what it is
    beside what everybody had `before`, in the scenario that this one is compared with."""
    peers = [c["cpu_us"] for name, c in contenders.items() if name not in ("martlet", FLOOR) and "cpu_us" in c]
    best = min(peers, default=None)
    floor = contenders.get(FLOOR, {}).get("cpu_us")
    for name, values in contenders.items():
        if cpu := values.get("cpu_us"):
            values["of_best_peer"] = cpu / best if best else None
            values["of_floor"] = cpu / floor if floor else None
            if own := before.get(name, {}).get("cpu_us"):
                values["added_us"], values["of_before"] = cpu - own, cpu / own
    return contenders


def scenario_rows(kind, contenders):
    """Heading and cells of one scenario."""
    columns = [c for c in COLUMNS[kind] if any(values.get(c[1]) is not None for values in contenders.values())]
    rows = [["", *(heading for heading, _, _ in columns)]]
    for name, values in contenders.items():
        rows.append([name, *(format(v, form) if (v := values.get(key)) is not None else "–" for _, key, form in columns)])
    return rows


def call_rows(contenders):
    """System calls by name; the commonest of all contenders first. None when none were counted."""
    counted = {name: values["by_call"] for name, values in contenders.items() if "by_call" in values}
    if not counted:
        return None
    sums = {}
    for by_call in counted.values():
        for call, count in by_call.items():
            sums[call] = sums.get(call, 0) + count
    calls = sorted(sums, key=lambda call: -sums[call])
    return [["", *calls], *([name, *(f"{by[c]:.2f}" if c in by else "–" for c in calls)] for name, by in counted.items())]


def verdict_rows(verdicts):
    return [
        ["scenario", "measured", "target", "outcome"],
        *([v["scenario"], v["shown"], v["target"], v["outcome"]] for v in verdicts),
    ]


def text(title, rows, is_left=(0,)):
    """A table for the terminal."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [f"\n{title}"]
    for row in rows:
        cells = (cell.ljust(width) if i in is_left else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths)))
        lines.append(("  " + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def markdown(rows, is_left=(0,)):
    rule = ["---" if i in is_left else "---:" for i in range(len(rows[0]))]
    return "".join(f"| {' | '.join(row)} |\n" for row in [rows[0], rule, *rows[1:]])
