"""What the README shows on a terminal is what happens there."""

import os
import re
import signal
import subprocess

import pytest

from support.martlet import BINARY, ROOT
from support.process import Process
from support.waiting import until
from support.wire import ask, parse_address

README = (ROOT / "README.md").read_text()
TERMINALS = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def demo():
    process = Process([BINARY, "demo", "--listen", "127.0.0.1:0"])
    try:
        process.web = process.stderr.wait_for(r"(?<!admin )listening on (\S+:\d+)")[0][1]
        process.admin = process.stderr.wait_for(r"admin listening on (\S+:\d+)")[0][1]
        up = '"web":{"up":2,"of":2},"realtime":{"up":2,"of":2}'
        until(lambda: up in ask(parse_address(process.admin), "GET", "/readyz").body.decode(), "all servers are up")
        yield process
        process.signal(signal.SIGINT)
        process.wait()
    finally:
        process.kill()


def commands(terminal):
    """Each command with the output that is shown below it."""
    for part in re.split(r"^\$ ", terminal, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


@pytest.mark.parametrize("terminal", TERMINALS, ids=lambda text: text.split("\n")[0][2:40])
def test_a_terminal_shows_what_happens(terminal, demo, tmp_path):
    (tmp_path / "martlet.yaml").write_text(re.search(r"^```yaml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1])
    environment = {**os.environ, "PATH": f"{BINARY.resolve().parent}:{os.environ['PATH']}"}
    for command, output in commands(terminal):
        real = command.replace("localhost:8080", demo.web).replace("localhost:8081", demo.admin)
        result = subprocess.run(
            ["bash", "-c", real], cwd=tmp_path, env=environment, timeout=30,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert result.stdout == output, command


def test_the_readme_has_terminals():
    assert len(TERMINALS) >= 2
