"""A run as it is kept: JSON, Markdown, pictures."""

import json
import os
import platform
import shutil
import subprocess
from datetime import datetime, timezone

from . import loopback, report
from .contenders import HERE, ROOT
from .plot import plot

FOLDER = HERE / "results"
PUBLISHED = ROOT / "docs/benchmarks"


def machine():
    """Where the numbers come from: without it they say little."""
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "congestion": loopback.congestion(),
        "commit": commit.stdout.strip(),
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def tables(run):
    """Title and rows of all that is shown."""
    for name, contenders in run["scenarios"].items():
        if contenders:
            yield f"{name}: {run['titles'][name]}", report.scenario_rows(run["kinds"][name], contenders), (0,)
        if rows := report.call_rows(contenders):
            yield f"{name}: system calls per request", rows, (0,)
    measured = [t for t in run["targets"] if t["value"] is not None]
    if measured:
        yield "What was to be reached", report.verdict_rows(measured), (0, 2, 3)


def shown(run):
    lacking = ", ".join(dict.fromkeys(t["scenario"] for t in run["targets"] if t["value"] is None))
    return "\n".join([*(report.text(*table) for table in tables(run)), *([f"  not measured: {lacking}"] if lacking else [])])


def origin(run):
    where = run["machine"]
    many = "s" * (run["rounds"] > 1)
    congestion = f" with {where['congestion']}" if "congestion" in where else ""
    return (
        f"{run['rounds']} round{many} of {run['seconds']:g} s; medians. {where['cpu']}, {where['cores']} cores, "
        f"Linux {where['kernel']}{congestion}, Martlet {where['commit']}."
    )


def markdown(run):
    versions = [["contender", "version"], *([name, shown] for name, shown in run["versions"].items())]
    parts = [f"{origin(run)}\n"]
    for title, rows, is_left in reversed([*tables(run)]):
        parts.append(f"## {title}\n\n{report.markdown(rows, is_left)}")
    # Targets first, then the scenarios in their order.
    return "\n".join([parts[0], parts[1], *reversed(parts[2:]), f"## Versions\n\n{report.markdown(versions, (0, 1))}"])


def write(run, folder):
    """Leaves a folder for the run; its path."""
    path = folder / run["machine"]["time"].replace(":", "").replace("+0000", "Z")
    path.mkdir(parents=True, exist_ok=True)
    (path / "run.json").write_text(json.dumps(run, indent=1) + "\n")
    (path / "results.md").write_text(markdown(run))
    for name, contenders in run["scenarios"].items():
        if drawn := plot(run["titles"][name], run["kinds"][name], contenders):
            (path / f"{name}.svg").write_text(drawn)
    return path


def publish(run, folder):
    """Puts a run's files, or those of the latest that was no smoke test, where the documentation shows them from."""
    if not (run / "run.json").exists():
        found = (path for path in run.glob("*/run.json") if not json.loads(path.read_text())["smoke"])
        run = max((path.parent for path in found), default=None)
        if not run:
            raise SystemExit("there is no run: see `make bench`")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(run, folder)
    return run
