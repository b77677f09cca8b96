"""Answers of servers that are compressed on their way, with Debian's nginx as the oracle for heads."""

import gzip
import json
import random
import threading
import zlib

import pytest

from support.origin import answer
from support.waiting import PATIENCE, until
from support.wire import Client, Truncated, ask, chunked

# Where Martlet differs from nginx 1.22 on purpose, and why. Everything else must be equal.
DEVIATIONS = {
    "Vary": "one that names Accept-Encoding already is enough; nginx adds another",
    "Content-Encoding": "an empty one of the server's is left out; nginx sends both",
    "space before ;": "`application/json ;charset=…` is compressed; nginx does not know the type",
}

MEGABYTE = 1 << 20

PROXY = """
limits: {spill: 512MiB, spill_directory: $folder}
gzip: {types: [application/json], min_length: 256, level: $level}
pools: {web: {servers: [$web], timeouts: {response: 60s}}}
routes:
  - {match: {prefix: /}, proxy: {pool: web, response_buffering: $buffering}}
  - {match: {prefix: /plain}, proxy: web, gzip: off}
"""

GZIP = {"Accept-Encoding": "gzip"}
TEXT = b"all work and no play makes Jack a dull boy. " * 40


@pytest.fixture
def proxy_to(martlet, tmp_path):
    def start(web, level="fast", buffering="true"):
        return martlet(PROXY, web=web, level=level, buffering=buffering, folder=tmp_path)

    return start


def json_rows(size, seed=1):
    """Something like what Frappe answers, of about `size` bytes."""
    chance = random.Random(seed)
    rows, total = [], 0
    while total < size:
        row = {"name": f"SINV-{chance.randrange(10**6):06}", "owner": f"user{chance.randrange(99)}@example.com",
               "grand_total": chance.randrange(10**6) / 100, "customer": f"Customer {chance.randrange(999)}"}  # fmt: skip
        rows.append(row)
        total += 110
    return json.dumps({"message": rows}).encode()


def html(body=TEXT, status="200 OK", **more):
    return answer(body, status, [("Content-Type", "text/html; charset=utf-8"), *more.pop("headers", [])])


# MARK: heads, against nginx

HEADS = {
    "plain": html(headers=[("ETag", '"abc"'), ("Accept-Ranges", "bytes"), ("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")]),
    "a Vary of the server's": html(headers=[("Vary", "Cookie"), ("ETag", 'W/"abc"')]),
    "a tag without quotes": html(headers=[("ETag", "abc")]),
    "403": html(status="403 Forbidden"),
    "404": html(status="404 Not Found"),
    "201": html(status="201 Created"),
    "500": html(status="500 Broken"),
    "206": html(status="206 Partial Content", headers=[("Content-Range", "bytes 0-1759/9999"), ("Accept-Ranges", "bytes")]),
    "304": b'HTTP/1.1 304 Not Modified\r\nETag: "abc"\r\n\r\n',
    "short": html(b"x" * 255, headers=[("ETag", '"abc"')]),
    "just long enough": html(b"x" * 256),
    "empty": html(b""),
    "coded": html(headers=[("Content-Encoding", "br")]),
    "listed": answer(TEXT, headers=[("Content-Type", "Application/JSON;charset=utf-8")]),
    "not listed": answer(TEXT, headers=[("Content-Type", "image/png")]),
    "of no type": answer(TEXT),
    "chunked and short": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked([b"x"]),
    "chunked and empty": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked([]),
    "no-transform": html(headers=[("Cache-Control", "no-transform")]),
}  # fmt: skip

COMPARED = ["Content-Type", "Content-Length", "Transfer-Encoding", "Content-Encoding", "ETag", "Accept-Ranges",
            "Content-Range", "Last-Modified", "Cache-Control"]  # fmt: skip

CLIENTS = {
    "takes gzip": ("GET", {"Accept-Encoding": "gzip, deflate, br"}, "1.1"),
    "takes gzip, through a proxy": ("GET", {"Accept-Encoding": "gzip", "Via": "1.1 cdn"}, "1.1"),
    "takes no gzip": ("GET", {"Accept-Encoding": "gzip;q=0, *"}, "1.1"),
    "says nothing": ("GET", {}, "1.1"),
    "asks for the head": ("HEAD", {"Accept-Encoding": "gzip"}, "1.1"),
    "speaks HTTP/1.0": ("GET", {"Accept-Encoding": "gzip"}, "1.0"),
    "asks for a part": ("GET", {"Accept-Encoding": "gzip", "Range": "bytes=0-9"}, "1.1"),
}

ORACLE = """
gzip on; gzip_vary on; gzip_proxied any; gzip_types application/json; gzip_min_length 256;
location / {{ proxy_pass http://{web}; proxy_http_version 1.1; proxy_set_header Connection ""; }}
"""


def test_heads_are_those_of_nginx(proxy_to, origin, nginx):
    names = list(HEADS)

    def behave(stream, request):
        whole = HEADS[names[int(request.target[1:])]]
        stream.send(whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if request.method == "HEAD" else whole)
        return True

    web = origin(behave)
    proxy, oracle = proxy_to(web), nginx(ORACLE.format(web=web))

    def seen(address, index, client):
        method, headers, version = CLIENTS[client]
        got = ask(address, method, f"/{index}", headers, version=version)
        vary = {name.strip().lower() for line in got.headers.all("Vary") for name in line.split(",")}
        body = gzip.decompress(got.body) if got.body and got.headers.get("Content-Encoding") == "gzip" else got.body
        return got.status, {name: got.headers.all(name) for name in COMPARED}, vary, body

    for index, name in enumerate(names):
        for client in CLIENTS:
            mine, theirs = seen(proxy.address, index, client), seen(oracle.address, index, client)
            assert mine == theirs, f"{name}, to a client that {client}"


@pytest.mark.parametrize("vary", ["Accept-Encoding", "Cookie, accept-encoding", "*"])
def test_a_vary_that_says_it_already_is_enough(proxy_to, origin, vary):
    proxy = proxy_to(origin(html(headers=[("Vary", vary), ("Content-Encoding", "")])))
    got = proxy.get("/", GZIP)
    assert got.headers.all("Vary") == [vary]
    assert got.headers.all("Content-Encoding") == ["gzip"]


def test_a_route_may_differ(proxy_to, origin, martlet):
    web = origin(html())
    proxy = proxy_to(web)
    assert "Content-Encoding" in proxy.get("/", GZIP).headers
    plain = proxy.get("/plain", GZIP)
    assert plain.body == TEXT and "Vary" not in plain.headers
    off = martlet(
        "pools: {web: {servers: [$web]}}\nroutes: [{proxy: web}, {match: {prefix: /on}, proxy: web, gzip: on}]", web=web
    )
    assert "Content-Encoding" not in off.get("/", GZIP).headers
    assert gzip.decompress(off.get("/on", GZIP).body) == TEXT


def test_edits_of_a_route_hold_for_compressed_answers(martlet, origin):
    proxy = martlet(
        "gzip: on\npools: {web: {servers: [$web]}}\n"
        "routes: [{proxy: web, response_headers: {remove: [ETag, Vary], set: {X-A: b}}}]",
        web=origin(html(headers=[("ETag", '"abc"'), ("Vary", "Accept-Encoding")])),
    )
    got = proxy.get("/", GZIP)
    assert gzip.decompress(got.body) == TEXT and got.headers["X-A"] == "b"
    # What Martlet does is said by Martlet.
    assert got.headers.get("ETag") is None and got.headers.all("Vary") == ["Accept-Encoding"]


# MARK: bodies


@pytest.mark.parametrize("level", ["fast", 1, 5, 9])
@pytest.mark.parametrize("buffering", ["true", "false"])
def test_every_body_arrives_as_it_was_sent(proxy_to, origin, level, buffering):
    """One connection, in every framing, so that streams and connections are used again and again."""
    bodies = [TEXT, json_rows(10_000), b"", b"x", random.Random(2).randbytes(100_000), json_rows(700_000), bytes(300_000)]

    def behave(stream, request):
        number, form = request.target[1:].split("/")
        body = bodies[int(number)]
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        if form == "length":
            stream.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        elif form == "close":
            stream.send(head.encode() + b"\r\n" + body)
            return False
        else:
            step = 7 if form == "crumbs" and len(body) < 20_000 else 5000
            pieces = [body[i : i + step] for i in range(0, len(body), step)]
            trailers = [("X-Checksum", "17"), ("X-Second", "2")] if form == "trailers" else []
            stream.send(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunked(pieces, trailers))
        return True

    web = origin(behave)
    proxy = proxy_to(web, level=level, buffering=buffering)
    with proxy.connect() as client:
        for form in ["length", "chunked", "crumbs", "trailers", "close"] * 2:
            for number, body in enumerate(bodies):
                got = client.get(f"/{number}/{form}", GZIP)
                compressed = form != "length" or len(body) >= 256
                assert ("Content-Encoding" in got.headers) == compressed
                assert (gzip.decompress(got.body) if compressed else got.body) == body, (number, form)
                assert got.trailers.get("X-Checksum") == ("17" if form == "trailers" else None)


def test_answers_at_once_beyond_the_streams_go_out_as_they_are(proxy_to, origin):
    """More answers under way than there are streams: all are right, and all say that they vary."""
    go = threading.Event()
    body = json_rows(50_000)

    def behave(stream, request):
        stream.send(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        if request.target == "/held":
            go.wait(PATIENCE)
        stream.send(body)
        return True

    web = origin(behave)
    proxy = proxy_to(web)
    clients = [proxy.connect() for _ in range(60)]
    for client in clients:
        client.write("GET", "/held", GZIP)
    heads = [client.read_response_head() for client in clients]
    coded = [head for head in heads if head.headers.get("Content-Encoding") == "gzip"]
    assert 0 < len(coded) < 60
    assert all(head.headers.get("Vary") == "Accept-Encoding" for head in heads)
    go.set()
    for client, head in zip(clients, heads):
        client._read_sized_body(head)
        assert (gzip.decompress(head.body) if head in coded else head.body) == body
    # All are free again.
    assert gzip.decompress(proxy.get("/", GZIP).body) == body


def test_a_response_that_was_cut_reaches_the_client_as_cut(proxy_to, origin):
    body = json_rows(200_000)

    def behave(stream, request):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        if request.target == "/chunked":
            stream.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n" % (len(body), body))
        else:
            stream.send(head + b"Content-Length: %d\r\n\r\n%s" % (len(body) + 1, body))
        return False

    proxy = proxy_to(origin(behave))
    for target in ["/chunked", "/length"] * 3:
        with proxy.connect() as client, pytest.raises(Truncated) as cut:
            client.get(target, GZIP)
        inflate = zlib.decompressobj(31)
        assert body.startswith(inflate.decompress(cut.value.got))
        assert not inflate.eof, "no trailer of gzip"


@pytest.mark.parametrize("how", ["X-Accel-Buffering", "response_buffering"])
@pytest.mark.parametrize("level", ["fast", 6])
def test_events_are_not_held_back(proxy_to, origin, how, level):
    """Each event can be read before the server sends the next."""
    seen = threading.Semaphore(0)

    def behave(stream, request):
        if request.target == "/after":
            stream.send(html())
            return True
        wish = "X-Accel-Buffering: no\r\n" if how == "X-Accel-Buffering" else ""
        stream.send(f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n{wish}\r\n")
        for number in range(20):
            event = b"data: event %d\n\n" % number
            stream.send(b"%x\r\n%s\r\n" % (len(event), event))
            assert seen.acquire(timeout=PATIENCE), f"event {number} was held back"
        stream.send(b"0\r\n\r\n")
        return True

    proxy = proxy_to(origin(behave), level=level, buffering="false" if how == "response_buffering" else "true")
    with proxy.connect() as client:
        client.write("GET", "/", GZIP)
        head = client.read_response_head()
        assert head.headers["Content-Encoding"] == "gzip"
        inflate = zlib.decompressobj(31)
        for number in range(20):
            got = b""
            while not got.endswith(b"\n\n"):
                size = int(client.read_line("a chunk size"), 16)
                got += inflate.decompress(client.read_exactly(size + 2)[:-2])
            assert got == b"data: event %d\n\n" % number
            seen.release()
        rest, _ = client.read_chunked()
        assert inflate.decompress(rest) == b"" and inflate.eof
        # The connection goes on.
        assert gzip.decompress(client.get("/after", GZIP).body) == TEXT


# MARK: bounds


def test_a_slow_reader_frees_the_server_and_memory_stays_bounded(proxy_to, origin):
    """20 MiB of what hardly compresses, to clients that read nothing until the server is done."""
    size = 20 * MEGABYTE
    piece = random.Random(3).randbytes(MEGABYTE)
    finished = threading.Semaphore(0)

    def behave(stream, request):
        stream.send(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n")
        for _ in range(size // MEGABYTE):
            stream.send(piece)
        finished.release()
        return True

    proxy = proxy_to(origin(behave))
    proxy.get("/plain")
    finished.acquire()
    before = proxy.resident_bytes()
    clients = [Client(proxy.address, receive_buffer=16 << 10) for _ in range(4)]
    try:
        for client in clients:
            client.write("GET", "/", GZIP)
        for _ in clients:
            assert finished.acquire(timeout=PATIENCE), "the server waits for a client that does not read"
        assert proxy.resident_bytes() < before + 12 * MEGABYTE
        # Streams are free while the clients have not read: others are compressed.
        inflate = zlib.decompressobj(31)
        response = clients[0].read_response()
        assert inflate.decompress(response.body) == piece * (size // MEGABYTE) and inflate.eof
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize("level", ["fast", 5])
def test_memory_stays_bounded_over_many_answers(proxy_to, origin, level):
    body = json_rows(40_000)
    proxy = proxy_to(origin(answer(body, headers=[("Content-Type", "application/json")])), level=level)

    def load(rounds):
        def one():
            with Client(proxy.address) as client:
                for _ in range(rounds):
                    assert gzip.decompress(client.get("/", GZIP).body) == body

        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    load(20)
    before = proxy.resident_bytes()
    load(200)
    assert proxy.resident_bytes() < before + 2 * MEGABYTE


def test_clients_that_leave_give_their_streams_back(proxy_to, origin):
    """As many as there are streams, several times over, in the middle of an answer."""
    body = json_rows(50_000)
    held = threading.Event()

    def behave(stream, request):
        stream.send(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        stream.send(body[:20_000])
        if request.target == "/held":
            held.wait(PATIENCE)
            return False
        stream.send(body[20_000:])
        return True

    web = origin(behave)
    proxy = proxy_to(web)
    for _ in range(4):
        clients = [Client(proxy.address) for _ in range(20)]
        for client in clients:
            client.write("GET", "/held", GZIP)
        for client in clients:
            client.read_response_head()
            client.reset()
        until(lambda: proxy.metrics()["martlet_connections"].value(side="client") == 0, "the clients have gone")
    got = proxy.get("/", GZIP)
    assert got.headers.get("Content-Encoding") == "gzip" and gzip.decompress(got.body) == body
    held.set()
