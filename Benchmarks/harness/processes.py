"""Processes on chosen cores, and what the kernel accounts to them."""

import ctypes
import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

# This run's own address of loopback: two runs on one machine do not meet.
ADDRESS = "127.{}.{}.{}".format(64 + (os.getpid() >> 16) % 128, (os.getpid() >> 8) % 256, os.getpid() % 254 + 1)


def _raised_limit():
    """The most open files that the system lets us have, taken, for us and for whom we start."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for wanted in (max(most, 65536), most):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (ValueError, PermissionError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


DESCRIPTORS = _raised_limit()


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((ADDRESS, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def free_port():
    return free_ports(1)[0]


def _stat(pid):
    """The fields of a process after its name; None when it has gone meanwhile."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def spawned(argv, cores, **options):
    """A child on its core, or some, that does not outlive us."""
    cores = {cores} if isinstance(cores, int) else set(cores)

    def become():
        os.sched_setaffinity(0, cores)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    return subprocess.Popen([*map(str, argv)], preexec_fn=become, **options)


class Service:
    """A server pinned to a core, or some, with everything that it starts; ended with SIGKILL."""

    def __init__(self, argv, cores, address, log, folder=None):
        self.address = address
        self._log = log
        with open(log, "wb") as output:
            self._child = spawned(argv, cores, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd=folder)
        # It is what we wanted it to be from here on: Popen waits for exec.
        self._began = time.monotonic()

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
                raise RuntimeError(f"{what} did not come about\n{self._said()}")
            time.sleep(0.001)
        self.seconds_to_start = time.monotonic() - self._began
        return self

    def pids(self):
        """The process and its descendants: all of the session that it leads."""
        return [int(e) for e in os.listdir("/proc") if e.isdigit() and (f := _stat(e)) and int(f[3]) == self._child.pid]

    def threads(self):
        return [int(thread) for pid in self.pids() for thread in os.listdir(f"/proc/{pid}/task")]

    def cpu_seconds(self):
        """User and system time of all of them so far."""
        self.must_run()
        fields = [f for pid in self.pids() if (f := _stat(pid))]
        return tuple(sum(int(f[place]) for f in fields) / TICKS_PER_SECOND for place in (11, 12))

    def run_seconds(self):
        """Time on a core, of all of them so far: exact, where `cpu_seconds` counts ticks."""
        self.must_run()
        total = 0
        for pid in self.pids():
            for thread in Path(f"/proc/{pid}/task").iterdir():
                try:
                    total += int((thread / "schedstat").read_text().split()[0])
                except (FileNotFoundError, ProcessLookupError):
                    pass  # It has ended meanwhile.
        return total / 1e9

    def must_run(self):
        if self._child.poll() is not None:
            raise RuntimeError(f"it ended with {self._child.returncode}\n{self._said()}")

    def _said(self):
        return Path(self._log).read_text(errors="replace")[-2000:]

    def memory_bytes(self):
        """Proportional set size: pages that processes share are counted once."""
        return self._kernel_bytes("smaps_rollup", "Pss:")

    def anonymous_bytes(self):
        """Memory that is nobody else's and no file's, of all of them."""
        return self._kernel_bytes("status", "RssAnon:")

    def resident_bytes(self):
        """All that is in memory, that of files included, of all of them."""
        return self._kernel_bytes("status", "VmRSS:")

    def _kernel_bytes(self, file, field):
        self.must_run()
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
                if line.startswith(field):
                    total += int(line.split()[1]) * 1024
        return total
