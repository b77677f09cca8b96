"""Which fields pass, which end here, and which are Martlet's own."""

import pytest

from support.origin import answer

PROXY = """
pools: {web: {servers: [$web]}}
routes:
  - match: {prefix: /}
    proxy: {pool: web$more}
"""

HOP_BY_HOP = [
    ("Connection", "close, X-Secret , x-other"),
    ("X-Secret", "1"),
    ("X-Other", "2"),
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Connection", "keep-alive"),
    ("Proxy-Authorization", "Basic eDp5"),
    ("TE", "trailers"),
    ("Upgrade", "h2c"),
]


def test_hop_by_hop_fields_of_a_request_end_here(martlet, origin):
    # RFC 9110 §7.6.1, those that Connection names included.
    web = origin()
    proxy = martlet(PROXY, web=web, more="")
    fields = [*HOP_BY_HOP, ("X-Kept", "yes"), ("Authorization", "token a:b"), ("Cookie", "sid=1"), ("Cookie2", "x")]
    assert proxy.get("/", fields).status == 200
    seen = web.next_request().headers
    for name in ("X-Secret", "X-Other", "Keep-Alive", "Proxy-Connection", "Upgrade"):
        assert name not in seen
    assert "close" not in seen.get("Connection", "")
    assert [seen["X-Kept"], seen["Authorization"], seen["Cookie"], seen["Cookie2"]] == ["yes", "token a:b", "sid=1", "x"]


def test_connection_cannot_take_away_what_martlet_adds_or_needs(martlet, origin):
    # Naming a forwarded field in Connection must not strip the proxy's own (CVE-2022-31813).
    web = origin()
    proxy = martlet("forwarded: {for: replace, proto: set, host: set, request_id: always}\n" + PROXY, web=web, more="")
    # Fields that are for all recipients cannot be hop by hop: refused, or passed on all the same.
    for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id", "Host", "Content-Length"):
        if proxy.ask("POST", "/", {"Connection": name}, b"body").status == 400:
            continue
        seen = web.next_request()
        assert seen.headers["X-Forwarded-For"] == "127.0.0.1"
        assert seen.headers["X-Forwarded-Proto"] == "http"
        assert seen.headers["Host"] == "site.test"
        assert seen.headers["X-Request-Id"]
        assert seen.body == b"body"


def test_hop_by_hop_fields_of_a_response_end_here(martlet, origin):
    fields = [("Connection", "X-Secret"), ("X-Secret", "1"), ("Keep-Alive", "timeout=2"), ("Proxy-Connection", "x"), ("X-Kept", "yes")]
    proxy = martlet(PROXY, web=origin(answer(headers=fields)), more="")
    with proxy.connect() as client:
        for _ in range(2):
            seen = client.get("/").headers
            assert seen["X-Kept"] == "yes"
            for name in ("X-Secret", "Keep-Alive", "Proxy-Connection"):
                assert name not in seen
            assert "X-Secret" not in seen.get("Connection", "")


def test_repeated_fields_keep_their_values_and_order(martlet, origin):
    web = origin(answer(headers=[("Set-Cookie", "a=1"), ("Link", "<x>"), ("Set-Cookie", "b=2; Path=/"), ("Set-Cookie", "a=3")]))
    proxy = martlet(PROXY, web=web, more="")
    seen = proxy.get("/", [("X-List", "1"), ("Accept", "a/b"), ("X-List", "2"), ("x-list", "3, 4")])
    assert seen.headers.all("Set-Cookie") == ["a=1", "b=2; Path=/", "a=3"]
    assert web.next_request().headers.all("X-List") == ["1", "2", "3, 4"]


def test_values_pass_byte_for_byte(martlet, origin):
    value = "caf\xe9 \xff\x80\tv,\"q;=\\"
    web = origin(answer(headers=[("X-Odd", value)]))
    proxy = martlet(PROXY, web=web, more="")
    assert proxy.get("/", {"X-Odd": value, "X-Empty": ""}).headers["X-Odd"] == value
    seen = web.next_request().headers
    assert (seen["X-Odd"], seen["X-Empty"]) == (value, "")


def test_names_with_underscores_are_dropped(martlet, origin):
    # WSGI maps X_Frappe_Site_Name and X-Frappe-Site-Name to one variable. nginx drops them, too.
    web = origin()
    proxy = martlet(PROXY, web=web, more="")
    fields = {"X_Frappe_Site_Name": "evil", "X-Frappe-Site-Name": "good", "Content_Length": "5", "_": "x"}
    assert proxy.get("/", fields).status == 200
    seen = web.next_request().headers
    assert [name for name in seen.names() if "_" in name] == []
    assert seen["X-Frappe-Site-Name"] == "good"


def test_via_is_off_by_default_and_names_us_on_demand(martlet, origin):
    web = origin()
    proxy = martlet(PROXY, web=web, more="")
    assert "Via" not in proxy.get("/").headers
    assert "Via" not in web.next_request().headers
    named = martlet("forwarded: {via: edge}\n" + PROXY, web=web, more="")
    named.get("/", {"Via": "1.0 fred"})
    # RFC 9110 §7.6.3: appended, with the protocol received.
    assert ", ".join(web.next_request().headers.all("Via")) == "1.0 fred, 1.1 edge"


# Nobody here: when only it is trusted, the test's client is not.
STRANGER = "192.0.2.1"

FORWARDED = [
    # (policy, trusted, X-Forwarded-For sent) -> what the origin sees
    ("append", False, None, "127.0.0.1"),
    ("append", False, "203.0.113.9", "127.0.0.1"),
    ("append", True, "203.0.113.9", "203.0.113.9, 127.0.0.1"),
    ("append", True, None, "127.0.0.1"),
    ("replace", False, "203.0.113.9", "127.0.0.1"),
    ("replace", True, "203.0.113.9", "203.0.113.9"),
    ("replace", True, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
    ("replace", True, "198.51.100.1, 203.0.113.9, 127.0.0.5", "203.0.113.9"),
    ("replace", True, "198.51.100.1, nonsense", "127.0.0.1"),
    ("replace", True, "2001:db8::1", "2001:db8::1"),
]


@pytest.mark.parametrize("policy, trusted, sent, seen", FORWARDED)
def test_x_forwarded_for(martlet, origin, policy, trusted, sent, seen):
    web = origin()
    trust = f"trusted_proxies: [{'127.0.0.0/8' if trusted else STRANGER}]\n"
    proxy = martlet(trust + f"forwarded: {{for: {policy}}}\n" + PROXY, web=web, more="")
    assert proxy.get("/", {"X-Forwarded-For": sent} if sent else {}).status == 200
    assert ", ".join(web.next_request().headers.all("X-Forwarded-For")) == seen
    if policy == "replace":
        assert proxy.log_lines(1)[0]["client"] == seen


def test_x_forwarded_proto_and_host_are_believed_only_from_trusted_proxies(martlet, origin):
    web = origin()
    policy = "forwarded: {proto: set, host: set}\n"
    sent = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "public.test", "Host": "inner.test:8080"}

    martlet(f"trusted_proxies: [{STRANGER}]\n" + policy + PROXY, web=web, more="").get("/", sent)
    seen = web.next_request().headers
    assert (seen["X-Forwarded-Proto"], seen["X-Forwarded-Host"]) == ("http", "inner.test:8080")
    assert seen["Host"] == "inner.test:8080"

    martlet("trusted_proxies: [127.0.0.0/8]\n" + policy + PROXY, web=web, more="").get("/", sent)
    seen = web.next_request().headers
    assert (seen["X-Forwarded-Proto"], seen["X-Forwarded-Host"]) == ("https", "public.test")
    assert seen["Host"] == "inner.test:8080"


def test_forwarded_fields_can_be_off(martlet, origin):
    web = origin()
    martlet("forwarded: {for: off, proto: off, host: off, request_id: off}\n" + PROXY, web=web, more="").get("/")
    names = web.next_request().headers.names()
    assert [n for n in names if n.startswith("x-forwarded") or n == "x-request-id"] == []


def test_a_request_id_is_made_and_told_to_the_origin_and_the_log(martlet, origin):
    web = origin()
    proxy = martlet("forwarded: {request_id: always}\n" + PROXY, web=web, more="")
    ids = set()
    for _ in range(5):
        proxy.get("/", {"X-Request-Id": "mine"})
        ids.add(web.next_request().headers["X-Request-Id"])
    assert len(ids) == 5 and "mine" not in ids
    assert {r["request_id"] for r in proxy.log_lines(5)} == ids


def test_a_trusted_request_id_is_kept(martlet, origin):
    web = origin()
    proxy = martlet("trusted_proxies: [127.0.0.0/8]\nforwarded: {request_id: keep}\n" + PROXY, web=web, more="")
    proxy.get("/", {"X-Request-Id": "0af7651916cd43dd"})
    assert web.next_request().headers["X-Request-Id"] == "0af7651916cd43dd"
    assert proxy.log_lines(1)[0]["request_id"] == "0af7651916cd43dd"


def test_date_is_added_only_where_it_is_missing(martlet, origin):
    # RFC 9110 §6.6.1: a recipient with a clock adds the Date that an origin left out.
    web = origin(answer(headers=[("Date", "Tue, 01 Jan 2030 00:00:00 GMT"), ("Server", "gunicorn")]))
    seen = martlet(PROXY, web=web, more="").get("/").headers
    assert seen["Date"] == "Tue, 01 Jan 2030 00:00:00 GMT"


def test_routes_change_fields(martlet, origin):
    web = origin(answer(headers=[("X-Powered-By", "x"), ("X-Old", "1"), ("Vary", "Cookie")]))
    proxy = martlet(
        """
pools: {web: {servers: [$web]}}
routes:
  - match: {prefix: /}
    proxy: web
    request_headers: {set: {X-Frappe-Site-Name: erp.test, X-Old: new}, remove: [X-Debug]}
    response_headers: {set: {X-Old: new, X-Frame-Options: SAMEORIGIN}, add: {Vary: Accept}, remove: [X-Powered-By]}
""",
        web=web,
    )
    response = proxy.get("/", [("x-frappe-site-name", "evil"), ("X-Old", "a"), ("X-Old", "b"), ("X-Debug", "1")])
    asked = web.next_request().headers
    assert (asked["X-Frappe-Site-Name"], asked["X-Old"]) == ("erp.test", "new")
    assert "X-Debug" not in asked
    assert (response.headers["X-Old"], response.headers["X-Frame-Options"]) == ("new", "SAMEORIGIN")
    assert response.headers.all("Vary") == ["Cookie", "Accept"]
    assert "X-Powered-By" not in response.headers


@pytest.mark.parametrize("policy, seen", [("preserve", "site.test"), ("server", None), ("literal.test", "literal.test")])
def test_the_host_that_a_pool_sends(martlet, origin, policy, seen):
    web = origin()
    proxy = martlet(
        """
pools: {web: {servers: [$web], host: $policy}}
routes: [{match: {prefix: /}, proxy: web}]
""",
        web=web,
        policy=policy,
    )
    assert proxy.get("/").status == 200
    assert web.next_request().headers["Host"] == (seen or str(web))


def test_set_and_remove_hold_for_martlets_own_fields(martlet, tmp_path):
    (tmp_path / "file.txt").write_text("text")
    proxy = martlet(
        """
response_headers: {remove: [ETag], set: {Cache-Control: no-store, Content-Type: x/y, X-Other: "1"}}
routes:
  - files: {root: $root, cache_control: private}
""",
        root=tmp_path,
    )
    for target, status in (("/file.txt", 200), ("/none", 404)):
        seen = proxy.get(target)
        assert seen.status == status
        assert "ETag" not in seen.headers
        assert [seen.headers[name] for name in ("Cache-Control", "Content-Type", "X-Other")] == ["no-store", "x/y", "1"]
