# ruff: noqa: E402 - patching comes first
"""An application that still patches Python's threads, by the library that is named."""

import os
import warnings

warnings.simplefilter("ignore")  # eventlet says of itself that it should not be used

if os.environ["LIBRARY"] == "gevent":
    from gevent import monkey

    monkey.patch_all()
else:
    import eventlet

    eventlet.monkey_patch()

warnings.simplefilter("default")

import time
from typing import Any

from flask import Flask, request

from flask_socketio import SocketIO, emit, join_room, rooms

app = Flask(__name__)
socketio = SocketIO(app, async_mode=os.environ["LIBRARY"])


@app.get("/page")
def page() -> list[str]:
    return ["a page"]


@socketio.on("echo")
def echo(value: Any, seconds: float = 0) -> Any:
    join_room("room")
    time.sleep(seconds)
    emit("echoed", len(rooms()))
    return value


@socketio.on("twice")
async def twice(value: str) -> str:
    return value * 2


@socketio.on("ask me")
def ask_me() -> Any:
    return socketio.call("question", to=request.sid, timeout=10)  # type: ignore[attr-defined]


@socketio.on("background")
def background() -> str:
    def work() -> None:
        socketio.sleep(0.01)
        socketio.emit("done")

    socketio.start_background_task(work).join()
    return "joined"


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
