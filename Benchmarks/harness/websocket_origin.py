"""A server of WebSockets that stand still: takes every upgrade, and says nothing more.

usage: websocket_origin.py ADDRESS PORT
"""

import base64
import hashlib
import re
import resource
import selectors
import socket
import sys

# RFC 6455 §1.3.
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def reply(head):
    key = re.search(rb"(?im)^sec-websocket-key: *(\S+)", head)
    if not key:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    accept = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def answered(connection):
    """False when the connection has ended. A head comes in one piece here."""
    try:
        head = connection.recv(8192)
        if head:
            connection.sendall(reply(head))
        return bool(head)
    except OSError:
        return False


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    listener = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=4096)
    events = selectors.DefaultSelector()
    events.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in events.select():
            if key.fileobj is listener:
                events.register(listener.accept()[0], selectors.EVENT_READ)
                continue
            if not answered(key.fileobj):
                events.unregister(key.fileobj)
                key.fileobj.close()



if __name__ == "__main__":
    main()
