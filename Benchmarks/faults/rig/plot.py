"""A picture of latencies in plain SVG, for light and dark pages."""

import math

from harness.svg import COLOURS, OTHER, line, picture, text

from .load import percentile

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 380, 70, 130, 50, 50


def plot(measured):
    """Latency by percentile, for each name; seconds in, milliseconds on a logarithmic scale out."""
    low = 10.0 ** math.floor(math.log10(min(map(min, measured.values())) * 1000))
    high = 10.0 ** math.ceil(math.log10(max(map(max, measured.values())) * 1000))

    def x(percent):
        return LEFT + (WIDTH - LEFT - RIGHT) * percent / 100

    def y(milliseconds):
        share = (math.log10(milliseconds) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    parts = []
    tick = low
    while tick <= high:
        label = f"{tick:g} ms" if tick < 1000 else f"{tick / 1000:g} s"
        parts += [line(LEFT, y(tick), WIDTH - RIGHT, y(tick)), text(LEFT - 8, y(tick) + 4, label, text_anchor="end")]
        tick *= 10
    for percent in (0, 25, 50, 75, 100):
        parts.append(text(x(percent), HEIGHT - BOTTOM + 22, f"{percent} %", text_anchor="middle"))
    for name, times in measured.items():
        values = [percentile(times, p / 100) * 1000 for p in range(101)]
        points = " ".join(f"{x(p):.1f},{y(v):.1f}" for p, v in enumerate(values))
        colour = COLOURS.get(name, OTHER)
        parts.append(f'<polyline stroke="{colour}" points="{points}"/>')
        parts.append(text(x(100) + 8, y(values[-1]) + 4, name, style=f"fill:{colour}"))
    return picture(WIDTH, HEIGHT, "Logins while 30 people ask for reports: latency by percentile", LEFT, parts)
