"""Whoever breaks TLS in its middle, on either side, breaks a connection of its own and nothing else."""

import random
import signal
import ssl
import threading

import pytest

from support.origin import answer
from support.tls import SecureClient, SecureOrigin, hello, serving, shaking_hands
from support.waiting import until
from support.wire import Client

SITE = """
listen: [{address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key $more}}]
trusted_proxies: []
pools: {web: {servers: [$web]}}
routes: [{proxy: web}]
"""
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture
def site(martlet, pair):
    def start(web="127.0.0.1:1", more="", **values):
        return martlet(SITE, web=web, certificate=pair[0], key=pair[1], more=more, **values)

    return start


def settled(proxy, clients=0):
    """Nothing is left of all who have gone."""

    def is_settled():
        metrics = proxy.metrics()
        return (
            metrics["martlet_tls_handshakes_under_way"].value() == 0
            and metrics["martlet_connections"].value(side="client") == clients)

    until(is_settled, "all that was broken is gone")


# Clients.


@pytest.mark.parametrize("latest", VERSIONS)
def test_a_reset_in_any_phase_of_a_handshake_ends_one_connection(site, origin, authority, latest):
    proxy = site(origin())
    context = authority.trust(latest=latest)
    with SecureClient(proxy.address, context) as kept:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        first = hello(context.wrap_bio(incoming, outgoing, server_hostname="site.test"), outgoing)
        # Within the hello, and behind it while the answer comes.
        for count in (0, 1, 4, 5, 6, 9, 40, len(first) // 2, len(first) - 1, len(first)):
            for _ in range(5):
                client = Client(proxy.address)
                client.send(first[:count])
                client.reset()
        # Behind the server's flight, within one's own last, and behind that.
        for last in (0, 3, 30, -1, None):
            client, tls, go_on = shaking_hands(proxy, context)
            client.send(last_flight(client, tls, go_on)[:last])
            client.reset()
        settled(proxy, clients=1)
        assert kept.get("/").status == 200
    with SecureClient(proxy.address, context) as client:
        assert client.get("/").status == 200


def last_flight(client, tls, go_on):
    """What a client would send to end its handshake, held back."""
    held = []
    send, client.send = client.send, held.append
    read, client.read_some = client.read_some, lambda: held and held_back() or read()

    class Held(Exception):
        pass

    def held_back():
        raise Held

    try:
        go_on(tls.do_handshake)
    except Held:
        pass
    client.send, client.read_some = send, read
    return b"".join(held)


def test_hellos_that_come_in_pieces_and_broken_ones_do_not_meet(site, origin, authority):
    """Forty at once, each in pieces of its own; a byte of every other one is not what it was."""
    proxy = site(origin())
    dice = random.Random(7)
    context = authority.trust()
    clients = []
    for number in range(40):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="site.test")
        first = bytearray(hello(tls, outgoing))
        if number % 2:
            # The length of the handshake's message, which says that more or less is to come.
            first[dice.choice((0, 1, 5, 7, 8))] ^= 1 << dice.randrange(8)
        pieces = []
        while first:
            count = dice.choice((1, 2, 5, 50, 500))
            pieces.append(bytes(first[:count]))
            del first[:count]
        clients.append((number, Client(proxy.address), tls, incoming, outgoing, pieces))
    waiting = [client for client in clients for _ in client[5]]
    dice.shuffle(waiting)
    for number, client, _, _, _, pieces in waiting:
        try:
            client.send(pieces.pop(0))
        except (BrokenPipeError, ConnectionResetError):
            assert number % 2
    for number, client, tls, incoming, outgoing, _ in clients:
        if number % 2:
            client.socket.close()
            continue
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if sent := outgoing.read():
                    client.send(sent)
                incoming.write(client.read_some())
        client.socket.close()
    settled(proxy)
    with SecureClient(proxy.address, context) as client:
        assert client.get("/").status == 200


def told(stream, request):
    values = [v for n, v in request.headers.pairs if n.lower().replace("_", "-") == "x-forwarded-client-cert"]
    stream.send(answer("|".join(values).encode()))
    return True


@pytest.mark.parametrize("verify", ["required", "optional"])
def test_nobody_passes_for_another_by_a_field(site, origin, authority, verify):
    proxy = site(origin(told), more=f", clients: {{ca: {authority.certificate}, verify: {verify}}}")
    shown = authority.trust()
    shown.load_cert_chain(*authority.issue("clerk", name=f"clerk-{verify}"))
    contexts = [(shown, True)] + ([(authority.trust(), False)] if verify == "optional" else [])
    claim = "Hash=00;Subject=\"CN=boss\""
    for context, is_shown in contexts:
        for headers in (
            [("X-Forwarded-Client-Cert", claim)],
            [("x-forwarded-CLIENT-cert", claim), ("X-Forwarded-Client-Cert", claim)],
            [("X_Forwarded_Client_Cert", claim), ("X-Forwarded_Client-Cert", claim)],
            [("Forwarded", "for=1.2.3.4"), ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Client-Cert", claim)],
        ):
            with SecureClient(proxy.address, context) as client:
                body = client.get("/", headers).body
            assert b"boss" not in body and body.startswith(b"Hash=") == is_shown, (headers, body)
        # Whoever names it as one of the connection's own must not take away what we say.
        with SecureClient(proxy.address, context) as client:
            assert client.get("/", {"Connection": "close, X-Forwarded-Client-Cert"}).status == 400
        with SecureClient(proxy.address, context) as client:
            client.write("POST", "/", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Forwarded-Client-Cert")])
            client.send(f"1\r\nx\r\n0\r\nX-Forwarded-Client-Cert: {claim}\r\n\r\n")
            body = client.read_response("POST").body
        assert b"boss" not in body and body.startswith(b"Hash=") == is_shown


@pytest.mark.parametrize("latest", VERSIONS)
def test_hands_that_are_being_shaken_outlive_new_certificates(site, origin, authority, pair, latest):
    """What a handshake began with is there until it ends, whatever name it has asked for."""
    web = origin()
    first, second = authority.issue("other.test"), authority.issue("third.test")

    def more(certificate):
        return f", certificates: [{{certificate: {certificate[0]}, key: {certificate[1]}}}, " \
               f"{{certificate: {pair[0]}, key: {pair[1]}}}]"

    proxy = site(web, more=more(first))
    context = authority.trust(latest=latest)
    halves = [shaking_hands(proxy, context) for _ in range(20)]
    silent = proxy.connect()
    for number in range(4):
        values = {"web": web, "certificate": first[0], "key": first[1], "more": more(second if number % 2 else first)}
        proxy.write(SITE, **values)
        proxy.stderr.wait_for("configuration reloaded", start=proxy.reload())
    for client, tls, go_on in halves:
        go_on(tls.do_handshake)
        go_on(tls.write, b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n")
        assert go_on(tls.read, 1000).startswith(b"HTTP/1.1 200")
        client.close()
    silent.close()
    settled(proxy)


def test_a_shutdown_amid_a_storm_of_handshakes_ends_in_time(site, origin, authority):
    proxy = site(origin())
    done = threading.Event()
    context = authority.trust()
    answers, failures = [], []

    def storm():
        while not done.is_set():
            try:
                with SecureClient(proxy.address, context) as client:
                    answers.append(client.get("/").status)
            except ConnectionRefusedError:
                return
            except (OSError, AssertionError):
                pass  # Between the shutdown and its end connections may go before they are heard.
            except Exception as failure:
                failures.append(failure)

    threads = [threading.Thread(target=storm, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    halves = [shaking_hands(proxy, context) for _ in range(10)]
    until(lambda: len(answers) > 20, "answers have come")
    proxy.signal(signal.SIGTERM)
    assert proxy.wait(within=8) == 0
    done.set()
    for thread in threads:
        thread.join(10)
    assert set(answers) == {200} and not failures
    for client, _, _ in halves:
        client.close()


# Servers.

PROXY = """
pools:
  web:
    servers: ["$web"]
    retries: 0
    ejection: off
    keepalive: {requests: 1}
    tls: {ca: $ca}
    timeouts: {connect: 3s}
routes: [{proxy: web}]
"""


def at_once(stream):
    pass


def after_the_hello(stream):
    stream.read_some()


def by_reset(stream):
    stream.read_some()
    stream.reset()


def with_garbage(stream):
    stream.read_some()
    stream.send(bytes(range(256)) * 100)


def with_a_broken_record(stream):
    stream.read_some()
    stream.send(b"\x16\x03\x03\xff\xff" + bytes(70_000))


def with_an_alert(stream):
    stream.read_some()
    stream.send(b"\x15\x03\x03\0\2\2\x28")
    stream.read_some()


def with_half_a_server_hello(stream):
    stream.read_some()
    stream.send(b"\x16\x03\x03\0\x7a\x02\0\0\x76\x03\x03" + bytes(20))


@pytest.mark.parametrize("behave", [
    at_once, after_the_hello, by_reset, with_garbage, with_a_broken_record, with_an_alert, with_half_a_server_hello])
def test_a_server_that_breaks_its_handshake_is_a_502(martlet, origin, authority, behave):
    web = origin(connected=behave)
    proxy = martlet(PROXY, web=web, ca=authority.certificate)
    for _ in range(3):
        with Client(proxy.address) as client:
            assert client.get("/").status == 502
    proxy.stderr.wait_for(f"server {web}: ")
    metrics = proxy.metrics()
    assert metrics["martlet_upstream_connect_failures_total"].value(pool="web", server=str(web)) == 3
    until(lambda: proxy.metrics()["martlet_connections"].value(side="upstream") == 0, "none is left open")


def test_a_certificate_that_expires_meanwhile_is_not_believed(martlet, authority, pair):
    expired = authority.issue("127.0.0.1", days=-1, start_days=-9)
    context = serving(*pair)
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    web = SecureOrigin(context)
    try:
        proxy = martlet(PROXY, web=web, ca=authority.certificate)
        assert proxy.get("/").status == 200
        context.load_cert_chain(*expired)
        assert proxy.get("/").status == 502
        proxy.stderr.wait_for(f"server {web}: certificate expired on")
        context.load_cert_chain(*pair)
        assert proxy.get("/").status == 200
    finally:
        web.close()


# What is cut short between them.

RELAY = """
listen: [{address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key}}]
pools: {web: {servers: ["$web"], retries: 0, tls: {ca: $ca}, timeouts: {response: 1s}}}
routes:
  - match: {prefix: /}
    proxy: {pool: web, upgrade: [websocket], response_buffering: $buffering}
shutdown: {lame_duck: 0s, deadline: 1s}
"""
HEAD = b"HTTP/1.1 200 OK\r\n"
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


def until_left(stream):
    while stream.read_some():
        pass


@pytest.mark.parametrize("version, buffering", [("1.0", "false"), ("1.1", "true")])
@pytest.mark.parametrize("begin, then", [
    (HEAD + b"Content-Length: 100\r\n\r\nhalf", None),
    (HEAD + b"Content-Length: 100\r\n\r\nhalf", Client.reset),
    (HEAD + b"Content-Length: 100\r\n\r\nhalf", until_left),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", None),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", until_left),
    # The connection's end alone tells the body's: without close_notify it is a cut.
    (HEAD + b"\r\nhalf", None),
    (HEAD + b"\r\nhalf", Client.reset),
    (HEAD + b"\r\nhalf", until_left),
    (SWITCH + b"half", None),
    (SWITCH + b"half", Client.reset),
], ids=[
    "length cut", "length reset", "length late", "chunks cut", "chunks late", "end cut", "end reset", "end late",
    "tunnel cut", "tunnel reset"])
def test_what_is_cut_is_never_ended_in_good_order(martlet, authority, pair, begin, then, version, buffering):
    """Held back, it may become an answer of its own; passed on, it ends without close_notify."""
    def serve(stream, request):
        stream.send(begin)
        if then:
            then(stream)

    web = SecureOrigin(serving(*pair), serve)
    try:
        proxy = martlet(
            RELAY, web=web, ca=authority.certificate, certificate=pair[0], key=pair[1], buffering=buffering)
        with SecureClient(proxy.address, authority.trust()) as client:
            if begin.startswith(SWITCH):
                client.write("GET", "/", UPGRADE)
            else:
                client.write("GET", "/", version=version)
            heard = b""
            with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
                while data := client.read_some():
                    heard += data
                # Whoever has all of an answer that says its length may be told an end.
                if heard.startswith((b"HTTP/1.1 502", b"HTTP/1.1 504")):
                    raise ssl.SSLEOFError
    finally:
        web.close()


def test_an_answer_that_a_shutdown_cuts_ends_without_close_notify(martlet, authority, pair):
    def serve(stream, request):
        stream.send(HEAD + b"\r\nhalf")
        until_left(stream)

    web = SecureOrigin(serving(*pair), serve)
    try:
        proxy = martlet(
            RELAY.replace("response: 1s", "response: 60s"), web=web, ca=authority.certificate, certificate=pair[0],
            key=pair[1], buffering="false")
        with SecureClient(proxy.address, authority.trust()) as client:
            client.write("GET", "/")
            while b"half" not in client.read_some():
                pass
            proxy.signal(signal.SIGTERM)
            with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
                while client.read_some():
                    pass
        proxy.expect_exit(proxy.wait())
    finally:
        web.close()
