"""The real peers: gunicorn as Frappe runs it, Socket.IO servers, nginx."""

import os
import socket
import sys
from pathlib import Path

from .process import Process
from .waiting import until
from .wire import Client, parse_address

APPS = Path(__file__).resolve().parents[1] / "apps"

# An address of loopback that is this run's alone: a peer that comes back on its old port
# finds it free, whatever other test runs on this machine have taken meanwhile.
OWN_ADDRESS = "127.{}.{}.{}".format(64 + (os.getpid() >> 16) % 128, (os.getpid() >> 8) % 256, os.getpid() % 254 + 1)


class Restartable:
    """A peer that can be killed, and started again at the same address."""

    def __init__(self, name, address=(OWN_ADDRESS, 0), **options):
        self.name = name
        self.options = options
        self.address = address
        self.process = None
        self.start()

    def __str__(self):
        return f"{self.address[0]}:{self.address[1]}"

    def start(self):
        self.process = self._launch(**self.options)
        try:
            self.address = parse_address(self._announced())
        except BaseException:
            self.process.kill()
            raise

    def kill(self):
        """SIGKILL to all of it: sockets close without a word. Afterwards connects are refused."""
        self.process.kill()
        # Its children may outlive it for a moment, and hold the listener until they are gone.
        until(self._is_gone, f"{self.name} is gone")

    def _is_gone(self):
        with socket.socket() as sock:
            return sock.connect_ex(self.address) != 0

    def terminate(self):
        self.process.terminate()


class Gunicorn(Restartable):
    """gunicorn with threads, serving apps/frappe_like.py or another of the apps."""

    def _launch(self, workers=1, threads=4, keepalive=2, application="frappe_like:application"):
        return Process(
            [
                sys.executable, "-m", "gunicorn", "--chdir", APPS, "--bind", f"{self.address[0]}:{self.address[1]}",
                "--worker-class", "gthread", "--workers", workers, "--threads", threads, "--timeout", 120,
                "--keep-alive", keepalive, "--graceful-timeout", 5, application,
            ],
            env={"INSTANCE": self.name, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip

    def _announced(self):
        address = self.process.stderr.wait_for(r"Listening at: http://(\S+:\d+)")[0][1]
        # The listener is open before a worker accepts: a test that counts time wants both.
        self.process.stderr.wait_for(r"Booting worker")
        return address


class Realtime(Restartable):
    """A Socket.IO server, apps/realtime.py."""

    def _launch(self):
        return Process(
            [sys.executable, APPS / "realtime.py", self.address[0], self.address[1]],
            env={"INSTANCE": self.name, "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def _announced(self):
        return self.process.stdout.wait_for(r"listening on (\S+:\d+)")[0][1]


class Nginx:
    """Debian's nginx in one process, on a socket in `folder`, with a `server` block's content."""

    def __init__(self, folder, server):
        self.address = str(folder / "nginx.sock")
        file = folder / "nginx.conf"
        file.write_text(
            f"""
            daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;
            events {{ worker_connections 512; }}
            http {{
              include /etc/nginx/mime.types; default_type application/octet-stream;
              access_log off; sendfile on; etag on;
              client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
              fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
              server {{ listen unix:{self.address}; {server} }}
            }}
            """
        )
        self.process = Process(["nginx", "-e", "stderr", "-c", file, "-p", folder])
        until(self._answers, "nginx takes connections")

    def _answers(self):
        assert self.process.exit_code is None, self.process.stderr.text()
        try:
            Client(self.address).close()
            return True
        except OSError:
            return False

    def terminate(self):
        self.process.terminate()


class HAProxy:
    """Debian's HAProxy, passing on bytes by one `server` line."""

    def __init__(self, folder, server):
        # A port of the run's own address; the listener is HAProxy's own from here on.
        with socket.socket() as probe:
            probe.bind((OWN_ADDRESS, 0))
            self.address = probe.getsockname()
        file = folder / "haproxy.cfg"
        file.write_text(
            f"""
            global
              maxconn 100
            defaults
              mode tcp
              unique-id-format %[uuid]
              timeout connect 5s
              timeout client 60s
              timeout server 60s
            listen passing
              bind {self.address[0]}:{self.address[1]}
              {server}
            \n"""
        )
        self.process = Process(["haproxy", "-db", "-f", file])
        until(self._listens, "HAProxy takes connections")

    def _listens(self):
        assert self.process.exit_code is None, self.process.stderr.text()
        with socket.socket() as sock:
            return sock.connect_ex(self.address) == 0

    def terminate(self):
        self.process.terminate()
