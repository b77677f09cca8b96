"""/assets: files of the image, through a link out of the volume, never proxied."""

from ..sites import MODIFIED_DATE, tag
from .row import row

SMALL, SCRIPT, PDF = "/assets/small.txt", "/assets/frappe/script.js", "/assets/frappe/paper.pdf"
GZIP = "Accept-Encoding: gzip"

TYPES = (
    "desk.bundle.js icon.svg favicon.ico page.html data.xml app.wasm font.woff font.woff2 font.eot feed.rss feed.atom part.htc "
    "image.png photo.JPG clip.mp4 archive.tar.gz paper.pdf noextension strange.xyz .hidden "
    "module.mjs source.map table.csv notes.md site.webmanifest font.ttf font.otf"
).split()

NAMES = {
    "with a space, encoded": "with%20space.txt",
    "with a plus": "plus+plus.txt",
    "with a plus, encoded": "plus%2Bplus.txt",
    "with an umlaut, encoded": "gr%C3%BCn.txt",
    "with an umlaut, encoded in lower case": "gr%c3%bcn.txt",
    "with an umlaut, raw": "grün.txt",
    "with a percent sign, encoded": "100%25.txt",
    "with what looks like an escape, encoded": "a%2520b.txt",
    "with a semicolon": "semi;colon.txt",
    "with a quote, encoded": "quo%22te.txt",
    "with a question mark, encoded": "question%3F.txt",
    "with a hash, encoded": "hash%23.txt",
    "with a hash, which ends the path": "script.js#hash",
    "with a backslash, encoded": "back%5Cslash.txt",
    "with a backslash, raw": "back\\slash.txt",
    "spelled in escapes": "%73cript%2Ejs",
    "with a query": "script.js?v=1",
    "with an empty query": "script.js?",
}  # fmt: skip

MISSING = {
    "a missing file": "/assets/none.txt",
    "a directory": "/assets/frappe",
    "a directory with a slash": "/assets/frappe/",
    "a directory with an index": "/assets/frappe/dir/",
    "the root of the assets": "/assets",
    "the root of the assets with a slash": "/assets/",
    "a file below a file": "/assets/small.txt/more",
    "a file with a slash": "/assets/small.txt/",
    "another word that begins with assets": "/assetsfoo",
    "assets with a suffix of a page": "/assets.html",
    "a name of the wrong case": "/assets/Small.txt",
    "a name that is too long": "/assets/" + "n" * 300,
    "a dangling link": "/assets/frappe/dangling.txt",
    "a percent sign decoded only once": "/assets/frappe/100%2525.txt",
}

PATHS = {
    "merged slashes": "//assets///small.txt",
    "a dot segment": "/assets/./small.txt",
    "a dot-dot segment that stays inside": "/assets/frappe/../small.txt",
    "an escaped dot-dot segment": "/assets/frappe/%2e%2e/small.txt",
    "an escaped slash": "/assets%2Fsmall.txt",
    "an escaped slash after dots": "/assets/frappe/..%2Fsmall.txt",
    "the way from elsewhere": "/files/../assets/small.txt",
    "a link inside the assets": "/assets/lms/lms.js",
    "a link out of the image": "/assets/frappe/outside.txt",
}

ROWS = [
    row("an asset", SMALL),
    row("an empty asset", "/assets/empty.css"),
    row("a hashed bundle", "/assets/frappe/dist/js/desk.bundle.7FK5PESM.js"),
    row("a hashed style sheet", "/assets/frappe/dist/css/login.bundle.QWERTY12.css"),
    row("a hashed bundle's source map", "/assets/frappe/dist/js/desk.bundle.7FK5PESM.js.map"),
    row("the map of the bundles", "/assets/assets.json"),
    row("a large asset", "/assets/frappe/large.bin"),
    row("an asset that nobody may read", "/assets/frappe/unreadable.txt", gives=403),
    row("an asset that links to itself", "/assets/frappe/loop.txt", gives=404),
    row("the assets of another host are the same", SMALL, host="nobody.test"),
    *(row(f"the type of an asset: {name}", f"/assets/frappe/{name}") for name in TYPES),
    *(row(f"an asset whose name comes {what}", f"/assets/frappe/{name}") for what, name in NAMES.items()),
    *(row(f"no asset: {what}", target, gives=404) for what, target in MISSING.items()),
    *(row(f"an asset by {what}", target) for what, target in PATHS.items()),
    row("out of the root by dot-dot", "/assets/../../../etc/passwd", gives=400),
    row("out of the root by escapes", "/assets/%2e%2e/%2e%2e/etc/passwd", gives=400),
    row("from the assets to what is beside them: the backend is asked", "/assets/../common_site_config.json"),
    row("a doubly escaped dot-dot", "/assets/%252e%252e/apps.txt", gives=404),
    row("NUL in a path", "/assets/a%00b", gives=400),
    row("an escape that is none in an asset", "/assets/a%zzb", gives=400),
    row("an escape that is cut in an asset", "/assets/a%2", gives=400),
    # Conditional requests.
    row("If-None-Match with the tag", SMALL, f"If-None-Match: {tag(11)}", gives=304),
    row("If-None-Match with the tag made weak", SMALL, f"If-None-Match: W/{tag(11)}", gives=304),
    row("If-None-Match with the tag in a list", SMALL, f'If-None-Match: "a", {tag(11)}', gives=304),
    row("If-None-Match with a star", SMALL, "If-None-Match: *", gives=304),
    row("If-None-Match with another tag", SMALL, 'If-None-Match: "other"'),
    row("If-None-Match with a tag that has no quotes", SMALL, f"If-None-Match: {tag(11).strip(chr(34))}"),
    row("If-Modified-Since the very time", SMALL, f"If-Modified-Since: {MODIFIED_DATE}", gives=304),
    row("If-Modified-Since a later time", SMALL, "If-Modified-Since: Fri, 01 Mar 2030 12:00:00 GMT"),
    row("If-Modified-Since an earlier time", SMALL, "If-Modified-Since: Thu, 29 Feb 2024 12:00:00 GMT"),
    row("If-Modified-Since no date", SMALL, "If-Modified-Since: yesterday"),
    row(
        "If-Modified-Since holds, If-None-Match does not", SMALL, f"If-Modified-Since: {MODIFIED_DATE}", 'If-None-Match: "other"'
    ),
    row(
        "If-None-Match holds, If-Modified-Since does not",
        SMALL,
        "If-Modified-Since: Thu, 29 Feb 2024 12:00:00 GMT",
        f"If-None-Match: {tag(11)}",
    ),
    row(
        "If-None-Match and If-Modified-Since both hold",
        SMALL,
        f"If-Modified-Since: {MODIFIED_DATE}",
        f"If-None-Match: {tag(11)}",
        gives=304,
    ),
    row("If-Match with the tag", SMALL, f"If-Match: {tag(11)}"),
    row("If-Match with another tag", SMALL, 'If-Match: "other"', gives=412),
    row("If-Match with the tag made weak", SMALL, f"If-Match: W/{tag(11)}", gives=412),
    row("If-Unmodified-Since the very time", SMALL, f"If-Unmodified-Since: {MODIFIED_DATE}"),
    row("If-Unmodified-Since an earlier time", SMALL, "If-Unmodified-Since: Thu, 29 Feb 2024 12:00:00 GMT", gives=412),
    row("a conditional HEAD", SMALL, f"If-None-Match: {tag(11)}", method="HEAD", gives=304),
    row("a conditional request for what is compressed", SCRIPT, GZIP, f"If-None-Match: W/{tag(700)}", gives=304),
    # Ranges.
    row("a range", PDF, "Range: bytes=0-9", gives=206),
    row("a range to the end", PDF, "Range: bytes=1000-", gives=206),
    row("the last bytes", PDF, "Range: bytes=-24", gives=206),
    row("more last bytes than there are", PDF, "Range: bytes=-5000", gives=206),
    row("a range beyond the end is cut", PDF, "Range: bytes=1000-5000", gives=206),
    row("two ranges", PDF, "Range: bytes=0-1,5-6", gives=206),
    row("ranges that overlap", PDF, "Range: bytes=0-9,5-14", gives=206),
    row("one range of two is beyond the end", PDF, "Range: bytes=0-1,5000-", gives=206),
    row("a range beyond the end", PDF, "Range: bytes=5000-", gives=416),
    row("a range of nothing", "/assets/empty.css", "Range: bytes=0-"),
    row("a range that is backwards", PDF, "Range: bytes=9-0", gives=416),
    row("a range that is no number", PDF, "Range: bytes=a-b", gives=416),
    row("a range of another unit", PDF, "Range: lines=0-1"),
    row("a range with spaces", PDF, "Range: bytes= 0 - 1 , 5 - 6", gives=206),
    row("HEAD with a range", PDF, "Range: bytes=0-9", method="HEAD", gives=206),
    row("a range beyond the end, by HEAD", PDF, "Range: bytes=5000-", method="HEAD", gives=416),
    row("If-Range with the tag", PDF, f"If-Range: {tag(1024)}", "Range: bytes=0-9", gives=206),
    row("If-Range with another tag", PDF, 'If-Range: "other"', "Range: bytes=0-9"),
    row("If-Range with the tag made weak", PDF, f"If-Range: W/{tag(1024)}", "Range: bytes=0-9"),
    row("If-Range with the very time", PDF, f"If-Range: {MODIFIED_DATE}", "Range: bytes=0-9", gives=206),
    row("If-Range with another time", PDF, "If-Range: Thu, 29 Feb 2024 12:00:00 GMT", "Range: bytes=0-9"),
    row("a range of what could be compressed", SCRIPT, "Range: bytes=0-9", gives=206),
    row("a range of what is compressed", SCRIPT, GZIP, "Range: bytes=0-9"),
    row("a range beyond the end of what is compressed", SCRIPT, GZIP, "Range: bytes=5000-"),
    row("a range and If-None-Match", PDF, "Range: bytes=0-9", f"If-None-Match: {tag(1024)}", gives=304),
    # Methods.
    row("HEAD of an asset", SMALL, method="HEAD"),
    row("a missing asset for who asks for JSON", "/assets/none.txt", "Accept: application/json", gives=404),
    row("HEAD of a missing asset", "/assets/none.txt", method="HEAD", gives=404),
    *(
        row(f"{method} of an asset", SMALL, method=method, body=b"hello", gives=405)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "FROBNICATE")
    ),
    row("POST of an asset in chunks", SMALL, method="POST", body=(b"hello",), gives=405),
    row("POST of an asset with a large body", SMALL, method="POST", body=b"h" * 300_000, gives=405),
    row("POST of a missing asset", "/assets/none.txt", method="POST", body=b"hello", gives=404),
    row("GET of an asset with a body", SMALL, body=b"hello"),
    row("TRACE of an asset", SMALL, method="TRACE", gives=405),
]
