"""config/erpnext.yaml as it is shipped, with real peers behind it."""

import asyncio
import json
import re

import pytest
import socketio

from support.martlet import ROOT


@pytest.fixture
def front(martlet, gunicorn, realtime, tmp_path):
    """Martlet with the shipped file, and everything that it names."""
    sites = tmp_path / "sites"
    image = tmp_path / "bench/assets"
    (image / "frappe/dist/js").mkdir(parents=True)
    (image / "frappe/dist/js/desk.bundle.7FK5PESM.js").write_text("desk")
    (image / "frappe/icon.svg").write_text("<svg/>")
    sites.mkdir()
    # As the image's entry point makes it: a link out of the root.
    (sites / "assets").symlink_to(image)
    public = sites / "erp.test/public/files"
    public.mkdir(parents=True)
    (public / "report.pdf").write_text("pdf")
    (public / "page.html").write_text("<script>")
    private = sites / "erp.test/private/files"
    private.mkdir(parents=True)
    (private / "secret.pdf").write_text("secret")
    (sites / "common_site_config.json").write_text('{"db_password": "x"}')

    web = [gunicorn("merged-a", workers=1), gunicorn("merged-b", workers=1)]
    sockets = [realtime("realtime-a"), realtime("realtime-b")]
    # An exit takes its time on a platform, but not here.
    text = re.sub(r"lame_duck: \S+", "lame_duck: 0s", (ROOT / "config/erpnext.yaml").read_text())
    return martlet(
        text,
        env={
            "LISTEN": "127.0.0.1:0",
            "ADMIN": "127.0.0.1:0",
            "BACKENDS": ",".join(map(str, web)),
            "WEBSOCKETS": ",".join(map(str, sockets)),
            "SITE": "erp.test",
            "SITES_DIRECTORY": str(sites),
        },
    ).wait_all_up()


def test_the_shipped_configuration_serves_erpnext(front, run_async):
    def get(target, **more):
        return front.get(target, host="erp.test", **more)

    bundle = get("/assets/frappe/dist/js/desk.bundle.7FK5PESM.js")
    assert (bundle.body, bundle.headers["Content-Type"]) == (b"desk", "application/javascript")
    assert "immutable" in bundle.headers["Cache-Control"]
    assert "immutable" not in get("/assets/frappe/icon.svg").headers.get("Cache-Control", "")
    assert get("/assets/frappe").status == 404

    assert get("/files/report.pdf").body == b"pdf"
    page = get("/files/page.html")
    assert (page.body, page.headers["Content-Disposition"]) == (b"<script>", "attachment")
    for hidden in ("/private/files/secret.pdf", "/common_site_config.json", "/files/../../private/files/secret.pdf", "/assets/../common_site_config.json"):
        response = get(hidden)
        assert response.status in (404, 400) and b"secret" not in response.body and b"db_password" not in response.body
    # What is not public, the backend answers: here with its own 404.
    assert json.loads(get("/files/none.pdf").body)["exc_type"] == "DoesNotExistError"

    assert json.loads(get("/api/method/ping").body) == {"message": "pong"}
    seen = json.loads(get("/echo?x=a%2Fb", headers={"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}).body)
    assert seen["target"] == "/echo?x=a%2Fb"
    assert seen["headers"]["X-Forwarded-For"] == "203.0.113.7"
    assert seen["headers"]["X-Forwarded-Proto"] == "https"
    assert seen["headers"]["Host"] == "erp.test"
    answering = {get("/api/method/ping").headers["X-Instance"] for _ in range(20)}
    assert answering <= {"merged-a", "merged-b"}

    async def talk():
        one = socketio.AsyncClient()
        await one.connect(f"http://{front.address[0]}:{front.address[1]}", headers={"Cookie": "sid=me"})
        while one.eio.transport() != "websocket":
            await asyncio.sleep(0.01)
        assert (await one.call("echo", "hello"))["value"] == "hello"
        await one.disconnect()

    run_async(talk())
