"""A WSGI application that writes down what it was asked, and misbehaves when a file says so.

Each request has an id in its query. Before anything else a line `METHOD ID INSTANCE` goes to
$EFFECTS/effects, whole and in one write, so that a request that was seen twice is found whatever
became of its server. $EFFECTS/INSTANCE.fault holds the name of what is wrong with this instance.
"""

import os
import socket
import struct
import time
from urllib.parse import parse_qs

INSTANCE = os.environ["INSTANCE"]
FOLDER = os.environ["EFFECTS"]
FILLER = b"." * 300

_effects = os.open(f"{FOLDER}/effects", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def fault():
    try:
        with open(f"{FOLDER}/{INSTANCE}.fault") as file:
            return file.read()
    except FileNotFoundError:
        return None


def reset(connection, first=b""):
    """Sends `first`, then an RST in place of the rest."""
    if first:
        connection.sendall(first)
        # An RST may overtake what has not been read yet; here the half is to arrive.
        time.sleep(0.02)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    raise ConnectionAbortedError("reset on purpose")


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/health":
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]
    query = parse_qs(environ["QUERY_STRING"])
    name = query.get("id", ["-"])[0]
    wrong = fault()
    if wrong == "answers-503":
        # Refused before it had any effect: none is written down.
        start_response("503 Service Unavailable", [("Content-Length", "0"), ("Retry-After", "1")])
        return []
    os.write(_effects, f"{environ['REQUEST_METHOD']} {name} {INSTANCE}\n".encode())
    environ["wsgi.input"].read()
    body = f"{name} {INSTANCE}\n".encode() + FILLER
    if wrong == "reset-early":
        reset(environ["gunicorn.socket"])
    if wrong == "reset-late":
        half = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2]
        reset(environ["gunicorn.socket"], half)
    time.sleep(float(query.get("seconds", ["0.01"])[0]))
    start_response("200 OK", [("Content-Length", str(len(body))), ("Content-Type", "text/plain")])
    return [body]
