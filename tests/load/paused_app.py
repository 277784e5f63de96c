"""The app of clients that read slowly: pages that emit numbered events, and some that tell what became of clients.

From the environment: ``PORT``, ``LANE``, ``CERTIFICATE`` for TLS, and ``SOCKETIO_OPTIONS``, the arguments of `SocketIO`
as a JSON object.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask

from flask_socketio import SocketIO, join_room
from tests.kit.lane import serve

app = Flask(__name__)
socketio = SocketIO(app, **json.loads(os.environ.get("SOCKETIO_OPTIONS", "{}")))
reasons: list[str] = []
emitter = ThreadPoolExecutor(1)


@socketio.on("connect")
def connect(auth: dict[str, str]) -> None:
    join_room(auth["room"])


@socketio.on("disconnect")
def disconnect(reason: str) -> None:
    reasons.append(reason)


@app.get("/emit/<room>/<int:first>/<int:count>/<int:size>")
def emit(room: str, first: int, count: int, size: int) -> str:
    """So many events, each with its number and a text of that size.

    One thread emits all of them, so that memory that pages' threads keep for themselves does not count.
    """
    emitter.submit(emit_all, room, first, count, size).result()
    return "ok"


def emit_all(room: str, first: int, count: int, size: int) -> None:
    text = "x" * size
    for number in range(first, first + count):
        socketio.emit("news", (number, text), to=room)


@app.get("/attach/<room>/<int:first>/<int:count>/<int:size>")
def attach(room: str, first: int, count: int, size: int) -> str:
    """The same with two attachments, which begin with the number."""
    for number in range(first, first + count):
        data = b"%d:" % number + bytes(size // 2)
        socketio.emit("news", (number, data, data), to=room)
    return "ok"


@socketio.on("flood")
def flood(count: int, size: int) -> None:
    emit_all("me", 0, count, size)


@app.get("/reasons")
def told() -> list[str]:
    return reasons


@app.get("/counters")
@socketio.on("counters")
def counters() -> dict[str, Any]:
    return socketio.server.counters()


asgi = socketio.asgi_app(app)

if __name__ == "__main__":
    port = int(os.environ.get("PORT", "0"))
    if certificate := os.environ.get("CERTIFICATE"):
        socketio.run(app, port=port, certfile=certificate)
    else:
        serve(asgi, port)
