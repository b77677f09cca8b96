"""TLS towards clients: what is agreed on, what is shown, and how connections end."""

import array
import asyncio
import fcntl
import os
import random
import signal
import socket
import ssl
import termios
import threading
import time

import aiohttp
import pytest

from support.martlet import ROOT, command
from support.origin import answer
from support.process import completed
from support.tls import Authority, SecureClient, openssl, replace, serial, shaking_hands
from support.waiting import running, until
from support.wire import Client, ask

SITE = """
listen: [{address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key $more}}]
timeouts: {handshake: $handshake}
pools: {web: {servers: [$web]}}
routes:
  - match: {prefix: /files}
    files: {alias: $files}
  - match: {prefix: /}
    proxy: {pool: web, upgrade: [websocket]}
"""


@pytest.fixture
def site(martlet, authority, pair, tmp_path):
    """Starts a proxy that speaks TLS."""

    def start(web="127.0.0.1:1", certificate=pair[0], key=pair[1], more="", handshake="10s", **values):
        return martlet(
            SITE, web=web, certificate=certificate, key=key, more=more, files=tmp_path, handshake=handshake, **values)

    return start


@pytest.fixture
def connect(authority):
    """Connects to a proxy over TLS."""
    clients = []

    def start(proxy, host="site.test", session=None, **more):
        context = more.pop("context", None) or authority.trust(**more)
        clients.append(SecureClient(proxy.address, context, host=host, session=session))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


def says_https(stream, request):
    stream.send(answer(request.headers["X-Forwarded-Proto"].encode()))
    return True


# What is agreed on.


def test_requests_are_answered_over_kept_connections(site, origin, connect):
    client = connect(site(origin(says_https)))
    assert client.socket.version() == "TLSv1.3"
    assert client.socket.selected_alpn_protocol() == "http/1.1"
    for _ in range(3):
        assert client.get("/").body == b"https"


def test_a_large_body_passes_whole_both_ways(site, origin, connect):
    def echo(stream, request):
        stream.send(answer(request.body))
        return True

    client = connect(site(origin(echo)))
    body = bytes(range(256)) * 12_000
    assert client.ask("POST", "/", body=body).body == body
    assert client.ask("POST", "/", body=[body[:100_000]] * 5).body == body[:100_000] * 5


def test_files_are_sent_whole_and_in_ranges(site, connect, tmp_path):
    content = bytes(range(256)) * 20_000
    (tmp_path / "big.bin").write_bytes(content)
    (tmp_path / "small.txt").write_text("small")
    client = connect(site())
    assert client.get("/files/big.bin").body == content
    assert client.get("/files/small.txt").body == b"small"
    assert client.get("/files/big.bin", {"Range": "bytes=1000000-3000000"}).body == content[1_000_000:3_000_001]


def test_a_client_that_reads_late_gets_all(site, origin, connect):
    body = bytes(range(256)) * 40_000
    client = connect(site(origin(answer(body))))
    for _ in range(3):
        client.write("GET", "/")
    # The proxy has filled the socket, and waits, when the first byte is read.
    until(client_is_full(client), "the socket is full")
    for _ in range(3):
        assert client.read_response("GET").body == body


def client_is_full(client):
    seen = [-1]

    def is_full():
        count = array.array("i", [0])
        fcntl.ioctl(client.socket.fileno(), termios.FIONREAD, count)
        before, seen[0] = seen[0], count[0]
        return before == count[0] > 0

    return is_full


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("length", [512, 1024, 2048, 4096])
def test_a_client_with_short_records_gets_all(site, tmp_path, version, length):
    """max_fragment_length (RFC 6066 §4): what is sent in one piece becomes several records."""
    content = bytes(range(65, 91)) * 10_000
    (tmp_path / "big.txt").write_bytes(content)
    proxy = site()
    place = f"{proxy.address[0]}:{proxy.address[1]}"
    request = "GET /files/big.txt HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"
    done = completed(
        ["openssl", "s_client", "-connect", place, version, "-maxfraglen", str(length), "-quiet", "-ign_eof"],
        stdin=request)
    assert done.stdout.split("\n\n", 1)[1].encode() == content


@pytest.mark.parametrize("latest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_by_tickets(site, origin, authority, connect, latest):
    proxy = site(origin(), workers=2)
    context = authority.trust(latest=latest)
    first = connect(proxy, context=context)
    assert not first.socket.session_reused
    first.get("/")
    session = first.socket.session
    again = connect(proxy, context=context, session=session)
    assert again.socket.session_reused
    assert again.get("/").status == 200
    # In TLS 1.3 a ticket serves once (RFC 8446 appendix C.4): there is another one.
    assert (again.socket.session.id != session.id) == (latest is ssl.TLSVersion.TLSv1_3)
    assert connect(proxy, context=context, session=again.socket.session).socket.session_reused


@pytest.mark.parametrize("latest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_request_may_come_with_the_end_of_the_handshake(site, origin, authority, connect, latest):
    proxy = site(origin())
    context = authority.trust(latest=latest)
    first = connect(proxy, context=context)
    first.get("/")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="site.test", session=first.socket.session)
    with Client(proxy.address) as wire:
        # Of a session that is resumed the client has the last word: it stays in `outgoing`.
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                wire.send(outgoing.read())
                incoming.write(wire.read_some())
        assert client.session_reused
        client.write(b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n")
        wire.send(outgoing.read())
        said = b""
        while b"\r\n\r\n" not in said:
            try:
                said += client.read()
            except ssl.SSLWantReadError:
                incoming.write(wire.read_some())
    assert said.startswith(b"HTTP/1.1 200")


def test_old_versions_and_weak_ciphers_are_refused(site):
    proxy = site()
    place = f"{proxy.address[0]}:{proxy.address[1]}"
    for old in ("-tls1", "-tls1_1"):
        done = completed(["openssl", "s_client", "-connect", place, old, "-cipher", "ALL:@SECLEVEL=0"])
        assert "Cipher is (NONE)" in done.stdout
    for weak in ("AES128-SHA", "AES256-GCM-SHA384", "DHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"):
        done = completed(["openssl", "s_client", "-connect", place, "-tls1_2", "-cipher", f"{weak}:@SECLEVEL=0"])
        assert "Cipher is (NONE)" in done.stdout, weak
    done = completed(["openssl", "s_client", "-connect", place, "-tls1_2"])
    assert "Compression: NONE" in done.stdout and "Secure Renegotiation IS supported" in done.stdout
    assert "Cipher is ECDHE-ECDSA-AES" in done.stdout


def test_a_least_version_is_kept_to(site, authority):
    proxy = site(more=', min_version: "1.3"')
    with pytest.raises(ssl.SSLError):
        SecureClient(proxy.address, authority.trust(latest=ssl.TLSVersion.TLSv1_2))
    SecureClient(proxy.address, authority.trust()).close()


def test_only_the_ciphers_and_curves_that_are_named_are_agreed_on(site):
    proxy = site(more=", ciphers: ECDHE-ECDSA-AES256-GCM-SHA384, curves: 'P-384:P-256'")
    place = f"{proxy.address[0]}:{proxy.address[1]}"
    for options, agreed in (
        # The client's order counts.
        (["-tls1_2", "-groups", "P-256:P-384"], "Server Temp Key: ECDH, prime256v1"),
        (["-tls1_2", "-groups", "X25519:P-384:P-256"], "Server Temp Key: ECDH, secp384r1"),
        (["-tls1_3", "-groups", "X25519:P-384:P-256"], "Server Temp Key: ECDH, secp384r1"),
        (["-tls1_2", "-groups", "X25519"], None),
        (["-tls1_3", "-groups", "X25519"], None),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"], "Cipher is ECDHE-ECDSA-AES256-GCM-SHA384"),
        (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], None),
    ):
        done = completed(["openssl", "s_client", "-connect", place, *options])
        assert (agreed or "Cipher is (NONE)") in done.stdout, (options, done.stdout)


def test_renegotiation_is_refused(site):
    proxy = site()
    place = f"{proxy.address[0]}:{proxy.address[1]}"
    done = completed(["openssl", "s_client", "-connect", place, "-tls1_2"], stdin="R\n")
    assert "no renegotiation" in done.stdout + done.stderr
    assert "read R BLOCK" not in done.stdout


def test_a_client_that_speaks_no_http_1_is_told_so(site, authority):
    proxy = site()
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        SecureClient(proxy.address, authority.trust(protocols=["h2"])).get("/")
    for offered in (["h2", "http/1.1"], None):
        client = SecureClient(proxy.address, authority.trust(protocols=offered))
        assert client.get("/files/none").status == 404
        client.close()


# What is shown.


def test_the_certificate_is_chosen_by_the_name_that_is_asked_for(site, authority, connect):
    first = ["site.test", "127.0.0.1"]
    exact, wild, partly = authority.issue("a.example.test"), authority.issue("*.example.test"), authority.issue("w*.partly.test")
    others = ", ".join(f"{{certificate: {certificate}, key: {key}}}" for certificate, key in (exact, wild, partly))
    proxy = site(more=f", certificates: [{others}]")
    assert connect(proxy, "a.example.test").names == ["a.example.test"]
    assert connect(proxy, "A.Example.Test").names == ["a.example.test"]
    assert connect(proxy, "b.example.test").names == ["*.example.test"]
    assert connect(proxy, "site.test").names == first
    context = authority.trust()
    context.check_hostname = False
    for other in ("x.b.example.test", "example.test", "other.test", "www.partly.test", "*.example.test.other.test"):
        assert connect(proxy, other, context=context).names == first, other
    assert connect(proxy, None, context=context).names == first


def test_rsa_and_ecdsa_stand_side_by_side(site, authority, connect):
    rsa = authority.issue("site.test", kind="rsa")
    proxy = site(more=f", certificates: [{{certificate: {rsa[0]}, key: {rsa[1]}}}]")
    latest = ssl.TLSVersion.TLSv1_2
    for ciphers, key in (("ECDHE+aRSA", "RSA"), ("ECDHE+aECDSA", "ECDSA")):
        client = connect(proxy, context=authority.trust(latest=latest, ciphers=ciphers))
        assert f"ECDHE-{key}-" in client.socket.cipher()[0]


# How it ends.


def test_an_orderly_end_is_told_by_close_notify(site, origin, connect):
    proxy = site(origin())
    client = connect(proxy)
    assert client.get("/", {"Connection": "close"}).status == 200
    assert client.read_some() == b""  # An SSLEOFError without close_notify.
    client = connect(proxy)
    client.send("nonsense\r\n\r\n")
    assert b" 400 " in client.read_to_end()


def test_what_is_cut_ends_without_close_notify(site, origin, connect):
    def cut(stream, request):
        stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    client = connect(site(origin(cut)))
    client.write("GET", "/")
    with pytest.raises(ssl.SSLEOFError):
        client.read_to_end()


def test_a_body_that_only_the_end_delimits_is_cut_visibly(site, origin, connect):
    """To an HTTP/1.0 client: an orderly end would pass for the whole."""

    def cut(stream, request):
        stream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")

    client = connect(site(origin(cut)))
    client.write("GET", "/", version="1.0")
    with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
        client.read_to_end()


def test_websockets_pass_and_end_in_good_order(site, realtime, authority, run_async):
    proxy = site(realtime("a"))

    async def talk():
        async with aiohttp.ClientSession() as session:
            url = f"https://{proxy.address[0]}:{proxy.address[1]}/echo"
            async with session.ws_connect(
                url, ssl=authority.trust(), server_hostname="site.test", max_msg_size=0
            ) as channel:
                for size in (0, 1, 125, 65536, 3_000_000):
                    await channel.send_bytes(bytes(size))
                    assert await channel.receive_bytes() == bytes(size)
                await channel.close(code=4001)

    run_async(talk())


def test_a_shutdown_ends_idle_connections_with_close_notify(site, origin, connect):
    proxy = site(origin())
    client = connect(proxy)
    client.get("/")
    proxy.signal(signal.SIGTERM)
    assert client.read_some() == b""
    client.close()
    assert proxy.wait() == 0


@pytest.mark.parametrize("latest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_is_shaking_hands_at_a_shutdown_gets_an_answer_and_an_end(site, origin, authority, latest):
    proxy = site(origin())
    client, tls, go_on = shaking_hands(proxy, authority.trust(latest=latest))
    silent = proxy.connect()
    until(lambda: proxy.metrics()["martlet_connections"].value(side="client") == 2, "both are let in")
    proxy.signal(signal.SIGTERM)
    until(lambda: refuses(proxy.address), "nobody is let in any more")
    go_on(tls.do_handshake)
    go_on(tls.write, b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n")
    assert go_on(tls.read, 1000).startswith(b"HTTP/1.1 200")
    # In good order: an SSLEOFError without close_notify.
    assert go_on(tls.read, 1000) == b""
    client.close()
    silent.read_end()
    # Long before the handshake's time is over, and the shutdown's.
    assert proxy.wait(within=4) == 0


def refuses(address):
    try:
        Client(address).close()
        return False
    except ConnectionRefusedError:
        return True


LATE = """
timeouts: {keepalive: 1s, linger: 1s, send: 60s}
""" + SITE.replace("timeouts: {handshake: $handshake}\n", "")


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}], ids=["kept", "ended"])
def test_what_was_sent_is_not_lost_when_its_connection_ends(martlet, authority, pair, tmp_path, connect, headers):
    """Whatever its length, the end of a response may still be here when nothing more is awaited."""
    proxy = martlet(LATE, web="127.0.0.1:1", certificate=pair[0], key=pair[1], more="", files=tmp_path)
    (tmp_path / "big").write_bytes(bytes(range(256)) * 4096)
    context = authority.trust()
    clients = []
    for count in range(16_000, 1 << 20, 16_000):
        clients.append((count, SecureClient(proxy.address, context, receive_buffer=4096)))
        clients[-1][1].write("GET", "/files/big", {"Range": f"bytes=0-{count - 1}", **headers})
    # Those that are logged are whole but for what TLS holds; the time of the others is not over.
    proxy.log_lines(5)
    end = time.time() + 3
    until(lambda: time.time() > end, "connections that are kept have had their time, and have been ended")
    for count, client in clients:
        assert len(client.read_response("GET").body) == count
    for _, client in clients:
        assert client.read_some() == b""  # An SSLEOFError without close_notify.
        client.close()


def test_a_tunnel_whose_client_has_ended_passes_all_that_the_server_says(martlet, origin, authority, pair, tmp_path):
    """Whatever its length, some of it may still be here when both have ended."""

    def upgrade(stream, request):
        stream.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        assert stream.read_some() == b""
        stream.send(bytes(int(request.target[1:])))

    web = origin(upgrade)
    proxy = martlet(
        "timeouts: {half_closed: 60s}\n" + LATE.replace("timeouts:", "#"), web=web, certificate=pair[0], key=pair[1],
        more="", files=tmp_path)
    context = authority.trust()
    tunnels = []
    for count in range(16_000, 1 << 20, 16_000):
        client, tls, go_on = shaking_hands(proxy, context, receive_buffer=4096)
        go_on(tls.do_handshake)
        go_on(tls.write, (
            f"GET /{count} HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
        assert go_on(tls.read, 1000).startswith(b"HTTP/1.1 101")
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()  # close_notify alone: what the server says is still heard.
        go_on(lambda: None)
        tunnels.append((count, tls, go_on))
    until(lambda: web.closed > 10, "servers have ended")
    end = time.time() + 1
    until(lambda: time.time() > end, "the proxy has heard of it")
    for count, tls, go_on in tunnels:
        got = 0
        with pytest.raises(ssl.SSLZeroReturnError):  # An SSLEOFError without close_notify.
            while True:
                got += len(go_on(tls.read, 1 << 14))
        assert got == count


# Whoever does not keep to the rules.


def test_who_is_turned_away_is_told_nothing_in_plain(martlet, pair, tmp_path, connect):
    proxy = martlet(
        "limits: {connections: 16}\n" + SITE, web="127.0.0.1:1", certificate=pair[0], key=pair[1], more="",
        files=tmp_path, handshake="60s")
    clients = [proxy.connect() for _ in range(16)]
    until(lambda: proxy.metrics()["martlet_connections"].value(side="client") == 16, "all are let in")
    proxy.connect().read_end()
    clients.pop().close()


def test_plain_http_is_told_where_it_is(site):
    proxy = site()
    with Client(proxy.address) as client:
        response = client.get("/")
        assert response.status == 400
        assert b"HTTPS" in response.body
        client.read_end()


def test_garbage_ends_the_connection_and_nothing_else(site, origin, connect):
    proxy = site(origin())
    kept = connect(proxy)
    for rubbish in (
        b"\0" * 100, b"SSH-2.0-OpenSSH\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 1000, b"\x16\x03\x01\0\5\1\0\0\1\0",
        b"\x80\x2e\1\0\2", bytes(range(256)) * 10,
    ):
        with Client(proxy.address) as client:
            client.send(rubbish)
            client.socket.shutdown(socket.SHUT_WR)
            try:
                client.read_to_end()
            except ConnectionResetError:
                pass
    assert kept.get("/").status == 200
    counts = proxy.metrics()["martlet_tls_handshakes_total"]
    assert counts.value(result="failure") == 6 and counts.value(result="success") == 1


def test_hellos_that_are_broken_in_any_place_end_their_connection_alone(site, origin, authority, connect):
    proxy = site(origin())
    kept = connect(proxy)
    outgoing = ssl.MemoryBIO()
    tls = authority.trust().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="site.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    dice = random.Random(20)
    for number in range(300):
        broken = bytearray(hello)
        for _ in range(dice.choice((1, 1, 2, 8))):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        if number % 3 == 0:
            del broken[dice.randrange(len(broken)):]
        with Client(proxy.address) as client:
            try:
                client.send(bytes(broken))
                client.socket.shutdown(socket.SHUT_WR)
                client.read_to_end()
            except (BrokenPipeError, ConnectionResetError):
                pass
    assert kept.get("/").status == 200
    metrics = proxy.metrics()
    assert metrics["martlet_tls_handshakes_under_way"].value() == 0
    assert metrics["martlet_connections"].value(side="client") == 1
    assert connect(proxy).get("/").status == 200


def test_a_hello_may_come_byte_by_byte(site, origin, authority):
    proxy = site(origin())
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = authority.trust().wrap_bio(incoming, outgoing, server_hostname="site.test")
    with Client(proxy.address) as client:
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    client.send(bytes([byte]))
                incoming.write(client.read_some())
            else:
                break
        # The last flight and the request come in one piece: no event tells of the second.
        tls.write(b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n")
        client.send(outgoing.read())
        while True:
            try:
                assert tls.read(1000).startswith(b"HTTP/1.1 200")
                break
            except ssl.SSLWantReadError:
                incoming.write(client.read_some())


def test_a_handshake_that_takes_too_long_is_ended(site, origin, connect):
    proxy = site(origin(), handshake="1s")
    with Client(proxy.address) as silent, Client(proxy.address) as slow:
        slow.send(b"\x16\x03\x01\x02\x00\x01")
        silent.read_end()
        slow.read_end()
    assert connect(proxy).get("/").status == 200


def test_more_handshakes_than_are_begun_at_once_wait_for_their_turn(site, origin, connect):
    proxy = site(origin(), handshake="60s")
    stalled = [Client(proxy.address) for _ in range(300)]
    try:
        stalled[0].send(b"\x16")
        until(lambda: under_way(proxy) == 1, "the oldest has begun: a busy kernel may bring the others in any order")
        for client in stalled[1:]:
            client.send(b"\x16")
        until(lambda: under_way(proxy) == 256, "there are as many as there may be")
        # Its turn comes when the oldest have had their time.
        assert connect(proxy).get("/").status == 200
        stalled[0].read_end()
        until(lambda: proxy.metrics()["martlet_tls_handshakes_total"].value(result="timeout") >= 44, "all have begun")
    finally:
        for client in stalled:
            client.close()
    until(lambda: under_way(proxy) == 0, "all are over")


def test_whoever_says_nothing_keeps_nobody_from_shaking_hands(site, origin, connect):
    proxy = site(origin(), handshake="3s")
    silent = [Client(proxy.address) for _ in range(300)]
    try:
        until(lambda: proxy.metrics()["martlet_connections"].value(side="client") == 300, "all are let in")
        assert connect(proxy).get("/").status == 200
        metrics = proxy.metrics()
        assert metrics["martlet_tls_handshakes_under_way"].value() == 0
        # Their time is over all the same.
        assert metrics["martlet_tls_handshakes_total"].value(result="timeout") == 0
        for client in silent:
            client.read_end()
    finally:
        for client in silent:
            client.close()
    assert proxy.metrics()["martlet_tls_handshakes_total"].value(result="timeout") == 300


def under_way(proxy):
    return proxy.metrics()["martlet_tls_handshakes_under_way"].value()


def test_key_updates_are_answered(site, origin):
    proxy = site(origin())
    place = f"{proxy.address[0]}:{proxy.address[1]}"
    request = "GET / HTTP/1.1\r\nHost: site.test\r\n\r\n"
    done = completed(
        ["openssl", "s_client", "-connect", place, "-tls1_3"], stdin="K\nk\n" + request + "Q\n")
    assert "KEYUPDATE" in done.stdout + done.stderr


# A certificate to try it with, and those that are of no use.


def test_the_shipped_file_serves_with_a_certificate_of_ones_own(martlet, tmp_path):
    done = command("cert", "--self-signed", "localhost", "*.site.localhost", "127.0.0.1", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    certificate, key = tmp_path / "localhost.pem", tmp_path / "localhost-key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    text = (ROOT / "config/tls.yaml").read_text()
    for address in (":8443", ":8080"):
        text = text.replace(f'address: "{address}"', 'address: "127.0.0.1:0"')
    proxy = martlet(text.replace("listen:", 'listen: # ":0" ":0"'), env={"CERTIFICATE": str(certificate), "KEY": str(key)})
    (_, port), plain = proxy.addresses
    assert ask(plain, "GET", "/x", host="localhost:8080").headers["Location"] == "https://localhost:8443/x"
    for host in ("localhost", "a.site.localhost", "127.0.0.1"):
        done = completed(
            ["curl", "--silent", "--show-error", "--cacert", certificate, "--resolve", f"*:{port}:127.0.0.1",
             f"https://{host}:{port}/"])
        assert (done.stdout, done.stderr) == ("Hello over TLS.\n", ""), host


def test_a_certificate_needs_a_host():
    assert command("cert", "--self-signed").returncode == 64
    assert command("cert", "--self-signed", "a b").returncode == 64
    assert command("cert", "localhost").returncode == 64


def complaints(certificate, key, tmp_path):
    """What check says about a pair, and run at its start: line and column, then the problem."""
    file = tmp_path / "martlet.yaml"
    file.write_text(
        "listen:\n  - address: 127.0.0.1:0\n    tls:\n"
        f"      certificate: {certificate}\n      key: {key}\n"
        "routes: [{respond: {status: 200}}]\n")
    said = []
    for order in (["check", file], ["run", "--config", file]):
        done = command(*order)
        assert done.returncode == 78, done.stderr
        said.append(done.stderr)
    assert said[0] == said[1]
    return said[0].replace(str(file), "FILE")


def test_each_fault_of_a_certificate_is_said_where_it_is_named(authority, pair, tmp_path):
    certificate, key = pair
    other_key = authority.issue("other.test")[1]

    def file(name, content):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    leaf, middle = certificate.read_bytes().split(b"-----BEGIN", 1)[1].split(b"-----BEGIN", 1)
    leaf, middle = b"-----BEGIN" + leaf, b"-----BEGIN" + middle
    root = authority.certificate.read_bytes()
    rubbish = file("rubbish.pem", b"rubbish")
    broken = file("broken.pem", leaf.replace(b"MII", b"MIJ"))
    swapped = file("swapped.pem", middle + leaf)
    gap = file("gap.pem", leaf + root)
    sealed = file("sealed.pem", openssl("pkey", "-in", key, "-aes128", "-passout", "pass:x"))
    expired = authority.issue("site.test", days=-1, start_days=-10, key=key, name="expired")[0]
    early = authority.issue("site.test", days=9, start_days=5, key=key, name="early")[0]
    missing = tmp_path / "missing.pem"
    pipe = tmp_path / "pipe.pem"
    os.mkfifo(pipe)
    for one, other, line, problem in (
        (missing, key, 4, f"{missing} cannot be read: no such file or directory"),
        (certificate, missing, 5, f"{missing} cannot be read: no such file or directory"),
        (tmp_path, key, 4, f"{tmp_path} cannot be read: is a directory"),
        (pipe, key, 4, f"{pipe} cannot be read: it is no regular file"),
        (certificate, "/dev/zero", 5, "/dev/zero cannot be read: it is no regular file"),
        (rubbish, key, 4, f"{rubbish} has no certificate in PEM form"),
        (key, key, 4, f"{key} has no certificate in PEM form"),
        (broken, key, 4, f"{broken}: certificate 1 cannot be read"),
        (certificate, rubbish, 5, f"{rubbish} has no private key in PEM form"),
        (certificate, sealed, 5, f"{sealed} is encrypted"),
        (certificate, other_key, 5, f"{other_key} is not the key of {certificate}"),
        (swapped, key, 4, f"{swapped}: the certificate of the key is number 2, and must be the first"),
        (gap, key, 4, f"{gap}: certificate 2 has not signed number 1"),
        (expired, key, 4, f"{expired} expired on 20"),
        (early, key, 4, f"{early} is not valid before 20"),
    ):
        said = complaints(one, other, tmp_path)
        assert f"FILE:{line}:" in said and problem in said, said


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("ciphers", "NONE", "has no cipher that OpenSSL knows"),
        ("curves", "X25519:P-257", "has a curve that OpenSSL does not know"),
        ("curves", "", "has a curve that OpenSSL does not know"),
        ("min_version", "1.1", "is not a version of TLS"),
    ],
)  # fmt: skip
def test_what_nobody_can_agree_on_is_an_error(pair, tmp_path, key, value, problem):
    file = tmp_path / "martlet.yaml"
    file.write_text(
        f"listen: {{address: 127.0.0.1:0, tls: {{certificate: {pair[0]}, key: {pair[1]},\n  {key}: '{value}'}}}}\n"
        "routes: [{respond: {status: 200}}]\n")
    done = command("check", file)
    assert done.returncode == 78 and f":2:{5 + len(key)}: " in done.stderr and problem in done.stderr, done.stderr


# Certificates that change.


@pytest.fixture
def mounted(authority, tmp_path):
    """A folder as Kubernetes mounts a secret: links to a folder that one rename exchanges."""

    class Mount:
        def __init__(self):
            self._number = 0
            self.certificate, self.key = tmp_path / "tls.crt", tmp_path / "tls.key"
            self.put(*authority.issue("site.test"))
            self.certificate.symlink_to("..data/tls.crt")
            self.key.symlink_to("..data/tls.key")

        def put(self, certificate, key):
            self._number += 1
            folder = tmp_path / f"..{self._number}"
            folder.mkdir()
            (folder / "tls.crt").write_bytes(certificate.read_bytes())
            (folder / "tls.key").write_bytes(key.read_bytes())
            (tmp_path / "..new").symlink_to(folder.name)
            (tmp_path / "..new").rename(tmp_path / "..data")

    return Mount()


WATCHED = "tls: {watch: 100ms}\n" + SITE


@pytest.fixture
def watched(martlet, tmp_path):
    def start(pair, web):
        return martlet(
            WATCHED, web=web, certificate=pair.certificate, key=pair.key, more="", files=tmp_path, handshake="10s")

    return start


def test_a_certificate_that_changes_is_shown_without_a_reload(watched, mounted, authority, origin, connect):
    proxy = watched(mounted, origin())
    before = connect(proxy)
    assert before.get("/").status == 200
    session = before.socket.session
    new = authority.issue("site.test")
    mounted.put(*new)
    proxy.stderr.wait_for(r"tls.crt has changed: it is good until 20")
    assert connect(proxy).serial.lstrip("0") == serial(mounted.certificate).lstrip("0")
    # What was agreed before goes on, and is resumed.
    assert before.get("/").status == 200
    assert connect(proxy, session=session, context=before.socket.context).socket.session_reused
    assert proxy.metrics()["martlet_tls_certificate_days_left"].value(certificate=str(mounted.certificate)) in (89, 90)


def test_a_bad_certificate_is_reported_and_the_old_one_stays(watched, mounted, authority, origin, connect):
    proxy = watched(mounted, origin())
    old = serial(mounted.certificate)
    certificate, _ = authority.issue("site.test")
    mounted.put(certificate, authority.issue("other.test")[1])
    proxy.stderr.wait_for(r"tls.key is not the key of \S+tls.crt; the certificate in use is shown on")
    assert connect(proxy).serial.lstrip("0") == old.lstrip("0")
    mounted.put(*authority.issue("site.test", days=-1, start_days=-9))
    proxy.stderr.wait_for(r"tls.crt expired on 20\S+; the certificate in use is shown on")
    assert connect(proxy).serial.lstrip("0") == old.lstrip("0")
    certificate, key = authority.issue("site.test")
    leaf, middle = certificate.read_bytes().split(b"-----BEGIN", 1)[1].split(b"-----BEGIN", 1)
    for content, problem in (
        (b"-----BEGIN" + middle + b"-----BEGIN" + leaf, "the certificate of the key is number 2, and must be the first"),
        (b"-----BEGIN" + leaf + authority.certificate.read_bytes(), "certificate 2 has not signed number 1"),
        (b"-----BEGIN" + leaf + b"-----BEGIN" + middle[:200], "certificate 2 cannot be read"),
    ):
        certificate.write_bytes(content)
        mounted.put(certificate, key)
        proxy.stderr.wait_for(f"tls.crt: {problem}; the certificate in use is shown on")
        assert connect(proxy).serial.lstrip("0") == old.lstrip("0")
    mounted.put(*authority.issue("site.test"))
    proxy.stderr.wait_for(r"tls.crt has changed")
    assert connect(proxy).serial.lstrip("0") != old.lstrip("0")


def test_an_expired_certificate_holds_up_no_other_one(martlet, authority, origin, tmp_path):
    """Renewing one of several must not wait for the others."""
    own = tmp_path / "own"
    own.mkdir()

    def put(name, days):
        for source, kind in zip(authority.issue(f"{name}.test", days=days), ("pem", "key")):
            replace(own / f"{name}.{kind}", source.read_bytes())

    seconds = 3
    put("old", seconds / 86400)
    end = time.time() + seconds
    put("other", 9)
    text = WATCHED.replace("$more", f", certificates: [{{certificate: {own}/old.pem, key: {own}/old.key}}]")
    proxy = martlet(
        text, web=origin(), certificate=own / "other.pem", key=own / "other.key", files=tmp_path, handshake="10s")
    until(lambda: time.time() > end + 1, "it has expired")
    before = serial(own / "other.pem")
    put("other", 9)
    proxy.stderr.wait_for("other.pem has changed: it is good until")
    context = authority.trust()
    with SecureClient(proxy.address, context, host="other.test") as client:
        assert client.serial.lstrip("0") == serial(own / "other.pem").lstrip("0") != before.lstrip("0")
    proxy.stderr.wait_for("configuration reloaded", start=proxy.reload())
    # Of one that is good none takes the place that is not.
    start = len(proxy.stderr)
    put("other", -1 / 24)
    proxy.stderr.wait_for("other.pem expired on .*; the certificate in use is shown on", start=start)
    start = proxy.reload()
    proxy.stderr.wait_for("configuration not reloaded", start=start)
    put("other", 9)
    put("old", 9)
    proxy.stderr.wait_for("old.pem has changed: it is good until", start=start)
    with SecureClient(proxy.address, context, host="old.test") as client:
        assert client.names == ["old.test"]
    # Whoever starts has nothing in use.
    put("old", -1 / 24)
    assert command("check", proxy.file).returncode == 78


def test_listeners_that_a_reload_takes_away_are_shown_their_certificates(martlet, authority, origin, tmp_path):
    """They stand until the next start: each goes on with what it began with."""
    own = tmp_path / "own"
    own.mkdir()

    def put(name):
        for source, kind in zip(authority.issue(f"{name}.test"), ("pem", "key")):
            replace(own / f"{name}.{kind}", source.read_bytes())

    put("a")
    put("b")
    one, two = (f'{{address: "127.0.0.1:0", tls: {{certificate: {own}/{n}.pem, key: {own}/{n}.key}}}}' for n in "ab")
    text = "listen: [$listen]\ntls: {watch: 100ms}\npools: {web: {servers: [$web]}}\nroutes: [{proxy: web}]\n"
    web = origin()
    proxy = martlet(text, listen=f"{one}, {two}", web=web)
    proxy.write(text, listen=two, web=web)
    for _ in range(2):
        start = proxy.reload()
        proxy.stderr.wait_for("configuration reloaded", start=start)
        put("b")
        proxy.stderr.wait_for("b.pem has changed", start=start)
    for address, name in zip(proxy.addresses, "ab"):
        with SecureClient(address, authority.trust(), host=f"{name}.test") as client:
            assert client.get("/").status == 200
            assert client.serial.lstrip("0") == serial(own / f"{name}.pem").lstrip("0")


def test_what_expires_soon_is_said_in_the_log(site, authority):
    certificate, key = authority.issue("site.test", days=9)
    proxy = site(certificate=certificate, key=key)
    proxy.stderr.wait_for(r"expires in [89] days, on 20")
    assert proxy.metrics()["martlet_tls_certificate_days_left"].value(certificate=str(certificate)) in (8, 9)


def test_a_reload_takes_other_certificates_and_refuses_bad_ones(site, authority, connect, tmp_path, origin):
    web = origin()
    proxy = site(web)
    certificate, key = authority.issue("new.test", "site.test")
    values = {"web": web, "more": "", "files": tmp_path, "handshake": "10s"}
    proxy.write(SITE, certificate=certificate, key=key, **values)
    start = proxy.reload()
    proxy.stderr.wait_for("configuration reloaded", start=start)
    client = connect(proxy)
    assert client.names == ["new.test", "site.test"]
    proxy.write(SITE, certificate=tmp_path / "none", key=key, **values)
    start = proxy.reload()
    proxy.stderr.wait_for("configuration not reloaded", start=start)
    assert client.get("/").status == 200
    assert connect(proxy).names == ["new.test", "site.test"]


BUSY = """
tls: {watch: 100ms}
listen: [{address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key}}]
pools: {web: {servers: [$web]}, sockets: {servers: [$sockets]}}
routes:
  - match: {exact: /echo}
    proxy: {pool: sockets, upgrade: [websocket]}
  - proxy: web
"""


def test_ten_rotations_and_reloads_under_load_fail_nothing(martlet, mounted, authority, origin, realtime, run_async):
    """Kept connections, new ones, and 200 WebSockets, all at once."""
    proxy = martlet(
        BUSY, web=origin(), sockets=realtime("a"), certificate=mounted.certificate, key=mounted.key)
    url = f"https://{proxy.address[0]}:{proxy.address[1]}/echo"
    done = threading.Event()
    failures, shown, kept = [], set(), [0]

    def reporting(work):
        def run():
            context = authority.trust()
            try:
                work(context)
            except BaseException as failure:
                failures.append(failure)

        return run

    def keep(context):
        with SecureClient(proxy.address, context) as client:
            while not done.is_set():
                assert client.get("/").status == 200
                kept[0] += 1

    def renew(context):
        while not done.is_set():
            with SecureClient(proxy.address, context) as client:
                assert client.get("/").status == 200
                shown.add(client.serial.lstrip("0"))

    def served(current, before):
        """New connections show the certificate, and kept ones go on."""
        until(lambda: failures or (current in shown and kept[0] > before + 10), "the load goes on")
        assert not failures

    async def say(channels, text):
        for channel in channels:
            await channel.send_str(text)
        for channel in channels:
            assert await channel.receive_str() == text

    async def rotate():
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            channels = await asyncio.gather(*(
                session.ws_connect(url, ssl=authority.trust(), server_hostname="site.test") for _ in range(200)))
            await say(channels, "before")
            for number in range(10):
                start = len(proxy.stderr)
                mounted.put(*authority.issue("site.test"))
                await asyncio.to_thread(proxy.stderr.wait_for, "tls.crt has changed", start=start)
                current = serial(mounted.certificate).lstrip("0")
                await asyncio.to_thread(served, current, kept[0])
                await asyncio.to_thread(proxy.stderr.wait_for, "configuration reloaded", start=proxy.reload())
                await say(channels, f"after {number}")
            for channel in channels:
                await channel.close()
                assert channel.close_code == 1000

    with running(reporting(keep), 3, done), running(reporting(renew), 2, done):
        run_async(rotate())
    assert not failures
    assert len(shown) == 11


# Who the client is.


def forwarded(stream, request):
    stream.send(answer("|".join(request.headers.all("X-Forwarded-Client-Cert")).encode()))
    return True


def showing(authority, pair):
    context = authority.trust()
    context.load_cert_chain(*pair)
    return context


def fingerprint(certificate):
    return openssl("x509", "-in", certificate, "-noout", "-fingerprint", "-sha256").decode().strip().split("=")[1].replace(":", "").lower()


CLAIM = {"X-Forwarded-Client-Cert": "Hash=00"}


def test_only_clients_with_a_certificate_are_let_in(site, origin, authority, connect, tmp_path):
    proxy = site(origin(forwarded), more=f", clients: {{ca: {authority.certificate}}}")
    pair = authority.issue("clerk", name="clerk")
    client = connect(proxy, context=showing(authority, pair))
    told = f'Hash={fingerprint(pair[0])};Subject="CN=clerk"'
    for _ in range(2):
        assert client.get("/", CLAIM).body.decode() == told
    # A session that is resumed is as good.
    again = connect(proxy, context=showing(authority, pair), session=None)
    assert again.get("/").body.decode() == told
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other").issue("clerk")
    for context in (authority.trust(), showing(authority, stranger)):
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            connect(proxy, context=context).get("/")
    expired = authority.issue("clerk", days=-1, start_days=-9)
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        connect(proxy, context=showing(authority, expired)).get("/")


def test_tickets_may_be_longer_than_a_record(site, origin, authority, connect, tmp_path):
    """The client's certificate is in them: what is said behind them has another number (RFC 8446 §5.3)."""
    (tmp_path / "big.txt").write_text("x" * 100_000)
    proxy = site(origin(forwarded), more=f", clients: {{ca: {authority.certificate}}}")
    pair = authority.issue(*(f"clerk-{number}.site.test" for number in range(1000)))
    context = showing(authority, pair)
    first = connect(proxy, context=context)
    told = first.get("/").body
    assert told.startswith(b"Hash=")
    again = connect(proxy, context=context, session=first.socket.session)
    assert again.socket.session_reused and again.get("/").body == told
    for short in ([], ["-maxfraglen", "512"]):
        done = completed(
            ["openssl", "s_client", "-connect", f"{proxy.address[0]}:{proxy.address[1]}", "-cert", pair[0],
             "-cert_chain", pair[0], "-key", pair[1], *short, "-quiet", "-ign_eof"],
            stdin="GET /files/big.txt HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n")
        assert done.stdout.split("\n\n", 1)[1] == "x" * 100_000


def test_a_certificate_may_be_optional_but_not_bad(site, origin, authority, connect, tmp_path):
    proxy = site(origin(forwarded), more=f", clients: {{ca: {authority.certificate}, verify: optional}}")
    pair = authority.issue("clerk")
    assert b"Hash=" in connect(proxy, context=showing(authority, pair)).get("/").body
    assert connect(proxy).get("/").body == b""
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other").issue("clerk")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        connect(proxy, context=showing(authority, stranger)).get("/")


@pytest.mark.parametrize("latest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_authorities_that_change_let_in_others_without_a_reload(martlet, authority, origin, pair, tmp_path, latest):
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other")
    list_of_ours = tmp_path / "clients.pem"
    replace(list_of_ours, authority.certificate.read_bytes())
    proxy = martlet(
        WATCHED, web=origin(forwarded), certificate=pair[0], key=pair[1], more=f", clients: {{ca: {list_of_ours}}}",
        files=tmp_path, handshake="10s")

    def visit(pair):
        context = authority.trust(latest=latest)
        context.load_cert_chain(*pair)
        with SecureClient(proxy.address, context) as client:
            assert client.get("/").body.startswith(b"Hash=" + fingerprint(pair[0]).encode())

    ours, theirs = authority.issue("clerk"), stranger.issue("clerk")

    def is_refused(pair):
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            visit(pair)

    visit(ours)
    is_refused(theirs)
    context = showing(authority, ours)
    context.maximum_version = latest
    kept = SecureClient(proxy.address, context)
    assert kept.get("/").status == 200
    replace(list_of_ours, stranger.certificate.read_bytes())
    proxy.stderr.wait_for("clients.pem has changed: it says which clients are let in")
    visit(theirs)
    is_refused(ours)
    # Connections that stand go on; their sessions are no way in.
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        with SecureClient(proxy.address, context, session=kept.socket.session) as client:
            client.get("/")
    assert kept.get("/").status == 200
    kept.close()


@pytest.mark.parametrize("latest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_of_another_listener_lets_nobody_in(martlet, origin, authority, pair, latest):
    own = f"certificate: {pair[0]}, key: {pair[1]}"
    proxy = martlet(
        f'listen: [{{address: "127.0.0.1:0", tls: {{{own}}}}}, {{address: "127.0.0.1:0", '
        f"tls: {{{own}, clients: {{ca: {authority.certificate}}}}}}}]\n"
        "pools: {web: {servers: [$web]}}\nroutes: [{proxy: web}]\n", web=origin())
    context = authority.trust(latest=latest)
    with SecureClient(proxy.addresses[0], context) as client:
        assert client.get("/").status == 200
        session = client.socket.session
        with SecureClient(proxy.addresses[0], context, session=session) as again:
            assert again.socket.session_reused
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        with SecureClient(proxy.addresses[1], context, session=session) as other:
            other.get("/")


def test_what_a_client_claims_itself_is_not_passed_on(martlet, origin, authority, pair):
    """Loopback is trusted unless told otherwise: any program of the machine is on it."""
    own = f"certificate: {pair[0]}, key: {pair[1]}"
    text = (
        f'listen: [{{address: "127.0.0.1:0"}}, {{address: "127.0.0.1:0", tls: {{{own}}}}}, {{address: "127.0.0.1:0", '
        f"tls: {{{own}, clients: {{ca: {authority.certificate}, verify: optional}}}}}}]\n"
        "$more\npools: {web: {servers: [$web]}}\nroutes: [{proxy: web}]\n")
    passed = b"Hash=00"
    for more, plain, secure in (
        ("", b"", b""),
        ("trusted_proxies: [127.0.0.1]", b"", b""),
        ("trusted_proxies: []\nforwarded: {client_cert: keep}", b"", b""),
        ("trusted_proxies: [127.0.0.1]\nforwarded: {client_cert: keep}", passed, passed),
    ):
        proxy = martlet(text, more=more, web=origin(forwarded))
        assert proxy.get("/", CLAIM).body == plain, more
        # Where certificates are asked for, who shows none has none.
        for address, told in ((proxy.addresses[1], secure), (proxy.addresses[2], b"")):
            with SecureClient(address, authority.trust()) as client:
                assert client.get("/", CLAIM).body == told, more
        # And who shows one is told by that.
        with SecureClient(proxy.addresses[2], showing(authority, pair)) as client:
            assert client.get("/", CLAIM).body.startswith(b"Hash=" + fingerprint(pair[0]).encode()), more


def test_of_a_long_subject_the_fingerprint_is_told(site, origin, authority, connect):
    proxy = site(origin(forwarded), more=f", clients: {{ca: {authority.certificate}}}")
    units = "".join(f"/OU={i:060}" for i in range(10))
    certificate, key = authority._sign("long", f"{units}/CN=x", "root", "basicConstraints=CA:FALSE")
    client = connect(proxy, context=showing(authority, (certificate, key)))
    assert client.get("/").body.decode() == f"Hash={fingerprint(certificate)}"


def test_authorities_that_cannot_be_read_are_an_error(pair, tmp_path):
    file = tmp_path / "martlet.yaml"
    file.write_text(
        f"listen:\n  - address: 127.0.0.1:0\n    tls:\n      certificate: {pair[0]}\n      key: {pair[1]}\n"
        f"      clients: {{ca: {tmp_path}/none}}\nroutes: [{{respond: {{status: 200}}}}]\n")
    done = command("check", file)
    assert done.returncode == 78 and ":6:" in done.stderr and "none cannot be read" in done.stderr
