"""Configurations with this run's addresses in them.

@NAME@ stands for a value. A line may begin with what it depends on:

    @if gzip        the rest of the line, in scenarios that compress
    @unless gzip    …, in all others
    @each SERVER    …, once for each server, with that one's address for @SERVER@
"""

import re

DIRECTIVE = re.compile(r"@(if|unless|each) (\w+) ?(.*)", re.DOTALL)


def filled(text, values, words=()):
    """The text for a scenario: `words` are what it is about; a value that is a list is for @each."""
    lines = [made for line in text.splitlines(keepends=True) for made in _lines(line, values, words)]
    return _replaced("".join(lines), {name: value for name, value in values.items() if not isinstance(value, list)})


def _lines(line, values, words):
    found = DIRECTIVE.match(line)
    if not found:
        return [line]
    kind, name, rest = found.groups()
    if kind == "each":
        return [_replaced(rest, {name: value, "INDEX": index}) for index, value in enumerate(values[name])]
    # What may depend on one word may depend on another as well.
    return _lines(rest, values, words) if (name in words) == (kind == "if") else []


def _replaced(text, values):
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text
