"""The oracle and the harness: nginx answers what the corpus says, and differs from itself in nothing."""

from collections import Counter

import pytest

from parity.comparison import compare
from parity.corpus import ROWS


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_nginx_answers_as_the_row_says_and_like_another_nginx(bench, row):
    nginx, again = bench.run("nginx", row), bench.run("nginx again", row)
    assert nginx.answers[0].status == row.gives
    assert compare(nginx, again) == []


def test_rows_have_names_of_their_own():
    assert [name for name, count in Counter(map(str, ROWS)).items() if count > 1] == []
