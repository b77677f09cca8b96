"""The origin, and the contenders in front of it."""

import shutil
import subprocess
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from harness import contenders
from harness.processes import ADDRESS, Service, free_port

from . import site

HERE = Path(__file__).resolve().parent
NAMES = ["martlet", "nginx", "haproxy", "h2o", "traefik"]


def missing(name):
    """Why a contender cannot be measured here; None when it can."""
    if name == "martlet":
        return None if contenders.MARTLET.exists() else f"there is no {contenders.MARTLET}"
    return None if shutil.which(name) else f"{name} is not installed"


def version(name):
    command = {"martlet": [contenders.MARTLET, "--version"], "traefik": ["traefik", "version"]}.get(name, [name, "-v"])
    shown = subprocess.run(command, capture_output=True, text=True)
    return (shown.stdout + shown.stderr).splitlines()[0]


class Bench:
    """A folder with the site and the configurations, and the origin's two servers."""

    def __init__(self, folder, proxy_core, load_core, origin_core):
        self.folder = Path(folder)
        self.proxy_core, self.load_core, self._origin_core = proxy_core, load_core, origin_core
        # nginx started by root reads files as somebody else.
        self.folder.chmod(0o755)
        site.make(self.folder / "site")
        self._origin = (ADDRESS, free_port())
        self._realtime = (ADDRESS, free_port())
        self._services = []
        try:
            self._start_origin()
        except BaseException:
            self.__exit__()
            raise

    def _start_origin(self):
        argv = ["nginx", "-e", "stderr", "-c", self._written("origin.nginx.conf"), "-p", self.folder]
        self._services.append(Service(argv, self._origin_core, self._origin, self.folder / "origin.log"))
        argv = [sys.executable, HERE / "realtime.py", *self._realtime]
        self._services.append(Service(argv, self._origin_core, self._realtime, self.folder / "realtime.log"))
        self._services[0].wait_for(lambda: status(self._origin, "/api/method/ping") == 200, "an answer")
        self._services[1].wait_for(lambda: status(self._realtime, "/socket.io/") == 400, "an answer")

    @property
    def loads_share_core(self):
        return self.load_core == self._origin_core

    def origin_cpu_seconds(self):
        return sum(sum(service.cpu_seconds()) for service in self._services)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for service in self._services:
            service.__exit__()

    def _written(self, name, listen=None):
        """A configuration with this run's addresses in it."""
        values = {
            "FOLDER": self.folder,
            "ORIGIN": "{}:{}".format(*self._origin),
            "REALTIME": "{}:{}".format(*self._realtime),
            "LISTEN": "{}:{}".format(*listen) if listen else "",
            "HOST": listen[0] if listen else "",
            "PORT": listen[1] if listen else "",
        }
        text = (HERE / "peers" / name).read_text()
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self, name):
        """The contender, running and proven to answer from the origin, a file and a WebSocket's server."""
        address = (ADDRESS, free_port())
        file = {"martlet": "martlet.yaml", "nginx": "nginx.conf", "haproxy": "haproxy.cfg", "h2o": "h2o.yaml", "traefik": "traefik.yaml"}[name]
        path = self._written(file, address)
        if name == "traefik":
            self._written("traefik-routes.yaml", address)
        argv = {
            "martlet": [contenders.MARTLET, "run", "--config", path],
            "nginx": ["nginx", "-e", "stderr", "-c", path, "-p", self.folder],
            "haproxy": ["haproxy", "-db", "-f", path],
            "h2o": ["h2o", "-c", path],
            "traefik": ["traefik", f"--configFile={path}"],
        }[name]
        service = Service(argv, self.proxy_core, address, self.folder / f"{name}.log")
        expected = {"/api/method/ping": 200, "/assets/frappe/fonts/inter1.woff2": 200, "/socket.io/": 400}
        try:
            return service.wait_for(
                lambda: all(status(address, target) == right for target, right in expected.items()), f"right answers to {list(expected)}"
            )
        except BaseException:
            service.__exit__()
            raise


def status(address, target):
    """The status of the answer to a GET; None while there is none."""
    connection = HTTPConnection(*address, timeout=5)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
