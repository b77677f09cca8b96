"""A WSGI application that answers like Frappe where it matters to a proxy, and records what it saw.

Served by gunicorn gthread, as Frappe is. INSTANCE names the process group in its answers.
"""

import hashlib
import json
import os
import threading
import time

from werkzeug.wrappers import Request, Response

INSTANCE = os.environ.get("INSTANCE", "backend")
PIECE = bytes(range(256)) * 256  # 64 KiB that are not all alike

_running = 0
_most = 0
_lock = threading.Lock()


def pattern(size):
    """`size` bytes in pieces."""
    while size > 0:
        yield PIECE[:size]
        size -= len(PIECE)


def as_json(value, status=200):
    response = Response(json.dumps(value), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store,no-cache,must-revalidate,max-age=0"
    return response


def echo(request):
    digest, length = hashlib.sha256(), 0
    while piece := request.stream.read(1 << 16):
        digest.update(piece)
        length += len(piece)
    return as_json(
        {
            "method": request.method,
            "target": request.environ.get("RAW_URI"),
            "headers": {name: value for name, value in request.headers.items()},
            "length": length,
            "sha256": digest.hexdigest(),
        }
    )


def cut(request):
    """Promises more than it sends: gunicorn then closes the connection."""

    def body():
        yield b"x" * 1000
        raise ConnectionAbortedError("cut short on purpose")

    return Response(body(), headers={"Content-Length": "5000"})


def cookies(request):
    response = as_json({"seen": dict(request.cookies)})
    response.set_cookie("sid", "Guest", httponly=True, samesite="Lax")
    response.set_cookie("system_user", "no")
    return response


def dispatch(request):
    path, size = request.path, request.args.get("size", 0, int)
    if path == "/api/method/ping":
        return as_json({"message": "pong"})
    if path == "/echo":
        return echo(request)
    if path == "/slow":
        time.sleep(request.args.get("seconds", 1, float))
        return as_json({"message": "late"})
    if path == "/big":
        return Response(pattern(size), headers={"Content-Length": str(size)}, mimetype="application/octet-stream")
    if path == "/chunked":
        return Response(pattern(size), mimetype="application/octet-stream")
    if path == "/close-delimited":
        response = Response(pattern(size), mimetype="application/octet-stream")
        response.headers["Connection"] = "close"
        return response
    if path.startswith("/status/"):
        status = int(path.removeprefix("/status/"))
        return Response("" if status in (204, 304) else f"status {status}\n", status)
    if path == "/cut":
        return cut(request)
    if path == "/cookies":
        return cookies(request)
    if path == "/most-at-once":
        return as_json({"most": _most})
    return as_json({"exc_type": "DoesNotExistError"}, 404)


@Request.application
def handle(request):
    global _running, _most
    with _lock:
        _running += 1
        _most = max(_most, _running)
    try:
        response = dispatch(request)
    finally:
        with _lock:
            _running -= 1
    response.headers["X-Instance"] = INSTANCE
    return response


def application(environ, start_response):
    # gunicorn takes a chunked body apart itself; Werkzeug must be told that it ends.
    environ["wsgi.input_terminated"] = True
    return handle(environ, start_response)
