"""The load, and its own view of it."""

import re
import signal
import subprocess
import time
from pathlib import Path

from .processes import spawned

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
ROTATE = Path(__file__).with_name("routes.lua")


def seconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * UNITS[unit]


def wrk(address, scenario, duration, core):
    """Runs wrk for so long; requests, and latencies in microseconds."""
    scheme = "https" if scenario.is_secure else "http"
    url = f"{scheme}://{address[0]}:{address[1]}{scenario.target}"
    argv = ["wrk", "-t1", f"-c{scenario.connections}", "-d1h", "--latency", "--timeout", "10s"]
    for header in scenario.headers:
        argv += ["-H", header]
    argv += ["-s", ROTATE, url, "--", str(scenario.routes)] if scenario.routes else [url]
    load = spawned(argv, core, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        # It is told to end long before its hour is over, so that parts of a second are possible.
        _wait_until_it_heeds(load)
        load.wait(duration)
        raise RuntimeError(f"wrk ended by itself: {load.stdout.read()}")
    except subprocess.TimeoutExpired:
        load.send_signal(signal.SIGINT)
        shown = load.communicate(timeout=60)[0]
    finally:
        load.kill()
        load.wait()
    if "requests in" not in shown:
        raise RuntimeError(f"wrk has shown nothing: {shown}")
    if problem := re.search(r"Non-2xx.*|Socket errors.*", shown):
        raise RuntimeError(problem[0])
    result = _read(shown)
    # On a busy machine a smoke test's window may pass before the first answer of 1 MiB.
    if not result["requests"] and duration < 1:
        return wrk(address, scenario, 5, core)
    if not result["requests"]:
        raise RuntimeError(f"not one answer: {shown}")
    return result


def _wait_until_it_heeds(load):
    """Until wrk would show what it has measured when it gets SIGINT, and not just end."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and load.poll() is None:
        status = Path(f"/proc/{load.pid}/status").read_text()
        caught = int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16)
        if caught >> (signal.SIGINT - 1) & 1:
            return
        time.sleep(0.001)


def _read(shown):
    count, elapsed = re.search(r"(\d+) requests in ([\d.]+(?:us|ms|s|m)),", shown).groups()
    percentile = dict(re.findall(r"^ +(50|90|99)% +(\S+)", shown, re.MULTILINE))
    return {
        "requests": int(count),
        "rps": int(count) / seconds(elapsed),
        "p50_us": seconds(percentile["50"]) * 1e6,
        "p99_us": seconds(percentile["99"]) * 1e6,
    }
