"""The origin's side of the wire: what arrives there, byte by byte, and what is answered."""

import socket
import threading
from dataclasses import dataclass

from support.waiting import PATIENCE
from support.wire import Stream


@dataclass(frozen=True)
class Received:
    """One request as it arrived: the line as sent, the fields in order, the body with its framing taken off."""

    upstream: str
    line: str
    fields: tuple
    framing: str
    body: bytes

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]


class Recorder:
    """An upstream that notes every request, then answers by the script of the hour or passes it on.

    `script` is the bytes of an answer, or a function of (stream, request) that answers by itself;
    returning None, it keeps the connection for another request, returning False it closes. Without a
    script the bytes go to `beyond`, a real server, and come back untouched.
    """

    def __init__(self, name, beyond=None):
        self.name = name
        self.script = None
        self.connections = 0
        self._beyond = beyond
        self._received = []
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        self.address = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def __str__(self):
        return f"{self.address[0]}:{self.address[1]}"

    def take(self):
        """What arrived since the last call."""
        taken, self._received = self._received, []
        return taken

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(Stream(sock, timeout=60),), daemon=True).start()

    def _serve(self, stream):
        onward = None
        try:
            while (request := self._read(stream)) is not None:
                received, raw = request
                self._received.append(received)
                script = self.script
                if isinstance(script, bytes):
                    stream.send(script)
                elif script is not None:
                    if script(stream, received) is False:
                        return
                else:
                    if onward is None:
                        onward = socket.create_connection(self._beyond, PATIENCE)
                        threading.Thread(target=_pump, args=(onward, stream.socket), daemon=True).start()
                    onward.sendall(raw)
        except (OSError, AssertionError):
            pass  # The proxy, or the server beyond, left.
        finally:
            _end(stream.socket)
            if onward is not None:
                _end(onward)

    def _read(self, stream):
        while (end := stream.pending.find(b"\r\n\r\n")) < 0:
            if not stream._receive():
                return None
        head, stream.pending = stream.pending[: end + 4], stream.pending[end + 4 :]
        line, *rest = head[:-4].decode("latin-1").split("\r\n")
        fields = tuple(tuple(text.split(": ", 1)) if ": " in text else (text, "") for text in rest)
        received = Received(self.name, line, fields, "none", b"")
        if "chunked" in received.all("Transfer-Encoding"):
            rest = _Tee(stream)
            body, _ = rest.read_chunked()
            return Received(self.name, line, fields, "chunked", body), head + rest.raw
        if lengths := received.all("Content-Length"):
            body = stream.read_exactly(int(lengths[0]))
            return Received(self.name, line, fields, "length", body), head + body
        return received, head


class _Tee(Stream):
    """Reads from another stream and keeps the raw bytes of it."""

    def __init__(self, stream):
        self.stream, self.raw = stream, b""

    def read_exactly(self, count, what="a body"):
        data = self.stream.read_exactly(count, what)
        self.raw += data
        return data

    def read_line(self, what):
        line = self.stream.read_line(what)
        self.raw += line + b"\r\n"
        return line


def _pump(source, sink):
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
    except OSError:
        pass
    _end(sink)


def _end(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
