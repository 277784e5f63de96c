"""The same events on python-socketio, under uvicorn."""

import ctypes
import os
import sys

import socketio
import uvicorn

options = {}
if interval := os.environ.get("PING_INTERVAL"):
    options["ping_interval"] = int(interval)
server = socketio.AsyncServer(async_mode="asgi", max_http_buffer_size=2_000_000, **options)


@server.event
async def connect(sid, environ):
    await server.enter_room(sid, "all")


@server.event
async def echo(sid, data):
    await server.emit("echo", data, to=sid)


@server.event
async def shout(sid, data):
    await server.emit("shout", data, to="all")


@server.event
async def swallow(sid, data):
    """Takes a large message and is done with it."""


@server.event
async def sleep(sid, seconds):
    ctypes.CDLL(None).usleep(int(seconds * 1_000_000))


uvicorn.run(socketio.ASGIApp(server), port=int(sys.argv[1]), log_level="warning", access_log=False)
