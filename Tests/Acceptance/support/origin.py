"""An origin that answers what a test says, byte by byte, and remembers what it was sent."""

import queue
import socket
import ssl
import threading
import traceback

from .wire import Stream
from .waiting import PATIENCE, until


def answer(body=b"ok", status="200 OK", headers=()):
    """The bytes of a response with a counted body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *(f"{n}: {v}" for n, v in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


class Origin:
    """Listens on an ephemeral port of loopback; each connection has a thread.

    `behave` is the bytes that answer every request, or a function of (stream, request) that
    answers by itself and returns True when the connection may take another request. With
    `connected` instead, a function of (stream) has the connection from its first byte.
    """

    def __init__(self, behave=None, connected=None, name="origin", address="127.0.0.1", port=0):
        self.name = name
        self.requests = []
        self.connections = 0
        self.closed = 0
        self.failures = []
        self._behave = answer() if behave is None else behave
        self._connected = connected or self._serve
        self._arrived = queue.Queue()
        self._streams = []
        self._threads = []
        self._closing = False
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((address, port))
        self._listener.listen(1024)
        self.address = self._listener.getsockname()
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def __str__(self):
        return f"{self.address[0]}:{self.address[1]}"

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._closing:
                sock.close()
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = Stream(sock, timeout=60)
            self.connections += 1
            self._streams.append(stream)
            thread = threading.Thread(target=self._run, args=(stream,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, stream):
        try:
            self._connected(stream)
        except (ConnectionError, TimeoutError, ssl.SSLEOFError):
            pass  # The proxy may leave whenever it likes.
        except AssertionError as failure:
            # What the proxy sent is not HTTP, or ended too early: the test must hear of it.
            if not self._closing:
                self.failures.append(failure)
        except OSError:
            if not self._closing:
                self.failures.append(traceback.format_exc())
        except Exception:
            self.failures.append(traceback.format_exc())
        finally:
            stream.close()
            self.closed += 1

    def _serve(self, stream):
        while (request := stream.read_request()) is not None:
            self.note(request)
            if callable(self._behave):
                if not self._behave(stream, request):
                    return
            else:
                stream.send(self._behave)

    def note(self, request):
        """Remembers a request that came."""
        self.requests.append(request)
        self._arrived.put(request)

    def next_request(self, within=PATIENCE):
        """The next request that came, in the order of arrival; waits for it."""
        return self._arrived.get(timeout=within)

    def wait_connections(self, count):
        until(lambda: self.connections >= count, f"{count} connections to {self.name}")

    def wait_closed(self):
        """Waits until this side has closed every connection that it accepted."""
        until(lambda: self.closed == self.connections > 0, f"all connections of {self.name} have ended")

    def close(self):
        self._closing = True
        # Wakes the accept, which closing alone would leave waiting.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for stream in list(self._streams):
            try:
                stream.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in [self._acceptor, *self._threads]:
            thread.join(PATIENCE)

    def check(self):
        assert not self.failures, f"{self.name} met: " + "\n".join(map(str, self.failures))


class RefusedPort:
    """An address where connects are refused, held so that nobody else takes it."""

    def __init__(self):
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.address = self._socket.getsockname()

    def __str__(self):
        return f"{self.address[0]}:{self.address[1]}"

    def close(self):
        self._socket.close()


class SilentPort:
    """An address where connects get no answer: its accept queue is full."""

    def __init__(self):
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.address = self._listener.getsockname()
        self._fillers = []
        while True:
            filler = socket.socket()
            filler.settimeout(0.25)
            self._fillers.append(filler)
            try:
                filler.connect(self.address)
            except TimeoutError:
                return

    def __str__(self):
        return f"{self.address[0]}:{self.address[1]}"

    def close(self):
        for filler in self._fillers:
            filler.close()
        self._listener.close()
