"""What connections cost that stand still."""

import socket
import time

from .probe import trusting

UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"


def connected(address, scenario, context):
    """A connection that has had one answer, and is idle now."""
    connection = socket.create_connection(address, timeout=10)
    if scenario.is_secure:
        connection = context.wrap_socket(connection)
    is_socket = "websocket" in scenario.needs
    connection.sendall(f"GET {scenario.target} HTTP/1.1\r\nHost: localhost\r\n{UPGRADE if is_socket else ''}\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n" if is_socket else b"x" * scenario.size):
        piece = connection.recv(4096)
        if not piece:
            raise RuntimeError(f"the connection ended after {answer!r}")
        answer += piece
    if not answer.startswith(b"HTTP/1.1 101" if is_socket else b"HTTP/1.1 200"):
        raise RuntimeError(repr(answer))
    return connection


def measure_idle(service, scenario, settling):
    """The growth of memory of its own, by connection. What it needs anyway is there before."""
    context = trusting()
    connected(service.address, scenario, context).close()
    before = service.anonymous_bytes()
    connections = [connected(service.address, scenario, context) for _ in range(scenario.connections)]
    try:
        # Whatever is given back late is given back by now.
        time.sleep(settling)
        grown = service.anonymous_bytes() - before
    finally:
        for connection in connections:
            connection.close()
    return {"bytes_per_connection": grown / scenario.connections, "memory_mib": service.memory_bytes() / (1 << 20)}
