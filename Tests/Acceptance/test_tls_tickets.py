"""Keys of session tickets in a file: several processes resume each other's sessions."""

import os
import ssl

import pytest

from support.martlet import command
from support.process import completed
from support.tls import SecureClient, openssl, replace

SITE = """
tls: {watch: 100ms, ticket_keys: $keys}
listen: [{address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key}}]
routes: [{respond: {status: 200}}]
"""


@pytest.fixture
def replica(martlet, pair):
    """Starts one of several processes."""

    def start(keys, text=SITE):
        return martlet(text, keys=keys, certificate=pair[0], key=pair[1])

    return start


@pytest.fixture
def visit(authority):
    """Asks for a page, perhaps with a session; tells whether it was resumed, and the next session."""
    contexts = {}

    def ask(proxy, session=None, latest=ssl.TLSVersion.TLSv1_3):
        context = contexts.setdefault(latest, authority.trust(latest=latest))
        with SecureClient(proxy.address, context, session=session) as client:
            assert client.get("/", {"Connection": "close"}).status == 200
            assert client.read_some() == b""  # What was cut is not resumed.
            return client.socket.session_reused, client.socket.session

    return ask


def key():
    return openssl("rand", "80")


@pytest.mark.parametrize("latest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_processes_with_the_same_keys_resume_each_others_sessions(replica, visit, tmp_path, latest):
    keys = tmp_path / "keys"
    keys.write_bytes(key())
    one, other = replica(keys), replica(keys)
    isResumed, session = visit(one, latest=latest)
    assert not isResumed
    isResumed, session = visit(other, session, latest)
    assert isResumed
    assert visit(one, session, latest)[0]
    # One with keys of its own does not.
    (tmp_path / "foreign").write_bytes(key())
    assert not visit(replica(tmp_path / "foreign"), session, latest)[0]


def test_openssl_resumes_with_another_process(replica, tmp_path):
    keys = tmp_path / "keys"
    keys.write_bytes(key())
    saved = tmp_path / "session"
    request = "GET / HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"
    said = []
    for proxy, option in ((replica(keys), "-sess_out"), (replica(keys), "-sess_in")):
        place = f"{proxy.address[0]}:{proxy.address[1]}"
        said.append(completed(
            ["openssl", "s_client", "-connect", place, "-ign_eof", option, saved], stdin=request).stdout)
    assert "\nNew, TLSv1.3" in said[0] and "\nReused, TLSv1.3" in said[1]


def test_keys_change_with_the_file_and_old_tickets_hold(replica, visit, tmp_path):
    keys, first, second, third = tmp_path / "keys", key(), key(), key()
    keys.write_bytes(first)
    proxy = replica(keys)
    session = visit(proxy)[1]
    replace(keys, second + first)
    proxy.stderr.wait_for(r"keys has changed: session tickets are sealed with the first of 2 keys")
    isResumed, renewed = visit(proxy, session)
    assert isResumed
    start = len(proxy.stderr)
    replace(keys, third + second)
    proxy.stderr.wait_for(r"keys has changed: .* the first of 2 keys", start=start)
    # What the first has sealed is forgotten; the ticket in its place was sealed with the second.
    assert not visit(proxy, session)[0]
    assert visit(proxy, renewed)[0]


def test_a_broken_file_is_reported_and_the_keys_stay(replica, visit, tmp_path):
    keys = tmp_path / "keys"
    keys.write_bytes(key())
    proxy = replica(keys)
    session = visit(proxy)[1]
    for content, problem in (
        (os.urandom(79), "has 79 bytes, and each key has 80"), (b"", "has 0 bytes, and each key has 80"),
        (os.urandom(17 * 80), "has 17 keys, and 16 may be"),
    ):
        replace(keys, content)
        proxy.stderr.wait_for(f"keys {problem}; the ticket keys in use are kept")
        isResumed, session = visit(proxy, session)
        assert isResumed
    keys.unlink()
    proxy.stderr.wait_for("keys cannot be read: no such file or directory; the ticket keys in use are kept")
    assert visit(proxy, session)[0]
    replace(keys, key())
    proxy.stderr.wait_for("keys has changed: .* the first of 1 keys")
    assert not visit(proxy, session)[0]


def test_a_reload_takes_and_leaves_a_file(replica, visit, pair, tmp_path):
    keys = tmp_path / "keys"
    keys.write_bytes(key())
    proxy, other = replica("", SITE.replace(", ticket_keys: $keys", "")), replica(keys)
    ours, shared = visit(proxy)[1], visit(other)[1]
    assert not visit(proxy, shared)[0]
    proxy.write(SITE, keys=keys, certificate=pair[0], key=pair[1])
    proxy.stderr.wait_for("configuration reloaded", start=proxy.reload())
    isResumed, shared = visit(proxy, shared)
    assert isResumed and not visit(proxy, ours)[0]
    proxy.write(SITE.replace(", ticket_keys: $keys", ""), certificate=pair[0], key=pair[1])
    proxy.stderr.wait_for("configuration reloaded", start=proxy.reload())
    # It is of use for a while; what is sealed from now on is nobody else's.
    isResumed, ours = visit(proxy, shared)
    assert isResumed and not visit(other, ours)[0]


def test_what_is_wrong_with_the_file_is_said_where_it_is_named(pair, tmp_path):
    short = tmp_path / "short"
    short.write_bytes(os.urandom(48))
    for path, problem in (
        (short, "short has 48 bytes, and each key has 80"),
        (tmp_path / "none", "none cannot be read: no such file or directory"),
        (tmp_path, "cannot be read: is a directory"),
    ):
        file = tmp_path / "martlet.yaml"
        file.write_text(f"listen: 127.0.0.1:0\ntls:\n  ticket_keys: {path}\nroutes: [{{respond: {{status: 200}}}}]\n")
        for order in (["check", file], ["run", "--config", file]):
            done = command(*order)
            assert done.returncode == 78 and ":3:" in done.stderr and problem in done.stderr, done.stderr
