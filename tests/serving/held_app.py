"""`async def` handlers that hold the loop, and some that do not."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

from flask import Flask, jsonify

from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app)


@socketio.on("sleep")
async def sleeps(seconds: float) -> None:
    time.sleep(seconds)  # noqa: ASYNC251 - on purpose


@socketio.on("compute")
async def computes(seconds: float) -> None:
    await asyncio.sleep(0.01)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


@socketio.on("wait")
async def waits(seconds: float) -> None:
    await asyncio.sleep(seconds)


@socketio.on("block")
def blocks(seconds: float) -> None:
    time.sleep(seconds)


@socketio.on("stop")
async def stops() -> None:
    """At work for a moment before and after, less than a handler may be."""
    time.sleep(0.03)  # noqa: ASYNC251
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(0.03)  # noqa: ASYNC251


@app.get("/counters")
def counters() -> Any:
    return jsonify(socketio.server.counters())


if __name__ == "__main__":
    debug = "DEBUG" in os.environ
    socketio.run(app, port=int(os.environ["PORT"]), debug=debug, use_reloader=False)
