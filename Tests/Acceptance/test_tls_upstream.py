"""TLS towards servers: whom we believe, and what a cut is."""

import socket
import ssl
import threading

import pytest

from support.martlet import command
from support.origin import answer
from support.process import Process
from support.tls import Authority, serving
from support.waiting import until
from support.wire import Client, Truncated

PROXY = """
pools:
  web:
    servers: [$servers]
    retries: 0
    ejection: off
    tls: $tls
    $more
routes:
  - match: {prefix: /}
    proxy: {pool: web, upgrade: [websocket], response_buffering: false}
"""


@pytest.fixture
def proxy_to(martlet, authority):
    def start(*servers, tls=None, more="", **values):
        return martlet(
            PROXY, servers=", ".join(f'"{s}"' for s in servers), tls=tls or f"{{ca: {authority.certificate}}}",
            more=more, **values)

    return start


def test_requests_pass_over_one_kept_connection(proxy_to, secure_origin, pair):
    web = secure_origin(serving(*pair))
    proxy = proxy_to(web)
    with Client(proxy.address) as client:
        for _ in range(5):
            assert client.get("/").status == 200
    assert web.connections == 1
    # An address is no name to ask for.
    assert web.names == [None]


@pytest.mark.parametrize("latest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_new_connection_resumes_the_session(proxy_to, secure_origin, pair, latest):
    web = secure_origin(serving(*pair, latest=latest))
    proxy = proxy_to(web, more="keepalive: {requests: 1}")
    for _ in range(3):
        assert proxy.get("/").status == 200
    assert web.resumed == [False, True, True]


def test_large_bodies_pass_whole(proxy_to, secure_origin, pair):
    def echo(stream, request):
        stream.send(answer(request.body))
        return True

    proxy = proxy_to(secure_origin(serving(*pair), echo))
    body = bytes(range(256)) * 20_000
    with Client(proxy.address) as client:
        for _ in range(3):
            assert client.ask("POST", "/", body=body).body == body


def test_an_upgrade_passes(proxy_to, secure_origin, pair):
    def upgrade(stream, request):
        stream.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        while data := stream.read_some():
            stream.send(data)

    proxy = proxy_to(secure_origin(serving(*pair), upgrade))
    with Client(proxy.address) as client:
        client.write("GET", "/", [
            ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")])
        assert client.read_response("GET").status == 101
        for size in (1, 100, 100_000):
            client.send(bytes(size))
            assert client.read_exactly(size) == bytes(size)


# Whom we believe.


def faults(authority, tmp_path):
    other = tmp_path / "other"
    other.mkdir(exist_ok=True)
    yield "wrong name", authority.issue("other.test"), r"certificate is for other.test$"
    yield "wildcard", authority.issue("*.test", "10.0.0.1"), r"certificate is for \*.test$"
    yield "expired", authority.issue("127.0.0.1", days=-1, start_days=-9), r"certificate expired on 20\d\d-\d\d-\d\d$"
    yield "early", authority.issue("127.0.0.1", days=9, start_days=5), r"certificate is not valid before 20\d\d-"
    yield "unknown", Authority(other).issue("127.0.0.1"), r"certificate is of an authority that is not trusted$"
    yield "itself", authority.issue("127.0.0.1", issuer=None, name="itself"), r"certificate has signed itself, and is not trusted$"


def test_each_fault_of_a_server_is_said(proxy_to, secure_origin, authority, tmp_path):
    for name, pair, problem in faults(authority, tmp_path):
        web = secure_origin(serving(*pair))
        proxy = proxy_to(web)
        assert proxy.get("/").status == 502, name
        proxy.stderr.wait_for(f"server {web}: {problem}")
        until(lambda: web.refused, f"the server is told: {name}")
        assert not web.requests, name
        assert proxy.metrics()["martlet_upstream_connect_failures_total"].value(pool="web", server=str(web)) == 1
        # Told not to look, it believes anybody.
        assert proxy_to(web, tls="{verify: false}").get("/").status == 200, name


def test_a_subject_without_subject_alternative_names_is_not_believed(proxy_to, secure_origin, authority):
    certificate, key = authority._sign(
        "common", "/CN=site.test", "root", "basicConstraints=CA:FALSE")
    web = secure_origin(serving(certificate, key))
    proxy = proxy_to(web, tls=f"{{ca: {authority.certificate}, server_name: site.test}}")
    assert proxy.get("/").status == 502
    proxy.stderr.wait_for("certificate is for no name")


def test_a_server_may_be_known_by_another_name(proxy_to, secure_origin, authority):
    web = secure_origin(serving(*authority.issue("*.site.test", "w*.other.test", name="wild")))
    for name, status in (
        ("erp.site.test", 200), ("ERP.Site.Test", 200), ("a.b.site.test", 502), ("site.test", 502), ("www.other.test", 502),
    ):  # fmt: skip
        proxy = proxy_to(web, tls=f"{{ca: {authority.certificate}, server_name: {name}}}")
        assert proxy.get("/").status == status, name
        assert web.names[-1].lower() == name.lower()


def test_a_host_is_asked_for_by_its_name(proxy_to, secure_origin, authority):
    web = secure_origin(serving(*authority.issue("localhost")))
    proxy = proxy_to(f"localhost:{web.address[1]}")
    until(lambda: proxy.get("/").status == 200, "the name is resolved")
    assert web.names[-1] == "localhost"


def test_the_system_decides_where_no_authority_is_named(proxy_to, secure_origin, pair, authority):
    web = secure_origin(serving(*pair))
    assert proxy_to(web, tls="on").get("/").status == 502
    assert proxy_to(web, tls="on", env={"SSL_CERT_FILE": str(authority.certificate)}).get("/").status == 200


def test_a_server_that_asks_is_shown_who_we_are(proxy_to, secure_origin, pair, authority):
    web = secure_origin(serving(*pair, clients=authority.certificate))
    proxy = proxy_to(web)
    assert proxy.get("/").status == 502
    certificate, key = authority.issue("martlet.test")
    own = f"{{ca: {authority.certificate}, client_certificate: {{certificate: {certificate}, key: {key}}}}}"
    assert proxy_to(web, tls=own).get("/").status == 200


def test_a_server_that_speaks_plain_http_is_not_asked(proxy_to, origin):
    def reply(stream):
        stream.read_some()
        stream.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    web = origin(connected=reply)
    proxy = proxy_to(web)
    assert proxy.get("/").status == 502
    proxy.stderr.wait_for(f"server {web}: ")


def test_a_server_that_does_not_shake_hands_is_given_up(proxy_to, origin):
    def silent(stream):
        while stream.read_some():
            pass

    proxy = proxy_to(origin(connected=silent), more="timeouts: {connect: 500ms}")
    assert proxy.get("/").status == 504


# What a cut is.


def close_delimited(ends_well):
    def behave(stream, request):
        stream.send(b"HTTP/1.1 200 OK\r\n\r\nhalf of it?")
        if ends_well:
            stream.socket.unwrap()

    return behave


def test_an_answer_that_ends_without_close_notify_was_cut(proxy_to, secure_origin, pair):
    """Anybody on the way can end a connection; nobody else can say close_notify."""
    proxy = proxy_to(secure_origin(serving(*pair), close_delimited(True)))
    assert proxy.get("/").body == b"half of it?"
    proxy = proxy_to(secure_origin(serving(*pair), close_delimited(False)))
    with pytest.raises((Truncated, ConnectionResetError)):
        proxy.get("/")
    with Client(proxy.address) as client:
        client.write("GET", "/", version="1.0")
        with pytest.raises(ConnectionResetError):
            client.read_to_end()


def test_an_idle_connection_is_ended_with_close_notify(proxy_to, secure_origin, pair):
    ends = []

    def serve(stream):
        stream.read_request()
        stream.send(answer())
        ends.append(stream.read_some())  # An SSLEOFError without close_notify.

    web = secure_origin(serving(*pair), connected=serve)
    proxy = proxy_to(web, more="keepalive: {idle: 1s}")
    assert proxy.get("/").status == 200
    until(lambda: ends == [b""], "the idle connection has been ended")


def test_checks_speak_tls_and_say_what_fails(proxy_to, secure_origin, pair, authority):
    check = "health: {path: /, interval: 100ms, timeout: 2s, jitter: 0%}"
    web = secure_origin(serving(*pair))
    proxy = proxy_to(web, more=check)
    proxy.wait_ready()
    web = secure_origin(serving(*authority.issue("other.test")))
    proxy = proxy_to(web, more=check)
    proxy.stderr.wait_for("certificate is for other.test")
    assert not proxy.is_ready()


def test_openssl_s_server_is_understood(proxy_to, pair, tmp_path):
    (tmp_path / "page").write_text("from openssl")
    server = openssl_server(pair, tmp_path)
    try:
        address = server.stdout.wait_for(r"ACCEPT (127.0.0.1:\d+)")[0][1]
        # It ends its answers by close_notify and says no length.
        assert proxy_to(address).get("/page").body == b"from openssl"
    finally:
        server.kill()


def openssl_server(pair, folder, *options):
    return Process(
        ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", pair[0], "-cert_chain", pair[0],
         "-key", pair[1], "-WWW", *options], cwd=folder)


@pytest.mark.parametrize("spoken, alpn, status", [
    ("http/1.1", "[http/1.1]", 200), ("h2,http/1.1", "http/1.1", 200), ("h2", "[]", 200), ("h2", "[http/1.1]", 502)])
def test_servers_are_told_what_is_spoken(proxy_to, pair, authority, tmp_path, spoken, alpn, status):
    (tmp_path / "page").write_text("from openssl")
    server = openssl_server(pair, tmp_path, "-alpn", spoken)
    try:
        address = server.stdout.wait_for(r"ACCEPT (127.0.0.1:\d+)")[0][1]
        tls = f"{{ca: {authority.certificate}, alpn: {alpn}}}"
        check = "health: {path: /page, interval: 100ms, timeout: 5s, jitter: 0%}"
        proxy = proxy_to(address, tls=tls)
        assert proxy.get("/page").status == status
        checked = proxy_to(address, tls=tls, more=check)
        if status == 200:
            checked.wait_ready()
        else:
            problem = "handshake failed: none of the protocols that are offered is spoken"
            proxy.stderr.wait_for(f"server {address}: {problem}")
            checked.stderr.wait_for(problem)
    finally:
        server.kill()


class Asking:
    """An openssl server of TLS 1.2 whose every word is the test's, and which can ask for another handshake."""

    def __init__(self, pair):
        self._process = Process(
            ["openssl", "s_server", "-tls1_2", "-accept", "127.0.0.1:0", "-cert", pair[0], "-cert_chain", pair[0],
             "-key", pair[1]], is_told=True)
        self.address = self._process.stdout.wait_for(r"ACCEPT (127.0.0.1:\d+)")[0][1]
        self.say = self._process.tell
        self.kill = self._process.kill

    def wait_for(self, request):
        self._process.stdout.wait_for(f"^{request} HTTP")

    def ask(self, command):
        """r asks for a handshake, R for one with a certificate. Told no, openssl ends the connection."""
        start = len(self._process.stderr)
        self.say(command + b"\n")
        self._process.stderr.wait_for("ssl3_read_bytes:no renegotiation", start=start)


@pytest.fixture
def asking(pair):
    server = Asking(pair)
    yield server
    server.kill()


@pytest.mark.parametrize("command", [b"r", b"R"])
def test_a_server_that_asks_an_idle_connection_for_a_handshake_loses_it_and_no_request(proxy_to, asking, command):
    proxy = proxy_to(asking.address)
    with Client(proxy.address) as client:
        for number in (1, 2, 3):
            client.write("POST", f"/{number}", body=b"")
            asking.wait_for(f"POST /{number}")
            asking.say(answer(b"hello"))
            assert client.read_response("POST").body == b"hello"
            asking.ask(command)


WITH_BACKUP = """
pools:
  web:
    servers: ["$asking", {address: "$backup", backup: true}]
    ejection: off
    tls: {ca: $ca}
routes: [{proxy: web}]
"""


@pytest.mark.parametrize("command", [b"r", b"R"])
def test_a_server_that_asks_for_a_handshake_within_an_answer_cuts_it(
        martlet, asking, secure_origin, authority, pair, command):
    backup = secure_origin(serving(*pair))
    proxy = martlet(WITH_BACKUP, asking=asking.address, backup=backup, ca=authority.certificate)
    # What may be sent twice is; half of a short answer was held.
    for number, half in enumerate((b"", answer(b"hello")[:-2])):
        with Client(proxy.address) as client:
            client.write("GET", f"/{number}")
            asking.wait_for(f"GET /{number}")
            if half:
                asking.say(half)
            asking.ask(command)
            assert client.read_response("GET").status == 200
            assert len(backup.requests) == number + 1
    with Client(proxy.address) as client:
        client.write("POST", "/2", body=b"")
        asking.wait_for("POST /2")
        asking.ask(command)
        assert client.read_response("POST").status == 502
    # A long one is cut where everybody sees it.
    whole = answer(b"x" * 200_000)
    with Client(proxy.address) as client:
        client.write("GET", "/3")
        asking.wait_for("GET /3")
        asking.say(whole[:100_000])
        assert client.read_exactly(50_000)
        asking.ask(command)
        with pytest.raises((Truncated, ConnectionResetError)):
            client.read_exactly(len(whole))
    assert len(backup.requests) == 2


def relay(path):
    """Passes bytes to and from a Unix socket, where nginx listens."""

    def pump(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def connected(stream):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(path)
            back = threading.Thread(target=pump, args=(peer, stream.socket), daemon=True)
            back.start()
            pump(stream.socket, peer)
            peer.shutdown(socket.SHUT_RDWR)
            back.join()

    return connected


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_nginx_is_understood(proxy_to, nginx, origin, pair, tmp_path, version):
    content = bytes(range(256)) * 8000
    (tmp_path / "file").write_bytes(content)
    peer = nginx(
        f"ssl on; ssl_certificate {pair[0]}; ssl_certificate_key {pair[1]}; ssl_protocols {version};\n"
        f"location / {{ root {tmp_path}; }}\n"
        "location /who { return 200 $ssl_protocol:$ssl_session_reused; }")
    proxy = proxy_to(origin(connected=relay(peer.address)), more="keepalive: {requests: 2}")
    seen = [proxy.get("/who").body.decode() for _ in range(6)]
    assert seen == [f"{version}:."] * 2 + [f"{version}:r"] * 4
    assert proxy.get("/file").body == content


def test_what_is_wrong_with_files_is_said_where_they_are_named(pair, authority, tmp_path):
    (tmp_path / "rubbish").write_text("x")
    for tls, problem in (
        (f"{{ca: {tmp_path}/none}}", "none cannot be read: no such file or directory"),
        (f"{{ca: {tmp_path}/rubbish}}", "rubbish has no certificate in PEM form"),
        (f"{{client_certificate: {{certificate: {pair[0]}, key: {authority.folder}/root-key.pem}}}}", "is not the key of"),
        ("{server_name: 'a b'}", "is not a host"),
        ("{server_name: .site.test}", "is not a host"),
        ("{alpn: [h2]}", "write http/1.1: Martlet speaks HTTP/1.1 with them"),
    ):
        file = tmp_path / "martlet.yaml"
        file.write_text(
            f"listen: 127.0.0.1:0\npools: {{web: {{servers: ['127.0.0.1:1'],\n  tls: {tls}}}}}\nroutes: [{{proxy: web}}]\n")
        done = command("check", file)
        assert done.returncode == 78 and problem in done.stderr and ":3:" in done.stderr, done.stderr
