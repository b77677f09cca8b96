"""A picture of latencies in plain SVG, for light and dark pages."""

import math

from .load import percentile

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 380, 70, 130, 50, 50
COLOURS = {"martlet": "#2f81f7", "traefik": "#d29922", "haproxy": "#3fb950"}
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600; font-size: 15px }
.grid { stroke: #8b949e; stroke-opacity: .3 } polyline { fill: none; stroke-width: 2.5 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
"""


def plot(measured):
    """Latency by percentile, for each name; seconds in, milliseconds on a logarithmic scale out."""
    low = 10.0 ** math.floor(math.log10(min(map(min, measured.values())) * 1000))
    high = 10.0 ** math.ceil(math.log10(max(map(max, measured.values())) * 1000))

    def x(percent):
        return LEFT + (WIDTH - LEFT - RIGHT) * percent / 100

    def y(milliseconds):
        share = (math.log10(milliseconds) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="24">Logins while 30 people ask for reports: latency by percentile</text>',
    ]
    line = low
    while line <= high:
        label = f"{line:g} ms" if line < 1000 else f"{line / 1000:g} s"
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(line):.1f}" y2="{y(line):.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(line) + 4:.1f}" text-anchor="end">{label}</text>')
        line *= 10
    for percent in (0, 25, 50, 75, 100):
        parts.append(f'<text x="{x(percent):.1f}" y="{HEIGHT - BOTTOM + 22}" text-anchor="middle">{percent} %</text>')
    for name, times in measured.items():
        values = [percentile(times, p / 100) * 1000 for p in range(101)]
        points = " ".join(f"{x(p):.1f},{y(v):.1f}" for p, v in enumerate(values))
        colour = COLOURS.get(name, "#8b949e")
        parts.append(f'<polyline stroke="{colour}" points="{points}"/>')
        parts.append(f'<text x="{x(100) + 8:.1f}" y="{y(values[-1]) + 4:.1f}" style="fill:{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])
