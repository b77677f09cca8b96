"""The PROXY protocol: balancers that pass bytes on say in front of them whose connection it is."""

import signal
import socket
import ssl
import struct
import time

import pytest

from support.origin import answer
from support.process import completed
from support.tls import SecureClient
from support.waiting import PATIENCE, until
from support.wire import Client

# The balancer is 127.0.0.1; everybody else is a client like others.
SITE = """
listen: [{address: "127.0.0.1:0", proxy_protocol: $senders $tls}]
trusted_proxies: [$trusted]
timeouts: {handshake: $handshake}
pools: {web: {servers: [$web]}}
routes:
  - match: {prefix: /limited}
    limits: [{rate: 1/h, burst: 1}]
    respond: {status: 200, body: yours}
  - match: {prefix: /}
    proxy: web
"""
LINE = b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n"
CLIENT = "203.0.113.9"
STRANGER = "127.0.0.2"


def binary(source=CLIENT, command=1, family=0x11, fields=b""):
    """A header of version 2."""
    version = socket.AF_INET6 if ":" in source else socket.AF_INET
    ends = socket.inet_pton(version, source) * 2 + struct.pack("!HH", 40000, 443) if family else b""
    rest = ends + fields
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x20 | command, family, len(rest)) + rest


HEADERS = {"version 1": LINE, "version 2": binary(), "with fields": binary(fields=b"\x04\0\x03abc\xee\0\0")}
BROKEN = {
    "a request": b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n",
    "TLS": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
    "another family": LINE.replace(b"TCP4", b"TCP6"),
    "no address": b"PROXY TCP4 localhost 192.0.2.1 1 2\r\n",
    "too long a line": b"PROXY UNKNOWN " + b"x" * 100,
    "a command that is none": binary(command=2),
    "a length that is too short": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x04\1\2\3\4",
    "a length beyond 4096": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
    "TLS that is longer than the header": binary(fields=b"\x20\xff\xff\1\0\0\0\0"),
    "TLS with a field that is longer": binary(fields=b"\x20\0\x08\1\0\0\0\0\x21\0\1x"),
    "a sum that is wrong": binary(fields=b"\x03\0\x04\0\0\0\0"),
}


@pytest.fixture
def site(martlet, origin, pair):
    """Starts a proxy that expects the header, in front of TLS or of plain HTTP."""

    def start(secure=False, senders="{from: [127.0.0.1]}", trusted="192.0.2.0/24", handshake="10s", web=None):
        tls = f", tls: {{certificate: {pair[0]}, key: {pair[1]}}}" if secure else ""
        return martlet(
            SITE, senders=senders, tls=tls, trusted=trusted, handshake=handshake, web=web or origin(says_who))

    return start


@pytest.fixture
def connect(authority):
    """Connects with something in front of all else, over TLS or not."""
    clients = []

    def start(proxy, preface, secure=False, **more):
        if secure:
            clients.append(SecureClient(proxy.address, authority.trust(), preface=preface, **more))
        else:
            clients.append(Client(proxy.address, **more))
            clients[-1].send(preface)
        return clients[-1]

    yield start
    for client in clients:
        client.close()


def says_who(stream, request):
    stream.send(answer(request.headers["X-Forwarded-For"].encode()))
    return True


def refused(proxy):
    return proxy.metrics()["martlet_http_refused_total"].value()


def ended(client):
    """Waits for the end; returns what came before it."""
    try:
        return client.read_to_end()
    except ConnectionResetError:
        return b""


# Whose connection it is.


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_the_address_in_the_header_is_the_clients(site, connect, header, secure):
    proxy = site(secure)
    client = connect(proxy, header, secure)
    for _ in range(3):
        assert client.get("/").body == CLIENT.encode()
    assert {record["client"] for record in proxy.log_lines(3)} == {CLIENT}
    assert refused(proxy) == 0


def test_addresses_of_version_6_are_told_too(site, connect):
    proxy = site()
    assert connect(proxy, b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n").get("/").body == b"2001:db8::7"
    assert connect(proxy, binary("2001:db8::8", family=0x21)).get("/").body == b"2001:db8::8"


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize(
    "header", [b"PROXY UNKNOWN\r\n", binary(command=0, family=0), binary(family=0)], ids=["UNKNOWN", "LOCAL", "UNSPEC"])
def test_a_balancer_that_speaks_for_itself_is_the_client(site, connect, header, secure):
    assert connect(site(secure), header, secure).get("/").body == b"127.0.0.1"


def test_what_the_client_says_of_itself_is_believed_as_far_as_its_own_address_is(site, connect):
    claim = {"X-Forwarded-For": "198.51.100.4"}
    proxy = site(trusted="127.0.0.1")
    assert connect(proxy, LINE).get("/", claim).body == CLIENT.encode()
    proxy = site(trusted=CLIENT)
    assert connect(proxy, LINE).get("/", claim).body == f"198.51.100.4, {CLIENT}".encode()
    assert proxy.log_lines(1)[0]["client"] == "198.51.100.4"


def says_how(stream, request):
    stream.send(answer(request.headers["X-Forwarded-Proto"].encode()))
    return True


# PP2_TYPE_SSL: flags, what became of the client's certificate, and the version.
OVER_TLS = b"\x20\0\x0f\x01\0\0\0\0\x21\0\x07TLSv1.3"
OVER_TCP = b"\x20\0\x05\0\0\0\0\0"


def test_who_spoke_tls_with_the_balancer_came_by_https(site, origin, connect):
    proxy = site(web=origin(says_how))
    for fields, scheme in ((OVER_TLS, b"https"), (OVER_TCP, b"http"), (b"", b"http")):
        client = connect(proxy, binary(fields=fields))
        for _ in range(2):
            assert client.get("/").body == scheme
    # Another one that is not believed says it in vain.
    client = connect(proxy, binary(fields=OVER_TLS), source=STRANGER)
    assert client.get("/").status == 400
    # What comes by TLS does so whatever the balancer has seen of it.
    assert connect(site(True, web=origin(says_how)), binary(fields=OVER_TCP), True).get("/").body == b"https"


def test_who_spoke_tls_with_the_balancer_is_not_sent_to_https(martlet, connect):
    proxy = martlet(
        "listen: [{address: '127.0.0.1:0', proxy_protocol: {from: [127.0.0.1]}, redirect: https}]\n"
        "routes: [{respond: {status: 200, body: site}}]\n")
    assert connect(proxy, binary(fields=OVER_TLS)).get("/").body == b"site"
    assert connect(proxy, binary(fields=OVER_TCP)).get("/").status == 308


def test_limits_count_each_client_behind_the_balancer_by_itself(site, connect):
    proxy = site()
    first = connect(proxy, LINE)
    assert [first.get("/limited").status for _ in range(2)] == [200, 429]
    assert connect(proxy, LINE).get("/limited").status == 429
    assert connect(proxy, binary("203.0.113.10")).get("/limited").status == 200


def test_without_addresses_of_its_own_the_trusted_proxies_are_meant(site, connect):
    proxy = site(senders="on", trusted="127.0.0.1")
    assert connect(proxy, LINE).get("/").body == CLIENT.encode()


# How the header comes.


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_may_come_byte_by_byte(site, connect, header):
    proxy = site()
    client = connect(proxy, b"")
    for i in range(len(header)):
        client.send(header[i : i + 1])
    assert client.get("/").body == CLIENT.encode()


def test_a_header_may_come_with_the_request_behind_it(site, connect):
    request = b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n"
    client = connect(site(), LINE + request + request)
    assert [client.read_response().body for _ in range(2)] == [CLIENT.encode()] * 2


def test_a_header_may_come_with_the_hello_of_tls_behind_it(site, authority):
    proxy = site(secure=True)
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = authority.trust().wrap_bio(coming, going, server_hostname="site.test")

    def step(work):
        while True:
            try:
                return work()
            except ssl.SSLWantReadError:
                stream.sendall(going.read())
                coming.write(stream.recv(1 << 16))

    with socket.create_connection(proxy.address, timeout=PATIENCE) as stream:
        going.write(LINE)
        step(session.do_handshake)
        session.write(b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n")
        assert step(lambda: session.read(1 << 16)).endswith(CLIENT.encode())


# What is refused.


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN.keys())
def test_a_balancer_that_sends_no_header_is_not_answered(site, connect, sent, secure):
    proxy = site(secure)
    client = connect(proxy, sent)
    assert ended(client) == b""
    record = proxy.log_lines(1)[0]
    assert (record["status"], record["reason"], record["client"]) == (400, "refused:proxy_header", "127.0.0.1")
    assert refused(proxy) == 1
    assert connect(proxy, LINE, secure).get("/").status == 200


def test_a_header_that_is_cut_is_none(site, connect):
    proxy = site()
    client = connect(proxy, LINE[:20])
    client.shutdown_sending()
    assert ended(client) == b""
    assert proxy.log_lines(1)[0]["reason"] == "refused:proxy_header"


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("sent", [b"", LINE[:20], binary()[:14]], ids=["nothing", "half a line", "half a header"])
def test_a_header_has_its_time(site, connect, sent, secure):
    proxy = site(secure, handshake="1s")
    start = time.monotonic()
    client = connect(proxy, sent)
    assert ended(client) == b""
    assert time.monotonic() - start > 0.9


def test_a_port_that_is_only_looked_at_is_no_fault(site, connect):
    proxy = site()
    connect(proxy, b"").close()
    until(lambda: proxy.metrics()["martlet_connections"].value(side="client") == 0, "it has gone")
    connect(proxy, LINE).get("/")
    assert len(proxy.log_lines(1)) == 1
    assert refused(proxy) == 0


# Who is not believed.


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_others_are_served_under_their_own_address(site, connect, secure):
    client = connect(site(secure), b"", secure, source=STRANGER)
    assert client.get("/").body == STRANGER.encode()


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_nobody_else_takes_another_address(site, connect, header):
    proxy = site()
    client = connect(proxy, header + b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n", source=STRANGER)
    assert client.read_response().status == 400
    record = proxy.log_lines(1)[0]
    assert (record["client"], record["reason"]) == (STRANGER, "refused:request")


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_nor_over_tls(site, connect, header):
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        connect(site(secure=True), header, secure=True, source=STRANGER)


def test_where_it_is_off_a_header_is_a_bad_request(site, connect):
    client = connect(site(senders="off"), LINE)
    assert client.read_response().status == 400


# The process.


def test_a_reload_changes_who_is_believed(site, connect):
    proxy = site(senders="{from: [192.0.2.7]}")
    assert connect(proxy, b"").get("/").body == b"127.0.0.1"
    proxy.file.write_text(proxy.file.read_text().replace("from: [192.0.2.7]", "from: [127.0.0.1]"))
    start = proxy.reload()
    proxy.stderr.wait_for("configuration reloaded", start=start)
    assert connect(proxy, LINE).get("/").body == CLIENT.encode()
    assert not [line for line in proxy.stderr.since(start) if "next start" in line]


def test_a_reload_that_takes_addresses_away_leaves_them_as_they_are(martlet, connect):
    text = "listen: [{$first}, {$second, proxy_protocol: {from: [127.0.0.1]}}]\nroutes: [{respond: {body: $body}}]\n"
    listen = "address: '127.0.0.1:0'"
    proxy = martlet(text, first=listen, second=listen, body="old")
    for body in ("new", "newer"):
        proxy.write(text.replace("{$first}, ", "").replace("from: [127.0.0.1]", "from: [192.0.2.7]"), second=listen, body=body)
        start = proxy.reload()
        proxy.stderr.wait_for("configuration reloaded", start=start)
        assert [line for line in proxy.stderr.since(start) if "listen has changed" in line]
        plain, behind = (Client(address) for address in proxy.addresses)
        with plain, behind:
            assert plain.get("/").body == body.encode()
            behind.send(LINE)
            assert behind.get("/").body == body.encode()


def test_connections_without_a_header_do_not_hold_up_the_end(martlet, connect):
    proxy = martlet(
        "listen: [{address: '127.0.0.1:0', proxy_protocol: {from: [127.0.0.1]}}]\n"
        f"shutdown: {{lame_duck: 0s, deadline: {PATIENCE:.0f}s}}\nroutes: [{{respond: 204}}]\n")
    waits, comes = connect(proxy, b""), connect(proxy, LINE[:20])
    until(lambda: proxy.metrics()["martlet_connections"].value(side="client") == 2, "both are in")
    start = time.monotonic()
    proxy.signal(signal.SIGTERM)
    proxy.stderr.wait_for("ending|shutting|draining")
    comes.send(LINE[20:])
    assert comes.get("/").status == 204
    assert ended(waits) == b""
    proxy.wait()
    assert time.monotonic() - start < PATIENCE / 2


# Real peers.


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize(
    "how", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id", "send-proxy-v2-ssl"])
def test_haproxy_tells_whose_connections_it_passes_on(site, connect, haproxy, how, secure):
    proxy = site(secure)
    balancer = haproxy(f"server martlet {proxy.address[0]}:{proxy.address[1]} check inter 100ms {how}")
    assert connect(balancer, b"", secure, source="127.0.0.7").get("/").body == b"127.0.0.7"
    assert connect(balancer, b"", secure, source="127.0.0.8").get("/").body == b"127.0.0.8"
    # Its own checks are no fault, either.
    assert refused(proxy) == 0


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_curl_tells_its_own_address(site, authority, secure):
    proxy = site(secure)
    port = proxy.address[1]
    done = completed([
        "curl", "--silent", "--show-error", "--haproxy-protocol", "--cacert", authority.certificate, "--resolve",
        f"site.test:{port}:127.0.0.1", f"{'https' if secure else 'http'}://site.test:{port}/",
    ])  # fmt: skip
    assert done.stdout == "127.0.0.1", done.stderr
