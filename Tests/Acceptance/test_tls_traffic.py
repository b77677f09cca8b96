"""What a client says in records of TLS 1.3 once hands are shaken, right and wrong (RFC 8446 §5, §6).

The client makes its records itself (support/records.py). Where the RFC names the alert it has to be
that; where it leaves a choice, each row says what is taken.
"""

import array
import fcntl
import hashlib
import os
import random
import re
import socket
import termios
import threading
import time

import pytest
import wsproto
import wsproto.events

from support.origin import answer
from support.records import (
    CCM, FATAL, MOST_CONTENT, MOST_INNER, MOST_SEALED, SUITES, TAG, Alert, Cut, Kind, Message, Refused,
    TrafficClient, message, plain)
from support.waiting import PATIENCE, running, until
from support.wire import Client, Truncated

SITE = """
listen: [{address: "127.0.0.1:0", tls: {certificate: $certificate, key: $key}}]
timeouts: {half_closed: 10s}
pools: {web: {servers: [$web]}}
routes:
  - match: {prefix: /stream}
    proxy: {pool: web, request_buffering: false, response_buffering: false}
  - match: {prefix: /}
    proxy: {pool: web, upgrade: [websocket]}
"""
GET = b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
MEGABYTE = 1 << 20
UPDATE = message(Message.KEY_UPDATE, b"\0")


@pytest.fixture
def site(martlet, pair):
    def start(web):
        return martlet(SITE, web=web, certificate=pair[0], key=pair[1])

    return start


@pytest.fixture
def connect():
    clients = []

    def start(proxy, **more):
        clients.append(TrafficClient(proxy.address, **more))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


def named(rows):
    """Rows of a table, each under its name."""
    return [pytest.param(*row[1:], id=row[0]) for row in rows]


def echo(stream, request):
    stream.send(answer(request.body))
    return True


def tells_target(stream, request):
    stream.send(answer(request.target.encode()))
    return True


def random_bytes(count, seed):
    return random.Random(seed).randbytes(count)


# What is answered.


def one_by_one(t, content):
    return [t.seal(bytes([byte])) for byte in content]


def with_updates(t, count):
    """As many as that one after the other, then a request."""
    return [*(t.seal_update() for _ in range(count)), t.seal(GET)]


def update_in_pieces(t, *sizes):
    records, at = [], 0
    for size in sizes:
        records.append(t.seal(UPDATE[at:at + size], Kind.HANDSHAKE))
        at += size
    assert at == len(UPDATE)
    t.ours.update()
    return [*records, t.seal(GET)]


# A name, how many requests it is, and what is sent in one piece.
ANSWERED = [
    ("a record", 1, lambda t: [t.seal(GET)]),
    ("a byte in each record", 1, lambda t: one_by_one(t, GET)),
    ("two requests in a record", 2, lambda t: [t.seal(GET + GET)]),
    ("two records", 2, lambda t: [t.seal(GET), t.seal(GET)]),
    ("a request and a half, and its other half", 2, lambda t: [t.seal(GET + GET[:9]), t.seal(GET[9:])]),
    # §5.4.
    ("padding of a byte", 1, lambda t: [t.seal(GET, padding=1)]),
    ("padding to all that fits", 1, lambda t: [t.seal(GET, padding=MOST_CONTENT - len(GET))]),
    ("padding in each record", 1, lambda t: [t.seal(GET[:9], padding=300), t.seal(GET[9:], padding=7)]),
    ("zeros that are content, and padding", 1, lambda t: [
        t.seal(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\0\0\0\0", padding=100)]),
    # §5.1: empty ones may hide how much is said.
    ("empty records before, between and behind", 1, lambda t: [
        t.seal(b""), t.seal(GET[:9]), t.seal(b"", padding=50), t.seal(b""), t.seal(GET[9:]), t.seal(b"")]),
    ("an empty record that is padded to all that fits", 1, lambda t: [
        t.seal(b"", padding=MOST_CONTENT), t.seal(GET)]),
    ("32 empty records in a row, twice", 2, lambda t: [
        *(t.seal(b"") for _ in range(32)), t.seal(GET), *(t.seal(b"") for _ in range(32)), t.seal(GET)]),
    # §4.6.3.
    ("new keys", 1, lambda t: [t.seal_update(), t.seal(GET)]),
    ("new keys amid a request", 1, lambda t: [t.seal(GET[:9]), t.seal_update(), t.seal(GET[9:])]),
    ("new keys between two requests", 2, lambda t: [t.seal(GET), t.seal_update(), t.seal(GET)]),
    ("new keys in a padded record", 1, lambda t: [
        t.seal(UPDATE, Kind.HANDSHAKE, padding=999), t.ours.update() or t.seal(GET)]),
    ("new keys 100 times in a row", 1, lambda t: with_updates(t, 100)),
    ("new keys that are said in two records", 1, lambda t: update_in_pieces(t, 2, 3)),
    ("new keys whose last byte is alone", 1, lambda t: update_in_pieces(t, 4, 1)),
    ("new keys byte by byte", 1, lambda t: update_in_pieces(t, 1, 1, 1, 1, 1)),
    # §6.1: no error; what to do of it is not said after the handshake. OpenSSL goes on, 4 times in a row.
    ("user_canceled", 1, lambda t: [t.seal_alert(Alert.USER_CANCELED), t.seal(GET)]),
    ("user_canceled 4 times", 1, lambda t: [*(t.seal_alert(Alert.USER_CANCELED) for _ in range(4)), t.seal(GET)]),
    # §6: the level says nothing.
    ("user_canceled that claims to be fatal", 1, lambda t: [t.seal_alert(Alert.USER_CANCELED, FATAL), t.seal(GET)]),
]


@pytest.mark.parametrize("count, made", named(ANSWERED))
def test_what_is_right_is_answered(site, origin, connect, count, made):
    web = origin()
    client = connect(site(web))
    for _ in range(2):
        client.traffic.put(*made(client.traffic))
        for _ in range(count):
            assert client.read_response().status == 200
    # Nothing else has been heard.
    assert client.get("/").status == 200
    assert len(web.requests) == 2 * count + 1


def test_what_says_nothing_leaves_an_idle_connection_as_it_is(site, origin, connect):
    web = origin()
    client = connect(site(web))
    t = client.traffic
    assert client.get("/").status == 200
    for seal in (
        lambda: t.seal(b""), lambda: t.seal(b"", padding=MOST_CONTENT), lambda: t.seal_update(0),
        lambda: t.seal_update(1), lambda: t.seal_alert(Alert.USER_CANCELED),
    ):
        t.put(seal())
        assert client.get("/").status == 200
    assert t.key_updates == [0] and len(web.requests) == 6


@pytest.mark.parametrize("suite", SUITES)
def test_each_suite_carries_requests_and_new_keys(site, origin, connect, suite):
    client = connect(site(origin(echo)), suite=suite)
    for number in range(8):
        client.traffic.put(client.traffic.seal_update(number % 2))
        body = b"%d" % number
        assert client.ask("POST", "/", body=body).body == body
    assert client.traffic.key_updates == [0] * 4
    assert client.traffic.tickets == 2


@pytest.mark.parametrize("suite", SUITES)
def test_a_record_may_arrive_byte_by_byte(site, origin, connect, suite):
    client = connect(site(origin()), suite=suite)
    for record in (client.traffic.seal(GET), client.traffic.seal(GET[:3]), client.traffic.seal(GET[3:])):
        for byte in record:
            client.traffic.put(bytes([byte]))
    for _ in range(2):
        assert client.read_response().status == 200


@pytest.mark.parametrize("at", [1, 4, 5, 6, 20, -17, -16, -1])
def test_half_a_record_waits_for_its_other_half(site, origin, connect, at):
    client = connect(site(origin()))
    first, second = client.traffic.seal(GET), client.traffic.seal(GET)
    client.traffic.put(first, second[:at])
    assert client.read_response().status == 200
    client.traffic.put(second[at:])
    assert client.read_response().status == 200


def test_a_record_may_be_as_full_as_it_can_be(site, origin, connect):
    client = connect(site(origin(echo)))
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "
    body = random_bytes(2 * MOST_CONTENT, seed=1)
    head += b"%d\r\n\r\n" % len(body)
    first = MOST_CONTENT - len(head)
    t = client.traffic
    t.put(t.seal(head + body[:first]), t.seal(body[first:first + MOST_CONTENT]), t.seal(body[first + MOST_CONTENT:]))
    assert client.read_response().body == body


# Whatever the first flight brings is there before the server knows that hands are shaken.


@pytest.mark.parametrize("made", [
    pytest.param(lambda t: [t.seal(GET)], id="a request"),
    pytest.param(lambda t: one_by_one(t, GET), id="a byte in each record"),
    pytest.param(lambda t: [t.seal(GET[:9]), t.seal_update(), t.seal(GET[9:])], id="new keys amid a request"),
    pytest.param(lambda t: [t.seal_update(1), t.seal(b""), t.seal(GET)], id="new keys that ask for others"),
])
def test_what_comes_with_the_clients_finished_is_answered(site, origin, connect, made):
    client = connect(site(origin()), flight=False)
    client.traffic.put(client.traffic.finish, *made(client.traffic))
    assert client.read_response().status == 200
    assert client.get("/").status == 200


@pytest.mark.parametrize("at", [3, 5, 30, -1])
def test_half_a_record_may_come_with_the_clients_finished(site, origin, connect, at):
    client = connect(site(origin()), flight=False)
    first, second = client.traffic.seal(GET), client.traffic.seal(GET)
    client.traffic.put(client.traffic.finish, first, second[:at])
    assert client.read_response().status == 200
    client.traffic.put(second[at:])
    assert client.read_response().status == 200


def test_a_broken_record_behind_the_clients_finished_is_refused(site, origin, connect):
    web = origin()
    client = connect(site(web), flight=False)
    client.traffic.put(client.traffic.finish, broken(client.traffic.seal(GET)))
    assert client.traffic.rest() == (b"", Alert.BAD_RECORD_MAC)
    assert not web.requests


# What is refused.


def broken(record, at=-1, bit=1):
    record = bytearray(record)
    record[at] ^= bit
    return bytes(record)


def sealed_head(size):
    return b"\x17\3\3" + size.to_bytes(2, "big")


def nothing_inside(t):
    head = sealed_head(TAG)
    return [head + t.ours.seal(b"", head)]


def again(t):
    record = t.seal(b"")
    return [record, record]


def swapped(t):
    first, second = t.seal(GET[:9]), t.seal(GET[9:])
    return [second, first]


def skipped(t):
    t.ours.sequence += 1
    return [t.seal(GET)]


def too_early(t):
    t.ours.update()
    return [t.seal(GET)]


def too_late(t):
    return [t.seal(UPDATE, Kind.HANDSHAKE), t.seal(GET)]


def handshake(*contents):
    return lambda t: [t.seal(content, Kind.HANDSHAKE) for content in contents]


def half_an_update(t, then):
    return [t.seal(UPDATE[:3], Kind.HANDSHAKE), t.seal(then), t.seal(UPDATE[3:], Kind.HANDSHAKE)]


UNEXPECTED = {Alert.UNEXPECTED_MESSAGE}
BAD_MAC = {Alert.BAD_RECORD_MAC}
OVERFLOW = {Alert.RECORD_OVERFLOW}
# What cannot be parsed is a decode_error (§6.2), what says too much may be illegal in itself.
NO_MESSAGE = {Alert.DECODE_ERROR, Alert.ILLEGAL_PARAMETER}
# §5.1 says how alerts are to be sent, not how it is told that they were not.
NO_ALERT = {Alert.UNEXPECTED_MESSAGE, Alert.DECODE_ERROR}

# A name, what is said of it, and what is sent in one piece.
REFUSED = [
    # §5.1, §5.2: as long as this nothing may be.
    ("content of 16,385 bytes", OVERFLOW, lambda t: [t.seal(bytes(MOST_CONTENT + 1))]),
    ("content that fills what may be sealed", OVERFLOW, lambda t: [t.seal(bytes(MOST_SEALED - TAG - 1))]),
    ("a length of 16,641, said", OVERFLOW, lambda t: [sealed_head(MOST_SEALED + 1)]),
    ("a length of 16,641, there", OVERFLOW, lambda t: [t.seal(bytes(MOST_SEALED - TAG))]),
    ("a length of 65,535", OVERFLOW, lambda t: [sealed_head(0xFFFF)]),
    # §5.2: what cannot be opened.
    ("nothing but a head", BAD_MAC, lambda t: [sealed_head(0)]),
    ("a byte", BAD_MAC, lambda t: [sealed_head(1) + b"x"]),
    ("less than a tag", BAD_MAC, lambda t: [sealed_head(TAG - 1) + bytes(TAG - 1)]),
    ("a tag of nothing that is wrong", BAD_MAC, lambda t: [sealed_head(TAG) + bytes(TAG)]),
    ("as much as may be that is wrong", BAD_MAC, lambda t: [sealed_head(MOST_SEALED) + bytes(MOST_SEALED)]),
    ("a broken tag", BAD_MAC, lambda t: [broken(t.seal(GET))]),
    ("a tag whose first bit is broken", BAD_MAC, lambda t: [broken(t.seal(GET), -TAG, 0x80)]),
    ("a broken tag behind new keys for both", BAD_MAC, lambda t: [t.seal_update(1), broken(t.seal(GET))]),
    ("broken content", BAD_MAC, lambda t: [broken(t.seal(GET), 5)]),
    ("a broken kind", BAD_MAC, lambda t: [broken(t.seal(GET), -TAG - 1)]),
    ("a length that is too short", BAD_MAC, lambda t: [broken(t.seal(GET[:4]), 4, bit=1)]),
    ("a record again", BAD_MAC, again),
    ("two records in the other order", BAD_MAC, swapped),
    ("a record that follows none", BAD_MAC, skipped),
    ("plain data", BAD_MAC, lambda t: [plain(GET, Kind.DATA)]),
    ("a new key that was not announced", BAD_MAC, too_early),
    ("an old key behind a new one", BAD_MAC, too_late),
    # §5.4: a kind has to be there. OpenSSL takes the last row for one without a tag.
    ("nothing but zeros", UNEXPECTED, lambda t: [t.seal(b"", kind=0, padding=100)]),
    ("one zero", UNEXPECTED, lambda t: [t.seal(b"", kind=0)]),
    ("zeros, as many as may be", UNEXPECTED, lambda t: [t.seal(b"", kind=0, padding=MOST_INNER - 1)]),
    ("nothing at all, sealed", UNEXPECTED | BAD_MAC, nothing_inside),
    # §5: kinds that have no place here, in plain or sealed.
    ("a plain KeyUpdate", UNEXPECTED, lambda t: [plain(UPDATE, Kind.HANDSHAKE)]),
    ("a plain ClientHello", UNEXPECTED, lambda t: [plain(hello(t), Kind.HANDSHAKE)]),
    ("a plain close_notify", UNEXPECTED, lambda t: [plain(b"\1\0", Kind.ALERT)]),
    ("a plain fatal alert", UNEXPECTED, lambda t: [plain(b"\2\x28", Kind.ALERT)]),
    ("a plain change_cipher_spec", UNEXPECTED, lambda t: [plain(b"\1", Kind.CHANGE_CIPHER_SPEC)]),
    ("a plain change_cipher_spec of 2", UNEXPECTED, lambda t: [plain(b"\2", Kind.CHANGE_CIPHER_SPEC)]),
    *((f"a sealed record of kind {kind} without", UNEXPECTED, lambda t, kind=kind: [t.seal(GET, outer=kind)])
      for kind in (0, 20, 21, 22, 24, 99, 128, 255)),
    *((f"a sealed record of kind {kind} within", UNEXPECTED, lambda t, kind=kind: [t.seal(b"\1", kind=kind)])
      for kind in (20, 24, 99, 255)),
    # §5.4, §6: an alert is one, whole, and not empty.
    ("an empty alert", UNEXPECTED, lambda t: [t.seal(b"", Kind.ALERT)]),
    ("half an alert", NO_ALERT, lambda t: [t.seal(b"\1", Kind.ALERT)]),
    ("an alert in two records", NO_ALERT, lambda t: [t.seal(b"\1", Kind.ALERT), t.seal(b"\0", Kind.ALERT)]),
    ("an alert of 3 bytes", NO_ALERT, lambda t: [t.seal(b"\1\0\0", Kind.ALERT)]),
    ("two alerts in one record", NO_ALERT, lambda t: [t.seal(b"\1\x5a\1\0", Kind.ALERT)]),
    # §4.6.3, §5.1: a key changes between records.
    ("an empty handshake record", UNEXPECTED, handshake(b"")),
    ("two KeyUpdates in one record", UNEXPECTED, handshake(UPDATE + UPDATE)),
    ("a KeyUpdate and another message", UNEXPECTED, handshake(UPDATE + message(Message.NEW_SESSION_TICKET, bytes(20)))),
    ("a KeyUpdate and a byte", UNEXPECTED, handshake(UPDATE + b"\x18")),
    ("a KeyUpdate in pieces and a byte", UNEXPECTED, handshake(UPDATE[:2], UPDATE[2:] + b"\x18")),
    ("a KeyUpdate of 2", {Alert.ILLEGAL_PARAMETER}, handshake(message(Message.KEY_UPDATE, b"\2"))),
    ("a KeyUpdate of 255", {Alert.ILLEGAL_PARAMETER}, handshake(message(Message.KEY_UPDATE, b"\xff"))),
    ("an empty KeyUpdate", NO_MESSAGE, handshake(message(Message.KEY_UPDATE))),
    ("a KeyUpdate of two bytes", NO_MESSAGE, handshake(message(Message.KEY_UPDATE, b"\0\0"))),
    ("a KeyUpdate of 16 MiB", NO_MESSAGE | UNEXPECTED, handshake(b"\x18\xff\xff\xff", bytes(MOST_CONTENT))),
    # §5.1: nothing comes between its pieces.
    ("half a KeyUpdate and a request", UNEXPECTED, lambda t: half_an_update(t, GET)),
    ("half a KeyUpdate and an empty record", UNEXPECTED, lambda t: half_an_update(t, b"")),
    # §4: messages that are not sent any more, or not by a client.
    ("another ClientHello", UNEXPECTED, lambda t: [t.seal(hello(t), Kind.HANDSHAKE)]),
    ("another Finished", UNEXPECTED, handshake(message(Message.FINISHED, bytes(32)))),
    ("a certificate nobody has asked for", UNEXPECTED, handshake(message(Message.CERTIFICATE, b"\0\0\0\0"))),
    ("its proof", UNEXPECTED, handshake(message(Message.CERTIFICATE_VERIFY, b"\4\3\0\0"))),
    ("a question for one", UNEXPECTED, handshake(message(Message.CERTIFICATE_REQUEST, b"\0\0\0"))),
    ("a ticket", UNEXPECTED, handshake(message(Message.NEW_SESSION_TICKET, bytes(20)))),
    ("a ServerHello", UNEXPECTED, handshake(message(Message.SERVER_HELLO, bytes(100)))),
    ("the end of early data", UNEXPECTED, handshake(message(Message.END_OF_EARLY_DATA))),
    ("a HelloRequest", UNEXPECTED, handshake(message(0))),
    ("a message nobody knows", UNEXPECTED, handshake(message(99, b"x"))),
    # Each is legal, and does nothing but keep the server busy: there is a limit. OpenSSL's is 32.
    ("a thousand empty records in a row", UNEXPECTED, lambda t: [t.seal(b"") for _ in range(1000)]),
    # OpenSSL's is 4.
    ("user_canceled a thousand times", UNEXPECTED, lambda t: [t.seal_alert(Alert.USER_CANCELED) for _ in range(1000)]),
]


def hello(t):
    return t.hello(bytes(32))


@pytest.mark.parametrize("allowed, made", named(REFUSED))
def test_what_is_wrong_is_refused_by_its_alert(site, origin, connect, allowed, made):
    web = origin()
    proxy = site(web)
    other, client = connect(proxy), connect(proxy)
    assert other.get("/").status == client.get("/").status == 200
    t = client.traffic
    # The request behind it is not heard any more.
    t.put(*made(t), t.seal(GET))
    content, alert = t.rest()
    assert content == b"" and alert in allowed
    assert other.get("/").status == 200
    until(lambda: proxy.metrics()["martlet_connections"].value(side="client") == 1, "its connection alone has ended")
    assert len(web.requests) == 3


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("made", named([
    ("a broken tag", lambda t: [broken(t.seal(GET))]),
    ("broken content", lambda t: [broken(t.seal(GET), 5)]),
    ("a record again", again),
    ("a record that follows none", skipped),
    ("an old key behind a new one", too_late),
]))
def test_each_suite_refuses_what_cannot_be_opened(site, origin, connect, suite, made):
    web = origin()
    client = connect(site(web), suite=suite)
    client.traffic.put(*made(client.traffic))
    assert client.traffic.rest() == (b"", Alert.BAD_RECORD_MAC)
    assert not web.requests


def test_what_was_asked_before_a_broken_record_may_be_answered(site, origin, connect):
    web = origin()
    client = connect(site(web))
    client.traffic.put(client.traffic.seal(GET), broken(client.traffic.seal(GET)))
    content, alert = client.traffic.rest()
    assert content.count(b"HTTP/1.1 200 OK") == len(content.split(b"HTTP/")) - 1 <= 1
    assert alert == Alert.BAD_RECORD_MAC and len(web.requests) <= 1


# What may be taken or left.


@pytest.mark.parametrize("made", named([
    # §5.1: to be ignored. OpenSSL refuses it, with decode_error or protocol_version.
    *((f"version {version:04x}", lambda t, version=version: t.seal(GET, version=version))
      for version in (0x0000, 0x0300, 0x0301, 0x0302, 0x0304, 0xFFFF)),
    # §5.4: more padding than may be sent, in a record that is not too long. OpenSSL counts the content.
    ("a byte of padding too much", lambda t: t.seal(GET, padding=MOST_INNER - len(GET))),
    ("all the padding there is room for", lambda t: t.seal(GET, padding=MOST_SEALED - TAG - 1 - len(GET))),
]))
def test_what_the_rules_leave_open_is_answered_or_refused(site, origin, connect, made):
    proxy = site(origin())
    other, client = connect(proxy), connect(proxy)
    client.traffic.put(made(client.traffic))
    try:
        assert client.read_response().status == 200
        assert client.get("/").status == 200
    except Refused as refused:
        assert refused.alert in OVERFLOW | UNEXPECTED | {Alert.DECODE_ERROR, Alert.PROTOCOL_VERSION}
    assert other.get("/").status == 200


# Alerts.


@pytest.mark.parametrize("body", [b"ok", random_bytes(MEGABYTE, seed=2)], ids=["short", "long"])
def test_the_answer_to_a_request_comes_after_close_notify(site, origin, connect, body):
    """Then the server ends, too, with close_notify or without: all of the answer was there."""
    client = connect(site(origin(answer(body))))
    t = client.traffic
    t.put(t.seal(GET), t.seal_alert(Alert.CLOSE_NOTIFY))
    assert client.read_response().body == body
    content, alert = t.rest()
    assert content == b"" and alert in (None, Alert.CLOSE_NOTIFY)


@pytest.mark.parametrize("made", named([
    ("close_notify", lambda t: [t.seal_alert(Alert.CLOSE_NOTIFY)]),
    # §6: the level says nothing.
    ("close_notify that claims to be fatal", lambda t: [t.seal_alert(Alert.CLOSE_NOTIFY, FATAL)]),
    ("close_notify of a level nobody knows", lambda t: [t.seal_alert(Alert.CLOSE_NOTIFY, 9)]),
    ("user_canceled and close_notify", lambda t: [
        t.seal_alert(Alert.USER_CANCELED), t.seal_alert(Alert.CLOSE_NOTIFY)]),
    # §6.1: what follows is ignored, whatever it is.
    ("close_notify and a request", lambda t: [t.seal_alert(Alert.CLOSE_NOTIFY), t.seal(GET)]),
    ("close_notify and a broken record", lambda t: [t.seal_alert(Alert.CLOSE_NOTIFY), broken(t.seal(GET))]),
    ("close_notify and bytes", lambda t: [t.seal_alert(Alert.CLOSE_NOTIFY), b"no record at all"]),
    ("close_notify amid a request", lambda t: [t.seal(GET[:9]), t.seal_alert(Alert.CLOSE_NOTIFY)]),
    # §6.2: an error ends the connection at once, and is not answered by another.
    ("handshake_failure", lambda t: [t.seal_alert(40, FATAL), t.seal(GET)]),
    ("bad_record_mac", lambda t: [t.seal_alert(Alert.BAD_RECORD_MAC, FATAL), t.seal(GET)]),
    # Of this version the level is no excuse, and what is unknown is an error.
    ("an error that claims to be a warning", lambda t: [t.seal_alert(40), t.seal(GET)]),
    ("an error of a level nobody knows", lambda t: [t.seal_alert(40, 7), t.seal(GET)]),
    ("no_renegotiation", lambda t: [t.seal_alert(100), t.seal(GET)]),
    ("an alert nobody knows", lambda t: [t.seal_alert(250), t.seal(GET)]),
]))
def test_an_alert_that_ends_ends_the_connection(site, origin, connect, made):
    web = origin()
    proxy = site(web)
    other, client = connect(proxy), connect(proxy)
    client.traffic.put(*made(client.traffic))
    content, alert = client.traffic.rest()
    assert content == b"" and alert in (None, Alert.CLOSE_NOTIFY)
    assert not web.requests
    assert other.get("/").status == 200


# New keys.


def test_who_asks_for_new_keys_gets_them_before_the_answer(site, origin, connect):
    client = connect(site(origin(answer(random_bytes(100_000, seed=3)))))
    for number in range(1, 6):
        client.traffic.put(client.traffic.seal_update(1))
        before = client.traffic.theirs.secret
        assert client.get("/").status == 200
        # An answer under the old key would have come first, or not have been opened.
        assert client.traffic.key_updates == [0] * number and client.traffic.theirs.secret != before
    client.traffic.put(client.traffic.seal_update(0))
    assert client.get("/").status == 200
    assert len(client.traffic.key_updates) == 5, "nobody has asked for more"


def test_several_questions_for_new_keys_may_be_answered_at_once(site, origin, connect):
    client = connect(site(origin()))
    t = client.traffic
    t.put(*(t.seal_update(1) for _ in range(5)), t.seal(GET))
    assert client.read_response().status == 200
    assert 1 <= len(t.key_updates) <= 5 and set(t.key_updates) == {0}


def test_each_side_may_renew_its_keys_amid_a_body(site, origin, connect):
    body = random_bytes(400_000, seed=4)
    client = connect(site(origin(echo)))
    t = client.traffic
    for request in (0, 1, 1, 0, 1):
        t.put(t.seal(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)))
        for at in range(0, len(body), 10_000):
            t.put(t.seal_update(request if at % 40_000 == 0 else 0), t.seal(body[at:at + 10_000]))
        assert client.read_response().body == body
    assert set(t.key_updates) == {0}


def test_keys_may_be_renewed_256_times(site, origin, connect):
    client = connect(site(origin()))
    client.traffic.put(*with_updates(client.traffic, 200))
    assert client.read_response().status == 200
    client.traffic.put(*with_updates(client.traffic, 55))
    assert client.read_response().status == 200
    client.traffic.put(client.traffic.seal_update(1), client.traffic.seal(GET))
    assert client.read_response().status == 200
    assert client.traffic.key_updates == [0]
    assert client.get("/").status == 200


def test_who_renews_keys_without_end_is_cut_off(site, origin, connect):
    """Nobody needs more, and they cost the client less than the server."""
    proxy = site(origin())
    other, client = connect(proxy), connect(proxy)
    t = client.traffic
    answered = 0
    with pytest.raises((Cut, Refused, BrokenPipeError, ConnectionResetError)):
        while True:
            # What was read at once with the last of them may be answered yet.
            assert answered < 2
            t.put(*with_updates(t, 300))
            assert client.read_response().status == 200
            answered += 1
    assert other.get("/").status == 200


# Bodies.


def pieces(dice, content):
    """Cuts it at random into contents of records, an empty one now and then."""
    at = 0
    while at < len(content):
        size = dice.choice((0, 1, 2, dice.randrange(100), dice.randrange(3000), MOST_CONTENT, MOST_CONTENT - 1))
        yield content[at:at + size]
        at += size


@pytest.mark.parametrize("target", ["/", "/stream"])
@pytest.mark.parametrize("suite", SUITES)
def test_a_large_upload_in_odd_records_arrives_byte_by_byte(site, origin, connect, suite, target):
    dice = random.Random(f"{suite} {target}")
    body = random_bytes(3 * MEGABYTE + 7, seed=5)
    web = origin()
    client = connect(site(web), suite=suite)
    t = client.traffic
    t.put(t.seal(f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()))
    for count, content in enumerate(pieces(dice, body)):
        record = t.seal(content, padding=dice.choice((0, 0, dice.randrange(MOST_INNER - len(content)))))
        at = dice.randrange(len(record))
        t.put(record[:at])
        t.put(record[at:])
        if count % 20 == 0:
            t.put(t.seal_update(dice.randrange(2)))
    assert client.read_response().status == 200
    assert hashlib.sha256(web.requests[0].body).digest() == hashlib.sha256(body).digest()
    assert client.get("/").status == 200


@pytest.mark.parametrize("target", ["/", "/stream"])
def test_a_body_in_more_records_than_are_read_in_a_turn_is_heard_whole(site, origin, connect, target):
    """What arrives while records wait to be read is not told again by an event."""
    body = random_bytes(50_000, seed=14)
    client = connect(site(origin(echo)))
    t = client.traffic
    t.put(t.seal(f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()),
          *one_by_one(t, body))
    assert client.read_response().body == body


def test_a_tunnel_hears_more_records_than_are_read_in_a_turn(site, origin, connect):
    said = random_bytes(50_000, seed=15)

    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH)
        stream.send(stream.read_exactly(len(said)))

    client = connect(site(origin(connected=connected)))
    client.write("GET", "/", UPGRADE)
    assert client.read_response().status == 101
    client.traffic.put(*one_by_one(client.traffic, said))
    assert client.read_exactly(len(said)) == said


@pytest.mark.parametrize("suite", SUITES)
def test_a_large_download_is_records_in_order_and_none_too_long(site, origin, connect, suite):
    """Each record is opened by its number; support/records.py refuses those that are too long."""
    body = random_bytes(4 * MEGABYTE + 7, seed=6)
    client = connect(site(origin(answer(body))), suite=suite)
    for target in ("/", "/stream"):
        assert client.get(target).body == body
    assert client.traffic.records >= 2 * len(body) // MOST_CONTENT
    assert client.traffic.theirs.sequence == client.traffic.records + client.traffic.tickets


def test_records_that_come_are_counted_beyond_16_bits(site, origin, connect):
    client = connect(site(origin(echo)))
    t = client.traffic
    body = random_bytes(12_000, seed=10)
    while t.ours.sequence < 1 << 16:
        t.put(t.seal(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12000\r\n\r\n"), *one_by_one(t, body))
        assert client.read_response().body == body
    assert client.get("/").status == 200


def test_records_that_are_sent_are_counted_beyond_16_bits(site, origin, connect):
    size = 512 << 16
    client = connect(site(origin(answer(bytes(size)))), fragment=512)
    assert client.get("/").body == bytes(size)
    assert client.traffic.theirs.sequence > 1 << 16
    client.traffic.put(client.traffic.seal_update(1))
    assert client.get("/").body == bytes(size)


@pytest.mark.parametrize("fragment", [512, 1024, 2048, 4096])
def test_short_records_are_sent_to_who_asks_for_them(site, origin, connect, fragment):
    """max_fragment_length (RFC 6066 §4)."""
    body = random_bytes(200_001, seed=7)
    client = connect(site(origin(echo)), fragment=fragment)
    assert client.traffic.fragment == fragment, "it is agreed on"
    for _ in range(2):
        assert client.ask("POST", "/", body=body).body == body
    assert client.traffic.longest <= fragment
    assert client.traffic.records >= 2 * len(body) // fragment


@pytest.mark.parametrize("size", [511, 512, 513, MOST_CONTENT])
def test_who_has_asked_for_short_records_sends_such(site, origin, connect, size):
    """What comes of a longer one RFC 6066 does not say: OpenSSL refuses it."""
    client = connect(site(origin()), fragment=512)
    head = GET[:-2] + b"X: "
    client.traffic.put(client.traffic.seal(head.ljust(size - 4, b"x") + b"\r\n\r\n"))
    try:
        assert client.read_response().status == 200
    except Refused as refused:
        assert size > 512 and refused.alert == Alert.RECORD_OVERFLOW


def is_full(client):
    """Asked again and again: whether nothing more arrives, for the kernel has no more room."""
    seen = [-1]

    def asked():
        count = array.array("i", [0])
        fcntl.ioctl(client.socket.fileno(), termios.FIONREAD, count)
        before, seen[0] = seen[0], count[0]
        return before == count[0] > 0

    return asked


@pytest.mark.parametrize("target", ["/", "/stream"])
def test_a_slow_reader_gets_every_byte(site, origin, connect, target):
    body = random_bytes(3 * MEGABYTE, seed=8)
    client = connect(site(origin(answer(body))), receive_buffer=16 << 10)
    client.write("GET", target)
    client.write("GET", target)
    until(is_full(client), "the socket is full")
    # What is said meanwhile waits, or is heard at once.
    client.traffic.put(client.traffic.seal_update(0))
    client.write("GET", target)
    for _ in range(3):
        assert client.read_response().body == body


@pytest.mark.parametrize("coded", [False, True], ids=["counted", "in chunks"])
@pytest.mark.parametrize("target", ["/", "/stream"])
@pytest.mark.parametrize("end", named([
    ("FIN", lambda client: client.traffic.shutdown(socket.SHUT_WR)),
    ("FIN amid a record", lambda client: (
        client.traffic.put(client.traffic.seal(b"x" * 100)[:50]), client.traffic.shutdown(socket.SHUT_WR))),
    ("RST", Client.reset),
    ("close_notify", lambda client: client.traffic.put(client.traffic.seal_alert(Alert.CLOSE_NOTIFY))),
    ("a broken record", lambda client: client.traffic.put(broken(client.traffic.seal(b"x" * 100)))),
]))
def test_an_upload_that_is_cut_is_never_whole(site, origin, connect, end, target, coded):
    heard = []

    def hear(stream):
        try:
            while request := stream.read_request():
                heard.append(request.body)
                stream.send(answer())
        except Truncated as cut:
            heard.append(cut)

    web = origin(connected=hear)
    proxy = site(web)
    with Client(web.address) as probe:
        assert probe.get("/").status == 200, "the origin hears what is whole"
    client = connect(proxy)
    body = random_bytes(100_000, seed=9)
    framing = "Transfer-Encoding: chunked" if coded else f"Content-Length: {len(body) + 1}"
    client.send(f"POST {target} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n")
    client.send(b"%x\r\n%s\r\n" % (len(body), body) if coded else body)
    if target == "/stream":
        web.wait_connections(2)
    end(client)
    until(lambda: proxy.metrics()["martlet_connections"].value(side="client") == 0, "the connection has ended")
    until(lambda: web.closed == web.connections, "the server has heard the end")
    # What is held until it is whole does not reach the server at all, what streams is cut.
    assert heard[0] == b"" and all(isinstance(one, Truncated) for one in heard[1:])
    assert target == "/stream" or web.connections == 1


# Tunnels.


def test_a_websocket_passes_in_frames_that_are_cut_anywhere(site, realtime, connect):
    client = connect(site(realtime("a")))
    client.write("GET", "/echo", UPGRADE)
    assert client.read_response().status == 101
    dice = random.Random(11)
    talk = wsproto.connection.Connection(wsproto.ConnectionType.CLIENT)
    sent = [dice.randbytes(size) for size in (0, 1, 2, 125, 126, 127, 1000, 65535, 65536, 300_000)] * 2
    stream = b"".join(talk.send(wsproto.events.BytesMessage(data=message)) for message in sent)
    t = client.traffic
    for count, content in enumerate(pieces(dice, stream)):
        t.put(t.seal(content, padding=dice.choice((0, 0, 9))))
        if count % 40 == 0:
            t.put(t.seal_update(dice.randrange(2)))
    got, message = [], b""
    while len(got) < len(sent):
        talk.receive_data(client.read_some())
        for event in talk.events():
            message += event.data
            if event.message_finished:
                got.append(message)
                message = b""
    assert got == sent
    t.put(t.seal(talk.send(wsproto.events.CloseConnection(code=1000))), t.seal_alert(Alert.CLOSE_NOTIFY))
    t.rest()


@pytest.mark.parametrize("request_update", [0, 1])
def test_a_tunnel_that_is_full_one_way_goes_on_the_other_way(site, origin, connect, request_update):
    """The server's own keys change between its records, whatever of those waits to be sent."""
    body, said = random_bytes(4 * MEGABYTE, seed=12), random_bytes(100_000, seed=13)
    heard = []

    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH)
        stream.read_exactly(1)
        with running(lambda: sent(stream), 1, done):
            try:
                heard.append(stream.read_exactly(len(said)))
            except (Truncated, OSError):
                pass
            done.set()

    def sent(stream):
        try:
            stream.send(body)
        except OSError:
            pass

    done = threading.Event()
    client = connect(site(origin(connected=connected)), receive_buffer=16 << 10)
    client.write("GET", "/", UPGRADE)
    assert client.read_response().status == 101
    client.send(b"x")
    until(is_full(client), "the socket is full")
    updates = 0
    for at in range(0, len(said), 1000):
        if at % 10_000 == 0:
            client.traffic.put(client.traffic.seal_update(request_update))
            updates += request_update
        client.send(said[at:at + 1000])
    assert done.wait(PATIENCE)
    assert client.read_exactly(len(body)) == body and heard == [said]
    # Several questions may be answered at once (§4.6.3).
    answers = client.traffic.key_updates
    assert set(answers) <= {0} and (updates > 0) <= len(answers) <= updates


def test_whose_server_has_ended_may_ask_for_new_keys_and_is_heard(site, origin, connect):
    """Behind close_notify nothing is said, and so there is no answer (§6.1)."""
    heard = []

    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH)
        stream.shutdown_sending()
        heard.append(stream.read_to_end())

    web = origin(connected=connected)
    client = connect(site(web))
    client.write("GET", "/", UPGRADE)
    assert client.read_response().status == 101
    t = client.traffic
    assert t.rest() == (b"", Alert.CLOSE_NOTIFY)
    for _ in range(3):
        t.put(t.seal_update(1), t.seal(b"more"))
    t.put(t.seal_alert(Alert.CLOSE_NOTIFY))
    assert t.next_record() is None
    until(lambda: heard == [b"more" * 3], "the server has heard all")


def test_whose_server_has_ended_hears_nothing_of_a_broken_record(site, origin, connect):
    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH)
        stream.shutdown_sending()
        stream.read_to_end()

    proxy = site(origin(connected=connected))
    client = connect(proxy)
    client.write("GET", "/", UPGRADE)
    assert client.read_response().status == 101
    t = client.traffic
    assert t.rest() == (b"", Alert.CLOSE_NOTIFY)
    t.put(t.seal(b"more"), broken(t.seal(b"wrong")))
    assert t.next_record() is None
    until(lambda: proxy.metrics()["martlet_connections"].value(side="client") == 0, "the connection has ended")


def test_a_broken_record_in_a_tunnel_ends_both_of_its_ways(site, origin, connect):
    ended = threading.Event()

    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH + b"hello")
        try:
            heard.append(stream.read_to_end())
        finally:
            ended.set()

    heard = []
    client = connect(site(origin(connected=connected)))
    client.write("GET", "/", UPGRADE)
    assert client.read_response().status == 101
    assert client.read_exactly(5) == b"hello"
    client.traffic.put(client.traffic.seal(b"right"), broken(client.traffic.seal(b"wrong")))
    assert client.traffic.rest() == (b"", Alert.BAD_RECORD_MAC)
    assert ended.wait(PATIENCE) and heard in ([b"right"], [b""], [])


def test_the_end_of_each_way_of_a_tunnel_is_told_by_close_notify(site, origin, connect):
    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH)
        stream.send(b"heard " + stream.read_to_end())

    client = connect(site(origin(connected=connected)))
    client.write("GET", "/", UPGRADE)
    assert client.read_response().status == 101
    client.send(b"all I say")
    client.traffic.put(client.traffic.seal_alert(Alert.CLOSE_NOTIFY))
    assert client.traffic.rest() == (b"heard all I say", Alert.CLOSE_NOTIFY)


# What libssl goes on with by itself.


def test_where_the_system_wants_another_suite_answers_do_not_linger(martlet, origin, pair, connect, tmp_path):
    """The kernel holds what more is said to follow of for 200 ms."""
    (tmp_path / "openssl.cnf").write_text(
        "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
        "Ciphersuites = TLS_AES_128_CCM_SHA256\n")
    body = random_bytes(100_000, seed=16)
    proxy = martlet(
        SITE, web=origin(echo), certificate=pair[0], key=pair[1],
        env={**os.environ, "OPENSSL_CONF": str(tmp_path / "openssl.cnf")})
    client = connect(proxy, suite=CCM)
    t = client.traffic
    assert client.ask("POST", "/", body=body).body == body
    t.put(t.seal_update(1))
    # All that is sent is on its way, and nothing behind it has to push it there.
    begin = time.monotonic()
    for _ in range(40):
        assert client.ask("POST", "/", body=b"x").body == b"x"
    assert time.monotonic() - begin < 40 * 0.1
    assert t.key_updates == [0] and t.tickets == 2


# Whatever happens to a stream of records on its way.


def stream_of(dice, t, number):
    """Requests whose targets tell them apart, in records of all sizes.

    Returns the records, and how many requests are whole when so many records were heard.
    """
    content, ends = b"", []
    for count in range(dice.randrange(1, 5)):
        body = dice.randbytes(dice.choice((0, 0, 10, 2000)))
        head = f"POST /{number}/{count} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        content += head.encode() + body
        ends.append(len(content))
    records, whole, at = [], [0], 0
    while at < len(content):
        extra = dice.randrange(12)
        if extra == 0:
            records.append(t.seal_update(dice.randrange(2)))
        elif extra == 1:
            records.append(t.seal(b"", padding=dice.randrange(50)))
        else:
            size = dice.choice((dice.randrange(1, 40), dice.randrange(1, 400), 3000))
            records.append(t.seal(content[at:at + size], padding=dice.choice((0, 0, dice.randrange(200)))))
            at += size
        whole.append(sum(end <= at for end in ends))
    return records, whole


def flip(dice, records, at):
    records[at] = broken(records[at], dice.randrange(len(records[at])), 1 << dice.randrange(8))
    return at


def flip_head(dice, records, at):
    records[at] = broken(records[at], dice.randrange(5), 1 << dice.randrange(8))
    return at


def shorten(dice, records, at):
    start = dice.randrange(len(records[at]))
    records[at] = records[at][:start] + records[at][start + dice.randrange(1, 30):]
    return at


def cut(dice, records, at):
    records[at:] = [records[at][:dice.randrange(len(records[at]))]]
    return at


def double(dice, records, at):
    records.insert(at, records[at])
    return at + 1


def leave_out(dice, records, at):
    del records[at]
    return at


def exchange(dice, records, at):
    other = dice.randrange(len(records))
    records[at], records[other] = records[other], records[at]
    return min(at, other) if at != other else len(records)


def insert(dice, records, at):
    records.insert(at, dice.choice((
        dice.randbytes(dice.randrange(1, 60)), plain(dice.randbytes(40), dice.choice((20, 21, 22, 23, 24))),
        plain(b"", Kind.DATA), plain(b"\1", Kind.CHANGE_CIPHER_SPEC), GET)))
    return at


def nothing(dice, records, at):
    return len(records)


HARMS = [flip, flip_head, shorten, cut, double, leave_out, exchange, insert, nothing]
CONNECTIONS = 30 * len(HARMS)


@pytest.mark.parametrize("suite", SUITES)
def test_of_a_stream_that_was_harmed_only_what_came_before_is_heard(site, origin, connect, suite):
    web = origin(tells_target)
    proxy = site(web)
    other = connect(proxy)
    dice = random.Random(suite)
    justified, answered = set(), 0
    for number in range(CONNECTIONS):
        with TrafficClient(proxy.address, suite) as client:
            t = client.traffic
            records, whole = stream_of(dice, t, number)
            right = list(records)
            harm = HARMS[number % len(HARMS)]
            intact = harm(dice, records, dice.randrange(len(records)))
            targets = [f"/{number}/{count}".encode() for count in range(whole[min(intact, len(right))])]
            justified.update(targets)
            answers = []
            try:
                for piece in segments(dice, b"".join(records)):
                    t.put(piece)
                if records == right:
                    answers = [client.read_response().body for _ in targets]
                    assert answers == targets
                if records == right or harm not in (double, exchange):  # which are found out whatever follows
                    t.shutdown(socket.SHUT_WR)
            except OSError:  # It is refused before all of it was sent.
                assert records != right
            content, alert = t.rest()
        # They come in order, and the end may come before them.
        answers += re.findall(rb"\r\n\r\n(/[0-9]+/[0-9])", content)
        answered += len(answers)
        assert answers == targets[:len(answers)]
        assert alert in allowed(harm, records == right), harm
    assert {request.target.encode() for request in web.requests} <= justified
    assert answered >= CONNECTIONS // len(HARMS)
    until(lambda: proxy.metrics()["martlet_connections"].value(side="client") == 1, "all of them have ended")
    assert other.get("/").body == b"/" and connect(proxy).get("/").body == b"/"


def allowed(harm, is_right):
    if harm in (double, exchange) and not is_right:
        return BAD_MAC
    # OpenSSL calls an end without close_notify a decode_error. What is said after that nobody has to hear.
    ends = {None, Alert.CLOSE_NOTIFY, Alert.DECODE_ERROR}
    return ends if is_right or harm is cut else ends | BAD_MAC | UNEXPECTED | OVERFLOW | {Alert.PROTOCOL_VERSION}


def segments(dice, stream):
    at = 0
    while at < len(stream):
        size = dice.choice((dice.randrange(1, 10), dice.randrange(1, 3000), 100_000))
        yield stream[at:at + size]
        at += size
