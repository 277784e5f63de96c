"""A small chat with a dashboard; the environment says how it is set up."""

import json
import logging
import os
from typing import Any

from flask import Flask

from flask_socketio import SocketIO, emit, join_room

logging.basicConfig(level=logging.INFO)
app = Flask(__name__)
options: dict[str, Any] = json.loads(os.environ.get("OPTIONS", "{}"))
socketio = SocketIO(app, ping_interval=5, **options)
settings: dict[str, Any] = {"auth": {"username": "admin", "password": "a long one"}}
socketio.instrument(**(settings | json.loads(os.environ.get("DASHBOARD", "{}"))))


@app.get("/counters")
def counters() -> dict[str, Any]:
    return socketio.server.counters()


@socketio.on("count")
def count(number: int) -> None:
    pass


@socketio.on("say")
def say(text: Any) -> int:
    emit("said", text, broadcast=True)
    return 1


@socketio.on("enter")
def enter(room: str) -> list[int]:
    join_room(room)
    return [os.getpid()]


@socketio.on("connect", namespace="/other")
def connect() -> None:
    pass


asgi = socketio.asgi_app(app)

if __name__ == "__main__":
    workers = int(os.environ.get("WORKERS", "1"))
    socketio.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "0")), workers=workers)
