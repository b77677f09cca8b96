"""One row to one server: what came back, and what reached the origins meanwhile."""

import gzip
import re
import socket
import zlib
from dataclasses import dataclass, field

from support.waiting import PATIENCE
from support.wire import Malformed, Stream, Truncated


@dataclass
class Answer:
    """What came for a request; of status None when no answer of HTTP came."""

    status: int | None
    reason: str = ""
    fields: tuple = ()
    body: bytes = b""
    interim: tuple = ()
    # Whether all of the body came that the head promised.
    complete: bool = True

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name]

    def is_compressed(self):
        return self.all("content-encoding")[-1:] == ["gzip"]

    def content(self):
        """The body without its coding, and without the boundary that each server invents."""
        body = self.body
        if self.is_compressed() and body:
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError, zlib.error):
                pass  # The origin's own word for what is no gzip.
        if boundary := re.search("boundary=(.*)", "".join(self.all("content-type"))):
            body = body.replace(boundary[1].encode(), b"BOUNDARY")
        return body

    def is_last(self, version):
        """Whether the server says that it closes after this."""
        connection = [value.lower() for value in self.all("connection")]
        return "close" in connection or version == "1.0" and "keep-alive" not in connection


@dataclass
class Exchange:
    """The answers to a row, whether the connection lives on, and what the origins received."""

    answers: list = field(default_factory=list)
    kept: bool = False
    received: list = field(default_factory=list)


class Connection(Stream):
    """A client's connection from a chosen address of loopback."""

    def __init__(self, address, source):
        sock = socket.socket()
        sock.bind((source, 0))
        sock.settimeout(PATIENCE)
        sock.connect(tuple(address))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock, PATIENCE)

    def read_answer(self, method, then=b""):
        """The next answer; `then` is sent once an interim one has come."""
        interim = []
        try:
            head = self.read_response_head()
            while head.status < 200 and head.status != 101:
                interim.append(head.status)
                self.send(then)
                head = self.read_response_head()
        except (Truncated, Malformed, ConnectionResetError):
            return Answer(None, interim=tuple(interim))
        answer = Answer(head.status, head.reason, tuple(head.headers.pairs), interim=tuple(interim))
        if method == "HEAD" or head.status in (101, 204, 304):
            return answer
        try:
            if "Transfer-Encoding" in head.headers or "Content-Length" in head.headers:
                self._read_sized_body(head)
                answer.body = head.body
            else:
                answer.body = self.read_to_end()
        except Truncated as cut:
            answer.body, answer.complete = cut.got, False
        except ConnectionResetError:
            answer.complete = False
        return answer


PROBE = b"GET /assets/probe.txt HTTP/1.1\r\nHost: probe.test\r\n\r\n"


def exchange(row, address, recorders):
    """Sends `row` to a server at `address` whose upstreams are `recorders`."""
    for recorder in recorders:
        recorder.script = row.script
        recorder.take()
    result = Exchange()
    with Connection(address, row.peer) as connection:
        try:
            connection.send(row.request)
        except (ConnectionResetError, BrokenPipeError):
            pass  # Refused before all of it was sent.
        for method in row.methods:
            result.answers.append(connection.read_answer(method, row.then))
        last = result.answers[-1]
        if last.status == 101:
            connection.send(row.tunnel)
            last.body = connection.read_exactly(len(row.tunnel))
        elif last.status is not None and last.complete and not last.is_last(row.version):
            result.kept = _takes_another(connection)
    result.received = [request for recorder in recorders for request in recorder.take()]
    return result


def _takes_another(connection):
    try:
        connection.send(PROBE)
        return connection.read_answer("GET").body == b"probe"
    except (ConnectionResetError, BrokenPipeError):
        return False
