"""Where two exchanges of a row differ, one difference at a time."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """`aspect` names the place: "status", "header vary", "origin header host", …; `number` the answer of several."""

    aspect: str
    nginx: object
    martlet: object
    number: int = 0

    def __str__(self):
        return f"{self.aspect}: nginx {_short(self.nginx)}, martlet {_short(self.martlet)}"


def compare(nginx, martlet):
    """Every difference between two exchanges."""
    found = []
    for number, (a, b) in enumerate(zip(nginx.answers, martlet.answers, strict=True)):
        found += _differing(_of_answer(a), _of_answer(b), number)
    found += _differing(_of_connection(nginx), _of_connection(martlet))
    for a, b in zip(nginx.received, martlet.received, strict=False):
        found += _differing(_of_request(a), _of_request(b))
    return found


def _of_answer(answer):
    return {
        "status": answer.status,
        "reason": answer.reason,
        "interim answers": answer.interim,
        "completeness": answer.complete,
        "body": answer.content(),
        **_by_name("header", answer.fields),
    }


def _of_connection(exchange):
    return {"keep-alive": exchange.kept, "origin requests": [request.line for request in exchange.received]}


def _of_request(request):
    return {
        "origin": request.upstream,
        "origin framing": request.framing,
        "origin body": request.body,
        **_by_name("origin header", request.fields),
    }


def _by_name(kind, fields):
    """The order of names is free, that of the lines of one name is not, and each line counts."""
    lines = {}
    for name, value in fields:
        aspect = f"{kind} {name.lower()}"
        lines[aspect] = (*lines.get(aspect, ()), _without_chance(aspect, value))
    return lines


def _differing(a, b, number=0):
    aspects = [*a, *(aspect for aspect in b if aspect not in a)]
    pairs = ((aspect, a.get(aspect, ()), b.get(aspect, ())) for aspect in aspects)
    return [Difference(*pair, number) for pair in pairs if pair[1] != pair[2]]


def _without_chance(aspect, value):
    if aspect == "header date" and re.fullmatch(r"\w{3}, \d\d \w{3} 20\d\d \d\d:\d\d:\d\d GMT", value):
        return "now"
    return re.sub("boundary=.*", "boundary=BOUNDARY", value) if aspect == "header content-type" else value


def _short(value):
    text = repr(value)
    return text if len(text) < 400 else f"{text[:200]} … {text[-100:]} ({len(value)} long)"
