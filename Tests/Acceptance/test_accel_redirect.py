"""A server that leaves the answer to another route, by X-Accel-Redirect."""

import threading

import pytest

from support.origin import answer
from support.waiting import PATIENCE

CONFIGURATION = """
pools: {web: {servers: [$web]}, other: {servers: [$other]}}
routes:
  - match: {prefix: /protected/, prefix_final: true}
    internal: true
    files: {alias: $root, try: "/{host}{path}"}
  - name: other
    match: {prefix: /other}
    proxy: other
  - name: moved
    match: {exact: /moved}
    redirect: {to: /new, status: 301}
  - name: deaf
    match: {prefix: /deaf}
    proxy: {pool: web, accel_redirect: false}
  - name: web
    match: {prefix: /}
    proxy: web
response_headers: {add: {X-Frame-Options: SAMEORIGIN}}
"""


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site.test" / "private" / "files"
    folder.mkdir(parents=True)
    (folder / "a b.txt").write_text("0123456789")
    return tmp_path


@pytest.fixture
def start(martlet, origin, site):
    """Starts a proxy whose server answers every request alike."""

    def start(value, status="200 OK", body=b"", headers=(), other=b""):
        web = origin(answer(body, status, [("X-Accel-Redirect", value), *headers]))
        proxy = martlet(CONFIGURATION, web=web, other=origin(other or answer(b"other")), root=site)
        return proxy, web

    return start


FILE = "/protected/private/files/a%20b.txt"


def test_the_file_is_sent_with_what_stays_of_the_servers_head(start):
    fields = [
        ("Content-Type", "application/x-own"), ("Content-Disposition", "inline"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"),
        ("Cache-Control", "private"), ("Expires", "0"), ("ETag", '"servers"'), ("Last-Modified", "yesterday"), ("X-Other", "1"),
    ]  # fmt: skip
    proxy, _ = start(FILE, headers=fields)
    seen = proxy.get("/api")
    assert (seen.status, seen.body) == (200, b"0123456789")
    assert seen.headers["Content-Type"] == "application/x-own"
    assert seen.headers["Content-Disposition"] == "inline"
    assert seen.headers.all("Set-Cookie") == ["a=1", "b=2"]
    assert seen.headers.all("Cache-Control") == ["private"]
    assert seen.headers["Expires"] == "0"
    assert seen.headers["ETag"] != '"servers"'
    assert "X-Other" not in seen.headers and "X-Accel-Redirect" not in seen.headers
    assert seen.headers.all("X-Frame-Options") == ["SAMEORIGIN"]


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "500 Internal Server Error"])
def test_the_servers_status_does_not_count(start, status):
    proxy, _ = start(FILE, status=status)
    assert proxy.get("/api").status == 200


def test_conditions_and_ranges_are_about_the_file(start):
    proxy, _ = start(FILE)
    with proxy.connect() as client:
        tag = client.get("/").headers["ETag"]
        assert client.get("/", {"If-None-Match": tag}).status == 304
        part = client.get("/", {"Range": "bytes=2-4"})
        assert (part.status, part.body) == (206, b"234")
        assert client.get("/", {"Range": "bytes=90-"}).status == 416
        head = client.ask("HEAD", "/")
        assert (head.status, head.headers["Content-Length"], head.body) == (200, "10", b"")


def test_the_requests_body_has_been_read_and_the_connection_goes_on(start):
    proxy, web = start(FILE)
    with proxy.connect() as client:
        for _ in range(3):
            assert client.ask("POST", "/api", body=b"x" * 100_000).body == b"0123456789"
    assert [len(request.body) for request in web.requests] == [100_000] * 3


def test_the_connection_to_the_server_is_kept_unless_its_body_is_still_to_come(start):
    proxy, web = start(FILE)
    with proxy.connect() as client:
        for _ in range(5):
            assert client.get("/").status == 200
    assert web.connections == 1


def test_a_body_that_nobody_gets_does_not_pass_for_the_next_answer(martlet, origin, site):
    def behave(stream, request):
        stream.send(f"HTTP/1.1 200 OK\r\nX-Accel-Redirect: {FILE}\r\nContent-Length: 5\r\n\r\n".encode())
        stream.send(b"HTTP/")
        return True

    proxy = martlet(CONFIGURATION, web=origin(behave), other=origin(), root=site)
    with proxy.connect() as client:
        for _ in range(20):
            assert client.get("/").body == b"0123456789"


@pytest.mark.parametrize(
    "value",
    [
        "/protected/private/../private/files/a%20b.txt", "/protected/%2e%2e/x", "/protected/private/files/a%00b",
        "/protected/private/files/none", "/protected/private/files", "protected/private", "http://a/b", "/protected/%zz",
    ],
)  # fmt: skip
def test_what_leads_nowhere_is_not_found(start, value):
    proxy, _ = start(value, headers=[("Set-Cookie", "a=1")])
    with proxy.connect() as client:
        for _ in range(2):
            seen = client.get("/")
            assert (seen.status, seen.headers["Set-Cookie"]) == (404, "a=1")


def test_an_internal_route_is_not_there_for_clients(start):
    proxy, web = start(FILE)
    for target in (FILE, "/x/../protected/private/files/a%20b.txt", "/%70rotected/x"):
        assert proxy.get(target).status == 404
    assert web.requests == []


def test_another_pool_is_asked_by_get_with_the_body_once_more(martlet, origin, site):
    web = origin(answer(headers=[("X-Accel-Redirect", "/other/a%20b?q=%2F"), ("Set-Cookie", "a=1")]))
    other = origin(answer(b"other", headers=[("Set-Cookie", "b=2")]))
    proxy = martlet(CONFIGURATION, web=web, other=other, root=site)
    for body in (b"x=1", b"x" * 200_000):
        seen = proxy.ask("POST", "/api?z", {"X-Kept": "yes"}, body)
        assert (seen.status, seen.body) == (200, b"other")
        # The later one wins where both set a cookie of one name.
        assert seen.headers.all("Set-Cookie") == ["a=1", "b=2"]
        request = other.next_request()
        assert (request.method, request.target, request.body) == ("GET", "/other/a%20b?q=%2F", body)
        assert request.headers["X-Kept"] == "yes"


def test_a_route_is_found_by_its_name(martlet, origin, site):
    web = origin(answer(headers=[("X-Accel-Redirect", "@other")]))
    other = origin(answer(b"other"))
    proxy = martlet(CONFIGURATION, web=web, other=other, root=site)
    assert proxy.get("/as/it%20came?q").body == b"other"
    assert other.next_request().target == "/as/it%20came?q"


def test_what_the_path_captures_is_its_own(martlet, origin, site):
    """Whoever else is routed meanwhile, and whether or not the disk is asked first."""
    target, asked, go = ["@named"], threading.Event(), threading.Event()

    def behave(stream, request):
        asked.set()
        assert go.wait(PATIENCE)
        stream.send(answer(headers=[("X-Accel-Redirect", target[0])]))
        return True

    proxy = martlet(
        """
pools: {web: {servers: [$web]}}
routes:
  - {name: named, internal: true, match: {exact: /named}, redirect: "/named/{1}"}
  - {name: kept, internal: true, match: {regex: "^/kept/([^/]*)", methods: GET}, files: {root: $root, fallback: lost}}
  - {name: lost, internal: true, match: {exact: /lost}, redirect: "/lost/{1}"}
  - {name: other, match: {regex: "^/([^/]*)/other"}, respond: {body: other}}
  - {name: web, match: {regex: "^/([^/]*)"}, proxy: web}
""",
        web=origin(behave), root=site,
    )  # fmt: skip
    for target[0], location in [("@named", "/named/api"), ("/kept/file/x", "/lost/file"), ("/kept/file/x", "/lost/file")]:
        asked.clear(), go.clear()
        with proxy.connect() as client:
            client.write("POST", "/api/method", body=b"body")
            assert asked.wait(PATIENCE)
            assert proxy.get("/somebody/other").body == b"other"
            go.set()
            assert client.read_response().headers["Location"] == location


def test_an_unknown_name_is_an_error(start):
    proxy, _ = start("@nobody")
    assert proxy.get("/").status == 500


def test_a_redirect_can_be_where_it_leads(start):
    proxy, _ = start("/moved?x=1")
    seen = proxy.get("/")
    assert (seen.status, seen.headers["Location"]) == (301, "/new?x=1")


def test_a_circle_ends(start):
    proxy, web = start("/api", headers=[("Set-Cookie", "a=1")])
    seen = proxy.get("/")
    assert seen.status == 500
    assert "Set-Cookie" not in seen.headers
    assert len(web.requests) == 11
    assert proxy.log_line(status=500)["reason"] == "server_failed:redirect_circle"


def test_a_route_can_refuse_to_follow(start):
    proxy, _ = start(FILE, body=b"own")
    assert proxy.get("/deaf").body == b"own"


@pytest.mark.parametrize(
    "value, target",
    [
        ("/other/x HTTP/1.1", "/other/x%20HTTP/1.1"), ("/other/a\tb", "/other/a%09b"), ("/other/\xc3\xa9", "/other/%c3%a9"),
        ("/other/a#b", "/other/a%23b"), ("/other?a b", "/other?a%20b"), ("/other/%0d%0aX:1", "/other/%0d%0aX:1"),
    ],
)  # fmt: skip
def test_a_server_is_asked_for_nothing_but_a_target(martlet, origin, site, value, target):
    web, other = origin(answer(headers=[("X-Accel-Redirect", value)])), origin()
    proxy = martlet(CONFIGURATION, web=web, other=other, root=site)
    assert proxy.get("/api").status == 200
    assert other.next_request().target == target


@pytest.mark.parametrize("method, target, seen", [("GET", "http://site.test/a?b", "/a?b"), ("OPTIONS", "*", "/"), ("OPTIONS", "http://site.test", "/")])
def test_a_route_by_name_gets_the_target_in_origin_form(martlet, origin, site, method, target, seen):
    web, other = origin(answer(headers=[("X-Accel-Redirect", "@other")])), origin()
    proxy = martlet(CONFIGURATION, web=web, other=other, root=site)
    assert proxy.ask(method, target).status == 200
    request = other.next_request()
    assert (request.method, request.target) == ("GET", seen)


EDITED = """
pools: {web: {servers: [$web]}, other: {servers: [$other]}}
response_headers: {remove: [Set-Cookie], set: {Cache-Control: no-store, Content-Type: x/y}}
routes:
  - match: {prefix: /protected/}
    internal: true
    files: {alias: $root/site.test}
  - match: {prefix: /other}
    proxy: other
  - match: {prefix: /}
    proxy: web
    request_headers: {remove: [X-Gone], set: {X-Own: first}}
"""


def test_the_edits_of_one_route_leave_the_request_alone_for_the_next(martlet, origin, site):
    web, other = origin(answer(headers=[("X-Accel-Redirect", "/other")])), origin()
    proxy = martlet(EDITED, web=web, other=other, root=site)
    proxy.get("/", {"X-Gone": "here", "X-Own": "client"})
    assert "X-Gone" not in web.next_request().headers
    seen = other.next_request().headers
    assert (seen["X-Gone"], seen["X-Own"]) == ("here", "client")


@pytest.mark.parametrize("value", [FILE, "/other", "/protected/none"])
def test_the_edits_of_responses_hold_for_what_stays_of_the_servers_head(martlet, origin, site, value):
    fields = [("X-Accel-Redirect", value), ("Set-Cookie", "a=1"), ("Cache-Control", "private"), ("Content-Type", "a/b")]
    proxy = martlet(EDITED, web=origin(answer(headers=fields)), other=origin(), root=site)
    seen = proxy.get("/").headers
    assert "Set-Cookie" not in seen
    assert (seen["Cache-Control"], seen["Content-Type"]) == ("no-store", "x/y")


def test_an_interim_response_does_not_tell_the_client_of_inner_paths(martlet, origin, site):
    hints = f"HTTP/1.1 103 Early Hints\r\nX-Accel-Redirect: {FILE}\r\nLink: </x>\r\n\r\n".encode()
    proxy = martlet(CONFIGURATION, web=origin(hints + answer()), other=origin(), root=site)
    [seen] = proxy.get("/").informational
    assert seen.headers.pairs == [("Link", "</x>")]
