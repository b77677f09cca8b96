"""Which route a request takes (nginx's precedence), and what routes answer by themselves."""

import pytest

from support.origin import answer
from support.wire import ask

# Every route answers with its name: what matters here is which one is taken.
PATHS = """
routes:
  - {name: root, match: {prefix: /}, respond: {status: 200, body: root}}
  - {name: images, match: {prefix: /images/}, respond: {status: 200, body: images}}
  - {name: final, match: {prefix: /images/final/, prefix_final: true}, respond: {status: 200, body: final}}
  - {name: longer, match: {prefix: /images/a/b}, respond: {status: 200, body: longer}}
  - {name: exact, match: {exact: /images/one.png}, respond: {status: 200, body: exact}}
  - {name: slash, match: {exact: /}, respond: {status: 200, body: slash}}
  - {name: png, match: {regex: '\\.png$'}, respond: {status: 200, body: png}}
  - {name: any-image, match: {regex: '\\.(png|jpe?g)$'}, respond: {status: 200, body: any-image}}
  - {name: caseless, match: {regex: '(?i)\\.gif$'}, respond: {status: 200, body: caseless}}
  - {name: assets, match: {prefix: /assets}, respond: {status: 200, body: assets}}
  - {name: space, match: {exact: '/a b'}, respond: {status: 200, body: space}}
"""

# The same in nginx, which decides what is right.
NGINX_PATHS = r"""
location / { return 200 root; }
location /images/ { return 200 images; }
location ^~ /images/final/ { return 200 final; }
location /images/a/b { return 200 longer; }
location = /images/one.png { return 200 exact; }
location = / { return 200 slash; }
location ~ \.png$ { return 200 png; }
location ~ \.(png|jpe?g)$ { return 200 any-image; }
location ~ (?i)\.gif$ { return 200 caseless; }
location /assets { return 200 assets; }
location = "/a b" { return 200 space; }
"""

TARGETS = {
    "/": "slash",
    "/?q": "slash",
    "//": "slash",
    "/x": "root",
    "/images": "root",
    "/images/": "images",
    "/images/x": "images",
    "/images/x.png": "png",
    "/images/one.png": "exact",
    "/images/one.png?x": "exact",
    "/images/one.pngx": "images",
    "/images/final/x.png": "final",
    "/images/finalx.png": "png",
    "/images/a/b": "longer",
    "/images/a/bc": "longer",
    "/images/a/b/x.jpeg": "any-image",
    "/x.GIF": "caseless",
    "/x.PNG": "root",
    "/assets": "assets",
    "/assetsfoo": "assets",
    "/Assets": "root",
    "/x?y=/images/": "root",
    # Routing sees a target decoded once, its slashes merged, its dots resolved.
    "/%69mages/x": "images",
    "/images//one.png": "exact",
    "/images/./one.png": "exact",
    "/images/x/../one.png": "exact",
    "/images%2Fone.png": "exact",
    "/x/..%2fimages/y": "images",
    "/images/%2e%2e/x": "root",
    "/images/x/..": "images",
    "/images/x/.": "images",
    "/%2569mages/x": "root",
    "/a%20b": "space",
    "/images/x.png%3Fy": "images",
}


@pytest.mark.parametrize("target", TARGETS)
def test_paths_route_as_in_nginx(martlet, target):
    proxy = martlet(PATHS)
    assert proxy.get(target).body.decode() == TARGETS[target]
    assert proxy.log_lines(1)[0]["route"] == TARGETS[target]


def test_the_table_is_what_nginx_does(nginx):
    oracle = nginx(NGINX_PATHS)
    assert {t: ask(oracle.address, "GET", t).body.decode() for t in TARGETS} == TARGETS


HOSTS = """
routes:
  - {match: {host: erp.example.com, prefix: /}, respond: {status: 200, body: exact}}
  - {match: {host: ["a.test", "b.test"], prefix: /}, respond: {status: 200, body: list}}
  - {match: {host: "*.example.com", prefix: /}, respond: {status: 200, body: suffix}}
  - {match: {host: "*.eu.example.com", prefix: /}, respond: {status: 200, body: longer-suffix}}
  - {match: {prefix: /}, respond: {status: 200, body: any}}
"""


@pytest.mark.parametrize(
    "host, route",
    [
        ("erp.example.com", "exact"),
        ("ERP.Example.COM", "exact"),
        ("erp.example.com:8080", "exact"),
        ("erp.example.com.", "exact"),
        ("a.test", "list"),
        ("b.test", "list"),
        ("x.example.com", "suffix"),
        ("x.y.example.com", "suffix"),
        ("x.eu.example.com", "longer-suffix"),
        ("example.com", "any"),
        ("erp.example.com.evil.test", "any"),
        ("127.0.0.1", "any"),
        ("[::1]:80", "any"),
    ],
)
def test_hosts(martlet, host, route):
    assert martlet(HOSTS).get("/", host=host).body.decode() == route


def test_methods_and_header_fields_choose(martlet):
    proxy = martlet(
        """
routes:
  - {match: {prefix: /, methods: [POST, PUT]}, respond: {status: 200, body: writes}}
  - {match: {prefix: /, headers: {X-Canary: "1"}}, respond: {status: 200, body: canary}}
  - {match: {prefix: /}, respond: {status: 200, body: rest}}
"""
    )
    assert proxy.ask("POST", "/", body=b"x").body == b"writes"
    assert proxy.ask("PUT", "/", body=b"x").body == b"writes"
    with proxy.connect() as client:
        assert client.get("/", {"x-canary": "1"}).body == b"canary"
        assert client.get("/", {"X-Canary": "11"}).body == b"rest"
        assert client.get("/").body == b"rest"
        assert client.ask("DELETE", "/").body == b"rest"


def test_redirects(martlet):
    proxy = martlet(
        """
routes:
  - {match: {exact: /old}, redirect: {to: /new, status: 301}}
  - {match: {exact: /moved}, redirect: {to: "https://elsewhere.test/x", status: 308}}
  - {match: {exact: /plain}, redirect: {to: /target}}
"""
    )
    with proxy.connect() as client:
        for target, status, location in (("/old", 301, "/new"), ("/moved", 308, "https://elsewhere.test/x")):
            response = client.get(target)
            assert (response.status, response.headers["Location"]) == (status, location)
        assert client.get("/plain").status in (302, 307)
        assert client.ask("HEAD", "/old").status == 301
        assert client.ask("POST", "/old", body=b"x" * 100).status == 301


def test_fixed_responses(martlet):
    proxy = martlet(
        """
routes:
  - match: {exact: /robots.txt}
    respond: {status: 200, body: "User-agent: *\\nDisallow: /\\n", content_type: text/plain}
  - match: {exact: /gone}
    respond: {status: 410}
"""
    )
    with proxy.connect() as client:
        robots = client.get("/robots.txt")
        assert (robots.status, robots.body) == (200, b"User-agent: *\nDisallow: /\n")
        assert robots.headers["Content-Type"].startswith("text/plain")
        head = client.ask("HEAD", "/robots.txt")
        assert (head.status, head.headers["Content-Length"]) == (200, str(len(robots.body)))
        assert client.get("/gone").status == 410
        assert "Date" in client.get("/gone").headers


def test_routes_of_erpnext(martlet, origin, tmp_path):
    """The shape of config/erpnext.yaml: assets from disk, realtime, and the rest."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/desk.bundle.ABC.js").write_text("js")
    web, realtime = origin(answer(b"web")), origin(answer(b"realtime"))
    proxy = martlet(
        """
pools: {web: {servers: [$web]}, realtime: {servers: [$realtime]}}
routes:
  - {name: assets, match: {prefix: /assets}, files: {root: $root}}
  - {name: realtime, match: {prefix: /socket.io}, proxy: {pool: realtime, upgrade: [websocket]}}
  - {name: web, match: {prefix: /}, proxy: web}
""",
        web=web,
        realtime=realtime,
        root=tmp_path,
    )
    with proxy.connect() as client:
        assert client.get("/assets/desk.bundle.ABC.js").body == b"js"
        assert client.get("/assets/none.js").status == 404
        assert client.get("/socket.io/?EIO=4&transport=polling").body == b"realtime"
        assert client.get("/app/item/a%2Fb").body == b"web"
        assert client.get("/api/method/ping").body == b"web"
    assert [r["route"] for r in proxy.log_lines(5)] == ["assets", "assets", "realtime", "web", "web"]


def test_ten_thousand_routes_take_little_memory_and_no_time(martlet):
    routes = "".join(f"  - {{match: {{prefix: /site/{n}/}}, respond: {{body: '{n}'}}}}\n" for n in range(10_000))
    few = martlet("routes:\n" + routes[: routes.index("\n") + 1])
    many = martlet("routes:\n" + routes)
    assert ask(many.address, "GET", "/site/4321/x").body == b"4321"
    each = (many.resident_bytes() - few.resident_bytes()) / 10_000
    assert each < 4096, f"{each:.0f} bytes are held for each route"
