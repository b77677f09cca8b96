"""A scenario as bars: CPU time per request, or whatever it is about."""

import math

from .contenders import FLOOR
from .report import MAIN
from .svg import COLOURS, OTHER, line, picture, text

WIDTH, LEFT, RIGHT, TOP, BOTTOM, ROW, BAR = 760, 80, 80, 82, 34, 30, 18
UNITS = {"cpu_us": "µs of CPU per request", "bytes_per_connection": "bytes per connection", "start_ms": "ms"}
STYLE = """
.floor { stroke: #1f2328; stroke-dasharray: 5 3; stroke-width: 1.5 } .spread { stroke: #1f2328; stroke-opacity: .6 }
@media (prefers-color-scheme: dark) { .floor, .spread { stroke: #e6edf3 } }
"""


def plot(title, kind, contenders):
    """An SVG; None when there is nothing to show."""
    main = MAIN[kind]
    rows = {name: values for name, values in contenders.items() if name != FLOOR and main in values}
    if not rows:
        return None
    floor = contenders.get(FLOOR, {}).get(main)
    most = max([floor or 0, *(values[f"{main}_high"] for values in rows.values())]) or 1
    bottom = TOP + ROW * len(rows)

    def x(value):
        return LEFT + (WIDTH - LEFT - RIGHT) * max(value, 0) / most

    parts = []
    for tick in ticks(most):
        parts += [line(x(tick), TOP - 6, x(tick), bottom), text(x(tick), bottom + 18, f"{tick:,g}", text_anchor="middle")]
    for index, (name, values) in enumerate(rows.items()):
        parts += bar(name, values, main, x, TOP + ROW * index)
    if floor:
        parts += [line(x(floor), TOP - 6, x(floor), bottom, "floor"), text(x(floor), TOP - 10, f"floor {floor:,.1f}", text_anchor="middle")]
    unit = UNITS[main] + (", user (solid) and system (pale)" if kind == "load" else "")
    parts.append(text(10, 44, unit))
    return picture(WIDTH, bottom + BOTTOM, title, 10, parts, STYLE)


def bar(name, values, main, x, y):
    """User and system time one after the other, how far the rounds ranged, and the number."""
    colour = COLOURS["martlet"] if name == "martlet" else OTHER
    user, whole = values.get("user_us", values[main]), values[main]
    middle = y + BAR / 2
    low, high = x(values[f"{main}_low"]), x(values[f"{main}_high"])
    return [
        text(LEFT - 8, middle + 4, name, text_anchor="end"),
        box(x(0), y, x(user), colour, 1),
        box(x(user), y, x(whole), colour, 0.55),
        line(low, middle, high, middle, "spread"),
        text(max(x(whole), high) + 6, middle + 4, f"{whole:,.0f}" if whole >= 100 else f"{whole:.1f}"),
    ]


def box(left, y, right, colour, opacity):
    return f'<rect x="{left:.1f}" y="{y}" width="{max(right - left, 0):.1f}" height="{BAR}" fill="{colour}" fill-opacity="{opacity}"/>'


def ticks(most):
    """Round numbers from 0 on, four to eight of them."""
    rough = most / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough)
    return [step * n for n in range(int(most / step) + 1)]
