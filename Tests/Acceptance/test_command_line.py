"""The commands that end by themselves, and what `run` refuses to start with."""

import json
import re

import pytest

from support.martlet import ROOT, command

GOOD = """\
listen: ":8080"
pools:
  web:
    servers: ["127.0.0.1:8000"]
routes:
  - match: {prefix: /}
    proxy: web
"""

# A broken file, where the message must point, and words that it must have.
BROKEN = {
    "a key misspelt": (GOOD.replace("listen", "lisen"), "1:1", ["lisen", "listen"]),
    "a strategy misspelt": (GOOD.replace("    servers", "    strategy: least-requests\n    servers"), "4:15", ["least-requests", "least_requests"]),
    "a pool that is not there": (GOOD.replace("proxy: web", "proxy: wbe"), "7:12", ["wbe", "web"]),
    "not YAML": (GOOD.replace("{prefix: /}", "{prefix: /"), None, []),
    "a duration without sense": (GOOD + "timeouts: {head: soon}\n", "8:18", ["soon"]),
    "a size without sense": (GOOD + "limits: {body: 5 apples}\n", "8:16", ["5 apples"]),
    "a port out of range": (GOOD.replace("127.0.0.1:8000", "127.0.0.1:80000"), "4:16", ["80000"]),
    "a list where a map is due": (GOOD.replace("pools:\n  web:\n    servers: [\"127.0.0.1:8000\"]", "pools: [web]"), "2:8", []),
    "a regular expression that does not compile": (GOOD.replace("{prefix: /}", "{regex: '('}"), "6:21", []),
    "a route without an action": (GOOD.replace("    proxy: web\n", ""), None, ["proxy"]),
    "a key twice": (GOOD + "listen: ':9090'\n", "8:1", ["listen"]),
    "an address block without sense": (GOOD + "trusted_proxies: [10.0.0.0/40]\n", "8:19", ["10.0.0.0/40"]),
    "a variable that is not set": (GOOD.replace("127.0.0.1:8000", "${MARTLET_TEST_UNSET}"), "4:16", ["MARTLET_TEST_UNSET"]),
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "martlet.yaml"
        path.write_text(text)
        return path

    return write


def test_check_accepts_a_good_file(file):
    result = command("check", file(GOOD))
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("case", BROKEN)
def test_check_says_where_and_what(file, case):
    text, place, words = BROKEN[case]
    path = file(text)
    result = command("check", path)
    said = result.stdout + result.stderr
    assert result.returncode == 78, said
    where = re.search(re.escape(str(path)) + r":(\d+):(\d+): (.+)", said)
    assert where, said
    if place:
        assert f"{where[1]}:{where[2]}" == place, said
    # The offending line is shown, with a mark under it.
    shown = text.splitlines()[int(where[1]) - 1].strip()
    assert shown in said and "^" in said, said
    for word in words:
        assert word in said, said


def test_check_reports_everything_at_once(file):
    text = GOOD.replace("listen", "lisen").replace("proxy: web", "proxy: wbe") + "timeouts: {head: soon, boddy: 1s}\nlimits: {body: 1 apple}\n"
    path = file(text)
    result = command("check", path)
    said = result.stdout + result.stderr
    assert result.returncode == 78
    assert len(set(re.findall(re.escape(str(path)) + r":(\d+:\d+): ", said))) == 5, said


def test_check_of_a_missing_file(tmp_path):
    result = command("check", tmp_path / "none.yaml")
    assert result.returncode == 78
    assert "none.yaml" in result.stdout + result.stderr


def test_check_effective_prints_a_whole_file_that_is_good_itself(file, tmp_path):
    result = command("check", "--effective", file(GOOD))
    assert result.returncode == 0, result.stderr
    assert "127.0.0.1:8000" in result.stdout
    for key in ("timeouts", "limits", "keepalive", "strategy", "round_robin"):
        assert key in result.stdout
    again = tmp_path / "again.yaml"
    again.write_text(result.stdout)
    second = command("check", "--effective", again)
    assert second.returncode == 0, second.stderr
    assert second.stdout == result.stdout, "nothing is left to fill in"


def test_schema_is_a_json_schema_that_knows_the_keys():
    result = command("schema")
    assert result.returncode == 0, result.stderr
    schema = json.loads(result.stdout)
    assert "json-schema.org" in schema["$schema"]
    assert {"listen", "pools", "routes", "limits", "timeouts"} <= set(schema["properties"])
    assert schema.get("additionalProperties") is False


def test_the_files_of_the_repository_are_good():
    files = sorted((ROOT / "config").glob("*.yaml"))
    assert ROOT / "config/erpnext.yaml" in files
    for path in files:
        if path.name == "tls.yaml":
            continue  # Its certificate has to be made first: test_tls.py does.
        result = command("check", path)
        assert result.returncode == 0, f"{path}: {result.stderr}"


def test_version():
    result = command("--version")
    assert result.returncode == 0
    assert re.fullmatch(r"(martlet )?\d+\.\d+\.\d+\S*", result.stdout.strip())


def test_help_names_the_commands():
    result = command("--help")
    assert result.returncode == 0
    for name in ("run", "check", "schema", "demo"):
        assert name in result.stdout


def test_an_unknown_command_is_refused():
    result = command("runn")
    assert result.returncode not in (0, 78)
    assert result.stderr


def test_run_refuses_a_broken_file(file):
    path = file(GOOD.replace("listen", "lisen"))
    result = command("run", "--config", path)
    assert result.returncode == 78
    assert f"{path}:1:1: " in result.stderr


def test_run_says_when_its_address_is_taken(file):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:{}".format(taken.getsockname()[1])
        result = command("run", "--config", file(GOOD.replace('":8080"', f'"{address}"')))
    assert result.returncode == 1
    assert address in result.stderr
