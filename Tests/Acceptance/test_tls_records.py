"""How answers are cut into records: the beginning comes early, the rest in large pieces."""

import ssl

import pytest

from support.origin import answer
from support.wire import Client

SITE = """
listen: [{address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key}}]
pools: {web: {servers: [$web]}}
routes:
  - match: {prefix: /files}
    files: {alias: $files}
  - match: {prefix: /}
    proxy: web
"""

# Of AES-GCM in TLS 1.2, where the kind of a record can be seen: its nonce and its tag.
OVERHEAD = 24
DATA = 23


class RecordClient:
    """Speaks TLS, and notes how much content is in each record that comes."""

    def __init__(self, address, context):
        self._wire = Client(address)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="site.test")
        self._call(self._tls.do_handshake)

    def _call(self, work):
        while True:
            try:
                return work()
            except ssl.SSLWantReadError:
                self._flush()
                self._read_record()
            finally:
                self._flush()

    def _flush(self):
        if data := self._outgoing.read():
            self._wire.send(data)

    def _read_record(self):
        head = self._wire.read_exactly(5)
        size = int.from_bytes(head[3:], "big")
        self._incoming.write(head + self._wire.read_exactly(size))
        if head[0] == DATA:
            self.sizes.append(size - OVERHEAD)

    def get(self, target):
        """Returns the body and how many bytes each record had."""
        self.sizes = []
        self._tls.write(f"GET {target} HTTP/1.1\r\nHost: site.test\r\n\r\n".encode())
        self._flush()
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._call(lambda: self._tls.read(1 << 16))
        head, body = got.split(b"\r\n\r\n", 1)
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        while len(body) < length:
            body += self._call(lambda: self._tls.read(1 << 16))
        return body, self.sizes

    def close(self):
        self._wire.close()


@pytest.fixture
def client(martlet, origin, authority, tmp_path):
    def serve(stream, request):
        stream.send(answer(b"x" * int(request.target[1:])))
        return True

    for size in (3000, 500_000):
        (tmp_path / str(size)).write_bytes(b"x" * size)
    pair = authority.issue("site.test")
    proxy = martlet(SITE, web=origin(serve), certificate=pair[0], key=pair[1], files=tmp_path)
    one = RecordClient(proxy.address, authority.trust(latest=ssl.TLSVersion.TLSv1_2))
    yield one
    one.close()


def test_a_long_answer_begins_with_a_short_record(client):
    # Each answer anew: the connection may have been idle meanwhile.
    for _ in range(2):
        body, sizes = client.get("/500000")
        assert body == b"x" * 500_000
        # How long the others are depends on what the server's pieces were.
        assert sizes[0] == 4096 and max(sizes) > 8192, sizes


def test_a_long_file_begins_with_a_short_record(client):
    for _ in range(2):
        body, sizes = client.get("/files/500000")
        assert body == b"x" * 500_000
        # The head goes out by itself.
        assert sizes[1:3] == [4096, 16384] and sizes.count(16384) == 29, sizes


@pytest.mark.parametrize("target", ["/100", "/3000", "/6000", "/files/3000"])
def test_a_short_answer_is_one_record(client, target):
    for _ in range(2):
        body, sizes = client.get(target)
        assert len(sizes) == 1, sizes
