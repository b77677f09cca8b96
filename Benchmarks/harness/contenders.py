"""Who is measured, and the origin behind them."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .material import frappe_json, make_certificate, make_files
from .probe import answers
from .processes import ADDRESS, DESCRIPTORS, Service, free_port, free_ports
from .template import filled

HERE = Path(__file__).resolve().parents[1]
ROOT = HERE.parent
MARTLET = Path(os.environ.get("MARTLET", ROOT / ".build/release/martlet")).resolve()
BUILT = ROOT / ".build/benchmarks"
# An environment of Python's that has those peers which are packages there: `make bench-peers`.
PACKAGED = BUILT / "peers/bin"

FLOOR = "floor"
FLOORS = ("relay", "relay-new", "splice", "sender", "sendfile")


@dataclass(frozen=True)
class Contender:
    """`can` are the scenarios' needs that it has a configuration for."""

    can: str
    files: tuple
    argv: tuple
    shows_version: tuple
    # How to get it, where it is not there.
    source: str

    def program(self):
        """The file that is run; None when there is none."""
        name = self.argv[0]
        if name == "martlet":
            return MARTLET if MARTLET.exists() else None
        # Envoy's package has a script of Python's before the program itself.
        packaged = [*PACKAGED.parent.glob(f"lib/python*/site-packages/{name}/**/{name}"), PACKAGED / name]
        return next((path for path in packaged if path.is_file()), shutil.which(name))


PACKAGE = "make bench-peers"
CONTENDERS = {
    "martlet": Contender(
        "tls gzip log assets routes servers workers websocket", ("martlet.yaml",),
        ("martlet", "run", "--config", "martlet.yaml"), ("--version",), "make build",
    ),
    "nginx": Contender(
        "tls gzip log assets routes servers workers websocket", ("nginx.conf",),
        ("nginx", "-e", "stderr", "-c", "nginx.conf", "-p", "."), ("-v",), "apt-get install nginx",
    ),
    "haproxy": Contender(
        "tls gzip log routes servers workers websocket", ("haproxy.cfg", "haproxy.map"),
        ("haproxy", "-db", "-f", "haproxy.cfg"), ("-v",), "apt-get install haproxy",
    ),
    "h2o": Contender("tls gzip log assets workers", ("h2o.yaml",), ("h2o", "-c", "h2o.yaml"), ("-v",), "apt-get install h2o"),
    # Traefik, Envoy and Caddy do not let anybody choose the cipher of TLS 1.3, so they are not
    # measured over TLS: it would be ciphers that are compared.
    "traefik": Contender(
        "gzip log websocket", ("traefik.yaml", "traefik-routes.yaml"),
        ("traefik", "--configFile=traefik.yaml"), ("version",), PACKAGE,
    ),
    "envoy": Contender("gzip log", ("envoy.yaml",), ("envoy", "-c", "envoy.yaml", "--concurrency", "1", "-l", "error"), ("--version",), PACKAGE),
    "caddy": Contender("gzip log assets websocket", ("Caddyfile",), ("caddy", "run", "--config", "Caddyfile"), ("version",), PACKAGE),
}  # fmt: skip
# Whom `best` means.
LEAN = ("nginx", "haproxy", "h2o")
NAMES = [*CONTENDERS, FLOOR]


def missing(name):
    """Why a contender cannot be measured here; None when it can."""
    if name == FLOOR:
        return None if shutil.which("cc") else "there is no C compiler: apt-get install gcc libc6-dev"
    contender = CONTENDERS[name]
    return None if contender.program() else f"is not here: {contender.source}"


def is_packaged(name):
    """Whether `make bench-peers` brings it."""
    return name != FLOOR and CONTENDERS[name].source == PACKAGE


def takes_part(name, scenario):
    if name == FLOOR:
        return scenario.floor is not None
    return set(scenario.needs) <= set(CONTENDERS[name].can.split())


def version(name):
    if name == FLOOR:
        return "built with the benchmarks"
    contender = CONTENDERS[name]
    shown = subprocess.run([contender.program(), *contender.shows_version], capture_output=True, text=True)
    return next((line.strip() for line in (shown.stdout + shown.stderr).splitlines() if line.strip()), "unknown")


def build_floor():
    BUILT.mkdir(parents=True, exist_ok=True)
    for name in FLOORS:
        subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-o", BUILT / name, HERE / f"floor/{name}.c"], check=True)


def install_packaged():
    """The environment for those peers that are packages of Python's."""
    environment = PACKAGED.parent
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    install = [PACKAGED / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "-r", HERE / "peers/requirements.txt"], check=True)


class Bench:
    """A folder with the files and configurations of a run, and an origin that answers."""

    # The most servers that a scenario has.
    SERVERS = 300

    def __init__(self, folder, proxy_core, load_core, second_core=None):
        self.folder = Path(folder)
        self.proxy_core, self.load_core = proxy_core, load_core
        self.second_core = load_core if second_core is None else second_core
        # nginx started by root reads files as somebody else.
        self.folder.chmod(0o755)
        make_files(self.folder)
        make_certificate(self.folder)
        self.json = frappe_json(10240)
        self.origins = [(ADDRESS, port) for port in free_ports(self.SERVERS)]
        self.origin_address = self.origins[0]
        self._write("origin.nginx.conf", {"SERVER": list(map(joined, self.origins))})
        self.origin = Service(
            ["nginx", "-e", "stderr", "-c", self.folder / "origin.nginx.conf", "-p", self.folder],
            load_core, self.origin_address, self.folder / "origin.log",
        )  # fmt: skip
        self.origin.wait_for(lambda: answers(self.origin_address, "/health"), "an answer")
        self.socket_origin = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.origin.__exit__()
        if self.socket_origin:
            self.socket_origin.__exit__()

    def _write(self, name, values, words=()):
        """A configuration with this run's addresses in it."""
        values = {
            "FOLDER": self.folder,
            "ORIGIN": joined(self.origin_address),
            "ORIGIN_HOST": self.origin_address[0],
            "ORIGIN_PORT": self.origin_address[1],
            "DESCRIPTORS": DESCRIPTORS,
            # Of clients, with some in hand; and all that might be kept for them towards servers.
            "CONNECTIONS": (DESCRIPTORS - 500) // 2,
            "UPSTREAM_CONNECTIONS": 10_000,
            "BODY_128": "x" * 128,
            "PART": [self.json[start : start + 2048] for start in range(0, len(self.json), 2048)],
            **values,
        }
        (self.folder / name).write_text(filled((HERE / "peers" / name).read_text(), values, words))

    def _servers(self, scenario):
        if "websocket" not in scenario.needs:
            return self.origins[: scenario.servers]
        if not self.socket_origin:
            address = (ADDRESS, free_port())
            origin = Path(__file__).with_name("websocket_origin.py")
            self.socket_origin = Service([sys.executable, origin, *address], self.load_core, address, self.folder / "sockets.log")
            self.socket_origin.wait_for(lambda: answers(address, "/health"), "an answer")
        return [self.socket_origin.address]

    def argv(self, name, scenario, address):
        """How a contender is started for a scenario; its configuration is written."""
        if name == FLOOR:
            served = {"sender": "assets/4k.css", "sendfile": "assets/1m.js"}.get(scenario.floor)
            return [BUILT / scenario.floor, *address, *([self.folder / served] if served else self.origin_address)]
        contender = CONTENDERS[name]
        values = {
            "LISTEN": joined(address),
            "HOST": address[0],
            "PORT": address[1],
            "WORKERS": scenario.workers,
            # nginx counts both sides, and closes idle connections when few of its places are left.
            "SLOTS": max(8192, scenario.connections * 5 // 2),
            "SERVER": list(map(joined, self._servers(scenario))),
            "ROUTE": list(map(route, range(scenario.routes))),
        }
        for file in contender.files:
            self._write(file, values, scenario.needs)
        return [contender.program(), *contender.argv[1:]]

    def start(self, name, scenario):
        """The contender, running and proven to answer rightly."""
        address = (ADDRESS, free_port())
        argv = self.argv(name, scenario, address)
        cores = {self.proxy_core, self.second_core} if scenario.workers > 1 else self.proxy_core
        service = Service(argv, cores, address, self.folder / f"{name}.log", folder=self.folder)
        try:
            return service.wait_for(
                lambda: self.is_right(answers(address, scenario.target, scenario.is_secure, scenario.headers), scenario),
                f"an answer of {scenario.size} bytes to {scenario.target}",
            )
        except BaseException:
            service.__exit__()
            raise

    def is_right(self, answer, scenario):
        """Of the size that it should have, and compressed if it should be."""
        if answer is None or len(answer.body) != scenario.size:
            return False
        if scenario.target == "/10k" and answer.body.decode() != self.json:
            return False
        return (answer.sent != answer.body) == ("gzip" in scenario.needs)

    def last_logged(self, name):
        """The last whole line of a contender's access log, read as JSON. HAProxy's goes to stdout."""
        logs = [log for end in ("-access.log", ".log") if (log := self.folder / (name + end)).exists()]
        lines = logs[0].read_bytes().split(b"\n")
        return json.loads(lines[-2]) if len(lines) > 1 else None


def joined(address):
    return "{}:{}".format(*address)


def route(number):
    return f"/route/{number:05}/"
