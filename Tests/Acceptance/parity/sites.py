"""The sites volume of a bench: what the frontend serves files from."""

import os

# 2024-03-01 12:00:00 UTC: every file's time, so that tags and dates are the same in each run.
MODIFIED = 1709294400
MODIFIED_DATE = "Fri, 01 Mar 2024 12:00:00 GMT"
SITE = "erp.test"


def tag(size):
    """The entity tag of a file of `size` bytes."""
    return f'"{MODIFIED:x}-{size:x}"'


def compressible(size):
    """Text that gzip shrinks but that is not all alike."""
    return b"".join(b"line %d of a text that repeats itself\n" % i for i in range(size // 36 + 1))[:size]


def make_sites(folder):
    """Makes `folder`/sites and the assets of an image beside it; returns the sites."""
    image = folder / "image/assets"
    sites = folder / "sites"
    files = {
        image / "probe.txt": b"probe",
        image / "small.txt": b"small text\n",
        image / "exactly255.txt": compressible(255),
        image / "exactly256.txt": compressible(256),
        image / "empty.css": b"",
        image / "assets.json": b'{"desk.bundle.js": "/assets/frappe/dist/js/desk.bundle.7FK5PESM.js"}',
        image / "frappe/dist/js/desk.bundle.7FK5PESM.js": compressible(5000),
        image / "frappe/dist/css/login.bundle.QWERTY12.css": compressible(3000),
        image / "frappe/dist/js/desk.bundle.7FK5PESM.js.map": compressible(3000),
        image / "frappe/desk.bundle.js": compressible(3000),
        image / "frappe/source.map": compressible(600),
        image / "frappe/module.mjs": compressible(1000),
        image / "frappe/icon.svg": b"<svg>" + compressible(600) + b"</svg>",
        image / "frappe/favicon.ico": compressible(600),
        image / "frappe/page.html": b"<p>" + compressible(600),
        image / "frappe/data.xml": compressible(600),
        image / "frappe/app.wasm": compressible(600),
        image / "frappe/table.csv": compressible(600),
        image / "frappe/notes.md": compressible(600),
        image / "frappe/site.webmanifest": compressible(600),
        image / "frappe/font.woff": compressible(600),
        image / "frappe/font.woff2": compressible(600),
        image / "frappe/font.ttf": compressible(600),
        image / "frappe/font.otf": compressible(600),
        image / "frappe/font.eot": compressible(600),
        image / "frappe/feed.rss": compressible(600),
        image / "frappe/feed.atom": compressible(600),
        image / "frappe/part.htc": compressible(600),
        image / "frappe/image.png": bytes(range(256)) * 8,
        image / "frappe/photo.JPG": bytes(range(256)) * 8,
        image / "frappe/clip.mp4": bytes(range(256)) * 8,
        image / "frappe/archive.tar.gz": bytes(range(256)) * 4,
        image / "frappe/paper.pdf": bytes(range(256)) * 4,
        image / "frappe/noextension": compressible(600),
        image / "frappe/strange.xyz": compressible(600),
        image / "frappe/.hidden": b"hidden",
        image / "frappe/with space.txt": b"space\n",
        image / "frappe/plus+plus.txt": b"plus\n",
        image / "frappe/100%.txt": b"percent\n",
        image / "frappe/a%20b.txt": b"percent twenty\n",
        image / "frappe/grün.txt": "grün\n".encode(),
        image / "frappe/semi;colon.txt": b"semicolon\n",
        image / 'frappe/quo"te.txt': b"quote\n",
        image / "frappe/question?.txt": b"question\n",
        image / "frappe/hash#.txt": b"hash\n",
        image / "frappe/back\\slash.txt": b"backslash\n",
        image / "frappe/unreadable.txt": b"unreadable\n",
        image / "frappe/dir/index.html": b"index\n",
        image / "frappe/index.html": b"index\n",
        image / "frappe/script.js": compressible(700),
        image / "frappe/script.js.gz": b"not a gzip of it",
        image / "frappe/large.bin": bytes(range(256)) * (3 << 12),
        image / "frappe/large.css": compressible(300_000),
        folder / "image/apps/lms/public/lms.js": compressible(400),
        folder / "image/outside.txt": b"outside\n",
        sites / "apps.txt": b"frappe\nerpnext\n",
        sites / "common_site_config.json": b'{"db_host": "db"}',
        sites / SITE / "site_config.json": b'{"db_password": "secret"}',
        sites / SITE / "public/robots.txt": b"User-agent: *\n",
        sites / SITE / "public/note.html": b"<p>never seen: the rewrite comes first",
        sites / SITE / "public/files/report.pdf": bytes(range(256)) * 10,
        sites / SITE / "public/files/photo.png": bytes(range(256)) * 10,
        sites / SITE / "public/files/page.html": b"<script>" + compressible(500),
        sites / SITE / "public/files/page.htm": b"<script>",
        sites / SITE / "public/files/page.HTML": b"<script>",
        sites / SITE / "public/files/drawing.svg": b"<svg>" + compressible(500),
        sites / SITE / "public/files/drawing.svg.png": b"not a picture",
        sites / SITE / "public/files/feed.xml": b"<xml/>" + compressible(500),
        sites / SITE / "public/files/xhtml_notes.pdf": b"pdf",
        sites / SITE / "public/files/data.json": compressible(500),
        sites / SITE / "public/files/plain.txt": compressible(500),
        sites / SITE / "public/files/empty.txt": b"",
        sites / SITE / "public/files/index.html": b"index of files",
        sites / SITE / "public/files/with space.txt": b"space\n",
        sites / SITE / "public/files/plus+plus.txt": b"plus\n",
        sites / SITE / "public/files/100%.txt": b"percent\n",
        sites / SITE / "public/files/Größe.pdf": b"umlaut\n",
        sites / SITE / "public/files/日本.txt": b"japan\n",
        sites / SITE / "public/files/sub/deep.txt": b"deep\n",
        sites / SITE / "public/files/unreadable.txt": b"unreadable\n",
        sites / SITE / "private/files/secret.pdf": bytes(range(256)) * 4,
        sites / SITE / "private/files/secret.txt": compressible(1000),
        sites / SITE / "private/files/secret.svg": b"<svg>" + compressible(1000),
        sites / SITE / "private/files/secret.html": b"<script>" + compressible(1000),
        sites / SITE / "private/files/with space.txt": b"private space\n",
        sites / SITE / "private/files/100%.txt": b"private percent\n",
        sites / SITE / "private/files/Größe.txt": b"private umlaut\n",
        sites / SITE / "private/files/quest?ion.txt": b"private question\n",
        sites / SITE / "private/files/empty.txt": b"",
        sites / SITE / "private/files/unreadable.txt": b"unreadable\n",
        sites / SITE / "private/files/noextension": b"private no extension\n",
        sites / SITE / "private/backups/20240301-erp.sql.gz": bytes(range(256)) * 4,
        sites / "fixed.test/public/files/which.txt": b"fixed\n",
        sites / "fixed.test/private/files/secret.txt": b"fixed secret\n",
        sites / "other.test/public/files/which.txt": b"other\n",
        sites / SITE / "public/files/which.txt": b"erp\n",
    }
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (MODIFIED, MODIFIED))
    links = {
        # As the image's entrypoint makes it: a link out of the volume.
        sites / "assets": image,
        # As bench makes them: from the assets into an app.
        image / "lms": folder / "image/apps/lms/public",
        image / "frappe/outside.txt": folder / "image/outside.txt",
        image / "frappe/dangling.txt": folder / "image/nowhere",
        image / "frappe/loop.txt": image / "frappe/loop.txt",
        sites / SITE / "public/files/linked.txt": folder / "image/outside.txt",
    }
    for path, target in links.items():
        path.symlink_to(target)
    for path in files:
        if path.name == "unreadable.txt":
            path.chmod(0)
    return sites
