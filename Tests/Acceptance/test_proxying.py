"""What goes in comes out: methods, targets, bodies, answers."""

import hashlib
import json

import pytest

from support.origin import answer
from support.wire import chunked

PROXY = """
pools:
  web:
    servers: [$web]
routes:
  - match: {prefix: /}
    proxy: web
"""


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH", "X!#$%&'*+.^_`|~9"])
def test_any_method_token_passes(martlet, origin, method):
    web = origin()
    proxy = martlet(PROXY, web=web)
    assert proxy.ask(method, "/thing").body == b"ok"
    assert web.next_request().method == method


TARGETS = [
    "/api/resource/Item/a%2Fb",
    "/a//b",
    "/a;p=1/b",
    "/a%20b?x=%2F&y=a%20b+c",
    "/%7Euser/%e4%b8%ad",
    "/a/./b/../c",
    "/?",
    "/x?a=/../..&b=//",
    "/%252e%252e/x",
    "/files/a%3Fb.pdf",
    "/sum=1,2'(3)*:@!$&+~",
    "/x?q={}|[]^`\\\"<>",
]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_goes_upstream_exactly_as_sent(martlet, origin, target):
    web = origin()
    proxy = martlet(PROXY, web=web)
    assert proxy.get(target).status == 200
    assert web.next_request().target == target


def test_absolute_form_reaches_the_origin_in_origin_form(martlet, origin):
    # RFC 9112 §3.2.2: a proxy's target is judged by its authority, which Host repeats.
    web = origin()
    proxy = martlet(PROXY, web=web)
    assert proxy.get("http://site.test/a%2Fb?c").status == 200
    request = web.next_request()
    assert request.target == "/a%2Fb?c"
    assert request.headers["Host"] == "site.test"


def test_options_asterisk_has_an_answer(martlet, origin):
    """It is about the server as a whole, so no route has it: Martlet answers, whatever it says."""
    web = origin()
    proxy = martlet(PROXY, web=web)
    with proxy.connect() as client:
        assert client.ask("OPTIONS", "*").status in (200, 204, 400, 404)


def test_frappe_like_answers_come_back_whole(martlet, backend):
    proxy = martlet(PROXY, web=backend)
    with proxy.connect() as client:
        ping = client.get("/api/method/ping")
        assert (ping.status, json.loads(ping.body)) == (200, {"message": "pong"})
        assert ping.headers["Content-Type"] == "application/json"
        assert ping.headers["Cache-Control"] == "no-store,no-cache,must-revalidate,max-age=0"
        assert ping.headers["X-Instance"] == "shared"
        cookies = client.get("/cookies", {"Cookie": "sid=abc; full_name=A%20B"})
        assert json.loads(cookies.body) == {"seen": {"sid": "abc", "full_name": "A%20B"}}
        assert len(cookies.headers.all("Set-Cookie")) == 2
        missing = client.get("/nowhere")
        assert (missing.status, json.loads(missing.body)) == (404, {"exc_type": "DoesNotExistError"})


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 301, 302, 304, 400, 401, 403, 404, 409, 417, 422, 429, 500, 501, 503])
def test_statuses_pass(martlet, backend, status):
    proxy = martlet(PROXY, web=backend)
    with proxy.connect() as client:
        response = client.get(f"/status/{status}")
        assert response.status == status
        assert (response.body == b"") == (status in (204, 304))
        # The connection is still in step.
        assert client.get("/api/method/ping").status == 200


@pytest.mark.parametrize("size", [0, 1, 1000, 16384, 65536, 1_000_000])
@pytest.mark.parametrize("form", ["length", "chunked"])
@pytest.mark.parametrize("buffering", ["true", "false"])
def test_request_bodies_arrive_unchanged(martlet, backend, size, form, buffering):
    proxy = martlet(
        """
pools: {web: {servers: [$web]}}
routes:
  - match: {prefix: /}
    proxy: {pool: web, request_buffering: $buffering}
""",
        web=backend,
        buffering=buffering,
    )
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    sent = body if form == "length" else [body[i : i + 7001] for i in range(0, size, 7001)]
    response = proxy.ask("POST", "/echo", body=sent)
    saw = json.loads(response.body)
    assert (saw["length"], saw["sha256"]) == (size, hashlib.sha256(body).hexdigest())


@pytest.mark.parametrize("size", [0, 1, 1000, 65536, 3_000_000])
@pytest.mark.parametrize("path", ["/big", "/chunked", "/close-delimited"])
@pytest.mark.parametrize("buffering", ["true", "false"])
def test_response_bodies_arrive_unchanged(martlet, backend, size, path, buffering):
    proxy = martlet(
        """
pools: {web: {servers: [$web]}}
routes:
  - match: {prefix: /}
    proxy: {pool: web, response_buffering: $buffering}
""",
        web=backend,
        buffering=buffering,
    )
    piece = bytes(range(256)) * 256
    with proxy.connect() as client:
        body = client.get(f"{path}?size={size}").body
        assert len(body) == size
        assert body == (piece * (size // len(piece) + 1))[:size]
        # Whatever the origin's framing, an HTTP/1.1 client keeps its connection.
        assert client.get("/api/method/ping").status == 200


def test_keep_alive_reuses_both_connections(martlet, origin):
    web = origin()
    proxy = martlet(PROXY, web=web)
    with proxy.connect() as client:
        for i in range(20):
            assert client.get(f"/{i}").body == b"ok"
    assert [r.target for r in web.requests] == [f"/{i}" for i in range(20)]
    assert web.connections == 1


def test_pipelined_requests_are_answered_in_order(martlet, origin):
    def behave(stream, request):
        stream.send(answer(request.target.encode()))
        return True

    web = origin(behave)
    proxy = martlet(PROXY, web=web)
    with proxy.connect() as client:
        parts = []
        for i in range(10):
            if i % 3 == 0:
                head = f"POST /{i} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
                parts.append(head + chunked([b"body"] * 3))
            elif i % 3 == 1:
                parts.append(f"POST /{i} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody".encode())
            else:
                parts.append(f"GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        client.send(b"".join(parts))
        assert [client.read_response().body for _ in range(10)] == [f"/{i}".encode() for i in range(10)]


def test_a_request_may_come_a_byte_at_a_time(martlet, origin):
    web = origin()
    proxy = martlet(PROXY, web=web)
    with proxy.connect() as client:
        for byte in b"POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
            client.send(bytes([byte]))
        assert client.read_response().body == b"ok"
    assert web.next_request().body == b"abc"


def test_a_response_may_come_a_byte_at_a_time(martlet, origin):
    def behave(stream, request):
        for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n\r\n":
            stream.send(bytes([byte]))
        return True

    proxy = martlet(PROXY, web=origin(behave))
    with proxy.connect() as client:
        for _ in range(3):
            assert client.get("/").body == b"abcd"


def test_one_empty_line_before_a_request_is_forgiven(martlet, origin):
    # RFC 9112 §2.2: at least one empty line before a request line should be ignored.
    proxy = martlet(PROXY, web=origin())
    with proxy.connect() as client:
        client.send(b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.read_response().status == 200


def test_it_listens_on_several_addresses_and_on_both_families(martlet, origin):
    proxy = martlet('listen: ["127.0.0.1:0", "[::1]:0"]\n' + PROXY, web=origin())
    assert len(proxy.addresses) == 2
    for address in proxy.addresses:
        with proxy.connect(address) as client:
            assert client.get("/").status == 200


def test_two_workers_answer_alike(martlet, origin):
    proxy = martlet("workers: 2\n" + PROXY, web=origin())
    for _ in range(40):
        assert proxy.get("/").body == b"ok"
