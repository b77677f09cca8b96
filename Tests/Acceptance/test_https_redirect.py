"""Listeners in plain HTTP that send every request to HTTPS."""

import pytest

from support.martlet import command
from support.process import completed

SITE = """
listen: [{address: "127.0.0.1:0", redirect: $redirect}, {address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key}}]
trusted_proxies: [$trusted]
routes:
  - match: {prefix: /.well-known/acme-challenge/}
    respond: {status: 200, body: challenge}
  - match: {exact: /old}
    redirect: /new
  - match: {prefix: /}
    respond: {status: 200, body: site}
"""


@pytest.fixture
def site(martlet, pair):
    def start(redirect="https", trusted="192.0.2.1"):
        return martlet(SITE, redirect=redirect, trusted=trusted, certificate=pair[0], key=pair[1])

    return start


def test_every_request_is_sent_to_the_same_place_over_https(site):
    proxy = site()
    with proxy.connect() as client:
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            for target in ("/", "/a/b?c=d&e=%20", "/old", "/a%2Fb/../c", "/nowhere?"):
                response = client.ask(method, target)
                assert response.status == 308
                assert response.headers["Location"] == "https://site.test" + target
    assert (proxy.log_lines(1)[0]["status"], proxy.log_lines(1)[0]["reason"]) == (308, "ok")


def test_a_body_that_is_not_taken_does_not_spoil_the_connection(site):
    with site().connect() as client:
        for _ in range(2):
            response = client.ask("POST", "/form", body=b"x" * 5000)
            assert (response.status, response.headers["Location"]) == (308, "https://site.test/form")


@pytest.mark.parametrize(
    ("redirect", "status", "start"),
    [
        ("{port: 8443}", 308, "https://site.test:8443/"),
        ("{status: 301}", 301, "https://site.test/"),
        ("{port: 443, status: 302}", 302, "https://site.test/"),
    ],
)
def test_port_and_status_are_as_configured(site, redirect, status, start):
    response = site(redirect).get("/x")
    assert (response.status, response.headers["Location"]) == (status, start + "x")


@pytest.mark.parametrize(
    ("host", "leads"),
    [
        ("site.test:8080", "https://site.test/"),
        ("Site.Test", "https://Site.Test/"),
        ("site.test.", "https://site.test/"),
        ("192.0.2.1:80", "https://192.0.2.1/"),
        ("[2001:db8::1]:80", "https://[2001:db8::1]/"),
    ],
)
def test_the_host_stays_without_its_port(site, host, leads):
    assert site().get("/", host=host).headers["Location"] == leads


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.test/", "evil.test/site.test", "a@evil.test", "evil.test#site.test", "evil.test?", "evil.test\\",
        "a b", "a\tb", "evil.test:80:80", "evil.test:", "evil.test:x", "[::1", "[::1]evil.test", "%65vil.test", "a..b",
        "ev\xefl.test", '"', "<script>", "{host}",
    ],
)  # fmt: skip
def test_a_host_that_is_none_leads_nowhere(site, host):
    response = site().get("/", host=host)
    assert response.status == 400
    assert "Location" not in response.headers


@pytest.mark.parametrize("raw", [
    b"GET / HTTP/1.1\r\nHost: site.test\r\nHost: evil.test\r\n\r\n",
    b"GET http://evil.test/ HTTP/1.1\r\nHost: site.test\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: site.test\r\n\r\n",
    b"GET /a\rLocation:x HTTP/1.1\r\nHost: site.test\r\n\r\n",
    b"GET /a#b HTTP/1.1\r\nHost: site.test\r\n\r\n",
])  # fmt: skip
def test_a_request_that_is_read_two_ways_leads_nowhere(site, raw):
    with site().connect() as client:
        client.send(raw)
        response = client.read_response()
    assert response.status == 400
    assert "Location" not in response.headers


@pytest.mark.parametrize(
    ("line", "leads"),
    [
        ("GET //evil.test/x", "https://site.test//evil.test/x"),
        ("GET /\\evil.test", "https://site.test/\\evil.test"),
        ("GET /@evil.test", "https://site.test/@evil.test"),
        ("GET http://site.test", "https://site.test/"),
        ("GET http://site.test?a=b", "https://site.test/?a=b"),
        ("GET HTTP://SITE.TEST:80/a?b", "https://site.test/a?b"),
        ("OPTIONS *", "https://site.test/"),
    ],
)
def test_no_target_leads_to_another_site(site, line, leads):
    with site().connect() as client:
        client.send(f"{line} HTTP/1.1\r\nHost: site.test\r\n\r\n")
        response = client.read_response()
    assert (response.status, response.headers["Location"]) == (308, leads)


def test_a_long_target_stays_whole(site):
    target = "/" + "x" * 7000 + "?" + "y" * 900
    assert site().get(target).headers["Location"] == "https://site.test" + target


def test_only_routes_for_challenges_are_served_in_plain(site):
    with site().connect() as client:
        response = client.get("/.well-known/acme-challenge/token")
        assert (response.status, response.body) == (200, b"challenge")
        for target in ("/.well-known/acme-challenge/../../x", "/.well-known/acme-challenge", "/.well-known/x"):
            assert client.get(target).status == 308


def test_who_came_by_https_to_a_trusted_proxy_is_not_sent_in_a_circle(site):
    https = {"X-Forwarded-Proto": "https"}
    proxy = site(trusted="127.0.0.1")
    assert proxy.get("/", https).body == b"site"
    assert proxy.get("/", {"X-Forwarded-Proto": "http"}).status == 308
    assert site().get("/", https).status == 308


def test_curl_follows_it(site, authority):
    proxy = site("{port: 1}")
    # Its port is known now, and a reload is enough to say it.
    plain, secure = (port for _, port in proxy.addresses)
    proxy.file.write_text(proxy.file.read_text().replace("{port: 1}", f"{{port: {secure}}}"))
    proxy.stderr.wait_for("configuration reloaded", start=proxy.reload())
    done = completed([
        "curl", "--silent", "--show-error", "--location", "--cacert", authority.certificate,
        "--resolve", f"site.test:{plain}:127.0.0.1", "--resolve", f"site.test:{secure}:127.0.0.1",
        f"http://site.test:{plain}/x",
    ])  # fmt: skip
    assert done.stdout == "site", done.stderr


def test_the_check_says_what_cannot_be(tmp_path, pair):
    file = tmp_path / "martlet.yaml"
    file.write_text(
        f'listen: [{{address: ":8443", tls: {{certificate: {pair[0]}, key: {pair[1]}}},\n  redirect: https}}]\n'
        "routes: [{respond: 204}]\n")
    done = command("check", file)
    assert done.returncode == 78
    assert f"{file}:2:13: redirect leads to HTTPS, which clients speak here already" in done.stdout + done.stderr
