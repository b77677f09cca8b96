#!/usr/bin/env python3
"""A Socket.IO server that says something to each client now and then: realtime.py ADDRESS PORT.

Engine.IO 4 over WebSocket only. The last number of an event is the monotonic clock's when it was
sent, in nanoseconds: whoever runs on the same machine can tell how long it took.
"""

import asyncio
import base64
import hashlib
import json
import random
import struct
import sys
import time

PING_SECONDS = 5  # Socket.IO's own is 25: a run is shorter than that
EVENT_SECONDS = 2
CONSTANT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CHANGE = {"doctype": "Sales Order", "name": "SAL-ORD-2026-00042", "user": "ada@example.com", "modified": "2026-08-26 10:00:00.000000"}


def frame(text):
    payload = text.encode()
    length = bytes([len(payload)]) if len(payload) < 126 else struct.pack(">BH", 126, len(payload))
    return b"\x81" + length + payload


async def read_text(reader):
    """The payload of the next frame; None when it is a close."""
    first, second = await reader.readexactly(2)
    count = second & 127
    if count == 126:
        (count,) = struct.unpack(">H", await reader.readexactly(2))
    mask = await reader.readexactly(4)
    payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(await reader.readexactly(count)))
    return None if first & 15 == 8 else payload.decode()


async def talk(writer):
    """Pings, and events at times of their own."""
    ping_at = time.monotonic() + PING_SECONDS
    while True:
        await asyncio.sleep(random.expovariate(1 / EVENT_SECONDS))
        if time.monotonic() >= ping_at:
            writer.write(frame("2"))
            ping_at += PING_SECONDS
        writer.write(frame("42" + json.dumps(["list_update", CHANGE, time.monotonic_ns()])))
        await writer.drain()


def fields(head):
    """Name and value of each field of a head."""
    return (line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)


async def serve(reader, writer):
    talking = None
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next((value for name, value in fields(head) if name.lower() == b"sec-websocket-key"), None)
        if not key:
            body = b'{"code":0,"message":"Transport unknown"}'
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
            await writer.drain()
            return
        accept = base64.b64encode(hashlib.sha1(key + CONSTANT).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        sid = f"{random.getrandbits(80):020x}"
        writer.write(frame("0" + json.dumps({"sid": sid, "upgrades": [], "pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 1000000})))
        while (text := await read_text(reader)) is not None:
            if text == "40":
                writer.write(frame("40" + json.dumps({"sid": sid})))
                talking = asyncio.create_task(talk(writer))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        if talking:
            talking.cancel()
        writer.close()


async def main(address, port):
    server = await asyncio.start_server(serve, address, int(port), backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
