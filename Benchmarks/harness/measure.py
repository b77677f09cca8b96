"""One measurement: wrk's view and the kernel's, over the same window."""

import re
import subprocess
from dataclasses import dataclass

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    target: str
    # Bytes of the answer's body.
    size: int
    connections: int
    is_file: bool = False
    is_secure: bool = False
    # Each request comes over a connection of its own.
    is_new: bool = False
    # Who cannot take part, and why.
    without: tuple = ()


SCENARIOS = [
    Scenario("small", "small proxied, keep-alive, 64 connections", "/small", 128, 64),
    Scenario("json10k", "10 KiB proxied, 64 connections", "/10k", 10240, 64),
    Scenario("many", "small proxied, 1,000 connections", "/small", 128, 1000),
    Scenario("asset4k", "4 KiB asset, 64 connections", "/assets/4k.css", 4096, 64, is_file=True, without=("haproxy",)),
    Scenario("tls", "small proxied over TLS, keep-alive, 64 connections", "/small", 128, 64, is_secure=True, without=("floor",)),
    Scenario(
        "tls-new", "a new TLS connection per request, none resumed, 16 at once", "/small", 128, 16,
        is_secure=True, is_new=True, without=("floor",),
    ),
    Scenario("tls-1m", "1 MiB proxied over TLS, 16 connections", "/1m", 1 << 20, 16, is_secure=True, without=("floor",)),
]


def seconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * UNITS[unit]


def wrk(address, scenario, duration, core):
    """Runs wrk to its end; requests, and latencies in microseconds."""
    scheme = "https" if scenario.is_secure else "http"
    shown = subprocess.run(
        [
            "taskset", "-c", str(core), "wrk", "-t1", f"-c{scenario.connections}", f"-d{duration}s", "--latency",
            "--timeout", "10s", *(["-H", "Connection: close"] if scenario.is_new else []),
            f"{scheme}://{address[0]}:{address[1]}{scenario.target}",
        ],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if problem := re.search(r"Non-2xx.*|Socket errors.*", shown):
        raise RuntimeError(f"{scenario.name}: {problem[0]}")
    count, elapsed = re.search(r"(\d+) requests in ([\d.]+(?:us|ms|s|m)),", shown).groups()
    percentile = dict(re.findall(r"^ +(50|90|99)% +(\S+)", shown, re.MULTILINE))
    return {
        "requests": int(count),
        "rps": int(count) / seconds(elapsed),
        "p50_us": seconds(percentile["50"]) * 1e6,
        "p99_us": seconds(percentile["99"]) * 1e6,
    }


def measure(bench, name, scenario, duration, warm_up):
    """Starts a contender, warms it up, and measures CPU, rate, latency and memory."""
    with bench.start(name, scenario) as service:
        if warm_up:
            wrk(service.address, scenario, warm_up, bench.load_core)
        before = service.cpu_seconds()
        result = wrk(service.address, scenario, duration, bench.load_core)
        after = service.cpu_seconds()
        user, system = (1e6 * (a - b) / result["requests"] for a, b in zip(after, before))
        return {
            **result,
            "user_us": user,
            "system_us": system,
            "cpu_us": user + system,
            "memory_mib": service.memory_bytes() / (1 << 20),
        }
