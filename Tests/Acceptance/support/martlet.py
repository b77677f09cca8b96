"""The built `martlet`, started with a test's configuration and always ended."""

import json
import os
import re
import signal
import string
import subprocess
from pathlib import Path

from . import prometheus
from .process import Process, completed
from .waiting import until
from .wire import Client, ask, parse_address

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("MARTLET", ROOT / ".build/release/martlet"))

# What a test's configuration gets unless it says otherwise.
DEFAULTS = {
    "listen": "127.0.0.1:0",
    "admin": "127.0.0.1:0",
    "workers": "1",
    "log": "{access: stdout, level: info}",
    "shutdown": "{lame_duck: 0s, deadline: 5s}",
}

CRASH = re.compile(r"Fatal error|Program crashed|Precondition failed|Assertion failed|AddressSanitizer|ThreadSanitizer")


def configuration(text, /, **values):
    """A whole configuration from the part that matters to a test; `$name` stands for a value.

    A line `# key: none` keeps a key out that would be added.
    """
    text = string.Template(text).safe_substitute({k: str(v) for k, v in values.items()})
    given = set(re.findall(r"^(?:# )?([a-z_]+):", text, re.MULTILINE))
    head = "".join(f"{key}: {value}\n" for key, value in DEFAULTS.items() if key not in given)
    return head + text


def command(*arguments, **more):
    """Runs a `martlet` command that ends by itself."""
    return completed([BINARY, *arguments], **more)


class Martlet(Process):
    """A running proxy. Connections made through it are closed before it is stopped."""

    def __init__(self, folder, text, /, env=None, prefix=(), **values):
        self.file = folder / "martlet.yaml"
        self.write(text, **values)
        self._clients = []
        self._expected_exit = 0
        super().__init__([*prefix, BINARY, "run", "--config", self.file], env=env, cwd=folder)
        try:
            self._find_addresses()
        except BaseException:
            self.kill()
            raise

    def write(self, text, /, **values):
        self.file.write_text(configuration(text, **values))

    def _find_addresses(self):
        written = self.file.read_text()
        listen = re.search(r"^listen: *(.*)$", written, re.MULTILINE)[1]
        listeners = max(1, listen.count(":0"))
        found = self.stderr.wait_for(r"(?<!admin )listening on (\S+:\d+)", count=listeners)
        self.addresses = [parse_address(m[1]) for m in found]
        self.address = self.addresses[0]
        self.admin_address = None
        if re.search(r"^admin:", written, re.MULTILINE):
            self.admin_address = parse_address(self.stderr.wait_for(r"admin listening on (\S+:\d+)")[0][1])

    def connect(self, address=None, **more):
        client = Client(address or self.address, **more)
        self._clients.append(client)
        return client

    def ask(self, method, target, headers=(), body=None, **more):
        """One request on a connection of its own."""
        return ask(self.address, method, target, headers, body, **more)

    def get(self, target, headers=(), **more):
        return self.ask("GET", target, headers, **more)

    # What it tells about itself.

    def admin(self, target, method="GET"):
        return ask(self.admin_address, method, target)

    def is_ready(self):
        try:
            return self.admin("/readyz").status == 200
        except OSError:
            return False

    def wait_ready(self):
        until(self.is_ready, "/readyz answers 200")
        return self

    def wait_all_up(self):
        """Waits for every server of every pool, where /readyz asks for one of each pool only."""
        until(lambda: all(s["state"] == "up" for s in self.servers()), "every server is up")
        return self

    def servers(self):
        """What /pools tells of the servers of all pools."""
        return [s for pool in json.loads(self.admin("/pools").body)["pools"] for s in pool["servers"]]

    def wait_not_ready(self):
        until(lambda: not self.is_ready(), "/readyz answers other than 200")

    def metrics(self):
        """Every family of /metrics, read strictly."""
        return prometheus.parse(self.admin("/metrics").body.decode("utf-8"))

    def log_lines(self, count, start=0):
        """The first `count` access records after `start`; waits until they are written."""
        self.stdout.wait_for(r"^\{", start=start, count=count)
        return [json.loads(line) for line in self.stdout.since(start)[:count]]

    def log_line(self, **wanted):
        """The one access record whose fields are as wanted; waits until it is written."""

        def find():
            records = [json.loads(line) for line in self.stdout.since() if line.startswith("{")]
            return [r for r in records if all(r.get(k) == v for k, v in wanted.items())]

        found = until(find, f"an access record with {wanted}")
        assert len(found) == 1, found
        return found[0]

    # How it ends.

    def reload(self):
        """SIGHUP; returns where its stderr stood before."""
        start = len(self.stderr)
        self.signal(signal.SIGHUP)
        return start

    def close_clients(self):
        for client in self._clients:
            client.close()
        self._clients.clear()

    def expect_exit(self, code):
        self._expected_exit = code

    def stop(self):
        """Ends it politely, and fails the test when it ended otherwise."""
        self.close_clients()
        if self.exit_code is None:
            self.signal(signal.SIGTERM)
        try:
            code = self.wait()
        finally:
            self.kill()
        said = self.stderr.text()
        assert code == self._expected_exit, f"martlet ended with {code}:\n{said[-4000:]}"
        assert not CRASH.search(said), f"martlet crashed:\n{said[-4000:]}"


def exists():
    """Whether there is a binary to test."""
    try:
        return subprocess.run([BINARY, "--version"], capture_output=True, timeout=20).returncode == 0
    except OSError:
        return False
