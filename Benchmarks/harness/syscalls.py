"""System calls per request: strace counts them while wrk asks."""

import re
import signal
import subprocess
import time

from .processes import spawned
from .wrk import wrk

# Traced, everything is slow; counts need no long time.
SECONDS = 1

def calls_per_request(bench, name, scenario):
    """Name and number of calls, of all processes and threads of a contender."""
    with bench.start(name, scenario) as service:
        # Connections to the origin are there, and caches are warm.
        wrk(service.address, scenario, SECONDS, bench.load_core)
        pids = [word for pid in service.pids() for word in ("-p", str(pid))]
        report = bench.folder / "strace"
        argv = ["strace", "-c", "-f", "-U", "calls,name", "-o", report, *pids]
        tracer = spawned(argv, bench.proxy_core, stderr=subprocess.PIPE, text=True)
        try:
            _wait_until_traced(tracer, service)
            requests = wrk(service.address, scenario, SECONDS, bench.load_core)["requests"]
        finally:
            # Lets go of them and writes its table.
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=30)
    table = re.findall(r"^ *(\d+) (\w+)$", report.read_text(), re.MULTILINE)
    return {call: int(count) / requests for count, call in table if call != "total"}


def _wait_until_traced(tracer, service):
    deadline = time.monotonic() + 15
    while untraced := [pid for pid in service.threads() if not _is_traced(pid)]:
        if tracer.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"strace has not attached to {untraced}: {tracer.stderr.read() if tracer.poll() else ''}")
        time.sleep(0.005)


def _is_traced(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in status)
    except (FileNotFoundError, ProcessLookupError):
        return True

