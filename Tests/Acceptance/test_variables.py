"""Variables in headers and paths, edits for all routes, and whose word counts about the client."""

import pytest

from support.origin import answer

CONFIGURATION = """
trusted_proxies: [$trusted]
$client_address
variables:
  site: {of: "{host}", map: {erp.example.com: erp.test, "10.0.0.1": ten}, default: "{host}"}
  proto: {of: "{header:X-Forwarded-Proto}", map: {HTTPS: https}, default: "{scheme}"}
forwarded: {for: off, proto: off, host: off, request_id: keep}
request_headers: {set: {X-Site: "{site}"}}
response_headers:
  add: {X-Frame-Options: DENY, X-For: "{header:X-Want}"}
  set: {Cache-Control: {value: no-store, status: [404, 500-599]}}
pools: {web: {servers: [$web], host: "{host}"}}
routes:
  - match: {prefix: /files}
    files: {root: $root, try: "/{site}{path}"}
  - match: {prefix: /own}
    proxy: web
    response_headers: {remove: [X-Frame-Options], set: {X-For: own}}
  - match: {prefix: /}
    proxy: web
    request_headers:
      set: {X-Forwarded-For: "{forwarded_for}", X-Real: "{client_address}", X-Peer: "{peer_address}", Origin: "{proto}://{site}", X-Empty: "{header:X-None}"}
      add: {X-What: "{method} {target} {request_id}"}
"""


def start(martlet, origin, root="/", trusted="192.0.2.1", client_address="", behave=None):
    web = origin(behave or answer(headers=[("Cache-Control", "private")]))
    return martlet(CONFIGURATION, web=web, root=root, trusted=trusted, client_address=client_address), web


def test_servers_see_what_variables_say(martlet, origin):
    proxy, web = start(martlet, origin)
    proxy.get("/a%20b?c", {"X-Forwarded-For": "6.6.6.6", "X-Request-Id": "id-1", "X-Empty": "1", "Origin": "x", "X-Site": "forged"}, host="ERP.example.com.:8080")
    seen = web.next_request().headers
    assert seen.all("Host") == ["erp.example.com"]
    assert seen.all("X-Site") == ["erp.test"]
    assert seen.all("Origin") == ["http://erp.test"]
    assert seen.all("X-Forwarded-For") == ["6.6.6.6, 127.0.0.1"]
    assert (seen["X-Real"], seen["X-Peer"]) == ("127.0.0.1", "127.0.0.1")
    assert seen["X-What"] == "GET /a%20b?c id-1"
    assert "X-Empty" not in seen


def test_a_map_compares_without_regard_to_case(martlet, origin):
    proxy, web = start(martlet, origin)
    for given, scheme in (("https", "https"), ("HtTpS", "https"), ("https, http", "http"), ("wss", "http"), (None, "http")):
        proxy.get("/", {"X-Forwarded-Proto": given} if given else {})
        assert web.next_request().headers["Origin"] == f"{scheme}://site.test"


def test_a_variable_chooses_the_directory(martlet, origin, tmp_path):
    (tmp_path / "erp.test" / "files").mkdir(parents=True)
    (tmp_path / "erp.test" / "files" / "a").write_text("erp")
    (tmp_path / "other.test" / "files").mkdir(parents=True)
    (tmp_path / "other.test" / "files" / "a").write_text("other")
    proxy, _ = start(martlet, origin, tmp_path)
    assert proxy.get("/files/a", host="erp.example.com").body == b"erp"
    assert proxy.get("/files/a", host="Other.test:80").body == b"other"
    assert proxy.get("/files/a", host="nobody.test").status == 404


def test_every_answer_has_the_edits_for_all(martlet, origin):
    proxy, _ = start(martlet, origin)
    assert proxy.get("/").headers.all("X-Frame-Options") == ["DENY"]
    assert proxy.get("/files/none").headers.all("X-Frame-Options") == ["DENY"]
    # Before there is a route, and before there is a head.
    assert proxy.get("/%zz").headers.all("X-Frame-Options") == ["DENY"]
    with proxy.connect() as client:
        client.send(b"NONSENSE\r\n\r\n")
        refused = client.read_response("GET")
        assert (refused.status, refused.headers.all("X-Frame-Options")) == (400, ["DENY"])


def test_an_answer_can_repeat_what_was_asked_even_when_others_came_between(martlet, origin):
    held = {}

    def behave(stream, request):
        if request.target == "/slow":
            held["stream"] = stream
            return True
        stream.send(answer())
        return True

    proxy, web = start(martlet, origin, behave=behave)
    with proxy.connect() as slow, proxy.connect() as quick:
        slow.write("GET", "/slow", {"X-Want": "slow"})
        while web.next_request().target != "/slow":
            pass
        assert quick.get("/", {"X-Want": "quick"}).headers["X-For"] == "quick"
        held["stream"].send(answer())
        assert slow.read_response("GET").headers["X-For"] == "slow"
    assert "X-For" not in proxy.get("/").headers


def test_an_edit_can_be_tied_to_statuses(martlet, origin):
    proxy, _ = start(martlet, origin, behave=lambda stream, request: stream.send(answer(b"", request.target[1:] + " X", [("Cache-Control", "private")])) or True)
    assert proxy.get("/200").headers.all("Cache-Control") == ["private"]
    assert proxy.get("/404").headers.all("Cache-Control") == ["no-store"]
    assert proxy.get("/503").headers.all("Cache-Control") == ["no-store"]


def test_a_routes_own_edits_come_after(martlet, origin):
    proxy, _ = start(martlet, origin)
    seen = proxy.get("/own", {"X-Want": "1"}).headers
    assert "X-Frame-Options" not in seen
    assert seen.all("X-For") == ["own"]


def address(martlet, origin, client_address, trusted, fields):
    proxy, web = start(martlet, origin, trusted=trusted, client_address=client_address)
    proxy.get("/", fields)
    return web.next_request().headers["X-Real"]


def test_the_client_address_is_the_last_or_the_last_that_nobody_trusts(martlet, origin):
    fields = [("X-Forwarded-For", "1.1.1.1, 2.2.2.2"), ("X-Forwarded-For", "10.0.0.9,10.0.0.8, ")]
    trusted = "127.0.0.1, 10.0.0.0/8"
    assert address(martlet, origin, "client_address: {recursive: false}", trusted, fields) == "10.0.0.8"
    assert address(martlet, origin, "client_address: {recursive: true}", trusted, fields) == "2.2.2.2"
    assert address(martlet, origin, "", "192.0.2.1", fields) == "127.0.0.1"


def test_another_header_may_tell_the_client_address(martlet, origin):
    fields = [("X-Forwarded-For", "1.1.1.1"), ("cf-connecting-ip", "3.3.3.3:1234")]
    assert address(martlet, origin, "client_address: {header: CF-Connecting-IP}", "127.0.0.1", fields) == "3.3.3.3"
    assert address(martlet, origin, "client_address: {header: X-Real-IP}", "127.0.0.1", fields) == "127.0.0.1"


POLICY = """
forwarded: {for: replace, proto: set, host: set, request_id: always}
pools: {web: {servers: [$web]}}
routes:
  - proxy: web
    request_headers:
      set: {X-Forwarded-For: "for", X-Forwarded-Proto: "proto", X-Request-Id: "id"}
      remove: [X-Forwarded-Host]
"""


def test_what_a_route_says_of_the_client_goes_before_the_policy_for_all(martlet, origin):
    web = origin()
    proxy = martlet(POLICY, web=web)
    proxy.get("/", {"X-Forwarded-For": "1.1.1.1", "X-Forwarded-Host": "x"})
    seen = web.next_request().headers
    assert [seen.all(f"X-Forwarded-{name}") for name in ("For", "Proto", "Host")] == [["for"], ["proto"], []]
    assert seen.all("X-Request-Id") == ["id"]


@pytest.mark.parametrize("size", [1000, 9000, 15_000, 20_000])
def test_a_host_made_of_the_longest_of_fields_finds_room(martlet, origin, size):
    web = origin()
    proxy = martlet('pools: {web: {servers: [$web], host: "{header:X-Long}{header:X-Long}"}}\nroutes: [{proxy: web}]', web=web)
    assert proxy.get("/", {"X-Long": "h" * size}).status == 200
    assert web.next_request().headers["Host"] == 2 * size * "h"


def test_a_request_that_cannot_be_read_is_repeated_as_far_as_it_fits(martlet, origin):
    edits = "".join(f'    X-{i}: "{{target}}"\n' for i in range(80))
    proxy = martlet("pools: {web: {servers: [$web]}}\nroutes: [{proxy: web}]\nresponse_headers:\n  add:\n" + edits, web=origin())
    with proxy.connect() as client:
        client.send("G" * 300 + "\r\n\r\n")
        seen = client.read_response()
    assert seen.status == 501
    assert [seen.headers[f"X-{i}"] for i in range(80)] == ["G" * 256] * 80
