"""Certificates, keys and their like on a share that hangs, or in pipes: nobody waits for them."""

import os

import pytest

from support.share import Share, shared
from support.tls import Responder, SecureClient, openssl, replace, revoking
from support.waiting import until

SITE = """
tls: {watch: 100ms, ticket_keys: $at/tickets}
listen: [{address: "127.0.0.1:0", tls: {certificate: $at/tls.crt, key: $at/tls.key, ocsp: $at/tls.ocsp, clients: {ca: $at/clients.pem, crl: $at/revoked.pem, verify: optional}}}]
pools: {web: {servers: ["127.0.0.1:1"], tls: {ca: $at/servers.pem, client_certificate: {certificate: $at/own.crt, key: $at/own.key}}}}
routes:
  - {match: {prefix: /web}, proxy: web}
  - respond: {status: 200}
"""


@pytest.fixture(scope="module")
def responder(authority, tmp_path_factory):
    return Responder(authority, tmp_path_factory.mktemp("responder"))


class Files:
    """Every kind of file that TLS is made with, in one folder."""

    def __init__(self, folder, authority, responder):
        self.folder, self._authority, self._responder = folder, authority, responder
        self.write()

    def write(self):
        """Makes all of them anew."""
        pairs = [("tls", self._authority.issue("site.test")), ("own", self._authority.issue("martlet.test"))]
        for name, (certificate, key) in pairs:
            replace(self.folder / f"{name}.key", key.read_bytes())
            replace(self.folder / f"{name}.crt", certificate.read_bytes())
        for name in ("clients", "servers"):
            replace(self.folder / f"{name}.pem", self._authority.certificate.read_bytes())
        replace(self.folder / "revoked.pem", revoking(self._authority, issuer="root") + revoking(self._authority))
        self._responder.sign(self.folder / "tls.ocsp", pairs[0][1][0])
        replace(self.folder / "tickets", openssl("rand", "80"))


def expect_service(proxy, authority):
    """Workers and the control thread do their work."""
    with SecureClient(proxy.address, authority.trust()) as client:
        assert client.get("/").status == 200
    assert proxy.metrics()["martlet_tls_certificate_days_left"].samples
    assert proxy.admin("/livez").status == 200


def test_a_share_that_hangs_stops_nothing(martlet, authority, responder, library, tmp_path):
    share = Share(tmp_path / "share", tmp_path / "calls")
    files = Files(share.path, authority, responder)
    proxy = martlet(SITE, env=shared(library, share), at=share.path)
    try:
        expect_service(proxy, authority)
        read_at_the_start = main_calls(share)
        # All of it is read anew when all of it has changed.
        files.write()
        proxy.stderr.wait_for("tls.crt has changed")
        proxy.stderr.wait_for("tickets has changed")
        proxy.stderr.wait_for("configuration reloaded", start=proxy.reload())
        for name in ("tls.crt", "tls.key", "tls.ocsp", "clients.pem", "revoked.pem", "servers.pem", "own.crt", "own.key", "tickets"):
            assert [call for call in share.calls(name) if call[1] == "open"], name
        share.hang()
        count = len(share.calls())
        until(lambda: len(share.calls()) > count, "somebody waits for it")
        expect_service(proxy, authority)
        start = proxy.reload()
        proxy.stderr.wait_for("tls.crt cannot be read: it did not answer in time", start=start)
        proxy.stderr.wait_for("configuration not reloaded", start=start)
        expect_service(proxy, authority)
        start = len(proxy.stderr)
        files.write()
        share.release()
        proxy.stderr.wait_for("tls.crt has changed", start=start)
        proxy.stderr.wait_for("clients.pem has changed", start=start)
        proxy.stderr.wait_for("tickets has changed", start=start)
        until(lambda: "configuration reloaded" in reloaded(proxy), "a reload finds it again")
        expect_service(proxy, authority)
        # The control thread has asked nothing of it since the start, nor has any worker ever.
        assert main_calls(share) == read_at_the_start
        assert {call[0] for call in share.calls()} == {"look"}
    finally:
        share.release()


def main_calls(share):
    return [call for call in share.all_calls() if call[0] == "martlet"]


def reloaded(proxy):
    """What a reload comes to: a look that is out still may keep one from being taken."""
    return proxy.stderr.wait_for("configuration (not )?reloaded", start=proxy.reload())[0][0]


@pytest.mark.parametrize(
    ("name", "consequence"),
    [
        ("tls.crt", "the certificate in use is shown on"),
        ("tls.key", "the certificate in use is shown on"),
        ("clients.pem", "the certificate in use is shown on"),
        ("revoked.pem", "the list in use counts on"),
        ("tls.ocsp", "it is not stapled"),
        ("tickets", "the ticket keys in use are kept"),
        ("servers.pem", None),
        ("own.key", None),
    ],
)  # fmt: skip
def test_a_pipe_in_the_place_of_a_file_holds_up_nobody(martlet, authority, responder, tmp_path, name, consequence):
    files = Files(tmp_path, authority, responder)
    proxy = martlet(SITE, at=tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    problem = f"{name} cannot be read: it is no regular file"
    if consequence:
        proxy.stderr.wait_for(f"{problem}; {consequence}")
    expect_service(proxy, authority)
    start = proxy.reload()
    proxy.stderr.wait_for(problem, start=start)
    # What is missed beside a certificate keeps nobody out.
    proxy.stderr.wait_for("configuration reloaded" if name == "tls.ocsp" else "configuration not reloaded", start=start)
    expect_service(proxy, authority)
    start = len(proxy.stderr)
    files.write()
    proxy.stderr.wait_for("tls.crt has changed", start=start)
    proxy.stderr.wait_for("configuration reloaded", start=proxy.reload())
    expect_service(proxy, authority)
