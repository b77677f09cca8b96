"""A row of the corpus: one request, named by what it shows, and what the origin answers to it."""

from dataclasses import dataclass, field

# The scripted answer is left out: the Frappe-like application behind gunicorn answers.
FRAPPE = object()

VARIANTS = {
    "plain": {},
    "recursive": {"UPSTREAM_REAL_IP_ADDRESS": "127.0.0.0/8", "UPSTREAM_REAL_IP_RECURSIVE": "on"},
    "untrusted": {"UPSTREAM_REAL_IP_ADDRESS": "10.0.0.0/8"},
    "named-peer": {"UPSTREAM_REAL_IP_ADDRESS": "localhost"},
    "real-ip-header": {"UPSTREAM_REAL_IP_HEADER": "X-Real-IP"},
    "fixed-site": {"FRAPPE_SITE_NAME_HEADER": "fixed.test"},
    "small-bodies": {"CLIENT_MAX_BODY_SIZE": "1k"},
    "any-bodies": {"CLIENT_MAX_BODY_SIZE": "0"},
    "impatient": {"PROXY_READ_TIMEOUT": "300ms"},
    "down": {"BACKEND": "refused", "SOCKETIO": "refused"},
}

TRUSTED, UNTRUSTED = "127.0.0.1", "127.0.0.2"


def answer(body=b"ok", status="200 OK", *fields, length=True):
    """The bytes of an answer."""
    lines = [f"HTTP/1.1 {status}", *([f"Content-Length: {len(body)}"] if length else []), *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def chunked(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def closing(data):
    """A script that answers and closes."""

    def script(stream, request):
        stream.send(data)
        return False

    return script


OK = answer(b"ok", "200 OK", "Content-Type: text/plain")


@dataclass(frozen=True)
class Row:
    name: str
    # What the client sends, and what it sends once it has been told to continue.
    request: bytes
    then: bytes = b""
    # The methods of the requests in it: so many answers are read.
    methods: tuple = ("GET",)
    version: str = "1.1"
    # What nginx gives: the status of the first answer.
    gives: int | None = 200
    answer: object = field(default=OK, repr=False)
    # Whether two parsers could read the answer of the origin differently, or not at all.
    unsafe: bool = False
    variant: str = "plain"
    peer: str = TRUSTED
    # What is sent through after a 101, for an echo.
    tunnel: bytes = b""

    @property
    def line(self):
        """The request line, such as it is."""
        return self.request.partition(b"\r\n")[0]

    @property
    def script(self):
        """The answer for a recorder to give; None to ask the application."""
        return None if self.answer is FRAPPE else self.answer

    def __str__(self):
        return self.name


def head(method, target, fields=(), host="erp.test", version="1.1"):
    lines = [f"{method} {target} HTTP/{version}", *([] if host is None else [f"Host: {host}"]), *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def row(name, target="/x", *fields, method="GET", body=None, host="erp.test", version="1.1", raw=None, **more):
    """A row. A body of bytes is counted, one of a tuple goes in chunks; `raw` is sent as it is."""
    if raw is not None:
        method = raw.split()[0].decode("latin-1")
    fields = list(fields)
    if isinstance(body, tuple):
        fields.append("Transfer-Encoding: chunked")
        body = chunked(*body)
    elif body is not None and not any(f.lower().startswith("content-length:") for f in fields):
        fields.append(f"Content-Length: {len(body)}")
    request = raw if raw is not None else head(method, target, fields, host, version) + (body or b"")
    more.setdefault("methods", (method,))
    return Row(name, request, version=version, **more)
