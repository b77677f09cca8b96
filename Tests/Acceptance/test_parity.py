"""Martlet in the place of the nginx of frappe_docker's `frontend`: no client and no backend sees a difference.

Every row of the corpus goes to nginx and to Martlet, which is started by the eight variables of the
frontend's entrypoint, once as `martlet frappe` and once with the file that it prints. Where the two
differ on purpose, `parity/differences.py` has a rule.
"""

import pytest

from parity.comparison import compare
from parity.corpus import ROWS
from parity.differences import RULES, explained_by

KINDS = ("martlet frappe", "martlet run")


def unexplained(bench, kind, row):
    nginx, martlet = bench.run("nginx", row), bench.run(kind, row)
    return [one for one in compare(nginx, martlet) if not explained_by(row, one, nginx, martlet)]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_nobody_sees_which_of_the_two_answers(bench, kind, row):
    differences = unexplained(bench, kind, row)
    assert not differences, f"{row.request[:300]!r}\n" + "\n".join(map(str, differences))


def test_every_deliberate_difference_occurs(bench):
    occurring = set()
    for row in ROWS:
        nginx, martlet = bench.run("nginx", row), bench.run(KINDS[0], row)
        for one in compare(nginx, martlet):
            occurring.update(explained_by(row, one, nginx, martlet))
    assert [rule.__name__ for rule in RULES if rule not in occurring] == []
