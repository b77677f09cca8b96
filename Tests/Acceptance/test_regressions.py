"""What once went wrong under adversarial traffic, each with the bytes that showed it."""

from support.waiting import until
from support.wire import Client

UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def test_a_half_closed_tunnel_frees_a_server_that_says_nothing(martlet, origin):
    ended = []

    def connected(stream):
        stream.read_request_head()
        stream.send(SWITCH)
        stream.read_to_end()
        # Says nothing and stays; its connection is closed over its head.
        until(lambda: ended, "the client's end")

    proxy = martlet(
        """
timeouts: {half_closed: 300ms, tunnel: 1h}
pools: {web: {servers: ["$web"]}}
routes: [{proxy: {pool: web, upgrade: [websocket]}}]
""",
        web=origin(connected=connected),
    )
    with Client(proxy.address) as client:
        client.send(f"GET / HTTP/1.1\r\nHost: a\r\n{UPGRADE}\r\n")
        assert client.read_response().status == 101
        client.shutdown_sending()
        assert client.read_to_end() == b""
        ended.append(True)


def test_idle_connections_of_one_pool_leave_room_for_another(martlet, origin):
    pools = [origin() for _ in range(3)]
    proxy = martlet(
        """
limits: {connections: 16}
pools:
  a: {servers: ["$a"], keepalive: {idle: 1m}}
  b: {servers: ["$b"], keepalive: {idle: 1m}}
  c: {servers: ["$c"], keepalive: {idle: 1m}}
routes:
  - {match: {prefix: /a}, proxy: a}
  - {match: {prefix: /b}, proxy: b}
  - {match: {prefix: /c}, proxy: c}
""",
        a=pools[0],
        b=pools[1],
        c=pools[2],
    )
    for path in ("/a", "/b", "/c"):
        # At the same time, so that each takes a connection of its own.
        clients = [proxy.connect() for _ in range(14)]
        for client in clients:
            client.write("GET", path)
        statuses = [client.read_response().status for client in clients]
        assert statuses == [200] * 14, path
        proxy.close_clients()
        until(
            lambda: proxy.metrics()["martlet_connections"].value(side="client") == 0,
            "the clients' connections are closed",
        )


def test_a_full_store_finds_the_end_of_a_chunked_body_before_pipelined_requests(martlet, origin):
    web = origin()
    proxy = martlet(
        """
limits: {spill: 0}
buffers: {request: 64KiB}
timeouts: {body: 5s}
pools: {web: {servers: ["$web"]}}
routes: [{match: {exact: /next}, respond: {status: 200, body: next}}, {proxy: web}]
""",
        web=web,
    )
    # One byte less than the store holds: what is left does not take the empty line at the end.
    size = (64 << 10) - 1
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"a" * size)
    # Enough to fill the buffer that the body is read into.
    following = 1000
    with Client(proxy.address) as client:
        client.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + body
            + b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n" * following
        )
        assert client.read_response().status == 200
        assert len(web.next_request().body) == size
        for _ in range(following):
            assert client.read_response().body == b"next"
