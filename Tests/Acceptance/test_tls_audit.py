"""What testssl.sh asks of a server: everything weak is refused, and nothing else."""

import re

import pytest

from support.process import completed
from support.tls import openssl
from support.wire import Client

SITE = """
listen:
  - {address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key, certificates: [{certificate: $rsa, key: $rsa_key}]}}
routes: [{respond: {status: 200}}]
"""

# Mozilla's intermediate profile, guideline 5.7, without DHE.
TLS12 = {
    f"ECDHE-{key}-{cipher}" for key in ("ECDSA", "RSA")
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
}
TLS13 = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
GROUPS = {"X25519", "P-256", "P-384"}


@pytest.fixture
def agree(martlet, authority):
    """Shakes hands as a client with these options; returns what both have agreed on, or None."""
    ec, rsa = authority.issue("site.test"), authority.issue("site.test", kind="rsa")
    proxy = martlet(SITE, certificate=ec[0], key=ec[1], rsa=rsa[0], rsa_key=rsa[1])

    def ask(*options, stdin=""):
        place = f"{proxy.address[0]}:{proxy.address[1]}"
        done = completed(["openssl", "s_client", "-connect", place, "-servername", "site.test", *options], stdin=stdin)
        if not re.search(r"Cipher is (?!\(NONE\))", done.stdout):
            # It was the server that would not: what openssl itself cannot do proves nothing.
            assert re.search(r"alert|unexpected eof", done.stderr), done.stderr
            return None
        return done.stdout

    ask.address = proxy.address
    return ask


def all_that_are_taken(agree, option, names, *more, suffix=""):
    """Offers all, then all but the chosen one, and so on."""
    taken, left = [], list(names)
    while left and (said := agree(option, ":".join(left) + suffix, *more)):
        chosen = re.search(r"Cipher is (\S+)", said)[1]
        taken.append(chosen)
        left.remove(chosen)
    return taken


def test_of_all_ciphers_only_good_ones_are_taken(agree):
    everything = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
    names = openssl("ciphers", "-s", "-tls1_2", everything).decode().strip().split(":")
    for weak in ("AES128-SHA", "ECDHE-RSA-AES256-SHA384", "NULL-SHA256", "AECDH-NULL-SHA", "DHE-RSA-AES256-GCM-SHA384"):
        assert weak in names, "it is asked for"
    assert set(all_that_are_taken(agree, "-cipher", names, "-tls1_2", suffix=":@SECLEVEL=0")) == TLS12
    names = openssl("ciphers", "-s", "-tls1_3").decode().strip().split(":")
    suites = [n for n in names if n.startswith("TLS_")] + ["TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"]
    assert set(all_that_are_taken(agree, "-ciphersuites", suites, "-tls1_3")) == TLS13


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(agree, version):
    assert agree(version, "-cipher", "ALL:@SECLEVEL=0") is None


def test_ssl_3_is_refused(agree):
    """By hand: openssl speaks it no more."""
    body = b"\3\0" + b"r" * 32 + b"\0" + b"\0\4\0\x0a\0\x2f" + b"\1\0"
    hello = b"\1" + len(body).to_bytes(3, "big") + body
    with Client(agree.address) as client:
        client.send(b"\x16\3\0" + len(hello).to_bytes(2, "big") + hello)
        said = client.read_to_end()
    # An alert, fatal: protocol_version or handshake_failure.
    assert said[0] == 0x15 and said[5] == 2 and said[6] in (40, 70), said


def test_groups_are_those_of_the_profile_and_x25519_is_preferred(agree):
    for name in GROUPS | {"P-521", "X448"}:
        for version in ("-tls1_2", "-tls1_3"):
            assert (agree(version, "-groups", name) is not None) == (name in GROUPS), (name, version)
    assert "Server Temp Key: X25519" in agree()
    assert "Server Temp Key: X25519" in agree("-tls1_2")


def test_there_is_no_compression_no_heartbeat_and_no_early_data(agree):
    for version in ("-tls1_2", "-tls1_3"):
        said = agree(version, "-tlsextdebug", "-comp")
        assert "Compression: NONE" in said and "heartbeat" not in said.lower()
    assert "Max Early Data: 0" in agree("-tls1_3", "-ign_eof", stdin="GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    said = agree("-tls1_2", "-tlsextdebug")
    assert "Secure Renegotiation IS supported" in said and "Extended master secret: yes" in said


def test_a_downgrade_is_found_out(agree):
    assert agree("-tls1_2", "-fallback_scsv") is None
    assert agree("-tls1_2") is not None


def test_one_protocol_is_chosen(agree):
    for offered, chosen in (("h2,http/1.1", "http/1.1"), ("http/1.1,h2", "http/1.1"), ("http/1.1", "http/1.1")):
        assert f"ALPN protocol: {chosen}\n" in agree("-alpn", offered)
    assert "No ALPN negotiated" in agree()
    for offered in ("h2", "http/1.0", "spdy/3"):
        assert agree("-alpn", offered) is None, offered
