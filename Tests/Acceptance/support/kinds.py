"""The kinds of requests whose cost is guarded: each is asked for again and again over kept connections."""

import json
from pathlib import Path

from .origin import answer
from .tls import Authority, SecureClient
from .waiting import until
from .wire import Client, chunked

CONFIGURATION = """
listen: ["127.0.0.1:0", {address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key}}]
log: {access: $access}
file_cache: {freshness: 1m}
gzip: {types: [application/json], min_length: 256}
pools:
  web: {servers: [$web]}
  always: {servers: [$web], keepalive: {reuse: always}}
routes:
  - {match: {prefix: /}, proxy: {pool: web, upgrade: [websocket]}, gzip: off}
  - {match: {prefix: /post}, proxy: always, gzip: off}
  - {match: {prefix: /gzip}, proxy: web}
  - {match: {prefix: /assets/}, files: {alias: $assets}, gzip: off}
"""

JSON = json.dumps({"message": [{"name": f"SINV-{i:06}", "total": i * 1.25} for i in range(240)]}).encode()[:10240]
IS_JSON = ("Content-Type", "application/json")

SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
UPGRADE = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
MESSAGE = b"\x81\x85\0\0\0\0hello"

ANSWERS = {
    "/small": answer(b"x" * 128),
    "/json": answer(JSON, headers=[IS_JSON]),
    "/gzip": answer(JSON, headers=[IS_JSON]),
    "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked([b"x" * 1000] * 4),
    "/post": answer(b"saved"),
    "/large": answer(b"x" * 50_000),
}


def serve(stream, request):
    """The server behind the proxy: what it says is always the same, with one send."""
    if "Upgrade" not in request.headers:
        stream.send(ANSWERS[request.target])
        return True
    stream.send(SWITCH)
    while message := stream.read_some():
        stream.send(message)
    return False


def get(target, size):
    """A GET that is answered by `size` bytes."""

    def ask(client):
        response = client.get(target)
        assert response.status == 200 and len(response.body) == size, response

    return ask


def post(size):
    """A POST of `size` bytes."""

    def ask(client):
        response = client.ask("POST", "/post", body=b"x" * size)
        assert response.body == b"saved", response

    return ask


def compressed(client):
    response = client.get("/gzip", [("Accept-Encoding", "gzip")])
    assert response.headers["Content-Encoding"] == "gzip", response


def say(client):
    client.send(MESSAGE)
    assert client.read_exactly(len(MESSAGE)) == MESSAGE


class Kind:
    """A kind of request: what one of them is, and how its connection begins."""

    def __init__(self, ask, is_secure=False, upgrades=False):
        self.ask = ask
        self.is_secure = is_secure
        self.upgrades = upgrades


KINDS = {
    "small": Kind(get("/small", 128)),
    "asset": Kind(get("/assets/site.css", 4096)),
    "json": Kind(get("/json", len(JSON))),
    "chunked": Kind(get("/chunked", 4000)),
    "post": Kind(post(250)),
    "upload": Kind(post(40_000)),
    "large": Kind(get("/large", 50_000)),
    "large asset": Kind(get("/assets/desk.js", 100_000)),
    "gzip": Kind(compressed),
    "tls": Kind(get("/small", 128), is_secure=True),
    "tls asset": Kind(get("/assets/site.css", 4096), is_secure=True),
    "websocket": Kind(say, upgrades=True),
}


class Site:
    """A proxy that takes requests of every kind, and one connection for each that was asked for."""

    def __init__(self, martlet, origin, folder, access="off", env=None):
        authority = Authority(folder)
        certificate, key = authority.issue("site.test")
        assets = folder / "assets"
        assets.mkdir()
        (assets / "site.css").write_bytes(b"x" * 4096)
        (assets / "desk.js").write_bytes(b"x" * 100_000)
        self._trust = authority.trust()
        self.proxy = martlet(
            CONFIGURATION, certificate=certificate, key=key, web=origin(serve), assets=assets, access=access, env=env)
        self._clients = {}

    def ask(self, kind, count):
        """Asks for `count` of a kind, one after the other."""
        kind = KINDS[kind]
        client = self._clients.get(kind) or self._clients.setdefault(kind, self._connect(kind))
        for _ in range(count):
            kind.ask(client)

    def _connect(self, kind):
        plain, secure = self.proxy.addresses
        client = SecureClient(secure, self._trust) if kind.is_secure else Client(plain)
        if kind.upgrades:
            client.write("GET", "/socket", UPGRADE)
            assert client.read_response_head().status == 101
        return client

    def close(self):
        for client in self._clients.values():
            client.close()

    def thread(self, name):
        """The number of the proxy's thread of that name."""
        return until(lambda: self._find_thread(name), f"a thread {name}")

    def _find_thread(self, name):
        for task in Path(f"/proc/{self.proxy.pid}/task").iterdir():
            try:
                if (task / "comm").read_text().rstrip("\n") == name:
                    return int(task.name)
            except OSError:
                pass  # It has just ended.
        return None
