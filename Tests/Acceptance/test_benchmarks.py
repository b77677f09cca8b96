"""The load test itself: it fails when something is broken, and judges rightly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.martlet import BINARY

BENCHMARKS = Path(__file__).resolve().parents[2] / "Benchmarks"
sys.path.append(str(BENCHMARKS))

from harness.targets import Target  # noqa: E402
from harness.template import filled  # noqa: E402


def run(results, binary, scenario):
    return subprocess.run(
        [BENCHMARKS / "run", "--smoke", "--contenders", "martlet,nginx", "--scenarios", scenario, "--results", results],
        env={**os.environ, "MARTLET": str(binary)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_a_run_leaves_its_numbers_as_json_table_and_picture(tmp_path):
    done = run(tmp_path, BINARY, "small")
    assert done.returncode == 0, done.stderr
    (folder,) = tmp_path.iterdir()
    measured = json.loads((folder / "run.json").read_text())
    assert measured["scenarios"]["small"]["martlet"]["cpu_us"] >= 0
    assert "| martlet |" in (folder / "results.md").read_text()
    assert (folder / "small.svg").read_text().startswith("<svg")


def test_a_run_with_a_martlet_that_does_not_serve_fails_and_names_it(tmp_path):
    done = run(tmp_path, "/bin/false", "small")
    assert done.returncode != 0
    assert "small, martlet: " in done.stderr
    assert "failed: small, martlet" in done.stderr


SMALL = {"martlet": {"cpu_us": 16.0}, "nginx": {"cpu_us": 20.0}, "h2o": {"cpu_us": 25.0}, "traefik": {"cpu_us": 10.0}}
LOG = {"martlet": {"cpu_us": 17.0}}


@pytest.mark.parametrize(
    ("target", "outcome", "shown"),
    [
        (Target("small", 0.80, ("nginx", "haproxy", "h2o")), "holds", "0.80 ×"),
        (Target("small", 0.79, ("nginx", "haproxy", "h2o")), "falls short", "0.80 ×"),
        (Target("small", 1.10, ("floor",)), "not measured", "–"),
        (Target("small", 16), "holds", "16.0 µs"),
        (Target("log", 0.9, ("martlet",), against="small", is_difference=True), "falls short", "+1.00 µs"),
        (Target("log", 1.10, ("martlet",), against="small"), "holds", "1.06 ×"),
        (Target("gone", 1.0, ("nginx",)), "not measured", "–"),
    ],
)
def test_a_target_is_judged_by_who_was_measured(target, outcome, shown):
    verdict = target.verdict({"small": SMALL, "log": LOG})
    assert (verdict["outcome"], verdict["shown"]) == (outcome, shown)


def test_a_configuration_has_the_lines_that_its_scenario_needs():
    text = "@if tls ssl on\n@unless tls plain\n@if tls @unless log quiet\n@each SERVER s@INDEX@ @SERVER@ @PORT@\n"
    values = {"SERVER": ["a", "b"], "PORT": 1}
    assert filled(text, values, ("tls",)) == "ssl on\nquiet\ns0 a 1\ns1 b 1\n"
    assert filled(text, values, ("tls", "log")) == "ssl on\ns0 a 1\ns1 b 1\n"
    assert filled(text, values) == "plain\ns0 a 1\ns1 b 1\n"
