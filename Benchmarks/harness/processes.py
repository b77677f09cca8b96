"""Processes on chosen cores, and what the kernel accounts to them."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

# This run's own address of loopback: two runs on one machine do not meet.
ADDRESS = "127.{}.{}.{}".format(64 + (os.getpid() >> 16) % 128, (os.getpid() >> 8) % 256, os.getpid() % 254 + 1)


def free_port():
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]


class Service:
    """A server pinned to a core, with everything that it starts; ended with SIGKILL."""

    def __init__(self, argv, core, address, log):
        self.address = address
        self._log = log
        with open(log, "wb") as output:
            self._child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", "taskset", "-c", str(core), *map(str, argv)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self._child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._child.wait()

    def wait_for(self, condition, what, within=15):
        """Until `condition` holds; what it wrote is shown when it does not."""
        deadline = time.monotonic() + within
        while not condition():
            if self._child.poll() is not None or time.monotonic() > deadline:
                said = Path(self._log).read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self._child.args[6:]}: {what} did not come about\n{said}")
            time.sleep(0.01)
        return self

    def pids(self):
        """The process and its descendants: all of the session that it leads."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if int(fields[3]) == self._child.pid:
                    found.append(int(entry))
        return found

    def cpu_seconds(self):
        """User and system time of all of them so far."""
        user = system = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            user += int(fields[11])
            system += int(fields[12])
        return user / TICKS_PER_SECOND, system / TICKS_PER_SECOND

    def memory_bytes(self):
        """Proportional set size: pages that processes share are counted once."""
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def anonymous_bytes(self):
        """Memory that is nobody else's and no file's, of all of them."""
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    total += int(line.split()[1]) * 1024
        return total
