"""Who is measured, and the origin behind them."""

import os
import shutil
import subprocess
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from .processes import ADDRESS, Service, free_port

HERE = Path(__file__).resolve().parents[1]
ROOT = HERE.parent
MARTLET = Path(os.environ.get("MARTLET", ROOT / ".build/release/martlet"))
BUILT = ROOT / ".build/benchmarks"

# The floor for proxied requests is another than for files.
FLOOR = "floor"
NAMES = ["martlet", "nginx", "haproxy", FLOOR]


def missing(name):
    """Why a contender cannot be measured here; None when it can."""
    if name == "martlet":
        return None if MARTLET.exists() else f"there is no {MARTLET}"
    if name == FLOOR:
        return None if shutil.which("cc") else "there is no C compiler"
    return None if shutil.which(name) else f"{name} is not installed"


def version(name):
    command = {"martlet": [MARTLET, "--version"], "nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"]}.get(name)
    if not command:
        return "built with the benchmarks"
    shown = subprocess.run(command, capture_output=True, text=True)
    return (shown.stdout + shown.stderr).splitlines()[0]


def build_floor():
    BUILT.mkdir(parents=True, exist_ok=True)
    for name in ("relay", "sender"):
        subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-o", BUILT / name, HERE / f"floor/{name}.c"], check=True)


class Bench:
    """A folder with the files and configurations of a run, and an origin that answers."""

    def __init__(self, folder, proxy_core, load_core):
        self.folder = Path(folder)
        self.proxy_core, self.load_core = proxy_core, load_core
        assets = self.folder / "assets"
        assets.mkdir()
        # nginx started by root reads files as somebody else.
        self.folder.chmod(0o755)
        (assets / "4k.css").write_bytes((b"body { margin: 0 } " * 300)[:4096])
        self.origin_address = (ADDRESS, free_port())
        self.origin = Service(
            ["nginx", "-e", "stderr", "-c", self._written("origin.nginx.conf"), "-p", self.folder],
            load_core, self.origin_address, self.folder / "origin.log",
        )  # fmt: skip
        self.origin.wait_for(lambda: answers(self.origin_address, "/health") == b"ok", "an answer")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.origin.__exit__()

    def _written(self, name, listen=None):
        """A configuration with this run's addresses in it."""
        text = (HERE / "peers" / name).read_text()
        values = {
            "FOLDER": self.folder,
            "ORIGIN": "{}:{}".format(*self.origin_address),
            "LISTEN": "{}:{}".format(*listen) if listen else "",
            "BODY_128": "x" * 128,
            "BODY_2048": ("{'name': 'ITEM-0001', 'qty': 1.0}, " * 60)[:2048],
        }
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self, name, scenario):
        """The contender, running and proven to answer rightly."""
        address = (ADDRESS, free_port())
        argv = {
            "martlet": lambda: [MARTLET, "run", "--config", self._written("martlet.yaml", address)],
            "nginx": lambda: ["nginx", "-e", "stderr", "-c", self._written("nginx.conf", address), "-p", self.folder],
            "haproxy": lambda: ["haproxy", "-db", "-f", self._written("haproxy.cfg", address)],
            FLOOR: lambda: self._floor(address, scenario),
        }[name]()
        service = Service(argv, self.proxy_core, address, self.folder / f"{name}.log")
        try:
            return service.wait_for(
                lambda: len(answers(address, scenario.target) or b"") == scenario.size,
                f"an answer of {scenario.size} bytes to {scenario.target}",
            )
        except BaseException:
            service.__exit__()
            raise

    def _floor(self, address, scenario):
        if scenario.is_file:
            return [BUILT / "sender", address[0], address[1], self.folder / "assets/4k.css"]
        return [BUILT / "relay", address[0], address[1], *self.origin_address]


def answers(address, target):
    """The body that comes for a target; None while nobody answers with 200."""
    connection = HTTPConnection(*address, timeout=5)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        body = response.read()
        return body if response.status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
