"""A small HTTP/1.1 client that sends what the test says and reads strictly what comes.

Lenient clients hide a proxy's mistakes: this one raises on a bare LF, on a repeated
Content-Length, on bytes after a response that should have none.
"""

import re
import socket
from dataclasses import dataclass, field

from .waiting import PATIENCE

STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)")
REQUEST_LINE = re.compile(rb"([!-~]+) ([!-~\x80-\xff]+) HTTP/1\.([01])")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]+)((?:;[\t\x20-\x7e]*)?)")


class Malformed(AssertionError):
    """The bytes are not HTTP."""


class Truncated(AssertionError):
    """The connection ended within a message; `got` is what had come of it."""

    def __init__(self, what, got=b""):
        super().__init__(f"the connection ended within {what} ({len(got)} bytes of it came)")
        self.got = got


class Fields:
    """Header or trailer fields in the order they came; names compare without case."""

    def __init__(self, pairs=()):
        self.pairs = list(pairs)

    def all(self, name):
        return [value for key, value in self.pairs if key.lower() == name.lower()]

    def get(self, name, default=None):
        """The one value of `name`: two lines of it are an error of the test or of the proxy."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else default

    def names(self):
        return [key.lower() for key, _ in self.pairs]

    def __getitem__(self, name):
        value = self.get(name)
        if value is None:
            raise KeyError(f"no {name} in {self.pairs}")
        return value

    def __contains__(self, name):
        return bool(self.all(name))

    def __repr__(self):
        return f"Fields({self.pairs})"


@dataclass
class Response:
    version: str
    status: int
    reason: str
    headers: Fields
    body: bytes = b""
    trailers: Fields = field(default_factory=Fields)
    # "none", "length", "chunked" or "close": how the end of the body was told.
    framing: str = "none"
    # The 1xx responses that came before this one.
    informational: list = field(default_factory=list)


@dataclass
class Request:
    method: str
    target: str
    version: str
    headers: Fields
    body: bytes = b""
    trailers: Fields = field(default_factory=Fields)
    framing: str = "none"


class Stream:
    """A socket with what was read from it and not yet asked for."""

    def __init__(self, sock, timeout=PATIENCE):
        self.socket = sock
        self.socket.settimeout(timeout)
        self.pending = b""

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def shutdown_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a RST instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _receive(self):
        """Reads once; False at the end of the stream."""
        data = self.socket.recv(1 << 18)
        self.pending += data
        return bool(data)

    def read_some(self):
        """The next bytes, whatever they are; b"" at the end."""
        if not self.pending:
            self._receive()
        data, self.pending = self.pending, b""
        return data

    def read_exactly(self, count, what="a body"):
        if count <= len(self.pending):
            data, self.pending = self.pending[:count], self.pending[count:]
            return data
        pieces, have = [self.pending], len(self.pending)
        self.pending = b""
        while have < count:
            data = self.socket.recv(min(count - have, 1 << 18))
            if not data:
                raise Truncated(what, b"".join(pieces))
            pieces.append(data)
            have += len(data)
        return b"".join(pieces)

    def read_to_end(self):
        while self._receive():
            pass
        data, self.pending = self.pending, b""
        return data

    def read_line(self, what):
        while (end := self.pending.find(b"\n")) < 0:
            if not self._receive():
                raise Truncated(what, self.pending)
        line, self.pending = self.pending[:end], self.pending[end + 1 :]
        if not line.endswith(b"\r"):
            raise Malformed(f"bare LF after {line!r}")
        line = line[:-1]
        if b"\r" in line or b"\0" in line:
            raise Malformed(f"CR or NUL in {line!r}")
        return line

    def read_fields(self, what):
        pairs = []
        while line := self.read_line(what):
            match = FIELD_LINE.fullmatch(line)
            if not match:
                raise Malformed(f"not a field: {line!r}")
            pairs.append((match[1].decode("ascii"), match[2].decode("latin-1")))
        return Fields(pairs)

    def read_chunked(self):
        pieces = []
        while True:
            try:
                line = self.read_line("a chunk size")
                match = CHUNK_LINE.fullmatch(line)
                if not match:
                    raise Malformed(f"not a chunk size: {line!r}")
                size = int(match[1], 16)
                if size == 0:
                    return b"".join(pieces), self.read_fields("trailers")
                pieces.append(self.read_exactly(size, "a chunk"))
                if self.read_exactly(2, "a chunk") != b"\r\n":
                    raise Malformed("no CRLF after a chunk")
            except Truncated as cut:
                raise Truncated("a chunked body", b"".join(pieces) + cut.got) from None

    def _read_sized_body(self, message):
        codings, lengths = message.headers.all("Transfer-Encoding"), message.headers.all("Content-Length")
        if codings:
            if lengths or codings != ["chunked"]:
                raise Malformed(f"framing: {codings} and {lengths}")
            message.framing = "chunked"
            message.body, message.trailers = self.read_chunked()
        elif lengths:
            if len(lengths) != 1 or not re.fullmatch("[0-9]+", lengths[0]):
                raise Malformed(f"Content-Length: {lengths}")
            message.framing = "length"
            message.body = self.read_exactly(int(lengths[0]))

    def read_response_head(self):
        line = self.read_line("a status line")
        match = STATUS_LINE.fullmatch(line)
        if not match:
            raise Malformed(f"not a status line: {line!r}")
        return Response(
            version=f"1.{match[1].decode()}",
            status=int(match[2]),
            reason=match[3].decode("latin-1"),
            headers=self.read_fields("a response head"),
        )

    def read_response(self, method="GET"):
        """The next final response, with the informational ones that led to it."""
        informational = []
        while True:
            response = self.read_response_head()
            if response.status >= 200 or response.status == 101:
                break
            informational.append(response)
        response.informational = informational
        if method == "HEAD" or response.status in (101, 204, 304):
            return response
        if "Transfer-Encoding" in response.headers or "Content-Length" in response.headers:
            self._read_sized_body(response)
        else:
            response.framing = "close"
            response.body = self.read_to_end()
        return response

    def read_request_head(self):
        line = self.read_line("a request line")
        match = REQUEST_LINE.fullmatch(line)
        if not match:
            raise Malformed(f"not a request line: {line!r}")
        return Request(
            method=match[1].decode("ascii"),
            target=match[2].decode("latin-1"),
            version=f"1.{match[3].decode()}",
            headers=self.read_fields("a request head"),
        )

    def read_request(self):
        """The next request with its body, or None when the connection ended before it."""
        if not self.pending and not self._receive():
            return None
        request = self.read_request_head()
        self._read_sized_body(request)
        return request

    def read_end(self):
        """Waits until the other side has closed; anything it sends before is an error."""
        try:
            left = self.read_to_end()
        except ConnectionResetError:
            left = b""
        assert left == b"", f"bytes where the end was due: {left[:200]!r}"

    def has_data(self):
        """Whether something has come, or the end, asked without waiting."""
        if self.pending:
            return True
        self.socket.setblocking(False)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
            return True
        except BlockingIOError:
            return False
        finally:
            self.socket.settimeout(PATIENCE)

    def has_ended(self):
        """Whether the other side has closed, asked without waiting."""
        self.socket.setblocking(False)
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        finally:
            self.socket.settimeout(PATIENCE)


class Client(Stream):
    """A client's connection, to a host and port or to the path of a Unix socket."""

    def __init__(self, address, timeout=PATIENCE, receive_buffer=None, source=None):
        if isinstance(address, str):
            family = socket.AF_UNIX
        else:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            if receive_buffer is not None:
                # Before the connect: it decides the window that is offered.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            if source is not None:
                sock.bind((source, 0))
            sock.settimeout(timeout)
            sock.connect(address)
            if family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            raise
        super().__init__(sock, timeout)

    @property
    def local_port(self):
        return self.socket.getsockname()[1]

    def write(self, method, target, headers=(), body=None, host="site.test", version="1.1"):
        """Sends a request. A body of bytes is counted, one of a list is sent as chunks."""
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        given = {name.lower() for name, _ in pairs}
        lines = [f"{method} {target} HTTP/{version}"]
        if host is not None and "host" not in given:
            lines.append(f"Host: {host}")
        lines += [f"{name}: {value}" for name, value in pairs]
        if isinstance(body, list) and "transfer-encoding" not in given:
            lines.append("Transfer-Encoding: chunked")
        elif isinstance(body, bytes) and "content-length" not in given:
            lines.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if isinstance(body, list):
            self.send(head + chunked(body))
        else:
            self.send(head + (body or b""))

    def ask(self, method, target, headers=(), body=None, host="site.test", version="1.1"):
        """One request, one response."""
        self.write(method, target, headers, body, host, version)
        return self.read_response(method)

    def get(self, target, headers=(), **more):
        return self.ask("GET", target, headers, **more)


def chunked(pieces, trailers=()):
    data = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces if p) + b"0\r\n"
    return data + b"".join(f"{n}: {v}\r\n".encode() for n, v in trailers) + b"\r\n"


def ask(address, method, target, headers=(), body=None, **more):
    """One request on a connection of its own."""
    with Client(address) as client:
        return client.ask(method, target, [*(headers.items() if isinstance(headers, dict) else headers)], body, **more)


def parse_address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
