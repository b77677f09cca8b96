"""Where two exchanges of a row differ, one difference at a time."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """`aspect` names the place: "status", "header vary", "origin header host", …"""

    aspect: str
    nginx: object
    martlet: object

    def __str__(self):
        return f"{self.aspect}: nginx {_short(self.nginx)}, martlet {_short(self.martlet)}"


def compare(nginx, martlet):
    """Every difference between two exchanges."""
    found = []

    def differ(aspect, a, b):
        if a != b:
            found.append(Difference(aspect, a, b))

    for a, b in zip(nginx.answers, martlet.answers):
        differ("status", a.status, b.status)
        differ("reason", a.reason, b.reason)
        differ("interim answers", a.interim, b.interim)
        differ("completeness", a.complete, b.complete)
        differ("body", a.content(), b.content())
        _compare_fields("header", a.fields, b.fields, differ)
    differ("keep-alive", nginx.kept, martlet.kept)
    differ("origin requests", [r.line for r in nginx.received], [r.line for r in martlet.received])
    for a, b in zip(nginx.received, martlet.received):
        differ("origin", a.upstream, b.upstream)
        differ("origin framing", a.framing, b.framing)
        differ("origin body", a.body, b.body)
        _compare_fields("origin header", a.fields, b.fields, differ)
    return found


def _compare_fields(kind, a, b, differ):
    """The order of names is free, that of the lines of one name is not, and each line counts."""
    a, b = _by_name(a), _by_name(b)
    for name in sorted(a.keys() | b.keys()):
        differ(f"{kind} {name}", a.get(name, ()), b.get(name, ()))


def _by_name(fields):
    values = {}
    for name, value in fields:
        values.setdefault(name.lower(), []).append(_without_chance(name.lower(), value))
    return {name: tuple(lines) for name, lines in values.items()}


def _without_chance(name, value):
    if name == "date" and re.fullmatch(r"\w{3}, \d\d \w{3} 20\d\d \d\d:\d\d:\d\d GMT", value):
        return "now"
    return re.sub("boundary=.*", "boundary=BOUNDARY", value) if name == "content-type" else value


def _short(value):
    text = repr(value)
    return text if len(text) < 400 else f"{text[:200]} … {text[-100:]} ({len(value)} long)"
