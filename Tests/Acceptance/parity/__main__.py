"""Shows what nginx answers to rows, and where Martlet differs: python -m parity [--differences] [WORD ...]

Rows are those whose names contain every word. Run it in Tests/Acceptance.
"""

import sys

from .bench import Bench
from .comparison import compare
from .corpus import ROWS
from .differences import explained_by


def show(exchange):
    for answer in exchange.answers:
        interim = "".join(f"{status}, " for status in answer.interim)
        print(f"  < {interim}{answer.status} {answer.reason}, {len(answer.body)} bytes{'' if answer.complete else ', cut'}")
        for name, value in answer.fields:
            print(f"      {name}: {value}")
    print(f"  {'kept' if exchange.kept else 'closed'}")
    for request in exchange.received:
        print(f"  {request.upstream} received: {request.line} ({request.framing}, {len(request.body)} bytes)")
        for name, value in request.fields:
            print(f"      {name}: {value}")


def main(words):
    only_differences = "--differences" in words
    words = [word for word in words if not word.startswith("--")]
    bench = Bench()
    try:
        for row in ROWS:
            if not all(word in row.name for word in words):
                continue
            nginx = bench.run("nginx", row)
            if not only_differences:
                print(f"{row.name}\n  > {row.request[:300]!r}")
                show(nginx)
                continue
            martlet = bench.run("martlet frappe", row)
            for one in compare(nginx, martlet):
                rules = " + ".join(rule.__name__ for rule in explained_by(row, one, nginx, martlet))
                print(f"{row.name}: {one} [{rules or 'NOT EXPLAINED'}]")
    finally:
        bench.close()


main(sys.argv[1:])
