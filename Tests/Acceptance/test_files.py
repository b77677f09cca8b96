"""Files from disk, with Debian's nginx serving the same tree as the oracle."""

import gzip
import os
import re

import pytest

from support.peers import Nginx
from support.waiting import until
from support.wire import Client, ask

# Where Martlet differs from nginx 1.22 on purpose, and why. Everything else must be equal.
DEVIATIONS = {
    "Allow": "405 names what is allowed (RFC 9110 §15.5.6 requires it); nginx leaves it out",
    "Content-Type of .mjs": "text/javascript; nginx says octet-stream, which browsers refuse under nosniff",
    "bodies of errors": "Martlet's own, with the request id",
    "multipart boundary": "any string that is not in the parts",
}

# The fields that both must agree on. Server, Date and Connection are each server's own.
COMPARED = ["ETag", "Last-Modified", "Content-Type", "Content-Length", "Accept-Ranges", "Content-Range", "Location"]

MTIME = 1_700_000_000  # Tue, 14 Nov 2023 22:13:20 GMT
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
EARLIER, LATER = "Tue, 14 Nov 2023 22:13:19 GMT", "Tue, 14 Nov 2023 22:13:21 GMT"


def content(size):
    return (bytes(range(256)) * (size // 256 + 1))[:size]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A document root like sites/: bundles, odd names, links, and things that must not be served."""
    top = tmp_path_factory.mktemp("tree")
    root = top / "sites"
    files = {
        "assets/app.bundle.7FK5PESM.js": 5000,
        "assets/app.bundle.css": 300,
        "assets/empty.txt": 0,
        "assets/one.bin": 1,
        "assets/big.bin": 3_000_000,
        "assets/page.html": 700,
        "assets/data.json": 64,
        "assets/image.svg": 128,
        "assets/image.svgz": 128,
        "assets/icon.ico": 50,
        "assets/font.woff": 50,
        "assets/font.woff2": 50,
        "assets/pic.webp": 50,
        "assets/pic.jpeg": 50,
        "assets/pic.png": 50,
        "assets/pic.gif": 50,
        "assets/doc.pdf": 50,
        "assets/feed.xml": 50,
        "assets/mod.wasm": 50,
        "assets/noext": 50,
        "assets/UPPER.PNG": 50,
        "assets/.hidden": 10,
        "assets/with space.txt": 20,
        "assets/per%cent.txt": 20,
        "assets/que?stion.txt": 20,
        "assets/plus+sign.txt": 20,
        "assets/\u4e2d\u6587.txt": 20,
        "assets/two.dots..txt": 20,
        "assets/sub/inner.txt": 20,
        "assets/sub/index.html": 20,
        "secret.txt": 10,
    }
    for name, size in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content(size))
        os.utime(file, (MTIME, MTIME))
    outside = top / "apps/erpnext/public"
    outside.mkdir(parents=True)
    (outside / "linked.css").write_bytes(content(40))
    os.utime(outside / "linked.css", (MTIME, MTIME))
    (root / "assets/erpnext").symlink_to(outside)
    (root / "assets/link.css").symlink_to(outside / "linked.css")
    (root / "assets/dangling.css").symlink_to(outside / "nothing.css")
    (root / "assets/loop").symlink_to(root / "assets/loop")
    os.mkfifo(root / "assets/pipe")
    return root


ROUTES = """
routes:
  - match: {prefix: /assets}
    files: {root: $root}
  - match: {prefix: /alias/}
    files: {alias: $root/assets/}
"""

NGINX = """
root {root};
location /assets {{ try_files $uri =404; }}
location /alias/ {{ alias {root}/assets/; }}
location / {{ return 404; }}
"""


@pytest.fixture(scope="module")
def oracle(tree, tmp_path_factory):
    one = Nginx(tmp_path_factory.mktemp("oracle"), NGINX.format(root=tree))
    yield one
    one.terminate()


@pytest.fixture
def both(martlet, oracle, tree):
    """Asks both servers the same; returns both answers."""
    proxy = martlet(ROUTES, root=tree)

    def put(method, target, headers=()):
        return ask(proxy.address, method, target, headers), ask(oracle.address, method, target, headers)

    return put


def assert_alike(ours, theirs, what):
    assert ours.status == theirs.status, what
    if ours.status < 400:
        seen = {name: ours.headers.get(name) for name in COMPARED}
        wanted = {name: theirs.headers.get(name) for name in COMPARED}
        if "multipart" in (wanted["Content-Type"] or ""):
            assert "multipart/byteranges; boundary=" in seen["Content-Type"], what
            assert parts(ours) == parts(theirs), what
            for values in (seen, wanted):
                del values["Content-Type"], values["Content-Length"]
        else:
            assert ours.body == theirs.body, what
        assert seen == wanted, what
    elif ours.status == 416:
        assert ours.headers.get("Content-Range") == theirs.headers.get("Content-Range"), what


def parts(response):
    """The parts of a multipart/byteranges body, their boundary left out."""
    boundary = re.search(r'boundary="?([^";]+)', response.headers["Content-Type"])[1].encode()
    pieces = response.body.split(b"--" + boundary)
    assert pieces[0] in (b"", b"\r\n") and pieces[-1] == b"--\r\n", pieces[-1]
    return pieces[1:-1]


TARGETS = [
    "/assets/app.bundle.7FK5PESM.js", "/assets/app.bundle.css", "/assets/empty.txt", "/assets/one.bin", "/assets/big.bin",
    "/assets/page.html", "/assets/data.json", "/assets/image.svg", "/assets/image.svgz", "/assets/icon.ico", "/assets/font.woff",
    "/assets/font.woff2", "/assets/pic.webp", "/assets/pic.jpeg", "/assets/pic.png", "/assets/pic.gif", "/assets/doc.pdf",
    "/assets/feed.xml", "/assets/mod.wasm", "/assets/noext", "/assets/UPPER.PNG", "/assets/.hidden",
    "/assets/with%20space.txt", "/assets/per%25cent.txt", "/assets/que%3Fstion.txt", "/assets/plus+sign.txt",
    "/assets/%e4%b8%ad%E6%96%87.txt", "/assets/two.dots..txt", "/assets/sub/inner.txt", "/assets/app.bundle.css?v=1",
    "/assets//app.bundle.css", "/assets/./app.bundle.css", "/assets/sub/../app.bundle.css", "/%61ssets/app.bundle.css",
    "/assets%2Fapp.bundle.css", "/assets/sub/%2e%2e/app.bundle.css",
    # Links are followed, out of the root as well: bench makes them.
    "/assets/erpnext/linked.css", "/assets/link.css", "/assets/dangling.css",
    # What is not a file is not there.
    "/assets", "/assets/", "/assets/sub", "/assets/sub/", "/assets/none.css", "/assets/app.bundle.css/", "/assets/app.bundle.css/x",
    "/assetsx", "/assets/per%2525cent.txt", "/assets/" + "n" * 300, "/assets/" + "d/" * 100 + "x", "/assets/app.bundle.CSS",
    # Nothing above the root.
    "/assets/../secret.txt", "/../secret.txt", "/assets/..%2fsecret.txt", "/assets/%2e%2e/secret.txt", "/assets/../../etc/passwd",
    "/assets/..;/secret.txt", "/assets/....//secret.txt", "/assets/%252e%252e/secret.txt", "/assets/%00.css", "/assets/app.bundle.css%00.png",
    "/assets\\..\\secret.txt",
    # An alias replaces its prefix.
    "/alias/app.bundle.css", "/alias/sub/inner.txt", "/alias/../secret.txt", "/alias/none", "/alias../secret.txt", "/alias",
]  # fmt: skip

@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_status_and_fields_are_those_of_nginx(both, method):
    wrong = []
    for target in TARGETS:
        ours, theirs = both(method, target)
        try:
            assert_alike(ours, theirs, f"{method} {target}")
        except AssertionError as difference:
            wrong.append(str(difference))
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("target", ["/assets/loop", "/assets/pipe"])
def test_what_cannot_be_served_is_an_error_and_not_a_hang(both, target):
    ours, _ = both("GET", target)
    assert ours.status in (403, 404)


ETAG = '"6553f100-1388"'  # of 5000 bytes at MTIME, as nginx writes it

CONDITIONS = [
    {"If-Modified-Since": DATE},
    {"If-Modified-Since": EARLIER},
    {"If-Modified-Since": LATER},
    {"If-Modified-Since": "nonsense"},
    {"If-Modified-Since": "Tuesday, 14-Nov-23 22:13:20 GMT"},
    {"If-None-Match": ETAG},
    {"If-None-Match": "W/" + ETAG},
    {"If-None-Match": '"other"'},
    {"If-None-Match": f'"other", {ETAG}'},
    {"If-None-Match": f'"other",{ETAG},"third"'},
    {"If-None-Match": "*"},
    {"If-None-Match": ETAG, "If-Modified-Since": DATE},
    {"If-None-Match": '"other"', "If-Modified-Since": DATE},
    {"If-None-Match": ETAG, "If-Modified-Since": EARLIER},
    {"If-Match": ETAG},
    {"If-Match": "W/" + ETAG},
    {"If-Match": '"other"'},
    {"If-Match": "*"},
    {"If-Unmodified-Since": DATE},
    {"If-Unmodified-Since": EARLIER},
    {"If-Unmodified-Since": LATER},
    {"If-Match": ETAG, "If-Unmodified-Since": EARLIER},
    {"If-Match": '"other"', "If-None-Match": ETAG},
    {"If-Unmodified-Since": DATE, "If-Modified-Since": DATE},
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions_are_judged_as_nginx_does(both, method):
    target = "/assets/app.bundle.7FK5PESM.js"
    wrong = []
    for fields in CONDITIONS:
        ours, theirs = both(method, target, fields)
        try:
            assert_alike(ours, theirs, f"{method} {fields}")
        except AssertionError as difference:
            wrong.append(str(difference))
    assert not wrong, "\n\n".join(wrong)
    assert both("GET", target)[0].headers["ETag"] == ETAG


RANGES = [
    {"Range": "bytes=0-99"},
    {"Range": "bytes=0-0"},
    {"Range": "bytes=4999-4999"},
    {"Range": "bytes=100-"},
    {"Range": "bytes=-100"},
    {"Range": "bytes=-1"},
    {"Range": "bytes=-5000"},
    {"Range": "bytes=-9999"},
    {"Range": "bytes=0-4999"},
    {"Range": "bytes=0-9999"},
    {"Range": "bytes=4990-9999"},
    {"Range": "bytes=5000-"},
    {"Range": "bytes=5000-6000"},
    {"Range": "bytes=9999-"},
    {"Range": "bytes=-0"},
    {"Range": "bytes=10-5"},
    {"Range": "bytes="},
    {"Range": "bytes=a-b"},
    {"Range": "bytes=-"},
    {"Range": "items=0-5"},
    {"Range": "bytes 0-5"},
    {"Range": "bytes=0-99999999999999999999999"},
    {"Range": "bytes=18446744073709551616-"},
    {"Range": "bytes=0-9,20-29"},
    {"Range": "bytes=0-9, 20-29 ,-10"},
    {"Range": "bytes=20-29,0-9"},
    {"Range": "bytes=0-9,5-14"},
    {"Range": "bytes=0-9,9999-"},
    {"Range": "bytes=9999-,8888-"},
    {"Range": "bytes=0-9,"},
    {"Range": "bytes=0-9", "If-Range": ETAG},
    {"Range": "bytes=0-9", "If-Range": "W/" + ETAG},
    {"Range": "bytes=0-9", "If-Range": '"other"'},
    {"Range": "bytes=0-9", "If-Range": DATE},
    {"Range": "bytes=0-9", "If-Range": EARLIER},
    {"Range": "bytes=0-9", "If-Range": LATER},
    {"Range": "bytes=0-9", "If-None-Match": ETAG},
    {"Range": "bytes=9999-", "If-None-Match": ETAG},
    {"Range": "bytes=9999-", "If-Range": '"other"'},
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ranges_are_cut_as_nginx_does(both, method):
    wrong = []
    for target in ("/assets/app.bundle.7FK5PESM.js", "/assets/empty.txt", "/assets/big.bin"):
        for fields in RANGES:
            if method == "HEAD" and "," in fields["Range"]:
                continue  # A multipart length depends on the boundary's.
            ours, theirs = both(method, target, fields)
            try:
                assert_alike(ours, theirs, f"{method} {target} {fields}")
            except AssertionError as difference:
                wrong.append(str(difference))
    assert not wrong, "\n\n".join(wrong)


def test_a_range_list_cannot_multiply_the_file(both):
    """Thousands of overlapping ranges (CVE-2011-3192) are not an amplifier."""
    ours, _ = both("GET", "/assets/big.bin", {"Range": "bytes=" + ",".join(["0-"] * 1000)})
    assert len(ours.body) <= 2 * 3_000_000


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "FROB"])
def test_other_methods_are_405_with_allow(both, method):
    ours, theirs = both(method, "/assets/app.bundle.css")
    assert ours.status == theirs.status == 405
    assert {m.strip() for m in ours.headers["Allow"].split(",")} >= {"GET", "HEAD"}


def test_a_body_sent_to_a_file_does_not_become_a_request(martlet, tree):
    proxy = martlet(ROUTES, root=tree)
    with proxy.connect() as client:
        client.write("POST", "/assets/app.bundle.css", body=b"GET /assets/one.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.read_response().status == 405
        try:
            client.write("GET", "/assets/app.bundle.css")
            assert len(client.read_response().body) == 300
        except (ConnectionError, AssertionError):
            client.read_end()  # Refusing and ending is as good.


def test_keep_alive_over_files(martlet, tree):
    proxy = martlet(ROUTES, root=tree)
    with proxy.connect() as client:
        for _ in range(3):
            for name, size in (("big.bin", 3_000_000), ("app.bundle.css", 300), ("empty.txt", 0)):
                response = client.get(f"/assets/{name}")
                assert response.body == content(size)
            assert client.ask("HEAD", "/assets/big.bin").headers["Content-Length"] == "3000000"
            assert client.get("/assets/none").status == 404
            assert client.get("/assets/app.bundle.css", {"If-Modified-Since": DATE}).status == 304


def test_a_slow_reader_of_a_file_gets_all_of_it(martlet, tree):
    proxy = martlet(ROUTES, root=tree)
    with Client(proxy.address, receive_buffer=4096) as client:
        client.write("GET", "/assets/big.bin")
        with Client(proxy.address) as other:
            assert other.get("/assets/app.bundle.css").status == 200
        assert client.read_response().body == content(3_000_000)


def test_changes_are_noticed(martlet, tmp_path):
    file = tmp_path / "assets/x.css"
    file.parent.mkdir()
    file.write_text("first")
    proxy = martlet(ROUTES, root=tmp_path)
    with proxy.connect() as client:
        first = client.get("/assets/x.css")
        assert first.body == b"first"
        assert client.get("/assets/new.css").status == 404
        # Replaced as deploys do it, by a rename.
        (tmp_path / "next").write_text("second!")
        os.replace(tmp_path / "next", file)
        (tmp_path / "assets/new.css").write_text("new")
        until(lambda: client.get("/assets/x.css").body == b"second!", "the new content is served")
        until(lambda: client.get("/assets/new.css").status == 200, "a file that came is served")
        assert client.get("/assets/x.css").headers["ETag"] != first.headers["ETag"]
        file.unlink()
        until(lambda: client.get("/assets/x.css").status == 404, "a file that went is 404")


def test_a_replaced_link_to_the_assets_is_noticed(martlet, tmp_path):
    """Every start of a container replaces sites/assets by a link."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.css").write_text(name)
    link = tmp_path / "sites/assets"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "one")
    proxy = martlet(ROUTES, root=tmp_path / "sites")
    with proxy.connect() as client:
        assert client.get("/assets/x.css").body == b"one"
        link.unlink()
        link.symlink_to(tmp_path / "two")
        until(lambda: client.get("/assets/x.css").body == b"two", "the new target is served")


def test_try_lists_fall_back_to_a_route(martlet, origin, tmp_path):
    (tmp_path / "erp.test/public/files").mkdir(parents=True)
    (tmp_path / "erp.test/public/files/a.txt").write_text("public file")
    web = origin()
    proxy = martlet(
        """
pools: {web: {servers: [$web]}}
routes:
  - {name: backend, match: {prefix: /_never}, proxy: web}
  - {match: {prefix: /}, files: {root: $root/erp.test/public, try: ["{path}"], fallback: backend}}
""",
        web=web,
        root=tmp_path,
    )
    with proxy.connect() as client:
        assert client.get("/files/a.txt").body == b"public file"
        # Missing, a directory, and any method for what is missing go on, the target as sent.
        for method, target in (("GET", "/files/none%2F.txt?x=1"), ("GET", "/"), ("GET", "/files"), ("POST", "/api/x")):
            assert client.ask(method, target, body=b"b" if method == "POST" else None).body == b"ok"
            assert web.next_request().target == target
        assert client.ask("POST", "/files/a.txt", body=b"").status == 405


def test_precompressed_siblings(martlet, tmp_path):
    assets = tmp_path / "assets"
    assets.mkdir()
    plain = b"body { color: red }\n" * 100
    (assets / "x.css").write_bytes(plain)
    (assets / "x.css.gz").write_bytes(gzip.compress(plain))
    (assets / "x.css.br").write_bytes(b"pretend brotli")
    (assets / "y.css").write_bytes(plain)
    (assets / "z.js").write_bytes(plain)
    (assets / "z.js.gz").write_bytes(gzip.compress(plain))
    proxy = martlet("routes:\n  - match: {prefix: /assets}\n    files: {root: $root, precompressed: [br, gzip]}\n", root=tmp_path)
    with proxy.connect() as client:

        def coding(target, accept):
            response = client.get(target, {"Accept-Encoding": accept} if accept else {})
            assert response.status == 200
            return response.headers.get("Content-Encoding"), response

        for accept in (None, "identity", "gzip;q=0", "deflate", "br;q=0, gzip;q=0"):
            got, response = coding("/assets/x.css", accept)
            assert (got, response.body) == (None, plain), accept
        for accept, wanted in (
            ("gzip", "gzip"), ("gzip, deflate, br", "br"), ("GZIP", "gzip"), ("br", "br"),
            ("gzip, br;q=0", "gzip"), ("gzip;q=0.5", "gzip"), ("deflate, gzip;q=1.0", "gzip"),
        ):  # fmt: skip
            got, response = coding("/assets/x.css", accept)
            assert got == wanted, accept
            # The type and the cache key are those of what was asked for.
            assert response.headers["Content-Type"] == "text/css"
            assert "accept-encoding" in response.headers["Vary"].lower()
            if got == "gzip":
                assert gzip.decompress(response.body) == plain
        got, compressed = coding("/assets/z.js", "gzip, br")
        assert got == "gzip"
        _, identity = coding("/assets/z.js", None)
        assert identity.headers["ETag"] != compressed.headers["ETag"]
        assert "accept-encoding" in identity.headers["Vary"].lower()
        assert coding("/assets/y.css", "gzip, br")[0] is None
        # A validator of one form does not stand for the other.
        assert client.get("/assets/z.js", {"If-None-Match": compressed.headers["ETag"]}).status == 200
        again = client.get("/assets/z.js", {"If-None-Match": compressed.headers["ETag"], "Accept-Encoding": "gzip"})
        assert again.status == 304


def test_cache_control_by_pattern_and_media_types(martlet, tmp_path):
    assets = tmp_path / "assets"
    assets.mkdir()
    for name in ("app.bundle.ABC.js", "plain.js", "mod.mjs", "odd.frappe"):
        (assets / name).write_text("x")
    proxy = martlet(
        """
routes:
  - match: {prefix: /assets}
    files:
      root: $root
      cache_control:
        - {pattern: '\\.bundle\\.', value: "public, max-age=31536000, immutable"}
      media_types: {frappe: application/x-frappe}
""",
        root=tmp_path,
    )
    with proxy.connect() as client:
        assert client.get("/assets/app.bundle.ABC.js").headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Cache-Control" not in client.get("/assets/plain.js").headers
        assert client.get("/assets/mod.mjs").headers["Content-Type"] == "text/javascript"
        assert client.get("/assets/odd.frappe").headers["Content-Type"] == "application/x-frappe"


def test_links_can_be_refused(martlet, tree):
    proxy = martlet("routes:\n  - match: {prefix: /assets}\n    files: {root: $root, follow_symlinks: false}\n", root=tree)
    with proxy.connect() as client:
        assert client.get("/assets/link.css").status in (403, 404)
        assert client.get("/assets/erpnext/linked.css").status in (403, 404)
        assert client.get("/assets/app.bundle.css").status == 200


# Compressed files


GZIP_NGINX = """
gzip on; gzip_vary on; gzip_min_length 256; gzip_proxied any; gzip_comp_level 5;
gzip_types application/javascript text/css application/json;
root {root};
location /assets {{ try_files $uri =404; }}
"""

GZIP_ROUTES = """
gzip: {types: [application/javascript, text/css, application/json]}
routes:
  - match: {prefix: /assets}
    files: {root: $root}
"""

GZIP_TARGETS = ["app.bundle.7FK5PESM.js", "app.bundle.css", "page.html", "data.json", "big.bin", "pic.png", "empty.txt", "none.css"]
GZIP_FIELDS = [
    {}, {"Range": "bytes=0-9"}, {"Range": "bytes=0-9,20-29"}, {"Range": "bytes=99999999-"}, {"Range": "bytes=0-9", "If-Range": ETAG},
    {"If-None-Match": ETAG}, {"If-None-Match": "W/" + ETAG}, {"If-None-Match": '"other"'}, {"If-None-Match": "*"},
    {"If-Match": ETAG}, {"If-Match": "W/" + ETAG}, {"If-Modified-Since": DATE}, {"If-Modified-Since": EARLIER}, {"Via": "1.1 somebody"},
]  # fmt: skip
GZIP_COMPARED = ["ETag", "Last-Modified", "Content-Encoding", "Vary", "Accept-Ranges", "Content-Range"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_files_are_compressed_as_nginx_does(martlet, nginx, tree, method):
    ours, theirs = martlet(GZIP_ROUTES, root=tree), nginx(GZIP_NGINX.format(root=tree))

    def seen(address, target, fields, version):
        response = ask(address, method, target, fields, version=version)
        if response.status >= 400:
            return response.status, response.headers.get("Content-Range")
        body = response.body
        if response.headers.get("Content-Encoding") == "gzip" and method == "GET":
            body = gzip.decompress(body)
        if "multipart" in response.headers.get("Content-Type", ""):
            body = parts(response) if method == "GET" else None
        return response.status, body, {name: response.headers.get(name) for name in GZIP_COMPARED}

    wrong = []
    for accept in (None, "gzip", "gzip;q=0", "*", "br, gzip;q=0.5"):
        for version in ("1.1", "1.0"):
            for more in GZIP_FIELDS:
                for name in GZIP_TARGETS:
                    fields = more | ({"Accept-Encoding": accept} if accept else {})
                    one, other = (seen(s.address, f"/assets/{name}", fields, version) for s in (ours, theirs))
                    if one != other:
                        wrong.append(f"{version} {name} {fields}: {one} instead of {other}"[:400])
    assert not wrong, "\n".join(wrong[:20])
