"""Everything at once: clients, servers and operators that do as they like for a few seconds, and what must hold."""

import json
import os
import random
import threading
import time

from support.origin import Origin, answer
from support.waiting import until
from support.wire import Client, Truncated, chunked

from test_sessions import SWITCH, UPGRADE

SECONDS = float(os.environ.get("SOAK_SECONDS", "8"))
SEED = int(os.environ.get("SOAK_SEED", random.randrange(1 << 30)))
CLIENTS = 24

PROXY = """
workers: 2
timeouts: {body: 2s, head: 2s, send: 5s}
buffers: {request: 16KiB, response: 16KiB}
pools:
  web:
    servers: [$web]
    capacity: 3
    queue: {requests: 40, timeout: 2s}
    strategy: $strategy
    ejection: {failures: 5, duration: 500ms}
    retries: {tries: 2, try_timeout: 300ms, budget: 50%}
    timeouts: {connect: 500ms, response: 2s, send: 2s}
    platform_page: {text: "<h1>stopped</h1>", statuses: 404}
    health: {path: /health, interval: 200ms, timeout: 300ms, rise: 1, fall: 1}
  free:
    servers: [$free]
    queue: {requests: 40, timeout: 2s}
    engine_io: {drain_window: 300ms}
    timeouts: {connect: 500ms, response: 2s}
routes:
  - {match: {prefix: /high}, proxy: {pool: web, priority: high}}
  - {match: {prefix: /low}, proxy: {pool: web, priority: low}}
  - {match: {prefix: /stream}, proxy: {pool: web, request_buffering: false, response_buffering: false}}
  - {match: {prefix: /limited}, limits: {in_flight: 2}, proxy: {pool: web, upgrade: [websocket]}}
  - {match: {prefix: /free}, proxy: {pool: free, upgrade: [websocket]}}
  - {match: {prefix: /inner}, internal: true, proxy: free}
  - {match: {prefix: /}, proxy: {pool: web, upgrade: [websocket]}}
"""
TARGETS = ["/", "/high", "/low", "/stream", "/limited", "/free"]
POLL = "/free?EIO=4&transport=polling"


class Findings:
    """What has gone wrong, and which posts have come how often."""

    def __init__(self):
        self.lock = threading.Lock()
        self.posts = {}
        self.wrong = []
        self.statuses = {}

    def note_post(self, name):
        with self.lock:
            self.posts[name] = self.posts.get(name, 0) + 1

    def blame(self, what):
        with self.lock:
            self.wrong.append(what)

    def count(self, status):
        with self.lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1


class Server:
    """A server of changing mood, which goes down and comes up again on its port."""

    def __init__(self, name, findings, seed):
        self.name, self.findings, self.random = name, findings, random.Random(seed)
        self.mood, self.port, self.origin, self.all = "well", 0, None, []
        self.come_up()
        self.port = self.origin.address[1]

    def __str__(self):
        return f'{{address: "127.0.0.1:{self.port}", name: {self.name}}}'

    def come_up(self):
        """True when it is up; its port may have been taken for a moment."""
        if self.origin is None:
            try:
                self.origin = Origin(self.behave, name=self.name, port=self.port)
            except OSError:
                return False
            self.all.append(self.origin)
        return True

    def go_down(self):
        origin, self.origin = self.origin, None
        if origin is not None:
            threading.Thread(target=origin.close, daemon=True).start()
            until(lambda: origin._listener.fileno() < 0, "the listener is closed")

    def behave(self, stream, request):
        name = request.headers.get("X-Name")
        if name is None:
            stream.send(answer(b"ok", status="200 OK" if self.mood != "sick" else "500 Sick"))
            return True
        if request.body != (name.encode() * (len(request.body) // 16 + 1))[: len(request.body)]:
            self.findings.blame(f"{name}: another's body, {request.body[:60]!r}")
        if len(request.body) != int(request.headers["X-Length"]):
            self.findings.blame(f"{name}: {len(request.body)} bytes of {request.headers['X-Length']}")
        act = self.random.choice(self.wild if self.mood == "wild" else self.tame)
        if request.method == "POST" and act is not Server.page:
            self.findings.note_post(name)
        if "Upgrade" in request.headers and self.random.random() < 0.7:
            stream.send(SWITCH + b"\x81\x10" + name.encode())
            stream.socket.settimeout(1)
            stream.read_some()
            return False
        body = f"{name} {self.name}".encode()
        return act(self, stream, body, request.method == "HEAD")

    # How it answers; True when the connection may go on.

    def _send(self, stream, head, body, is_head):
        stream.send(f"HTTP/1.1 {head}\r\n\r\n".encode() + (b"" if is_head else body))

    def well(self, stream, body, is_head):
        self._send(stream, f"200 OK\r\nContent-Length: {len(body)}", body, is_head)
        return True

    def chunked(self, stream, body, is_head):
        self._send(stream, "200 OK\r\nTransfer-Encoding: chunked", chunked([body[:5], body[5:]]), is_head)
        return True

    def slow(self, stream, body, is_head):
        time.sleep(self.random.random() / 4)
        return self.well(stream, body, is_head)

    def busy(self, stream, body, is_head):
        self._send(stream, f"503 Busy\r\nContent-Length: {len(body)}", body, is_head)
        return self.random.random() < 0.5

    def page(self, stream, body, is_head):
        self._send(stream, "404 Not Found\r\nContent-Length: 16", b"<h1>stopped</h1>", is_head)
        return True

    def accel(self, stream, body, is_head):
        self._send(stream, "200 OK\r\nX-Accel-Redirect: /inner\r\nContent-Length: 0", b"", is_head)
        return True

    def reset(self, stream, body, is_head):
        stream.reset()
        return False

    def leave(self, stream, body, is_head):
        return False

    def half_a_head(self, stream, body, is_head):
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Le")
        return False

    def half_a_body(self, stream, body, is_head):
        self._send(stream, f"200 OK\r\nContent-Length: {len(body)}", body[:7], is_head)
        return False

    def interim(self, stream, body, is_head):
        stream.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        return self.well(stream, body, is_head)

    def large(self, stream, body, is_head):
        return self.well(stream, body * 20_000, is_head)

    def to_the_end(self, stream, body, is_head):
        stream.send(b"HTTP/1.0 200 OK\r\n\r\n" + (b"" if is_head else body))
        return False

    def nonsense(self, stream, body, is_head):
        stream.send(b"SSH-2.0-OpenSSH\r\n\r\n")
        return False

    tame = [well, chunked, slow]
    wild = [
        *tame, busy, page, accel, reset, leave, half_a_head, half_a_body, interim, large, to_the_end, nonsense,
    ]  # fmt: skip


class Visitor(threading.Thread):
    """A client that asks for anything, and leaves when it likes."""

    def __init__(self, address, findings, stop, seed):
        super().__init__(daemon=True)
        self.address, self.findings, self.stop, self.random = address, findings, stop, random.Random(seed)

    def run(self):
        while not self.stop.is_set():
            with Client(self.address, receive_buffer=self.random.choice([None, 2048])) as client:
                try:
                    while self.ask(client) and not self.stop.is_set():
                        pass
                except TimeoutError:
                    self.findings.blame("no answer")
                except (OSError, Truncated):
                    self.findings.count("cut")
                except AssertionError as failure:
                    self.findings.blame(repr(failure))

    def ask(self, client):
        """One request; whether the connection may have another."""
        r = self.random
        name = f"{r.getrandbits(64):016x}"
        method = r.choice(["GET"] * 6 + ["HEAD", "POST", "POST", "PUT"])
        target = r.choice([*TARGETS, POLL, f"{POLL}&sid={r.choice('abc')}"])
        size = r.choice([0, 5, 5000, 40_000, 200_000]) if method in ("POST", "PUT") else 0
        body = (name.encode() * (size // 16 + 1))[:size]
        headers = [("X-Name", name), ("X-Length", size)]
        version = "1.0" if r.random() < 0.1 else "1.1"
        if method == "GET" and r.random() < 0.1:
            headers += UPGRADE
        if size and version == "1.1" and r.random() < 0.5:
            body = [body[i : i + 4096] for i in range(0, size, 4096)]
        client.write(method, target, headers, body if size else None, version=version)
        whim = r.random()
        if whim < 0.05:
            client.reset()
            return False
        if whim < 0.1:
            time.sleep(whim)
            return False
        if whim < 0.13:
            client.shutdown_sending()
        response = client.read_response(method)
        self.findings.count(response.status)
        if response.status == 200 and method != "HEAD" and not response.body.startswith(name.encode()):
            self.findings.blame(f"{name}: another's answer, {response.body[:60]!r}")
        closes = response.headers.get("Connection") == "close" or response.framing == "close"
        return whim >= 0.13 and version == "1.1" and response.status != 101 and not closes


def is_at_rest(proxy):
    pools = json.loads(proxy.admin("/pools").body)["pools"]
    return all(p["waiting"] == 0 and all(s["in_flight"] == 0 for s in p["servers"]) for p in pools)


def processor_time(proxy):
    fields = open(f"/proc/{proxy.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_whatever_happens_nothing_is_lost_mixed_up_or_left_behind(martlet):
    print(f"SOAK_SEED={SEED}")
    r = random.Random(SEED)
    findings, stop = Findings(), threading.Event()
    servers = [Server(f"s{i}", findings, r.random()) for i in range(4)]
    web, free = servers[:3], servers[2:]

    def values():
        some = web if r.random() < 0.8 else r.sample(web, 2)
        strategy = r.choice(["round_robin", "least_requests", "random_two", "least_time"])
        return {"web": ", ".join(map(str, some)), "free": ", ".join(map(str, free)), "strategy": strategy}

    def order(server, what):
        pool = "web" if server in web else "free"
        proxy.admin(f"/pools/{pool}/servers/{server.name}/{what}", method="POST")

    proxy = martlet(PROXY, **values())
    visitors = [Visitor(proxy.address, findings, stop, r.random()) for _ in range(CLIENTS)]
    for visitor in visitors:
        visitor.start()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and proxy.exit_code is None:
        time.sleep(r.random() * 0.3)
        server, what = r.choice(servers), r.random()
        if what < 0.25:
            server.go_down()
        elif what < 0.5:
            server.come_up()
        elif what < 0.7:
            server.mood = r.choice(["well", "wild", "wild", "sick"])
        elif what < 0.85:
            proxy.write(PROXY, **values())
            proxy.reload()
        else:
            order(server, r.choice(["drain", "undrain"]))
    stop.set()
    for server in servers:
        server.mood = "well"
        until(server.come_up, f"{server.name} is up")
    for visitor in visitors:
        visitor.join(25)
    proxy.write(PROXY, strategy="round_robin", web=", ".join(map(str, web)), free=", ".join(map(str, free)))
    proxy.reload()
    for server in servers:
        order(server, "undrain")

    assert proxy.exit_code is None
    until(lambda: is_at_rest(proxy), "no request is counted any more")
    until(lambda: proxy.metrics()["martlet_tunnels"].value() == 0, "no tunnel is left")
    until(lambda: proxy.get("/high", [("X-Name", "0" * 16), ("X-Length", 0)]).status == 200, "it serves as before")
    for _ in range(6):
        assert proxy.get("/limited", [("X-Name", "0" * 16), ("X-Length", 0)]).status != 429, "a limit has kept a place"
    before = processor_time(proxy)
    time.sleep(1)
    assert processor_time(proxy) - before < 0.5, "it is busy with nothing"
    for server in servers:
        server.go_down()
    # A message may end early here, for clients leave in its middle; anything else is a fault.
    failures = [f for s in servers for o in s.all for f in o.failures if "ended within" not in str(f)]
    assert not findings.wrong and not failures, (findings.wrong[:5], failures[:5])
    assert not [name for name, count in findings.posts.items() if count > 1], "sent twice"
    assert findings.statuses.get(200, 0) > 100, findings.statuses
