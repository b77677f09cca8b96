"""The regression guard that is not a timer: memory asked for by each request.

`support/allocations.c` stands between Martlet and libc and counts.
"""

import struct
from pathlib import Path

import pytest

from support.kinds import KINDS, Site
from support.martlet import BINARY
from support.process import completed

pytestmark = pytest.mark.skipif(BINARY.resolve().parent.name == "debug", reason="asks of optimised code only")

SOURCE = Path(__file__).parent / "support/allocations.c"
REQUESTS = 1000


@pytest.fixture(scope="session")
def counter(tmp_path_factory):
    """The library that counts, compiled once."""
    built = tmp_path_factory.mktemp("library") / "allocations.so"
    done = completed(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", built, SOURCE])
    assert done.returncode == 0, done.stderr
    return built


class Counts:
    """How often each thread of a process has asked for memory, libraries included."""

    def __init__(self, file):
        self._file = file

    def of(self, thread):
        rows = struct.iter_unpack("QQ", self._file.read_bytes())
        return next(calls for number, calls in rows if number == thread)


# Not asked for: a body that is spilled to disk costs its file and the job of who writes it, and over
# TLS 1.2 OpenSSL asks for memory as it pleases.
@pytest.mark.parametrize("access", ["off", "stdout"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_request_asks_for_no_memory(martlet, origin, counter, tmp_path, kind, access):
    file = tmp_path / "counts"
    site = Site(martlet, origin, tmp_path, access, {"LD_PRELOAD": str(counter), "ALLOCATIONS": str(file)})
    counts, worker = Counts(file), site.thread("worker 0")
    site.ask(kind, REQUESTS)
    rounds = []
    for _ in range(3):
        before = counts.of(worker)
        site.ask(kind, REQUESTS)
        rounds.append(counts.of(worker) - before)
    site.close()
    # What each second brings, as the log's new timestamp, falls into some rounds; what a request
    # costs, into all.
    assert min(rounds) < 0.01 * REQUESTS, rounds
