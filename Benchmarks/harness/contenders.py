"""Who is measured, and the origin behind them."""

import os
import shutil
import ssl
import subprocess
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from .processes import ADDRESS, Service, free_port

HERE = Path(__file__).resolve().parents[1]
ROOT = HERE.parent
MARTLET = Path(os.environ.get("MARTLET", ROOT / ".build/release/martlet"))
BUILT = ROOT / ".build/benchmarks"

# The floor for proxied requests is another than for files.
FLOOR = "floor"
NAMES = ["martlet", "nginx", "haproxy", FLOOR]
# Not measured unless asked for.
OTHERS = ["h2o"]

# What all of them agree on with wrk and with us: otherwise it is ciphers that are compared.
AGREED = ("TLSv1.3", "TLS_AES_256_GCM_SHA384")


def missing(name):
    """Why a contender cannot be measured here; None when it can."""
    if name == "martlet":
        return None if MARTLET.exists() else f"there is no {MARTLET}"
    if name == FLOOR:
        return None if shutil.which("cc") else "there is no C compiler"
    return None if shutil.which(name) else f"{name} is not installed"


def version(name):
    command = {"martlet": [MARTLET, "--version"], "nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"], "h2o": ["h2o", "-v"]}.get(name)
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
        (self.folder / "1m").write_bytes(b"0123456789abcdef" * (1 << 16))
        self._make_certificate()
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

    def _make_certificate(self):
        """ECDSA P-256 for everybody; HAProxy wants key and certificate in one file."""
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate,
            ],
            check=True, capture_output=True,
        )  # fmt: skip
        (self.folder / "both.pem").write_bytes(certificate.read_bytes() + key.read_bytes())

    def _written(self, name, listen=None, is_secure=False):
        """A configuration with this run's addresses in it."""
        text = (HERE / "peers" / name).read_text()
        values = {
            "FOLDER": self.folder,
            "ORIGIN": "{}:{}".format(*self.origin_address),
            "LISTEN": "{}:{}".format(*listen) if listen else "",
            # What each says of TLS where it says where it listens.
            "NGINX_SSL": "ssl" if is_secure else "",
            "HAPROXY_SSL": f"ssl crt {self.folder}/both.pem" if is_secure else "",
            "H2O_SSL": f"ssl: {{certificate-file: {self.folder}/certificate.pem, key-file: {self.folder}/key.pem}}" if is_secure else "",
            "MARTLET_TLS": f"tls: {{certificate: {self.folder}/certificate.pem, key: {self.folder}/key.pem}}" if is_secure else "",
            "SCHEME": "https" if is_secure else "http",
            "PORT": listen[1] if listen else "",
            "HOST": listen[0] if listen else "",
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

        def written(file):
            return self._written(file, address, scenario.is_secure)

        argv = {
            "martlet": lambda: [MARTLET, "run", "--config", written("martlet.yaml")],
            "nginx": lambda: ["nginx", "-e", "stderr", "-c", written("nginx.conf"), "-p", self.folder],
            "haproxy": lambda: ["haproxy", "-db", "-f", written("haproxy.cfg")],
            "h2o": lambda: ["h2o", "-c", written("h2o.yaml")],
            FLOOR: lambda: self._floor(address, scenario),
        }[name]()
        service = Service(argv, self.proxy_core, address, self.folder / f"{name}.log")
        try:
            return service.wait_for(
                lambda: len(answers(address, scenario.target, scenario.is_secure) or b"") == scenario.size,
                f"an answer of {scenario.size} bytes to {scenario.target}",
            )
        except BaseException:
            service.__exit__()
            raise

    def _floor(self, address, scenario):
        if scenario.is_file:
            return [BUILT / "sender", address[0], address[1], self.folder / "assets/4k.css"]
        return [BUILT / "relay", address[0], address[1], *self.origin_address]


def trusting():
    """A client that believes anybody, as wrk does."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def answers(address, target, is_secure=False):
    """The body that comes for a target; None while nobody answers with 200."""
    if is_secure:
        connection = HTTPSConnection(*address, timeout=5, context=trusting())
    else:
        connection = HTTPConnection(*address, timeout=5)
    try:
        connection.connect()
        if is_secure and (agreed := (connection.sock.version(), connection.sock.cipher()[0])) != AGREED:
            raise RuntimeError(f"agreed on {agreed} where others agree on {AGREED}")
        connection.request("GET", target)
        response = connection.getresponse()
        body = response.read()
        return body if response.status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
