"""Where a message ends, said in every way that HTTP/1 knows."""

import threading

import pytest

from support.origin import answer
from support.waiting import PATIENCE
from support.wire import Client, Truncated, chunked

PROXY = """
pools: {web: {servers: [$web]}}
routes:
  - match: {prefix: /}
    proxy: {pool: web, request_buffering: $request, response_buffering: $response}
"""


@pytest.fixture
def proxy_to(martlet):
    def start(web, request="false", response="false", extra=""):
        return martlet(extra + PROXY, web=web, request=request, response=response)

    return start


def test_a_chunked_request_streams_as_it_comes(proxy_to, origin):
    """The origin has the first chunk before the client sends the second."""

    def connected(stream):
        request = stream.read_request_head()
        assert request.headers["Transfer-Encoding"] == "chunked"
        assert stream.read_line("a chunk size") == b"5"
        web.note(stream.read_exactly(7))
        body, _ = stream.read_chunked()
        stream.send(answer(body))

    web = origin(connected=connected)
    with proxy_to(web).connect() as client:
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert web.next_request() == b"first\r\n"
        client.send(chunked([b"second"]))
        assert client.read_response().body == b"second"


@pytest.mark.parametrize("early", ["half a head", "a head", "a head and a chunk"])
@pytest.mark.parametrize("response", ["true", "false"])
def test_an_answer_may_begin_while_a_chunked_request_still_streams(proxy_to, origin, early, response):
    """Nothing of the one gets into the other."""
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n"
    cut = {"half a head": 20, "a head": whole.index(b"5\r"), "a head and a chunk": len(whole)}[early]

    def connected(stream):
        stream.read_request_head()
        assert stream.read_exactly(10) == b"5\r\nfirst\r\n"
        stream.send(whole[:cut])
        web.note(True)
        body, _ = stream.read_chunked()
        stream.send(whole[cut:] + chunked([body]))
        assert stream.read_some() == b""

    web = origin(connected=connected)
    with proxy_to(web, response=response).connect() as client:
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert web.next_request()
        if early == "a head and a chunk":
            assert client.read_response_head().status == 200
            assert client.read_exactly(10) == b"5\r\nearly\r\n"
        pieces = [bytes([65 + i]) * 9000 for i in range(20)]
        client.send(chunked(pieces))
        if early == "a head and a chunk":
            assert client.read_chunked()[0] == b"".join(pieces)
        else:
            assert client.read_response().body == b"early" + b"".join(pieces)


def test_a_chunked_response_streams_as_it_comes(proxy_to, origin):
    """The client has the first chunk before the origin sends the second."""
    first_arrived = threading.Event()

    def behave(stream, request):
        stream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert first_arrived.wait(PATIENCE)
        stream.send(chunked([b"second"]))
        return True

    with proxy_to(origin(behave)).connect() as client:
        client.write("GET", "/")
        head = client.read_response_head()
        assert head.headers["Transfer-Encoding"] == "chunked"
        assert client.read_exactly(10) == b"5\r\nfirst\r\n"
        first_arrived.set()
        assert client.read_chunked()[0] == b"second"


def test_chunk_extensions_end_here(proxy_to, origin):
    # RFC 9112 §7.1.1: an extension is hop by hop, and parsers differ on where it ends.
    web = origin()
    with proxy_to(web).connect() as client:
        client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b;c="d e"\r\nabc\r\n0;x\r\n\r\n')
        assert client.read_response().status == 200
    assert web.next_request().body == b"abc"


@pytest.mark.parametrize("request_buffering", ["true", "false"])
def test_the_end_of_a_chunked_body_may_come_in_any_pieces(proxy_to, origin, request_buffering):
    web = origin()
    with proxy_to(web, request=request_buffering).connect() as client:
        whole = chunked([b"abc"], [("X-Sum", "1")])
        for cut in range(1, len(whole)):
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + whole[:cut])
            # The rest comes when the first part has been read: another client's answer tells.
            with Client(client.socket.getpeername()) as other:
                assert other.get("/").status == 200
            client.send(whole[cut:])
            assert client.read_response().status == 200
            assert [r for r in web.requests if r.method == "POST"][-1].body == b"abc"


def test_request_trailers_pass_but_not_those_that_frame_route_or_authenticate(proxy_to, origin):
    # RFC 9110 §6.5.1.
    web = origin()
    with proxy_to(web).connect() as client:
        client.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
            + chunked([b"abc"], [("X-Sum", "1"), ("Content-Length", "9"), ("Host", "evil"), ("Authorization", "x"), ("X_Sum", "2")])
        )
        assert client.read_response().status == 200
    seen = web.next_request()
    assert seen.body == b"abc"
    assert set(seen.trailers.names()) <= {"x-sum"}
    assert seen.trailers.get("X-Sum", "1") == "1"


def test_response_trailers_pass_likewise(proxy_to, origin):
    head = b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
    trailers = [("X-Sum", "1"), ("Content-Length", "9"), ("Set-Cookie", "a=b"), ("Transfer-Encoding", "x")]
    web = origin(head + chunked([b"abc"], trailers))
    with proxy_to(web).connect() as client:
        for _ in range(2):
            response = client.get("/", {"TE": "trailers"})
            assert response.body == b"abc"
            assert response.trailers.get("X-Sum") == "1"
            assert not {"content-length", "transfer-encoding"} & set(response.trailers.names())


@pytest.mark.parametrize("path", ["/big?size=5000", "/chunked?size=5000", "/status/204", "/close-delimited?size=5000"])
def test_head_has_no_body_and_keeps_the_connection(proxy_to, backend, path):
    with proxy_to(backend, response="true").connect() as client:
        for _ in range(3):
            head = client.ask("HEAD", path)
            assert head.body == b""
            if path.startswith("/big"):
                # RFC 9110 §9.3.2: the length that a GET would have.
                assert head.headers["Content-Length"] == "5000"
        assert client.get("/api/method/ping").status == 200


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 1234\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_204_and_304_end_with_their_head(proxy_to, origin, response):
    # RFC 9112 §6.3 rule 1, whatever their fields promise.
    web = origin(response)
    with proxy_to(web).connect() as client:
        for _ in range(3):
            got = client.get("/")
            assert got.status == int(response[9:12])
            assert "Transfer-Encoding" not in got.headers
    assert web.connections == 1


def test_103_is_relayed_before_its_final_response(proxy_to, origin):
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    with proxy_to(origin(hint + hint + answer())).connect() as client:
        for _ in range(2):
            response = client.get("/")
            assert (response.status, response.body) == (200, b"ok")
            assert [i.status for i in response.informational] == [103, 103]
            assert response.informational[0].headers["Link"] == "</a.css>; rel=preload"


def test_1xx_never_goes_to_an_http_1_0_client(proxy_to, origin):
    # RFC 9110 §15.2.
    web = origin(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + answer())
    response = proxy_to(web).get("/", version="1.0")
    assert (response.status, response.informational) == (200, [])


def test_102_and_100_unasked_do_not_derail(proxy_to, origin):
    web = origin(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + answer())
    with proxy_to(web).connect() as client:
        for _ in range(2):
            response = client.get("/")
            assert (response.status, response.body) == (200, b"ok")
            assert 100 not in [i.status for i in response.informational]


def test_a_response_delimited_by_close_becomes_chunked(proxy_to, origin):
    def behave(stream, request):
        stream.send(b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nuntil the end")
        return False

    with proxy_to(origin(behave)).connect() as client:
        for _ in range(2):
            response = client.get("/")
            assert response.body == b"until the end"
            assert response.framing in ("chunked", "length")


@pytest.mark.parametrize("size", [0, 4, 2049, 20_000, 300_000])
def test_an_http_1_0_client_gets_no_chunks(proxy_to, origin, size):
    # RFC 9112 §6.1: no Transfer-Encoding to a client that has not shown HTTP/1.1.
    body = b"x" * size
    web = origin(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked([body[:2], body[2:]], [("X-Sum", "1")]))
    proxy = proxy_to(web)
    with proxy.connect() as client:
        response = client.get("/", version="1.0")
        assert "Transfer-Encoding" not in response.headers
        assert response.body == body
        client.read_end()


def test_an_http_1_0_client_is_closed_unless_it_asks_to_stay(proxy_to, origin):
    web = origin()
    proxy = proxy_to(web)
    with proxy.connect() as client:
        assert client.get("/", version="1.0").body == b"ok"
        client.read_end()
    with proxy.connect() as client:
        for _ in range(3):
            response = client.get("/", {"Connection": "keep-alive"}, version="1.0")
            assert response.body == b"ok"
            assert response.headers["Connection"].lower() == "keep-alive"
    # HTTP/1.0 may come without a Host.
    assert proxy.get("/", version="1.0", host=None).status in (200, 400)


def test_connection_close_is_honoured(proxy_to, origin):
    with proxy_to(origin()).connect() as client:
        response = client.get("/", {"Connection": "close"})
        assert response.body == b"ok"
        assert response.headers["Connection"].lower() == "close"
        client.read_end()


def test_an_http_1_0_origin_works(proxy_to, origin):
    def behave(stream, request):
        stream.send(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold")
        return False

    with proxy_to(origin(behave)).connect() as client:
        for _ in range(3):
            response = client.get("/")
            # RFC 9112 §2.3: our own version, not the origin's.
            assert (response.body, response.version) == (b"old", "1.1")


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\nzz\r\n",
    ],
)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_response_cut_short_reaches_the_client_cut_short(proxy_to, origin, cut, version):
    def behave(stream, request):
        stream.send(cut)
        return False

    proxy = proxy_to(origin(behave))
    with Client(proxy.address) as client:
        client.write("GET", "/", version=version)
        try:
            response = client.read_response()
        except (Truncated, ConnectionResetError):
            pass
        else:
            # An answer not yet begun may still be told as what it is. An HTTP/1.0 client that
            # got no length can only see a reset, which the socket raises above.
            assert response.status == 502, response
    record = proxy.log_lines(1)[0]
    assert record["reason"] != "ok"


BAD_RESPONSES = {
    "not HTTP at all": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>",
    "status 099": b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
    "both framings": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "bare CR in a value": b"HTTP/1.1 200 OK\r\nX-A: b\rX-C: d\r\nContent-Length: 0\r\n\r\n",
    "space before a colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "obs-fold": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "NUL in a value": b"HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 0\r\n\r\n",
    "a 101 that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\nX-A: b\r\n",
    "a head too big": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"v" * 1000) for i in range(80)) + b"\r\n",
}


@pytest.mark.parametrize("case", BAD_RESPONSES)
def test_a_response_that_cannot_be_read_is_a_502(proxy_to, origin, case):
    def behave(stream, request):
        stream.send(BAD_RESPONSES[case])
        return False

    web = origin(behave)
    proxy = proxy_to(web, extra="limits: {response_head: 64KiB}\n")
    with proxy.connect() as client:
        response = client.ask("POST", "/", body=b"x")
        assert response.status == 502, case
    assert proxy.log_lines(1)[0]["reason"] != "ok"


def test_bytes_after_a_response_are_never_the_next_one(proxy_to, origin):
    """An origin that says more than its length poisons its own connection only."""

    def behave(stream, request):
        stream.send(answer(b"mine") + answer(b"POISON"))
        return True

    web = origin(behave)
    proxy = proxy_to(web)
    with proxy.connect() as client:
        for _ in range(5):
            assert client.get("/").body == b"mine"
