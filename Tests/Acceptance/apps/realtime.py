"""A Socket.IO server like Frappe's websocket container: python-socketio on aiohttp.

INSTANCE names it in its answers. Announces its address on stdout.
"""

import asyncio
import os
import signal
import sys

import socketio
from aiohttp import WSMsgType, web

INSTANCE = os.environ.get("INSTANCE", "realtime")

server = socketio.AsyncServer(async_mode="aiohttp", ping_interval=2, ping_timeout=3)


@server.event
async def connect(sid, environ):
    await server.emit("welcome", {"instance": INSTANCE, "sid": sid}, to=sid)


@server.event
async def echo(sid, value):
    return {"instance": INSTANCE, "value": value, "transport": server.transport(sid)}


async def health(request):
    return web.json_response({"instance": INSTANCE})


async def plain_echo(request):
    """A WebSocket without Socket.IO: sends back every message as it came."""
    channel = web.WebSocketResponse(max_msg_size=0, protocols=("echo.v1",))
    await channel.prepare(request)
    async for message in channel:
        if message.type == WSMsgType.TEXT:
            await channel.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await channel.send_bytes(message.data)
    return channel


async def main(address, port):
    app = web.Application()
    server.attach(app)
    app.add_routes([web.get("/health", health), web.get("/echo", plain_echo)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, address, port, backlog=1024)
    await site.start()
    host, bound = site._server.sockets[0].getsockname()
    print(f"listening on {host}:{bound}", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
