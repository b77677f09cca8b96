"""`martlet demo`, which is `make run`: everything inside one process."""

import asyncio
import json
import signal

import aiohttp
import pytest
import socketio

from support.martlet import BINARY, CRASH, command
from support.process import Process
from support.waiting import until
from support.wire import Client, ask, parse_address


@pytest.fixture
def demo():
    process = Process([BINARY, "demo", "--listen", "127.0.0.1:0"])
    try:
        process.address = parse_address(process.stderr.wait_for(r"(?<!admin )listening on (\S+:\d+)")[0][1])
        until(lambda: ask(process.address, "GET", "/api/whoami").status == 200, "the demo's servers are healthy")
        yield process
        process.signal(signal.SIGINT)
        assert process.wait() == 0, process.stderr.text()
        assert not CRASH.search(process.stderr.text())
    finally:
        process.kill()


def instances(address):
    return {i["name"]: i for i in json.loads(ask(address, "GET", "/api/demo/instances").body)["instances"]}


def switch(address, name, action):
    assert ask(address, "POST", f"/api/demo/instances/{name}/{action}", body=b"").status == 200


def answering(address, requests=6):
    with Client(address) as client:
        return {json.loads(client.get("/api/whoami").body)["instance"] for _ in range(requests)}


def test_the_page_and_its_assets_are_served(demo):
    with Client(demo.address) as client:
        page = client.get("/", {"Accept": "text/html"})
        assert page.status == 200
        assert page.headers["Content-Type"].startswith("text/html")
        text = page.body.decode()
        assets = [part.split('"')[0] for part in text.split('"') if part.startswith("/assets/")]
        assert len(assets) >= 2
        for asset in assets:
            response = client.get(asset)
            assert response.status == 200
            # They come from disk through Martlet, and may be kept for good.
            assert "max-age=" in response.headers["Cache-Control"] and "ETag" in response.headers
        assert json.loads(client.get("/api/method/ping").body) == {"message": "pong"}


def test_nothing_is_doubtful_about_the_demo(demo):
    assert " warning " not in demo.stderr.text()


def test_a_stopped_instance_is_noticed_and_a_started_one_comes_back(demo):
    until(lambda: len(answering(demo.address)) == 2, "two backends take turns")
    first = sorted(answering(demo.address))[0]
    switch(demo.address, first, "stop")
    until(lambda: first not in answering(demo.address), "the stopped one is left out")
    # Nobody was answered with an error meanwhile, and the page knows.
    until(lambda: instances(demo.address)[first]["healthy"] is False, "the page shows it as down")
    assert instances(demo.address)[first]["running"] is False
    switch(demo.address, first, "start")
    until(lambda: first in answering(demo.address), "the started one is back")
    until(lambda: instances(demo.address)[first]["healthy"] is True, "the page shows it as up")


def test_no_request_fails_while_an_instance_stops(demo):
    until(lambda: len(answering(demo.address)) == 2, "two backends take turns")
    first = sorted(answering(demo.address))[0]
    with Client(demo.address) as client:
        for i in range(200):
            if i == 50:
                switch(demo.address, first, "stop")
            assert client.get("/api/whoami").status == 200


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
def test_a_socketio_client_hears_the_live_channel(demo, run_async, transports):
    async def listen():
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            client = socketio.AsyncClient(http_session=session)
            ticks = asyncio.Queue()
            client.on("tick", ticks.put)
            await client.connect(f"http://{demo.address[0]}:{demo.address[1]}", transports=transports)
            heard = [await ticks.get() for _ in range(2)]
            if transports[-1] == "websocket":
                while heard[-1]["transport"] != "websocket":
                    heard.append(await ticks.get())
            assert len({h["instance"] for h in heard}) == 1
            await client.disconnect()

    run_async(listen())


def test_a_socketio_client_survives_the_end_of_its_server(demo, run_async):
    async def survive():
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            client = socketio.AsyncClient(http_session=session, reconnection_delay=0.1, reconnection_delay_max=0.5)
            ticks = asyncio.Queue()
            client.on("tick", ticks.put)
            await client.connect(f"http://{demo.address[0]}:{demo.address[1]}")
            home = (await ticks.get())["instance"]
            await asyncio.to_thread(switch, demo.address, home, "stop")
            while (await ticks.get())["instance"] == home:
                pass
            await client.disconnect()

    run_async(survive())


def test_the_demo_says_where_to_look(demo):
    said = demo.stdout.text() + demo.stderr.text()
    assert "http://" in said and str(demo.address[1]) in said


def test_an_address_that_is_taken_is_told(demo):
    address = f"{demo.address[0]}:{demo.address[1]}"
    result = command("demo", "--listen", address)
    assert result.returncode == 1
    assert address in result.stderr
