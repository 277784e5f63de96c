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

import logging
import time
from typing import Any

from flask import Flask, request

from flask_socketio import SocketIO, emit, join_room, rooms
from flask_socketio.errors import NotServingError

logging.basicConfig()
log = logging.getLogger("app")

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


started: list[tuple[str, int]] = []


@socketio.on("before")
def before(number: int) -> None:
    started.append(("before", number))


@socketio.on("between")
async def between(number: int) -> None:
    started.append(("between", number))


@socketio.on("behind")
def behind(number: int) -> None:
    started.append(("behind", number))


@socketio.on("started")
def what_has_started() -> list[tuple[str, int]]:
    return started


@socketio.on("log")
def write_log(number: int) -> int:
    log.warning("a handler: %s", number)
    return number


@socketio.on("log on the loop")
async def write_log_on_the_loop(number: int) -> int:
    log.warning("an async handler: %s", number)
    return number


@socketio.on("fork")
def fork() -> str:
    """What a forked process says of the clients, which are its parent's."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            answer = str(socketio.server.rooms("anybody"))
        except NotServingError:
            answer = "not serving"
        os.write(writer, answer.encode())
        os._exit(0)
    return os.read(reader, 100).decode()


@socketio.on("disconnect")
def disconnected(reason: str) -> None:
    print("goodbye:", reason, flush=True)


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
