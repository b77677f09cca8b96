"""A client that speaks TLS 1.3 by hand, and so decides on each byte of each record (RFC 8446).

Its handshake is the plainest there is: one suite, X25519, no question who the server is.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass
from enum import IntEnum

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from .wire import Client


class Kind(IntEnum):
    """What is in a record."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    DATA = 23


class Message(IntEnum):
    """Of the handshake's protocol."""

    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    NEW_SESSION_TICKET = 4
    END_OF_EARLY_DATA = 5
    ENCRYPTED_EXTENSIONS = 8
    CERTIFICATE = 11
    CERTIFICATE_REQUEST = 13
    CERTIFICATE_VERIFY = 15
    FINISHED = 20
    KEY_UPDATE = 24


class Alert(IntEnum):
    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    BAD_RECORD_MAC = 20
    RECORD_OVERFLOW = 22
    ILLEGAL_PARAMETER = 47
    DECODE_ERROR = 50
    PROTOCOL_VERSION = 70
    USER_CANCELED = 90


WARNING, FATAL = 1, 2

# Of content in a record, of what is sealed of it, and of both with what a cipher may add (§5.1, §5.2).
MOST_CONTENT = 1 << 14
MOST_INNER = MOST_CONTENT + 1
MOST_SEALED = MOST_CONTENT + 256
TAG = 16


@dataclass(frozen=True)
class Suite:
    number: int
    digest: str
    cipher: type
    key_size: int


SUITES = {
    "TLS_AES_128_GCM_SHA256": Suite(0x1301, "sha256", AESGCM, 16),
    "TLS_AES_256_GCM_SHA384": Suite(0x1302, "sha384", AESGCM, 32),
    "TLS_CHACHA20_POLY1305_SHA256": Suite(0x1303, "sha256", ChaCha20Poly1305, 32),
}
# Agreed on only where the system's configuration says so.
CCM = Suite(0x1304, "sha256", AESCCM, 16)


class Cut(AssertionError):
    """The connection ended without a word of it."""


class Refused(AssertionError):
    """The connection ended with a fatal alert."""

    def __init__(self, alert):
        super().__init__(f"the server has refused: {alert!r}")
        self.alert = alert


# §7.1.


def extract(digest, salt, secret):
    return hmac.digest(salt, secret, digest)


def expand_label(digest, secret, label, context, length):
    """HKDF-Expand-Label. One block of its output is all that TLS 1.3 ever asks for."""
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    return hmac.digest(secret, info + b"\1", digest)[:length]


class Keys:
    """What one direction is sealed with: a secret, what is made of it, and a count of records."""

    def __init__(self, suite, secret):
        self._suite = suite
        self._begin(secret)

    def _begin(self, secret):
        self.secret = secret
        self.sequence = 0
        self._cipher = self._suite.cipher(self._expand(b"key", self._suite.key_size))
        self._mask = int.from_bytes(self._expand(b"iv", 12), "big")

    def _expand(self, label, length):
        return expand_label(self._suite.digest, self.secret, label, b"", length)

    def update(self):
        """Those after a KeyUpdate (§7.2)."""
        self._begin(self._expand(b"traffic upd", len(self.secret)))

    def finished(self, transcript):
        """What proves that the secret is known, and the same said before (§4.4.4)."""
        return hmac.digest(self._expand(b"finished", len(self.secret)), transcript, self._suite.digest)

    def _nonce(self):
        nonce = (self._mask ^ self.sequence).to_bytes(12, "big")
        self.sequence += 1
        return nonce

    def seal(self, inner, head):
        return self._cipher.encrypt(self._nonce(), inner, head)

    def open(self, sealed, head):
        return self._cipher.decrypt(self._nonce(), sealed, head)


@dataclass
class Record:
    kind: int
    content: bytes


def plain(content, kind, version=0x0303):
    """A record that is not sealed."""
    return bytes([kind]) + version.to_bytes(2, "big") + len(content).to_bytes(2, "big") + content


def message(kind, body=b""):
    """One of the handshake's."""
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def _extension(number, body):
    return number.to_bytes(2, "big") + _sized(body, 2)


def _sized(body, size):
    return len(body).to_bytes(size, "big") + body


class Traffic:
    """Stands for a socket: what is sent and received is the content of records of TLS 1.3."""

    def __init__(self, sock, suite, fragment=None, host="site.test"):
        """- fragment: the most content that is asked for in a record (RFC 6066 §4)."""
        self._socket = sock
        self._suite = suite
        self._bytes = bytearray()  # came, and is not yet a record
        self._content = b""  # came, and was not yet asked for
        self._messages = b""  # of the handshake's protocol, and not yet whole
        self.fragment = self.alert = self.finish = None
        self.tickets = 0
        self.key_updates = []
        self.records = self.longest = 0  # of data that came, and the most content in one
        self.finish = self._shake_hands(fragment, host)

    # The handshake.

    def _shake_hands(self, fragment, host):
        """Returns the last flight, which is not yet sent: all is derived as if it were."""
        private = X25519PrivateKey.generate()
        hello = self.hello(private.public_key().public_bytes_raw(), fragment, host)
        self._socket.sendall(plain(hello, Kind.HANDSHAKE, version=0x0301))

        answer = self._plain_message()
        assert answer[0] == Message.SERVER_HELLO, f"a ServerHello is due: {answer!r}"
        digest, transcript = self._suite.digest, hello + answer
        size = hashlib.new(digest).digest_size

        def hashed(data):
            return hashlib.new(digest, data).digest()

        def secret(of, label, data):
            return expand_label(digest, of, label, hashed(data), size)

        shared = private.exchange(X25519PublicKey.from_public_bytes(self._share(answer)))
        early = extract(digest, bytes(size), bytes(size))
        handshake = extract(digest, secret(early, b"derived", b""), shared)
        self.ours = Keys(self._suite, secret(handshake, b"c hs traffic", transcript))
        self.theirs = Keys(self._suite, secret(handshake, b"s hs traffic", transcript))
        while True:
            while (one := self._next_message()) is None:
                record = self.next_record()
                assert record and record.kind == Kind.HANDSHAKE, f"not of a handshake: {record}"
            if one[0] == Message.FINISHED:
                break
            if one[0] == Message.ENCRYPTED_EXTENSIONS:
                self._note_extensions(one)
            transcript += one
        assert one[4:] == self.theirs.finished(hashed(transcript)), "the server knows the secret"
        transcript += one

        finished = message(Message.FINISHED, self.ours.finished(hashed(transcript)))
        last = plain(b"\1", Kind.CHANGE_CIPHER_SPEC) + self.seal(finished, Kind.HANDSHAKE)
        master = extract(digest, secret(handshake, b"derived", b""), bytes(size))
        self.ours = Keys(self._suite, secret(master, b"c ap traffic", transcript))
        self.theirs = Keys(self._suite, secret(master, b"s ap traffic", transcript))
        return last

    def hello(self, share, fragment=None, host="site.test"):
        """A ClientHello: `share` is our half of X25519's key."""
        name = host.encode()
        extensions = [
            (0, _sized(b"\0" + _sized(name, 2), 2)),
            (10, _sized(b"\x00\x1d", 2)),  # x25519
            (13, _sized(b"\x04\x03\x08\x04", 2)),  # ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256
            (16, _sized(_sized(b"http/1.1", 1), 2)),
            (43, _sized(b"\3\4", 1)),  # TLS 1.3
            (51, _sized(b"\x00\x1d" + _sized(share, 2), 2)),
        ]
        if fragment:
            extensions.append((1, bytes([(512, 1024, 2048, 4096).index(fragment) + 1])))
        body = b"\3\3" + os.urandom(32) + _sized(os.urandom(32), 1)
        body += _sized(self._suite.number.to_bytes(2, "big"), 2) + b"\1\0"
        body += _sized(b"".join(_extension(*one) for one in extensions), 2)
        return message(Message.CLIENT_HELLO, body)

    def _plain_message(self):
        """The one in the first record that comes."""
        head = self._take(5)
        body = self._take(int.from_bytes(head[3:], "big"))
        assert head[0] == Kind.HANDSHAKE, f"hands are not shaken: {head + body!r}"
        return body

    def _share(self, hello):
        """The server's key."""
        at = 4 + 2 + 32
        at += 1 + hello[at]
        assert int.from_bytes(hello[at:at + 2], "big") == self._suite.number, "the suite that was offered"
        return self._extensions(hello[at + 3:])[51][4:]

    def _note_extensions(self, encrypted):
        found = self._extensions(encrypted[4:])
        if 1 in found:
            self.fragment = 256 << found[1][0]

    @staticmethod
    def _extensions(data):
        found, at = {}, 2
        while at < len(data):
            size = int.from_bytes(data[at + 2:at + 4], "big")
            found[int.from_bytes(data[at:at + 2], "big")] = data[at + 4:at + 4 + size]
            at += 4 + size
        return found

    def _next_message(self):
        """Of those that came in records, the next that is whole."""
        size = 4 + int.from_bytes(self._messages[1:4], "big")
        if len(self._messages) < max(size, 4):
            return None
        one, self._messages = self._messages[:size], self._messages[size:]
        return one

    # Records.

    def seal(self, content, kind=Kind.DATA, padding=0, outer=Kind.DATA, version=0x0303):
        """The next record; the count of them goes on."""
        inner = content + bytes([kind]) + bytes(padding)
        head = bytes([outer]) + version.to_bytes(2, "big") + (len(inner) + TAG).to_bytes(2, "big")
        return head + self.ours.seal(inner, head)

    def seal_alert(self, description, level=WARNING):
        return self.seal(bytes([level, description]), Kind.ALERT)

    def seal_update(self, request=0):
        """A KeyUpdate; what follows is sealed with the next key. 1 asks for the same of the server."""
        record = self.seal(message(Message.KEY_UPDATE, bytes([request])), Kind.HANDSHAKE)
        self.ours.update()
        return record

    def put(self, *records):
        """Sends bytes as they are, in one piece."""
        self._socket.sendall(b"".join(records))

    def next_record(self):
        """Opens the next record that comes; None where the connection has ended before it."""
        try:
            head = self._take(5, may_end=True)
            if head is None:
                return None
            size = int.from_bytes(head[3:], "big")
            body = self._take(size)
        except ConnectionResetError:
            return None
        if self.finish is None and head + body == plain(b"\1", Kind.CHANGE_CIPHER_SPEC):
            return self.next_record()  # for the sake of middleboxes (§D.4), in a handshake alone
        assert head[:3] == b"\x17\3\3", f"not a sealed record: {head + body!r}"
        assert size <= MOST_INNER + TAG, size
        inner = self.theirs.open(body, head).rstrip(b"\0")
        record = Record(inner[-1], inner[:-1])
        assert len(record.content) <= (self.fragment or MOST_CONTENT), len(record.content)
        if record.kind == Kind.HANDSHAKE:
            self._messages += record.content
        return record

    def _take(self, count, may_end=False):
        while len(self._bytes) < count:
            data = self._socket.recv(1 << 18)
            if not data:
                if may_end and not self._bytes:
                    return None
                raise Cut(f"within a record: {self._bytes[:100]!r}")
            self._bytes += data
        data = bytes(self._bytes[:count])
        del self._bytes[:count]
        return data

    def _hear(self):
        """Takes one record in: True when it may have brought content, False at the end."""
        record = self.next_record()
        if record is None:
            return False
        if record.kind == Kind.ALERT:
            level, description = record.content
            self.alert = Alert(description)
            assert level == (WARNING if self.alert == Alert.CLOSE_NOTIFY else FATAL), record
            assert self.next_record() is None, "nothing follows an alert that ends"
            return False
        if record.kind == Kind.HANDSHAKE:
            self._note_messages()
        else:
            assert record.kind == Kind.DATA, record
            assert not self._messages, "a message may not be interrupted"
            self._content += record.content
            self.records += 1
            self.longest = max(self.longest, len(record.content))
        return True

    def _note_messages(self):
        while one := self._next_message():
            if one[0] == Message.NEW_SESSION_TICKET:
                self.tickets += 1
            else:
                assert one[:4] == message(Message.KEY_UPDATE, b"?")[:4], one
                assert not self._messages, "a key changes between records"
                self.key_updates.append(one[4])
                self.theirs.update()

    # A socket's.

    def sendall(self, content):
        most = self.fragment or MOST_CONTENT
        self.put(*(self.seal(content[at:at + most]) for at in range(0, len(content), most)))

    def recv(self, count):
        """Content. b"" after close_notify; other ends are errors."""
        while not self._content:
            if self.alert is None and self._hear():
                continue
            if self.alert == Alert.CLOSE_NOTIFY:
                return b""
            raise Cut("without close_notify") if self.alert is None else Refused(self.alert)
        data, self._content = self._content[:count], self._content[count:]
        return data

    def rest(self):
        """All content up to the end, and the alert that the connection ended with; None without."""
        while self._hear():
            pass
        data, self._content = self._content, b""
        return data, self.alert

    def __getattr__(self, name):
        return getattr(self._socket, name)


class TrafficClient(Client):
    """A client over records that it makes itself: `traffic` is the door to them.

    `suite` is one of `SUITES`, by its name, or another one.
    With `flight` False the last flight of the handshake is held back: `traffic.finish`.
    """

    def __init__(self, address, suite="TLS_AES_128_GCM_SHA256", fragment=None, flight=True, **more):
        super().__init__(address, **more)
        try:
            self.traffic = self.socket = Traffic(self.socket, SUITES.get(suite, suite), fragment)
            if flight:
                self.traffic.put(self.traffic.finish)
        except BaseException:
            self.socket.close()
            raise
