"""The rig of Benchmarks/faults, briefly: Martlet loses no request that could have been saved."""

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "Benchmarks/faults"))

from rig.peers import Martlet  # noqa: E402
from rig.scenarios import measure  # noqa: E402

# Between a server and its proxy a POST may be lost that nobody has seen, but which was sent: what
# the server had not read yet when it died. A 503 is its server's own answer. Only GETs can always
# be saved then.
MAY_LOSE_SENT_POSTS = {"kill", "silent", "answers-503", "all-down"}


def lost(name, folder, seconds):
    tally, _, why = asyncio.run(measure(Martlet, name, folder, seconds))
    assert tally.requests > 100
    return tally, f"{name}: {dict(tally.reasons)}; its log: {why[:5]}"


NAMES = ["kill", "silent", "rolling-drain", "reset-early", "reset-late", "answers-503", "reload", "sigterm", "all-down"]


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_no_request_is_lost_that_could_be_saved(tmp_path, name):
    tally, said = lost(name, tmp_path, seconds=2)
    assert tally.lost_gets == 0, said
    assert tally.posts_twice == 0, said
    if name not in MAY_LOSE_SENT_POSTS:
        assert tally.lost_posts_unseen == 0, said
    if name in ("rolling-drain", "reload", "sigterm"):
        assert tally.lost == 0, said
