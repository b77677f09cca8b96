"""What is refused, with which status, and that nothing of it reaches an origin."""

import json
import re

import pytest

from support.waiting import until
from support.wire import Client, chunked

PROXY = """
limits: {request_line: 1KiB, head: 8KiB, head_fields: 50, body: 100KiB}
pools: {web: {servers: [$web]}}
routes:
  - match: {prefix: /large}
    proxy: {pool: web, body_limit: 1MiB}
  - match: {prefix: /}
    proxy: {pool: web, request_buffering: $buffering}
"""


@pytest.fixture
def proxy_to(martlet):
    def start(web, buffering="true"):
        return martlet(PROXY, web=web, buffering=buffering)

    return start


def refused(proxy, bytes_sent, method="GET"):
    """The answer to bytes that must be refused; the connection must end after it."""
    with Client(proxy.address) as client:
        try:
            client.send(bytes_sent)
        except ConnectionError:
            pass  # Refused before all of it was sent.
        response = client.read_response(method)
        client.read_end()
        return response


def test_a_request_line_too_long_is_414(proxy_to, origin):
    web = origin()
    proxy = proxy_to(web)
    fitting = "/" + "a" * 980
    assert proxy.get(fitting).status == 200
    assert refused(proxy, f"GET /{'a' * 1100} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).status == 414
    # Refused as soon as it is too long, not when it ends.
    assert refused(proxy, b"GET /" + b"a" * 5000).status == 414
    assert len(web.requests) == 1


def test_a_head_too_big_is_431(proxy_to, origin):
    web = origin()
    proxy = proxy_to(web)
    assert proxy.get("/", {"X-Big": "v" * 7000}).status == 200
    assert refused(proxy, b"GET / HTTP/1.1\r\nHost: a\r\nX-Big: " + b"v" * 9000 + b"\r\n\r\n").status == 431
    assert refused(proxy, b"GET / HTTP/1.1\r\nHost: a\r\nX-Big: " + b"v" * 20000).status == 431
    assert len(web.requests) == 1


def test_too_many_fields_is_431(proxy_to, origin):
    web = origin()
    proxy = proxy_to(web)
    assert proxy.get("/", [(f"X-{i}", "v") for i in range(40)]).status == 200
    many = "".join(f"X-{i}: v\r\n" for i in range(60)).encode()
    assert refused(proxy, b"GET / HTTP/1.1\r\nHost: a\r\n" + many + b"\r\n").status == 431
    assert len(web.requests) == 1


@pytest.mark.parametrize("buffering", ["true", "false"])
def test_a_body_too_big_by_its_length_is_413_before_it_comes(proxy_to, origin, buffering):
    web = origin()
    proxy = proxy_to(web, buffering)
    assert proxy.ask("POST", "/", body=b"x" * 102400).status == 200
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 102401\r\n\r\n"
    assert refused(proxy, head).status == 413
    assert len(web.requests) == 1
    record = proxy.log_lines(2)[1]
    assert (record["status"], record["reason"]) == (413, "refused:body_too_large")


@pytest.mark.parametrize("buffering", ["true", "false"])
def test_a_body_too_big_by_its_chunks_is_413(martlet, origin, buffering):
    def connected(stream):
        while stream.read_some():
            pass

    web = origin(connected=connected)
    proxy = martlet(PROXY, web=web, buffering=buffering)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert refused(proxy, head + chunked([b"x" * 10000] * 11)).status == 413
    if buffering == "true":
        assert web.connections == 0


def test_a_route_may_allow_more(proxy_to, origin):
    proxy = proxy_to(origin())
    assert proxy.ask("POST", "/large", body=b"x" * 500_000).status == 200
    assert refused(proxy, b"POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n").status == 413


def test_limits_answer_even_a_client_that_is_still_sending(proxy_to, origin):
    """A refused body is not read as requests, and the client can read why before a reset comes."""
    proxy = proxy_to(origin())
    with proxy.connect() as client:
        body = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n" * 4000
        client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        try:
            client.send(body)
        except ConnectionError:
            pass
        assert client.read_response().status == 413
        client.read_end()


def test_the_version_is_505_when_it_is_not_ours(proxy_to, origin):
    proxy = proxy_to(origin())
    assert refused(proxy, b"GET / HTTP/2.0\r\nHost: a\r\n\r\n").status == 505
    assert refused(proxy, b"GET / HTTP/3.0\r\nHost: a\r\n\r\n").status == 505


# Everything that two parsers could read differently (RFC 9112 §11.2), and what is not HTTP.
MALFORMED = {
    "CL beside TE": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    "TE beside CL": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two CL that differ": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two CL that agree": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "CL as a list": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na",
    "CL with a sign": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
    "CL negative": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "CL hexadecimal": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na",
    "CL empty": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
    "CL with a space inside": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\na",
    "CL beyond 64 bits": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\na",
    "TE identity": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
    "TE gzip, chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "TE chunked, chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "TE twice": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "TE xchunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "TE chunked with a parameter": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "TE after a vertical tab": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "TE on HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare LF after the request line": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "bare LF after a field": b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "bare LF as the end": b"GET / HTTP/1.1\r\nHost: a\r\n\n",
    "bare CR in a value": b"GET / HTTP/1.1\r\nHost: a\r\nX: y\rZ: w\r\n\r\n",
    "bare CR in the request line": b"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n",
    "space before a colon": b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
    "space before the CL colon": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\na",
    "obs-fold": b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
    "fold before the first field": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n",
    "NUL in the target": b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
    "control byte in a value": b"GET / HTTP/1.1\r\nHost: a\r\nX: y\x01z\r\n\r\n",
    "DEL in a value": b"GET / HTTP/1.1\r\nHost: a\r\nX: y\x7fz\r\n\r\n",
    "control byte in the target": b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "field without a colon": b"GET / HTTP/1.1\r\nHost: a\r\nXY\r\n\r\n",
    "field without a name": b"GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n",
    "name with a space": b"GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n",
    "name with a parenthesis": b"GET / HTTP/1.1\r\nHost: a\r\nX(Y): z\r\n\r\n",
    "name beyond ASCII": b"GET / HTTP/1.1\r\nHost: a\r\nX\xe9: z\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "Host empty": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "Host with a slash": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "Host with a space": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "Host with userinfo": b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "Host with a bad port": b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
    "Host with two dots": b"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n",
    "absolute form with another Host": b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "tab between": b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "space in the target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "lower-case version": b"GET / http/1.1\r\nHost: a\r\n\r\n",
    "version 1.10": b"GET / HTTP/1.10\r\nHost: a\r\n\r\n",
    "version 01.1": b"GET / HTTP/01.1\r\nHost: a\r\n\r\n",
    "method with a colon": b"GE:T / HTTP/1.1\r\nHost: a\r\n\r\n",
    "target without a slash": b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
    "asterisk for GET": b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    "escape of the root": b"GET /../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    "escape of the root, encoded": b"GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    "escape with an encoded slash": b"GET /a/..%2f..%2fetc HTTP/1.1\r\nHost: a\r\n\r\n",
    "NUL encoded": b"GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n",
    "percent without digits": b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
    "percent at the end": b"GET /% HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS on a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32) + b"\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "chunk size not hexadecimal": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
    "chunk size with a sign": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
    "chunk size with 0x": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    "chunk size of 17 digits": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n",
    "chunk size with bare LF": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
    "chunk extension with bare CR": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\rb\r\na\r\n0\r\n\r\n",
    "chunk extension with bare LF": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n",
    "chunk without its CRLF": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n",
    "trailer with bare LF": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\r\n",
    "trailer without a colon": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nXY\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_requests_are_refused_and_end_the_connection(martlet, origin, case):
    web = origin()
    proxy = martlet(PROXY, web=web, buffering="true")
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    response = refused(proxy, MALFORMED[case] + smuggled)
    # RFC 9112 §6.1 lets an unknown coding be 501, and §3 a foreign version 505.
    allowed = {400}
    if case.startswith("TE "):
        allowed.add(501)
    if "version" in case or "HTTP/2" in case:
        allowed.add(505)
    assert response.status in allowed
    assert web.requests == [], "nothing of it may reach the origin"
    # Its neighbour that is well-formed passes.
    assert proxy.get("/").status == 200


WELL_FORMED = {
    "a chunk extension": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\na\r\n0\r\n\r\n",
    "a chunk size with leading zeros": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0001\r\na\r\n0\r\n\r\n",
    "chunked in capitals": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
    "no space after a colon": b"GET / HTTP/1.1\r\nHost:a\r\nX:y\r\n\r\n",
    "spaces around a value": b"GET / HTTP/1.1\r\nHost: a\r\nX: \t y \t\r\n\r\n",
    "Host with a port": b"GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n",
    "Host an IPv6 literal": b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    "a body on GET": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
    "Content-Length zero": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "dots that stay inside": b"GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("case", WELL_FORMED)
def test_their_well_formed_neighbours_pass(proxy_to, origin, case):
    proxy = proxy_to(origin())
    with proxy.connect() as client:
        client.send(WELL_FORMED[case])
        assert client.read_response().status == 200
        assert client.get("/").status == 200


ACCEPTS = [
    ("application/json", "application/json"),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
    ("application/json;q=0.1, text/html", "text/html"),
    ("text/html;q=0.1, application/json", "application/json"),
]


@pytest.mark.parametrize("accept, kind", ACCEPTS)
def test_errors_are_told_in_the_form_that_the_client_accepts(martlet, refused_port, accept, kind):
    proxy = martlet("pools: {web: {servers: [$web]}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", web=refused_port)
    response = proxy.get("/secret-path", {"Accept": accept})
    assert response.status == 502
    assert response.headers["Content-Type"].split(";")[0] == kind
    assert int(response.headers["Content-Length"]) == len(response.body) < 4096
    identity = proxy.log_lines(1)[0]["request_id"]
    text = response.body.decode()
    assert identity and identity in text and "502" in text
    if kind == "application/json":
        json.loads(text)
    else:
        assert re.match(r"(?i)<!doctype html>", text)
    # Nothing of the inside: addresses, pools, versions, or what the client sent.
    for secret in (str(refused_port), str(refused_port.address[1]), "127.0.0.1", "refused", "martlet/", "secret-path"):
        assert secret not in text
    assert "martlet/" not in response.headers.get("Server", "")


def test_an_error_to_head_has_no_body(martlet, refused_port):
    proxy = martlet("pools: {web: {servers: [$web]}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", web=refused_port)
    with proxy.connect() as client:
        for _ in range(2):
            assert client.ask("HEAD", "/").status == 502


def test_a_path_of_no_route_is_404(martlet, origin):
    proxy = martlet("pools: {web: {servers: [$web]}}\nroutes: [{match: {prefix: /app}, proxy: web}]\n", web=origin())
    with proxy.connect() as client:
        assert client.get("/other").status == 404
        assert client.get("/app").status == 200
        assert client.ask("POST", "/other", body=b"x" * 10).status == 404


def test_connections_beyond_the_limit_do_not_stop_the_others(martlet, origin):
    proxy = martlet("limits: {connections: 20}\npools: {web: {servers: [$web]}}\nroutes: [{match: {prefix: /}, proxy: web}]\n", web=origin())
    held = [proxy.connect() for _ in range(10)]
    for client in held:
        assert client.get("/").status == 200
    flood = [proxy.connect() for _ in range(30)]
    for client in held:
        assert client.get("/").status == 200
    # As many as fit have their places; the others have been told.
    for client in flood[10:]:
        response = client.read_response()
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        client.read_end()
    for client in flood:
        client.close()

    def answered():
        try:
            return proxy.get("/").status == 200
        except (OSError, AssertionError):
            return False

    until(answered, "a new connection is served once there is room")
