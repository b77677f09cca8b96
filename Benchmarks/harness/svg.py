"""What pictures in plain SVG share, for light and dark pages."""

from xml.sax.saxutils import escape

COLOURS = {"martlet": "#2f81f7", "traefik": "#d29922", "haproxy": "#3fb950"}
OTHER = "#8b949e"
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-weight: 600; font-size: 15px }
.grid { stroke: #8b949e; stroke-opacity: .3 } polyline { fill: none; stroke-width: 2.5 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
"""


def text(x, y, words, **attributes):
    given = "".join(f' {name.rstrip("_").replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{given}>{escape(str(words))}</text>'


def line(x1, y1, x2, y2, class_="grid"):
    return f'<line class="{class_}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def picture(width, height, title, left, parts, style=""):
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">',
            f"<style>{STYLE}{style}</style>",
            text(left, 24, title, class_="title"),
            *parts,
            "</svg>",
            "",
        ]
    )
