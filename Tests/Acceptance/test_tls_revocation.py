"""Certificates that were revoked: who is let in no more, and whom of servers nobody believes."""

import datetime
import ssl
import time

import pytest

from support.martlet import command
from support.process import completed
from support.tls import Authority, SecureClient, openssl, replace, revoking, serving
from support.waiting import until

SITE = """
tls: {watch: 100ms}
listen: [{address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key, clients: {ca: $ca, crl: $crl, verify: $verify}}}]
routes: [{respond: {status: 200}}]
"""
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
REFUSED = (ssl.SSLError, ConnectionResetError)


@pytest.fixture(scope="module")
def clerk(authority):
    return authority.issue("clerk", name="clerk")


@pytest.fixture(scope="module")
def thief(authority):
    return authority.issue("thief", name="thief")


@pytest.fixture
def lists(authority, tmp_path):
    """Writes a file of lists: `lists(revoking(…), …)`; without any, of root and intermediate nobody is revoked."""

    def write(*content):
        content = content or (revoking(authority, issuer="root"), revoking(authority))
        replace(tmp_path / "revoked.pem", b"".join(content))
        return tmp_path / "revoked.pem"

    return write


@pytest.fixture
def site(martlet, authority, pair):
    def start(crl, verify="required", ca=authority.certificate, text=SITE):
        return martlet(text, certificate=pair[0], key=pair[1], ca=ca, crl=crl, verify=verify)

    return start


def showing(authority, pair, **more):
    context = authority.trust(**more)
    context.load_cert_chain(*pair)
    return context


def visit(proxy, context, session=None):
    """Asks for a page; tells whether the session was resumed, and the next session."""
    with SecureClient(proxy.address, context, session=session) as client:
        assert client.get("/", {"Connection": "close"}).status == 200
        assert client.read_some() == b""  # What was cut is not resumed.
        return client.socket.session_reused, client.socket.session


def refused(proxy, context, session=None):
    """Asks for a page, in vain; tells why."""
    with pytest.raises(REFUSED) as failure:
        visit(proxy, context, session)
    return str(failure.value)


# Clients.


def test_a_revoked_client_hears_so_and_others_are_let_in(site, authority, lists, clerk, thief):
    proxy = site(lists(revoking(authority, issuer="root"), revoking(authority, thief[0])))
    for latest in VERSIONS:
        visit(proxy, showing(authority, clerk, latest=latest))
        assert "CERTIFICATE_REVOKED" in refused(proxy, showing(authority, thief, latest=latest)).upper()

    def counts():
        total = proxy.metrics()["martlet_tls_handshakes_total"]
        return total.value(result="success"), total.value(result="failure")

    # The alert goes out before the worker has counted.
    until(lambda: counts() == (2, 2), "each handshake counts")
    url = f"https://site.test:{proxy.address[1]}/"
    for (certificate, key), said in ((clerk, ""), (thief, "certificate revoked")):
        done = completed([
            "curl", "--silent", "--show-error", "--cacert", authority.certificate, "--cert", certificate, "--key", key,
            "--resolve", f"site.test:{proxy.address[1]}:{proxy.address[0]}", url])
        assert said in done.stderr and (done.returncode == 0) == (not said), done.stderr


def test_who_is_let_in_is_let_in_by_nginx(site, nginx, authority, pair, lists, clerk, thief):
    """With each set of lists, three clients: one that is revoked, one that is not, one without an intermediate."""
    direct = authority.issue("direct", issuer="root", name="direct")
    root, middle = revoking(authority, issuer="root"), revoking(authority, thief[0])
    pool = {"clerk": clerk, "thief": thief, "direct": direct}
    for name, content, welcome in (
        ("all is well", [root, middle], {"clerk", "direct"}),
        ("in any order", [middle, root], {"clerk", "direct"}),
        ("no list of the root", [middle], set()),
        ("no list of the intermediate", [root], {"direct"}),
        ("the intermediate is revoked", [revoking(authority, authority.folder / "middle.pem", issuer="root"), middle], {"direct"}),
        ("a list has expired", [root, revoking(authority, starts=-9, ends=-1)], {"direct"}),
        ("a list is not valid yet", [root, revoking(authority, starts=1)], {"direct"}),
        ("the root's list has expired", [revoking(authority, issuer="root", starts=-9, ends=-1), middle], set()),
        ("a newer list has one more", [root, revoking(authority, starts=-3), middle], {"clerk", "direct"}),
        ("a newer list has one less", [root, middle, revoking(authority, starts=-0.5)], {"clerk", "thief", "direct"}),
        ("a newer list has expired", [root, middle, revoking(authority, starts=-0.5, ends=-0.1)], {"clerk", "direct"}),
    ):
        file = lists(*content)
        proxy = site(file)
        oracle = nginx(
            f"ssl on; ssl_certificate {pair[0]}; ssl_certificate_key {pair[1]}; ssl_verify_client on;\n"
            f"ssl_client_certificate {authority.certificate}; ssl_crl {file}; location / {{ return 200; }}")
        for who, own in pool.items():
            context = showing(authority, own)
            with SecureClient(oracle.address, context) as client:
                is_welcome = client.get("/").status == 200
            assert is_welcome == (who in welcome), (name, who)
            if is_welcome:
                visit(proxy, context)
            else:
                refused(proxy, context)
        proxy.stop()
        oracle.terminate()


def test_whose_authority_has_no_list_hears_that_it_is_unknown(site, authority, lists, clerk):
    proxy = site(lists(revoking(authority)))
    assert "UNKNOWN_CA" in refused(proxy, showing(authority, clerk)).upper()


def test_a_certificate_may_be_optional_but_not_revoked(site, authority, lists, clerk, thief):
    proxy = site(lists(revoking(authority, issuer="root"), revoking(authority, thief[0])), verify="optional")
    visit(proxy, authority.trust())
    visit(proxy, showing(authority, clerk))
    refused(proxy, showing(authority, thief))


def test_certificates_in_a_file_of_lists_let_nobody_in(site, nginx, authority, pair, lists):
    """To nginx they are authorities."""
    own = authority._sign("other", "/CN=Other root", None, "basicConstraints=critical,CA:TRUE")[0]
    stranger = showing(authority, authority.issue("stranger", issuer="other"))
    file = lists(
        revoking(authority, issuer="root"), revoking(authority), own.read_bytes(), revoking(authority, issuer="other"))
    refused(site(file), stranger)
    oracle = nginx(
        f"ssl on; ssl_certificate {pair[0]}; ssl_certificate_key {pair[1]}; ssl_verify_client on;\n"
        f"ssl_client_certificate {authority.certificate}; ssl_crl {file}; location / {{ return 200; }}")
    with SecureClient(oracle.address, stranger) as client:
        assert client.get("/").status == 200


@pytest.mark.parametrize("latest", VERSIONS)
def test_a_list_that_changes_counts_without_a_reload(site, authority, lists, clerk, thief, latest):
    file = lists()
    proxy = site(file)
    context = showing(authority, thief, latest=latest)
    _, session = visit(proxy, context)
    isResumed, session = visit(proxy, context, session)
    assert isResumed
    with SecureClient(proxy.address, context) as kept:
        assert kept.get("/").status == 200
        root = revoking(authority, issuer="root")
        lists(root, revoking(authority, thief[0]))
        proxy.stderr.wait_for("revoked.pem has changed: it says which clients are let in")
        # A session is no way in, nor is a new one; who is there already stays.
        refused(proxy, context, session)
        refused(proxy, context)
        visit(proxy, showing(authority, clerk, latest=latest))
        assert kept.get("/").status == 200
    for content, problem in (
        (b"", "revoked.pem has no list of revoked certificates in PEM form"),
        (file.read_bytes()[:-100], "revoked.pem: list 2 cannot be read"),
        (None, "revoked.pem cannot be read: no such file or directory"),
    ):
        if content is None:
            file.unlink()
        else:
            replace(file, content)
        proxy.stderr.wait_for(f"{problem}; the list in use counts on")
        refused(proxy, context)
        visit(proxy, showing(authority, clerk, latest=latest))
    start = len(proxy.stderr)
    lists(root, revoking(authority))
    proxy.stderr.wait_for("revoked.pem has changed", start=start)
    visit(proxy, context)


def test_a_reload_takes_another_list_and_refuses_a_bad_one(site, martlet, authority, lists, pair, thief, tmp_path):
    proxy = site(lists())
    context = showing(authority, thief)
    visit(proxy, context)
    other = tmp_path / "other.pem"
    values = {"certificate": pair[0], "key": pair[1], "ca": authority.certificate, "crl": other, "verify": "required"}
    proxy.write(SITE, **values)
    start = proxy.reload()
    proxy.stderr.wait_for("other.pem cannot be read: no such file or directory", start=start)
    proxy.stderr.wait_for("configuration not reloaded", start=start)
    visit(proxy, context)
    replace(other, revoking(authority, issuer="root") + revoking(authority, thief[0]))
    proxy.stderr.wait_for("configuration reloaded", start=proxy.reload())
    refused(proxy, context)


CLOCK_REALTIME_COARSE = 5  # of <time.h>


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def resumed(places):
    """Of places of which each lets in for longer: one that has resumed a session, and the next session.
    A busy machine may be too late to come in at all."""
    for proxy, context, what in places:
        try:
            _, session = visit(proxy, context)
            is_resumed, session = visit(proxy, context, session)
        except REFUSED:
            continue
        assert is_resumed
        return proxy, context, what, session
    pytest.fail("nobody is ever let in")


SECONDS = (4, 12, 36)


@pytest.mark.parametrize("latest", VERSIONS)
def test_when_a_list_expires_nobody_comes_in_by_it(site, authority, lists, clerk, latest):
    def places():
        for seconds in SECONDS:
            end = now() + datetime.timedelta(seconds=seconds)
            proxy = site(lists(revoking(authority, issuer="root"), revoking(authority, end=end)))
            yield proxy, showing(authority, clerk, latest=latest), end

    proxy, context, end, session = resumed(places())
    proxy.stderr.wait_for(r"revoked.pem: the list of CN=Test intermediate expired on 20\S+: whom it has signed is refused")
    assert now() >= end.replace(microsecond=0)
    # libcrypto asks a clock that may be a tick behind the one that told.
    until(lambda: time.clock_gettime(CLOCK_REALTIME_COARSE) >= int(end.timestamp()), "the end of the list")
    # Neither with what was agreed on while it was good.
    assert "EXPIRED" in refused(proxy, context, session).upper()
    assert "EXPIRED" in refused(proxy, context).upper()
    assert proxy.metrics()["martlet_tls_crl_seconds_left"].value(crl=str(lists())) == 0
    proxy.stderr.wait_for("revoked.pem has changed: it says which clients are let in")
    visit(proxy, context)
    left = proxy.metrics()["martlet_tls_crl_seconds_left"].value(crl=str(lists()))
    assert 6 * 86400 < left <= 7 * 86400


@pytest.mark.parametrize("latest", VERSIONS)
def test_a_client_whose_certificate_has_expired_resumes_no_session(martlet, authority, pair, latest):
    proxy = martlet(
        SITE.replace(", crl: $crl", ""), certificate=pair[0], key=pair[1], ca=authority.certificate, verify="required")
    clerks = (authority.issue("clerk", days=seconds / 86400) for seconds in SECONDS)
    proxy, context, _, session = resumed((proxy, showing(authority, own, latest=latest), own) for own in clerks)

    def is_over():
        nonlocal session
        try:
            _, session = visit(proxy, context, session)
            return False
        except REFUSED as failure:
            return "EXPIRED" in str(failure).upper()

    until(is_over, "it lets in no more")


def check(tmp_path, pair, ca, crl):
    """What check says, and run at its start; and with which status."""
    file = tmp_path / "check.yaml"
    file.write_text(
        "listen:\n  - address: 127.0.0.1:0\n    tls:\n"
        f"      certificate: {pair[0]}\n      key: {pair[1]}\n      clients:\n        ca: {ca}\n        crl: {crl}\n"
        "routes: [{respond: {status: 200}}]\n")
    done = command("check", file)
    if done.returncode != 0:
        assert done.returncode == 78
        started = command("run", "--config", file)
        assert (started.returncode, started.stderr) == (78, done.stderr)
    return done.returncode, done.stderr.replace(str(file), "FILE")


def test_each_fault_of_a_list_is_said_where_it_is_named(authority, pair, tmp_path):
    def file(name, content):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    (tmp_path / "other").mkdir()
    impostor = Authority(tmp_path / "other")
    good = revoking(authority, issuer="root")
    der = openssl("crl", "-outform", "DER", input=good)
    for crl, problem in (
        (tmp_path / "none", "none cannot be read: no such file or directory"),
        (tmp_path, f"{tmp_path} cannot be read: is a directory"),
        ("/dev/zero", "/dev/zero cannot be read: it is no regular file"),
        (file("empty", b""), "empty has no list of revoked certificates in PEM form"),
        (file("der", der), "der has no list of revoked certificates in PEM form"),
        (authority.certificate, "root.pem has no list of revoked certificates in PEM form"),
        (file("cut", good + revoking(authority)[:-100]), "cut: list 2 cannot be read"),
        (file("broken", good.replace(b"CRL-----\nM", b"CRL-----\nN", 1)), "broken: list 1 cannot be read"),
        (file("forged", good + revoking(impostor, issuer="root")),
         "forged: list 2 is not signed by CN=Test root, whose it says it is"),
        (file("delta", good + revoking(authority, issuer="root", extension="2.5.29.27=critical,DER:020101")),
         "delta: list 2 has only what has changed since another one"),
    ):
        status, said = check(tmp_path, pair, authority.certificate, crl)
        assert status == 78 and "FILE:8:14: " in said and problem in said, said


def test_what_lists_leave_open_is_a_warning(authority, pair, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(authority.certificate.read_bytes() + (authority.folder / "middle.pem").read_bytes())
    root, middle = revoking(authority, issuer="root"), revoking(authority)
    crl = tmp_path / "revoked.pem"
    for ca, content, problem in (
        (both, [root, middle], None),
        (both, [root], f"{crl} has no list of CN=Test intermediate: whom it has signed is refused"),
        (both, [middle], f"{crl} has no list of CN=Test root: whom it has signed is refused"),
        (authority.certificate, [root, middle],
         f"{crl} has a list of CN=Test intermediate, who is not in {authority.certificate}: it cannot be checked"),
        (both, [root, revoking(authority, starts=-9, ends=-1)],
         f"{crl}: the list of CN=Test intermediate expired on 20"),
        (both, [root, revoking(authority, starts=2)],
         f"{crl}: the list of CN=Test intermediate is not valid before 20"),
        (both, [root, revoking(authority, starts=-9, ends=-1), middle], None),
    ):  # fmt: skip
        crl.write_bytes(b"".join(content))
        status, said = check(tmp_path, pair, ca, crl)
        assert status == 0 and (problem in said and "FILE:8:14: " in said if problem else said == ""), said


# Servers.

PROXY = """
pools: {web: {servers: ["$web"], retries: 0, ejection: off, tls: {ca: $ca, crl: $crl}}}
routes: [{proxy: web}]
"""


def test_a_server_that_was_revoked_is_not_believed(martlet, secure_origin, authority, pair, lists):
    web = secure_origin(serving(*pair))
    root = revoking(authority, issuer="root")
    for content, problem in (
        ([root, revoking(authority)], None),
        ([root, revoking(authority, pair[0])], "certificate was revoked$"),
        ([root], "certificate is of an authority that has no list of those that it has revoked$"),
        ([root, revoking(authority, starts=-9, ends=-1)],
         "certificate is of an authority whose list of those that it has revoked has expired$"),
    ):
        proxy = martlet(PROXY, web=web, ca=authority.certificate, crl=lists(*content))
        assert proxy.get("/").status == (502 if problem else 200), problem
        if problem:
            proxy.stderr.wait_for(f"server {web}: {problem}")


def test_a_reload_takes_another_list_of_servers_and_resumes_no_session(martlet, secure_origin, authority, pair, lists):
    web = secure_origin(serving(*pair))
    proxy = martlet(
        PROXY.replace("retries: 0", "retries: 0, keepalive: {requests: 1}"),
        web=web, ca=authority.certificate, crl=lists())
    assert [proxy.get("/").status for _ in range(2)] == [200, 200]
    assert web.resumed == [False, True]
    proxy.stderr.wait_for("configuration reloaded", start=proxy.reload())
    assert proxy.get("/").status == 200 and web.resumed[-1]
    lists(revoking(authority, issuer="root"), revoking(authority, pair[0]))
    proxy.stderr.wait_for("configuration reloaded", start=proxy.reload())
    assert proxy.get("/").status == 502
    proxy.stderr.wait_for(f"server {web}: certificate was revoked$")


def test_a_list_of_servers_is_checked_where_it_is_named(authority, tmp_path):
    crl = tmp_path / "revoked.pem"
    crl.write_bytes(revoking(authority, starts=-9, ends=-1, issuer="root"))
    ca = authority.certificate
    for tls, status, problem in (
        (f"{{ca: {ca},\n  crl: {tmp_path}/none}}", 78, "none cannot be read: no such file or directory"),
        (f"{{ca: {ca},\n  crl: {ca}}}", 78, "root.pem has no list of revoked certificates in PEM form"),
        (f"{{ca: {ca}, verify: false,\n  crl: {crl}}}", 78, "crl is never looked at: verify is false, and believes anybody"),
        (f"{{\n  crl: {crl}}}", 78, "crl has lists of authorities that ca does not name"),
        (f"{{ca: {ca},\n  crl: {crl}}}", 0, "revoked.pem: the list of CN=Test root expired on 20"),
    ):
        file = tmp_path / "martlet.yaml"
        file.write_text(
            f"listen: 127.0.0.1:0\npools: {{web: {{servers: ['127.0.0.1:1'], tls: {tls}}}}}\nroutes: [{{proxy: web}}]\n")
        done = command("check", file)
        assert done.returncode == status and problem in done.stderr and ":3:8: " in done.stderr, done.stderr
