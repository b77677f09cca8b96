"""One measurement of one contender."""

from .idle import measure_idle
from .probe import answers
from .wrk import wrk

MEBIBYTE = 1 << 20


def measure(bench, name, scenario, duration, warm_up):
    """Starts a contender and measures what the scenario asks."""
    with bench.start(name, scenario) as service:
        if scenario.kind == "start":
            return {"start_ms": 1000 * service.seconds_to_start, "resident_mib": service.resident_bytes() / MEBIBYTE}
        if scenario.kind == "idle":
            return measure_idle(service, scenario, min(1, duration))
        return _measure_load(bench, name, service, scenario, duration, warm_up)


def _measure_load(bench, name, service, scenario, duration, warm_up):
    """CPU, rate, latency and memory: wrk's view and the kernel's, over the same window."""
    if warm_up:
        wrk(service.address, scenario, warm_up * scenario.stretch, bench.load_core)
    before = service.cpu_seconds()
    result = wrk(service.address, scenario, duration * scenario.stretch, bench.load_core)
    after = service.cpu_seconds()
    user, system = (1e6 * (a - b) / result["requests"] for a, b in zip(after, before))
    answer = answers(service.address, scenario.target, scenario.is_secure, scenario.headers)
    if not bench.is_right(answer, scenario):
        raise RuntimeError("no right answer any more")
    if "log" in scenario.needs and not bench.last_logged(name):
        raise RuntimeError(f"{name} has logged nothing")
    return {
        **result,
        "user_us": user,
        "system_us": system,
        "cpu_us": user + system,
        "memory_mib": service.memory_bytes() / MEBIBYTE,
        "body_bytes": len(answer.sent),
    }
