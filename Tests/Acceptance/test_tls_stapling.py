"""What an authority says of a certificate (OCSP), shown beside it in handshakes."""

import datetime

import pytest

from support.martlet import command
from support.process import completed
from support.tls import Responder, replace, serial
from support.waiting import until

SITE = """
tls: {watch: 100ms}
listen: [{address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key, ocsp: $ocsp $more}}]
routes: [{respond: {status: 200}}]
"""


@pytest.fixture(scope="module")
def responder(authority, tmp_path_factory):
    return Responder(authority, tmp_path_factory.mktemp("responder"))


@pytest.fixture
def site(martlet, pair):
    def start(ocsp, pair=pair, more=""):
        return martlet(SITE, certificate=pair[0], key=pair[1], ocsp=ocsp, more=more)

    return start


def stapled(proxy, *options, host="site.test"):
    """What a client is shown that asks for it; None when that is nothing."""
    place = f"{proxy.address[0]}:{proxy.address[1]}"
    said = completed(["openssl", "s_client", "-connect", place, "-servername", host, "-status", *options]).stdout
    assert "Cipher is" in said and "Cipher is (NONE)" not in said, said
    if "OCSP response: no response sent" in said:
        return None
    assert "OCSP Response Status: successful (0x0)" in said and "Cert Status: good" in said, said
    return said


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_clients_that_ask_are_shown_it(site, authority, responder, pair, tmp_path, version):
    proxy = site(responder.sign(tmp_path / "site.ocsp", pair[0]))
    said = stapled(proxy, version, "-CAfile", authority.certificate)
    assert f"Serial Number: {serial(pair[0])}" in said and "Verification: OK" in said
    # Who does not ask is shown nothing.
    place = f"{proxy.address[0]}:{proxy.address[1]}"
    assert "OCSP" not in completed(["openssl", "s_client", "-connect", place, version]).stdout
    left = proxy.metrics()["martlet_tls_staple_seconds_left"].value(certificate=str(pair[0]))
    assert 6 * 86400 < left <= 7 * 86400


def test_the_issuer_itself_may_sign(site, authority, responder, pair, tmp_path):
    issuer = authority.folder / "middle.pem", authority.folder / "middle-key.pem"
    assert stapled(site(responder.sign(tmp_path / "site.ocsp", pair[0], signer=issuer)))


def test_each_certificate_has_its_own(site, authority, responder, pair, tmp_path):
    rsa = authority.issue("site.test", kind="rsa")
    other, bare = authority.issue("other.test"), authority.issue("bare.test")
    more = ", ".join(
        f"{{certificate: {c}, key: {k}, ocsp: {responder.sign(tmp_path / f'{c.stem}.ocsp', c)}}}" for c, k in (rsa, other))
    proxy = site(
        responder.sign(tmp_path / "site.ocsp", pair[0]),
        more=f", certificates: [{more}, {{certificate: {bare[0]}, key: {bare[1]}}}]")
    for host, options, certificate in (
        ("site.test", ["-tls1_2", "-cipher", "ECDHE+aECDSA"], pair[0]),
        ("site.test", ["-tls1_2", "-cipher", "ECDHE+aRSA"], rsa[0]),
        ("other.test", [], other[0]),
    ):
        assert f"Serial Number: {serial(certificate)}" in stapled(proxy, *options, host=host)
    assert stapled(proxy, host="bare.test") is None


def test_it_is_taken_from_its_file_without_a_reload(site, authority, responder, pair, tmp_path):
    path = tmp_path / "site.ocsp"
    proxy = site(path)
    proxy.stderr.wait_for(r"site.ocsp cannot be read: no such file or directory; it is not stapled")
    assert stapled(proxy) is None
    responder.sign(path, pair[0])
    proxy.stderr.wait_for(r"site.ocsp has changed: it is good until 20")
    assert stapled(proxy)
    replace(path, path.read_bytes()[:-1])
    proxy.stderr.wait_for(r"site.ocsp is no OCSP response in DER form; it is not stapled")
    assert stapled(proxy) is None
    assert proxy.metrics()["martlet_tls_staple_seconds_left"].value(certificate=str(pair[0])) == 0
    start = len(proxy.stderr)
    responder.sign(path, pair[0])
    proxy.stderr.wait_for(r"site.ocsp has changed", start=start)
    assert stapled(proxy)


def test_a_renewed_certificate_is_not_shown_with_what_was_said_of_the_old_one(site, authority, responder, tmp_path):
    old, new = authority.issue("site.test"), authority.issue("site.test")
    certificate, key, path = tmp_path / "tls.crt", tmp_path / "tls.key", tmp_path / "tls.ocsp"
    certificate.write_bytes(old[0].read_bytes())
    key.write_bytes(old[1].read_bytes())
    proxy = site(responder.sign(path, old[0]), pair=(certificate, key))
    assert stapled(proxy)
    replace(key, new[1].read_bytes())
    replace(certificate, new[0].read_bytes())
    proxy.stderr.wait_for(r"tls.ocsp is not about \S+tls.crt; it is not stapled")
    assert stapled(proxy) is None
    responder.sign(path, new[0])
    proxy.stderr.wait_for(r"tls.ocsp has changed")
    assert f"Serial Number: {serial(new[0])}" in stapled(proxy)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def test_what_expires_is_shown_no_longer(site, responder, pair, tmp_path):
    # A busy machine may be too late to see it shown.
    for seconds in (3, 10, 30):
        end = now() + datetime.timedelta(seconds=seconds)
        proxy = site(responder.sign(tmp_path / "site.ocsp", pair[0], ends=end))
        if stapled(proxy):
            break
    else:
        pytest.fail("it is never shown")
    until(lambda: stapled(proxy) is None, "the response has expired")
    assert now() >= end.replace(microsecond=0)
    proxy.stderr.wait_for(r"site.ocsp expired on 20\S+; it is not stapled any more")


def test_each_fault_is_said_where_it_is_named_and_keeps_nobody_out(authority, responder, pair, site, tmp_path):
    other = authority.issue("other.test")
    stranger = authority.issue("stranger.test")
    lonely = authority.issue("lonely.test", issuer="root")
    path, rubbish = tmp_path / "site.ocsp", tmp_path / "rubbish"
    rubbish.write_text("rubbish")
    late = tmp_path / "late"
    late.write_bytes(bytes.fromhex("30030a0103"))  # OCSPResponse {tryLater}, RFC 6960 §4.2.1
    sign = responder.sign
    for number, (response, problem) in enumerate((
        (tmp_path / "none", "none cannot be read: no such file or directory"),
        (rubbish, "rubbish is no OCSP response in DER form"),
        (late, "late has no answer: the responder said trylater"),
        (lambda: sign(path, other[0]), f"site.ocsp is not about {pair[0]}"),
        (lambda: sign(path, pair[0], signer=stranger), f"site.ocsp is not signed by who has issued {pair[0]}"),
        (lambda: sign(path, pair[0], status="R"), f"site.ocsp says that {pair[0]} was revoked"),
        (lambda: sign(path, pair[0], status=None), f"site.ocsp says that {pair[0]} is not known"),
        (lambda: sign(path, pair[0], days=None), "site.ocsp does not say until when it is good"),
        (lambda: sign(path, pair[0], ends=now()), "site.ocsp expired on 20"),
    )):
        ocsp = response() if callable(response) else response
        said = warnings(tmp_path, pair, ocsp)
        assert "FILE:6:" in said and problem in said and "; it is not stapled" in said, said
        if number in (0, 4):
            proxy = site(ocsp)
            proxy.stderr.wait_for("it is not stapled")
            assert stapled(proxy) is None
    assert "cannot be checked: " in warnings(tmp_path, lonely, sign(path, pair[0]))
    assert warnings(tmp_path, pair, sign(path, pair[0])) == ""


def warnings(tmp_path, pair, ocsp):
    """What check says, which does not fail."""
    file = tmp_path / "check.yaml"
    file.write_text(
        "listen:\n  - address: 127.0.0.1:0\n    tls:\n"
        f"      certificate: {pair[0]}\n      key: {pair[1]}\n      ocsp: {ocsp}\n"
        "routes: [{respond: {status: 200}}]\n")
    done = command("check", file)
    assert done.returncode == 0, done.stderr
    return done.stderr.replace(str(file), "FILE")


def test_a_response_belongs_to_what_clients_are_shown(pair, tmp_path):
    file = tmp_path / "martlet.yaml"
    file.write_text(
        "listen: 127.0.0.1:0\n"
        f"pools: {{web: {{servers: ['127.0.0.1:1'], tls: {{client_certificate: {{certificate: {pair[0]}, key: {pair[1]},\n"
        "  ocsp: x}}}}\nroutes: [{proxy: web}]\n")
    done = command("check", file)
    assert done.returncode == 78 and ':3:3: "ocsp" is not a key of' in done.stderr, done.stderr
