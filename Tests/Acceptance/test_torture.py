"""Messages of every form, cut anywhere, in both directions at once: seeded, so that a failure repeats."""

import hashlib
import random
import threading

import pytest

from support.wire import Client, Truncated

PROXY = """
pools: {web: {servers: [$web], retries: 0, ejection: off}}
routes:
  - match: {exact: /barrier}
    respond: {status: 204}
  - match: {prefix: /buffered}
    proxy: {pool: web}
  - match: {prefix: /streamed}
    proxy: {pool: web, request_buffering: false, response_buffering: false}
"""

SIZES = [0, 1, 2, 15, 16, 17, 255, 4095, 4096, 4097, 16383, 16385, 65535, 65536, 65537, 100_000, 300_000]


def bytes_of(size, salt):
    piece = hashlib.sha256(salt.encode()).digest()
    return (piece * (size // 32 + 1))[:size]


def coded(dice, body):
    """A chunked body in random chunks, with what may stand around them."""
    out, at = [], 0
    while at < len(body):
        size = min(len(body) - at, dice.choice([1, 2, 7, 100, 4096, 20_000, 70_000]))
        extension = dice.choice([b"", b"", b";a", b";a=b", b' ; a = "x;\\"y"'])
        zeros = dice.choice([b"", b"", b"000"])
        out.append(zeros + b"%x" % size + extension + b"\r\n" + body[at : at + size] + b"\r\n")
        at += size
    trailers = dice.choice([b"", b"", b"X-Sum: 1\r\n", b"X-Sum: 1\r\nX-Other: " + b"v" * 300 + b"\r\n"])
    return b"".join(out) + b"0\r\n" + trailers + b"\r\n"


def cut(dice, data):
    """The same bytes in pieces: now and then tiny ones, at the ends above all."""
    pieces, at = [], 0
    while at < len(data):
        near_the_end = len(data) - at < 12
        size = dice.choice([1, 2, 3] if near_the_end or dice.random() < 0.02 else [1000, 5000, 30_000, 200_000])
        pieces.append(data[at : at + size])
        at += size
    return pieces


class Barrier:
    """Something that has happened when Martlet has read what was sent before it was asked."""

    def __init__(self, address):
        self._client = Client(address)
        self._lock = threading.Lock()

    def __call__(self):
        with self._lock:
            assert self._client.get("/barrier").status == 204

    def close(self):
        self._client.close()


def send_in_pieces(stream, pieces, barrier):
    for piece in pieces:
        stream.send(piece)
        # Only small pieces are worth a wait: large ones arrive in parts anyway.
        if len(piece) <= 3:
            barrier()


@pytest.mark.parametrize("seed", range(12))
def test_every_form_of_message_in_any_pieces(martlet, origin, seed):
    count, done, answers = 25, threading.Event(), {}

    def behave(stream, request):
        """Answers in a form that depends on the target alone."""
        number = request.target.split("?")[0].rpartition("/")[2]
        dice = random.Random(f"{seed} response {number}")
        size = dice.choice(SIZES)
        body = bytes_of(size, f"response {number}")
        expected = requests[number]
        assert request.method == expected["method"] and request.body == expected["body"], f"request {number} differs"
        form = dice.choice(["length", "chunked", "chunked", "close", "none"])
        interim = dice.choice([b"", b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"])
        if form == "none":
            status = dice.choice(["204 No Content", "304 Not Modified"])
            data, body = f"HTTP/1.1 {status}\r\nETag: \"x\"\r\n\r\n".encode(), b""
        elif form == "length":
            data = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + body
        elif form == "chunked":
            data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + coded(dice, body)
        else:
            data = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body
        if expected["method"] == "HEAD":
            data, body = data[: data.index(b"\r\n\r\n") + 4], b""
        answers[number] = body
        send_in_pieces(stream, cut(dice, interim + data), barrier)
        # HEAD has no body that the end of the connection would end.
        return form != "close"

    web = origin(behave)
    proxy = martlet(PROXY, web=web)
    barrier = Barrier(proxy.address)
    dice = random.Random(f"{seed} request")
    requests, wire = {}, []
    for i in range(count):
        method = dice.choice(["GET", "POST", "PUT", "HEAD", "PATCH"])
        body = bytes_of(dice.choice(SIZES), f"request {i}") if method in ("POST", "PUT", "PATCH") else b""
        target = dice.choice(["/buffered", "/streamed"]) + f"/{i}?x={'y' * dice.choice([0, 10, 2000])}"
        head = f"{method} {target} HTTP/1.1\r\nHost: site.test\r\nX-Pad: {'p' * dice.choice([0, 100, 3000])}\r\n"
        if method in ("GET", "HEAD"):
            wire.append(head.encode() + b"\r\n")
        elif dice.random() < 0.5:
            wire.append(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        else:
            wire.append(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + coded(dice, body))
        requests[str(i)] = {"method": method, "body": body}

    with proxy.connect() as client:
        failures = []

        def send():
            try:
                send_in_pieces(client, cut(dice, b"".join(wire)), barrier)
            except Exception as failure:
                failures.append(failure)
            done.set()

        # Pipelined: the client sends while it reads.
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        for i in range(count):
            try:
                response = client.read_response(requests[str(i)]["method"])
            except (TimeoutError, Truncated) as failure:
                raise AssertionError(f"seed {seed}: response {i} did not come whole") from failure
            assert response.status in (200, 204, 304), f"seed {seed}: response {i} is {response.status}"
            assert response.body == answers[str(i)], f"seed {seed}: response {i} differs"
        sender.join(20)
        assert done.is_set() and failures == []
    barrier.close()


@pytest.mark.parametrize("seed", range(4))
def test_peers_that_leave_at_any_moment_harm_nobody_else(martlet, origin, seed):
    """Clients and servers end their connections anywhere; a witness is served all the time."""
    dice = random.Random(f"{seed} leaving")
    plans = [dice.random() for _ in range(400)]

    def behave(stream, request):
        if "witness" in request.target:
            stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return True
        whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + coded(random.Random(request.target), bytes(50_000))
        plan = plans[int(request.target.rpartition("/")[2])]
        stream.send(whole[: int(plan * 2 * len(whole))])
        if plan < 0.25:
            stream.reset()
        return plan >= 0.5

    def connected(stream):
        try:
            while (request := stream.read_request()) is not None:
                if not behave(stream, request):
                    return
        except (AssertionError, OSError):
            return  # Uploads are cut here on purpose.

    proxy = martlet(PROXY, web=origin(connected=connected))
    with proxy.connect() as witness:
        for i in range(100):
            with Client(proxy.address, receive_buffer=4096) as client:
                path = dice.choice(["/buffered", "/streamed"])
                body = bytes(dice.choice([0, 10, 70_000, 200_000]))
                message = f"POST {path}/{i} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
                leaves = dice.choice(["before", "while reading", "after", "at once"])
                try:
                    client.send(message[: dice.randrange(len(message))] if leaves == "before" else message)
                    if leaves == "while reading":
                        client.read_some()
                    elif leaves == "after":
                        client.read_response()
                except (OSError, AssertionError):
                    pass
                if dice.random() < 0.5:
                    client.reset()
            assert witness.get("/streamed/witness").status == 200
            assert witness.get("/buffered/witness").status == 200
    gauges = proxy.metrics()["martlet_connections"]
    assert gauges.value(side="client") <= 2
