"""The app of `paused.py`: a page that emits numbered events to everybody, and one that tells what became of clients.

From the environment: ``PORT``, ``LANE``, and ``SOCKETIO_OPTIONS``, the arguments of `SocketIO` as a JSON object.
"""

import json
import os
from typing import Any

from flask import Flask

from flask_socketio import SocketIO, join_room
from tests.kit.lane import serve

app = Flask(__name__)
socketio = SocketIO(app, **json.loads(os.environ.get("SOCKETIO_OPTIONS", "{}")))
reasons: list[str] = []


@socketio.on("connect")
def connect(auth: dict[str, str]) -> None:
    join_room(auth["room"])


@socketio.on("disconnect")
def disconnect(reason: str) -> None:
    reasons.append(reason)


@socketio.on("ack")
def ack(value: Any) -> Any:
    return value


@app.get("/emit/<room>/<int:first>/<int:count>/<int:size>")
def emit(room: str, first: int, count: int, size: int) -> str:
    """So many events, each with its number and a text of that size."""
    text = "x" * size
    for number in range(first, first + count):
        socketio.emit("news", (number, text), to=room)
    return "ok"


@app.get("/attach/<room>/<int:first>/<int:count>/<int:size>")
def attach(room: str, first: int, count: int, size: int) -> str:
    """The same with two attachments, which begin with the number."""
    for number in range(first, first + count):
        data = b"%d:" % number + bytes(size // 2)
        socketio.emit("news", (number, data, data), to=room)
    return "ok"


@app.get("/reasons")
def told() -> list[str]:
    return reasons


@app.get("/counters")
def counters() -> dict[str, Any]:
    return socketio.server.counters()


if __name__ == "__main__":
    serve(socketio.asgi_app(app), int(os.environ.get("PORT", "0")))
