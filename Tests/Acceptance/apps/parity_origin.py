"""A WSGI application whose answers look to a proxy as Frappe's do. Served by gunicorn gthread, as Frappe is.

It keeps nothing between requests, so that the same request has the same answer through any proxy.
"""

import hashlib
import json
from urllib.parse import quote

from werkzeug.http import parse_range_header
from werkzeug.wrappers import Request, Response

SITES = ("erp.test", "fixed.test", "other.test")
UNCACHED = "no-store,no-cache,must-revalidate,max-age=0"


def as_json(value, status=200):
    response = Response(json.dumps(value), status, mimetype="application/json")
    response.headers["Cache-Control"] = UNCACHED
    return response


def page(text, status=200):
    return Response(f"<!DOCTYPE html><title>{text}</title>" + "<p>paragraph</p>" * 40, status, mimetype="text/html")


def login(request):
    response = as_json({"message": "Logged In", "home_page": "/app", "full_name": "Administrator"})
    for name, value in {
        "sid": "0123456789abcdef",
        "system_user": "yes",
        "full_name": "Admin%20istrator",
        "user_image": "",
    }.items():
        response.set_cookie(
            name, value, httponly=name == "sid", samesite="Lax", secure=request.headers.get("X-Forwarded-Proto") == "https"
        )
    return response


def private_file(request):
    """As `send_private_file`: the proxy sends the file, once this has checked that it may."""
    if request.cookies.get("sid") != "0123456789abcdef":
        return page("Not permitted", 403)
    response = Response(mimetype="application/octet-stream")
    if request.path.endswith(".txt"):
        response.mimetype = "text/plain"
    if request.headers.get("X-Use-X-Accel-Redirect"):
        response.headers["X-Accel-Redirect"] = quote("/protected" + request.path)
        response.headers["Cache-Control"] = "private,max-age=3600,stale-while-revalidate=86400"
        response.headers["Accept-Ranges"] = "bytes"
    if request.path.endswith((".html", ".htm", ".svg", ".xml")):
        response.headers["Content-Disposition"] = "attachment; filename*=UTF-8''" + quote(request.path.rpartition("/")[2])
    return response


def redirected(request):
    """As a page that wants a login: an absolute URL from what the proxy says of the client's."""
    scheme = "https" if request.headers.get("X-Forwarded-Proto") == "https" else "http"
    target = {"/app": f"{scheme}://{request.host}/login?redirect-to=%2Fapp", "/desk": "/app", "/me": "update-profile"}
    response = Response("", 302, mimetype="text/html")
    response.autocorrect_location_header = False
    response.headers["Location"] = target[request.path]
    return response


def resource(request):
    """JSON of a wished size, with wished fields."""
    want = request.args.get
    size = want("size", 20, int)
    response = Response(b'"' + b"x" * (size - 2) + b'"', mimetype=want("type", "application/json"))
    for name in ("ETag", "Vary", "Content-Encoding", "Last-Modified", "Accept-Ranges", "Cache-Control"):
        if value := want(name):
            response.headers[name] = value
    if want("chunked"):
        response.response = iter([response.get_data()])
        del response.headers["Content-Length"]
    return response


def seen(request):
    """What an application sees of a request: WSGI has one variable for names that differ in `-` and `_`."""
    wanted = ("HTTP_", "CONTENT_", "REQUEST_METHOD", "QUERY")
    environ = {name: value for name, value in sorted(request.environ.items()) if name.startswith(wanted)}
    # These the proxy says for itself.
    for name in ("HTTP_CONNECTION", "HTTP_X_REQUEST_ID"):
        environ.pop(name, None)
    return as_json(
        {
            "environ": environ,
            "raw": request.environ["RAW_URI"],
            "address": request.headers.get("X-Forwarded-For", "").split(",")[0].strip(),
            "scheme": request.headers.get("X-Forwarded-Proto"),
        }
    )


def upload(request):
    digest, length = hashlib.sha256(), 0
    while piece := request.stream.read(1 << 16):
        digest.update(piece)
        length += len(piece)
    return as_json({"message": {"length": length, "sha256": digest.hexdigest(), "type": request.content_type}})


def download(request):
    size = request.args.get("size", 1000, int)
    content = (bytes(range(256)) * (size // 256 + 1))[:size]
    response = Response(content, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = 'attachment; filename="export.bin"'
    wanted = parse_range_header(request.headers.get("Range"))
    if wanted and (span := wanted.range_for_length(size)):
        response.status_code = 206
        response.data = content[span[0] : span[1]]
        response.headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{size}"
    if request.args.get("unbuffered"):
        response.headers["X-Accel-Buffering"] = "no"
        response.response = iter([content])
        del response.headers["Content-Length"]
    return response


def secured(request):
    response = page("With security headers of its own")
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'self'"
    return response


def wordy(request):
    response = as_json({"message": "many words"})
    for number in range(request.args.get("count", 10, int)):
        response.headers[f"X-Word-{number}"] = "w" * 1000
    return response


PAGES = {
    "/": lambda request: page("Home"),
    "/files": lambda request: page("Files"),
    "/api/method/ping": lambda request: as_json({"message": "pong"}),
    "/api/method/login": login,
    "/api/method/upload_file": upload,
    "/api/method/download": download,
    "/api/resource/ToDo": resource,
    "/seen": seen,
    "/secured": secured,
    "/wordy": wordy,
    "/app": redirected,
    "/desk": redirected,
    "/me": redirected,
}


def dispatch(request):
    # As Frappe: the proxy names the site, else the Host does.
    if (request.headers.get("X-Frappe-Site-Name") or request.host) not in SITES:
        return page("Site does not exist", 404)
    if request.path in PAGES:
        return PAGES[request.path](request)
    if request.path.startswith(("/private/files/", "/backups/")):
        return private_file(request)
    if request.path.startswith("/status/"):
        status = int(request.path.removeprefix("/status/"))
        return Response("" if status in (204, 304) else f"status {status}\n", status, mimetype="text/plain")
    return page("Not found", 404)


@Request.application
def handle(request):
    response = dispatch(request)
    response.headers["X-Frappe-Request-Id"] = "fixed"
    return response


def application(environ, start_response):
    # gunicorn takes a chunked body apart itself; Werkzeug must be told that it ends.
    environ["wsgi.input_terminated"] = True
    return handle(environ, start_response)
