"""The load generator of Benchmarks/load, built on demand and run to its end."""

import json
import subprocess

from harness.contenders import ROOT

PACKAGE = ROOT / "Benchmarks/load"
SCRATCH = ROOT / ".build/load"
BINARY = SCRATCH / "release/load"


def build():
    command = ["swift", "build", "-c", "release", "--package-path", PACKAGE, "--scratch-path", SCRATCH, "--product", "load"]
    built = subprocess.run(command, capture_output=True, text=True)
    if built.returncode:
        raise RuntimeError(f"the load generator does not compile\n{built.stdout}{built.stderr}")


class Unfit(RuntimeError):
    """The server did not answer as the load takes for granted, or not at all."""


def load(address, core, rate, *, seconds, warm_up=1.0, timeout=2.0, connections=64, seed=1, mix=None, target=None):
    """What the generator reports."""
    words = ["--mix", mix] if mix else ["--target", target]
    shown = subprocess.run(
        [
            "taskset", "-c", str(core), BINARY, "--to", "{}:{}".format(*address), "--rate", f"{rate:.3f}", "--seconds", f"{seconds}",
            "--warm-up", f"{warm_up}", "--timeout", f"{timeout}", "--connections", f"{connections}", "--seed", f"{seed}", *words,
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    if shown.returncode:
        raise Unfit(shown.stderr.strip())
    return json.loads(shown.stdout)
