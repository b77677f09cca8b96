"""A strict reader of Prometheus's text format 0.0.4: what a lenient scraper forgives fails here."""

import math
import re
from dataclasses import dataclass, field

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})(?:,{LABEL})*,?)?\}})? (\S+)(?: (-?\d+))?")
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}


@dataclass
class Family:
    name: str
    type: str
    help: str
    # (sample name, labels as a frozenset of pairs) -> value
    samples: dict = field(default_factory=dict)

    def value(self, suffix="", **labels):
        """The sum of the samples that carry these labels."""
        return sum(
            value
            for (name, pairs), value in self.samples.items()
            if name == self.name + suffix and labels.items() <= dict(pairs).items()
        )


def parse(text):
    """Family name -> Family; raises AssertionError on any breach of the format."""
    assert text.endswith("\n"), "the last line has no end"
    families, helps, current = {}, {}, None
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            name, _, said = line[7:].partition(" ")
            assert re.fullmatch(NAME, name), line
            assert name not in helps, f"second HELP of {name}"
            assert said.strip(), f"empty HELP of {name}"
            helps[name] = said
        elif line.startswith("# TYPE "):
            name, _, kind = line[7:].partition(" ")
            assert kind in TYPES, line
            assert name not in families, f"second TYPE of {name}: a family must stand together"
            assert name in helps, f"no HELP before TYPE of {name}"
            current = families[name] = Family(name, kind, helps[name])
        elif line and not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match, f"not a sample: {line!r}"
            name, labels, number, _ = match.groups()
            assert current and _belongs(name, current), f"{name} does not stand with its family"
            pairs = [p.split("=", 1) for p in re.findall(LABEL, labels or "")]
            names = [p[0] for p in pairs]
            assert len(names) == len(set(names)), f"repeated label: {line!r}"
            key = (name, frozenset((n, v[1:-1]) for n, v in pairs))
            assert key not in current.samples, f"repeated sample: {line!r}"
            current.samples[key] = _number(number)
    for family in families.values():
        _check(family)
    return families


def _number(text):
    assert re.fullmatch(r"[-+]?(\d+(\.\d*)?([eE][-+]?\d+)?|Inf)|NaN", text), f"not a number: {text!r}"
    return float(text)


def _belongs(name, family):
    suffixes = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}
    return name in {family.name + s for s in suffixes.get(family.type, ("",))}


def _check(family):
    if family.type == "counter":
        assert family.name.endswith("_total"), f"a counter's name ends with _total: {family.name}"
        assert all(v >= 0 for v in family.samples.values()), family.name
    if family.type != "histogram":
        return
    series = {}
    for (name, pairs), value in family.samples.items():
        labels = dict(pairs)
        bound = labels.pop("le", None)
        row = series.setdefault(frozenset(labels.items()), {"buckets": []})
        if name.endswith("_bucket"):
            assert bound is not None, f"a bucket of {family.name} without le"
            row["buckets"].append((math.inf if bound == "+Inf" else float(bound), value))
        else:
            row[name.removeprefix(family.name)] = value
    for labels, row in series.items():
        buckets = sorted(row["buckets"])
        counts = [count for _, count in buckets]
        where = f"{family.name} {dict(labels)}"
        assert buckets and buckets[-1][0] == math.inf, f"no +Inf bucket: {where}"
        assert counts == sorted(counts), f"buckets must accumulate: {where}"
        assert row.get("_count") == counts[-1], f"_count is not the +Inf bucket: {where}"
        assert "_sum" in row, f"no _sum: {where}"
