"""A share of a core, by the kernel's control groups: what a small container has."""

import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
# As Docker and Kubernetes have it: a process that has used up its share stands still until the
# period is over.
PERIOD_US = 100_000


class Quota:
    """A group of its own whose processes may use `cores` of a core together.

    Version 1 (cpu.cfs_quota_us) or 2 (cpu.max) of control groups, whichever is there.
    """

    def __init__(self, name, cores):
        quota = int(cores * PERIOD_US)
        # Its share when others want the core, too, is as large as can be: nothing but the quota
        # shall limit it.
        if (ROOT / "cpu/cpu.cfs_quota_us").exists():
            self._folder = ROOT / "cpu" / name
            settings = {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": quota, "cpu.shares": 262144}
        elif (ROOT / "cgroup.controllers").exists():
            self._folder = ROOT / name
            settings = {"cpu.max": f"{quota} {PERIOD_US}", "cpu.weight": 10000}
        else:
            raise OSError(f"no control groups under {ROOT}")
        self._folder.mkdir()
        try:
            for file, value in settings.items():
                # Opened for writing, never made: without the controller there is no such file.
                with open(self._folder / file, "r+") as opened:
                    opened.write(str(value))
        except OSError:
            self._folder.rmdir()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        deadline = time.monotonic() + 5
        while True:
            try:
                return self._folder.rmdir()
            except OSError:
                # Who was killed is in it until the kernel is done with it.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def confine(self, pids):
        """Moves running processes into the group."""
        for pid in pids:
            (self._folder / "cgroup.procs").write_text(str(pid))


def missing():
    """Why there can be no quota here; None when there can."""
    try:
        with Quota(f"martlet-probe-{time.monotonic_ns()}", 0.5):
            return None
    except OSError as error:
        return str(error)
