"""A server that emits much, and says what it has and how much memory that takes."""

import itertools
import logging
import os
import threading
from typing import Any

from flask import Flask

from flask_socketio import SocketIO
from tests.kit.held import held_bytes

logging.basicConfig()

app = Flask(__name__)
socketio = SocketIO(
    app,
    message_queue=os.environ["QUEUE"],
    channel=os.environ["CHANNEL"],
    health=True,
    max_backlog=int(os.environ.get("MAX_BACKLOG", "10000")),
    max_backlog_age=float(os.environ.get("MAX_BACKLOG_AGE", "60")),
)


@app.get("/counters")
def counters() -> dict[str, Any]:
    return socketio.server.counters()


@app.get("/memory")
def memory() -> dict[str, int]:
    return {"bytes": held_bytes()}


@app.get("/emit/<int:first>/<int:end>/<int:size>")
@app.get("/emit/<int:first>/<int:end>/<int:size>/<room>")
def emit(first: int, end: int, size: int, room: str | None = None) -> str:
    for number in range(first, end):
        socketio.emit("shouted", (number, chr(97 + number % 26) * size), to=room)
    return "emitted"


counting = threading.Event()


@app.get("/count")
def count() -> str:
    """Emit 0, 1, 2 and so on, one every 10 ms."""
    socketio.start_background_task(count_on)
    return "counting"


def count_on() -> None:
    for number in itertools.count():
        if counting.wait(0.01):
            break
        socketio.emit("counted", number)


@app.get("/stop")
def stop() -> str:
    counting.set()
    return "stopped"


@socketio.on("echo")
def echo(text: str) -> str:
    return text


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
