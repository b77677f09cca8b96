"""What is wrong with certificates, of clients and of servers, and in which words each side hears it."""

import datetime
import os
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.martlet import BINARY
from support.origin import answer
from support.process import completed
from support.tls import Authority, SecureClient, SecureOrigin, openssl, serving
from support.waiting import until

TLS12 = ssl.TLSVersion.TLSv1_2


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"))


def issue_for(authority, purpose, host):
    certificate, key = authority._sign(
        f"{purpose}-{host}", f"/CN={host}", "middle", f"subjectAltName=IP:{host}\nextendedKeyUsage={purpose}")
    certificate.write_bytes(certificate.read_bytes() + (authority.folder / "middle.pem").read_bytes())
    return certificate, key


def without_chain(authority, host):
    certificate, key = authority.issue(host)
    leaf = certificate.read_bytes().split(b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n"
    certificate.write_bytes(leaf)
    return certificate, key


def below(authority, name, host, **times):
    """A good certificate below an intermediate one of its own, which is not."""
    middle = authority.issue(f"{name}.test", issuer="root", name=name, **times)
    authority._sign(name, f"/CN={name}", "root", "basicConstraints=critical,CA:TRUE", key=middle[1], **times_of(times))
    certificate, key = authority.issue(host, issuer=name)
    certificate.write_bytes(certificate.read_bytes() + (authority.folder / f"{name}.pem").read_bytes())
    return certificate, key


def times_of(times):
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "start": now + datetime.timedelta(days=times["start_days"]), "end": now + datetime.timedelta(days=times["days"])}


# Clients of ours.

MUTUAL = """
listen: [{address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key, clients: {ca: $ca}}}]
routes: [{respond: {status: 200}}]
"""


def test_each_fault_of_a_client_is_told_by_its_alert(martlet, authority, stranger):
    certificate, key = authority.issue("site.test")
    proxy = martlet(MUTUAL, certificate=certificate, key=key, ca=authority.certificate)

    def visit(pair):
        context = authority.trust(latest=TLS12)  # The alert comes within the handshake.
        if pair:
            context.load_cert_chain(*pair)
        with SecureClient(proxy.address, context) as client:
            assert client.get("/").status == 200

    visit(authority.issue("clerk"))
    for name, pair, alert in (
        ("none", None, "HANDSHAKE_FAILURE"),
        ("expired", authority.issue("clerk", days=-1, start_days=-9), "CERTIFICATE_EXPIRED"),
        ("early", authority.issue("clerk", days=9, start_days=5), "BAD_CERTIFICATE"),
        ("unknown authority", stranger.issue("clerk"), "UNKNOWN_CA"),
        ("signed by itself", authority.issue("clerk", issuer=None, name="itself"), "UNKNOWN_CA"),
        ("no chain", without_chain(authority, "clerk"), "UNKNOWN_CA"),
        ("for servers only", issue_for(authority, "serverAuth", "10.0.0.1"), "UNSUPPORTED_CERTIFICATE"),
    ):
        with pytest.raises(ssl.SSLError) as failure:
            visit(pair)
        assert alert in failure.value.reason, (name, failure.value)
    counts = proxy.metrics()["martlet_tls_handshakes_total"]
    assert (counts.value(result="success"), counts.value(result="failure")) == (1, 7)


def test_a_chain_may_be_as_long_as_its_authorities_let_it(martlet, nginx, authority):
    """nginx, unless told otherwise, takes one intermediate authority (ssl_verify_depth)."""
    ours = authority.issue("site.test")
    proxy = martlet(MUTUAL, certificate=ours[0], key=ours[1], ca=authority.certificate)
    oracle = nginx(
        f"ssl on; ssl_certificate {ours[0]}; ssl_certificate_key {ours[1]}; ssl_verify_client on;\n"
        f"ssl_client_certificate {authority.certificate}; location / {{ return 200; }}")
    issuer, chain = "root", b""
    for number in range(1, 4):
        name = f"level-{number}"
        authority._sign(name, f"/CN={name}", issuer, "basicConstraints=critical,CA:TRUE")
        issuer, chain = name, (authority.folder / f"{name}.pem").read_bytes() + chain
        certificate, key = authority.issue("clerk", issuer=issuer)
        certificate.write_bytes(certificate.read_bytes() + chain)
        context = authority.trust()
        context.load_cert_chain(certificate, key)
        for address, status in ((proxy.address, 200), (oracle.address, 200 if number == 1 else 400)):
            with SecureClient(address, context) as client:
                assert client.get("/").status == status, (number, address)
    # The intermediate authority of other tests lets none be below it (pathlen:0).
    authority._sign("below", "/CN=below", "middle", "basicConstraints=critical,CA:TRUE")
    certificate, key = authority.issue("clerk", issuer="below")
    certificate.write_bytes(b"".join(
        file.read_bytes() for file in (certificate, authority.folder / "below.pem", authority.folder / "middle.pem")))
    context = authority.trust(latest=TLS12)
    context.load_cert_chain(certificate, key)
    with pytest.raises(ssl.SSLError):
        SecureClient(proxy.address, context)


# Servers of ours.

PROXY = """
pools: {web: {servers: ["$web"], retries: 0, ejection: off, tls: {ca: $ca}}}
routes: [{proxy: web}]
"""


def test_each_fault_of_a_servers_chain_is_said(martlet, authority, stranger):
    root = authority.certificate.read_bytes()
    shuffled, key = authority.issue("127.0.0.1")
    leaf, middle = shuffled.read_bytes().split(b"-----BEGIN", 2)[1:]
    shuffled.write_bytes(b"-----BEGIN" + leaf + root + b"-----BEGIN" + middle)
    for name, pair, problem in (
        # Whoever reads a chain sorts it; whoever shows one has it checked (test_tls.py).
        ("in any order", (shuffled, key), None),
        ("no chain", without_chain(authority, "127.0.0.1"), "certificate is of an authority that is not trusted"),
        ("another's chain", stranger.issue("127.0.0.1"), "certificate is of an authority that is not trusted"),
        ("for clients only", issue_for(authority, "clientAuth", "127.0.0.1"), "certificate: unsuitable certificate purpose"),
        ("an authority has expired", below(authority, "old", "127.0.0.1", days=-1, start_days=-9),
         "certificate 2 of the chain expired on "),
        ("an authority is not valid yet", below(authority, "young", "127.0.0.1", days=9, start_days=5),
         "certificate 2 of the chain is not valid before "),
    ):
        web = SecureOrigin(serving(*pair), answer(b"hello"))
        try:
            proxy = martlet(PROXY, web=web, ca=authority.certificate)
            assert proxy.get("/").status == (502 if problem else 200), name
            if problem:
                proxy.stderr.wait_for(f"server {web}: {problem}")
                until(lambda: web.refused, f"the server is told: {name}")
        finally:
            web.close()


# Files of ours.


@pytest.fixture
def open_folder():
    """One that others than the owner of the test may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_files_that_may_not_be_read_are_said_where_they_are_named(authority, open_folder):
    pair = authority.issue("site.test")
    certificate, key = open_folder / "tls.crt", open_folder / "tls.key"
    for source, copy in zip(pair, (certificate, key)):
        copy.write_bytes(source.read_bytes())
        copy.chmod(0o644)
    (open_folder / "keys").write_bytes(os.urandom(80))
    file = open_folder / "martlet.yaml"
    file.write_text(
        "listen:\n  - address: 127.0.0.1:0\n    tls:\n"
        f"      certificate: {certificate}\n      key: {key}\n      clients: {{ca: {certificate}}}\n"
        f"tls:\n  ticket_keys: {open_folder}/keys\n"
        f"pools: {{web: {{servers: ['127.0.0.1:1'], tls: {{\n  ca: {certificate},\n"
        f"  client_certificate: {{certificate: {certificate}, key: {key}}}}}}}}}\nroutes: [{{proxy: web}}]\n")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    check = [*nobody, BINARY, "check", file]
    if subprocess.run([*nobody, BINARY, "--version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("nobody else may run the binary")
    done = completed(check)
    assert done.returncode == 0, done.stderr
    for path, lines in ((certificate, (4, 6, 10, 11)), (key, (5, 11)), (open_folder / "keys", (8,))):
        path.chmod(0)
        said = completed(check).stderr
        path.chmod(0o644)
        assert f"{path} cannot be read: permission denied" in said
        # What cannot be read of a pool is said once: its authorities come first.
        for line in lines if path != certificate else lines[:3]:
            assert f"martlet.yaml:{line}:" in said, (line, said)


def test_each_fault_of_our_own_certificate_for_servers_is_said(authority, tmp_path):
    certificate, key = authority.issue("martlet.test")
    leaf, middle = (b"-----BEGIN" + part for part in certificate.read_bytes().split(b"-----BEGIN")[1:])

    def put(name, content):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    def issue(name, days, start_days):
        return authority.issue("martlet.test", key=key, name=name, days=days, start_days=start_days)[0]

    missing = tmp_path / "missing"
    for one, other, line, problem in (
        (certificate, put("empty", b""), 4, "empty has no private key in PEM form"),
        (certificate, put("half", key.read_bytes()[:100]), 4, "half has no private key in PEM form"),
        (certificate, put("sealed", openssl("pkey", "-in", key, "-aes128", "-passout", "pass:x")), 4,
         "sealed is encrypted, and nobody is there to enter its password"),
        (certificate, missing, 4, "missing cannot be read: no such file or directory"),
        (missing, key, 3, "missing cannot be read: no such file or directory"),
        (certificate, authority.issue("other.test")[1], 4, f"is not the key of {certificate}"),
        (put("swapped", middle + leaf), key, 3, "swapped: the certificate of the key is number 2, and must be the first"),
        (put("gap", leaf + authority.certificate.read_bytes()), key, 3, "gap: certificate 2 has not signed number 1"),
        (issue("old", -1, -9), key, 3, "old.pem expired on 20"),
        (issue("young", 9, 5), key, 3, "young.pem is not valid before 20"),
    ):
        file = tmp_path / "martlet.yaml"
        file.write_text(
            "listen: 127.0.0.1:0\npools: {web: {servers: ['127.0.0.1:1'], tls: {client_certificate: {\n"
            f"  certificate: {one},\n  key: {other}}}}}}}}}\nroutes: [{{proxy: web}}]\n")
        for order in (["check", file], ["run", "--config", file]):
            done = completed([BINARY, *order])
            assert done.returncode == 78 and f":{line}:" in done.stderr and problem in done.stderr, (problem, done.stderr)
