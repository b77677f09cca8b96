"""All servers of a run: one of each kind for each variant, started when a row first asks for it."""

import shutil
import tempfile
from pathlib import Path

from support.origin import RefusedPort
from support.peers import Gunicorn

from .corpus.row import VARIANTS
from .exchange import exchange
from .frontend import MartletFrontend, NginxFrontend, Variables
from .recorder import Recorder
from .sites import make_sites

# Named after who is asked. "nginx again" shows that the harness finds nothing between equals.
KINDS = {
    "nginx": NginxFrontend,
    "nginx again": NginxFrontend,
    "martlet frappe": MartletFrontend,
    "martlet run": lambda *arguments: MartletFrontend(*arguments, printed=True),
}


class Bench:
    """Runs rows, each once per kind of server."""

    def __init__(self):
        # Not below pytest's own folder: that is closed to users without rights.
        self.folder = Path(tempfile.mkdtemp(prefix="parity-"))
        self.folder.chmod(0o755)
        self.sites = make_sites(self.folder)
        self.application = Gunicorn("parity", application="parity_origin:application")
        self._refused = RefusedPort()
        self._servers = {}
        self._exchanges = {}

    def run(self, kind, row):
        if (kind, row) not in self._exchanges:
            server, recorders = self._server(kind, row.variant)
            self._exchanges[kind, row] = exchange(row, server.address, recorders)
        return self._exchanges[kind, row]

    def _server(self, kind, variant):
        if (kind, variant) not in self._servers:
            self._servers[kind, variant] = self.start(KINDS[kind], variant)
        return self._servers[kind, variant]

    def start(self, make, variant):
        """A server of `make` and its upstreams."""
        recorders = [Recorder("web", self.application.address), Recorder("realtime")]
        values = {"BACKEND": str(recorders[0]), "SOCKETIO": str(recorders[1]), **VARIANTS[variant]}
        values = {name: str(self._refused) if value == "refused" else value for name, value in values.items()}
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        folder.chmod(0o777)
        return make(Variables(**values), self.sites, folder), recorders

    def close(self):
        failures = []
        for server, recorders in self._servers.values():
            try:
                server.stop()
            except AssertionError as failure:
                failures.append(failure)
            for recorder in recorders:
                recorder.close()
        self.application.kill()
        self._refused.close()
        shutil.rmtree(self.folder)
        assert not failures, failures
