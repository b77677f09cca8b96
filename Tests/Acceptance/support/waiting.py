"""Waiting for a condition, never for a while."""

import os
import threading
import time
from contextlib import contextmanager

# Seconds. A machine that is busy with two test runs is slow, not wrong.
PATIENCE = float(os.environ.get("PATIENCE", 20))


class TooLate(AssertionError):
    """What should have come true within its time did not."""


def until(condition, what, within=PATIENCE, every=0.005):
    """Asks `condition` until its answer is true, and returns that answer."""
    deadline = time.monotonic() + within
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TooLate(f"not within {within:g} s: {what}")
        time.sleep(every)


@contextmanager
def running(work, count, done):
    """Runs `work` in `count` threads while the block lasts; then sets `done` and awaits them."""
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join(PATIENCE)
