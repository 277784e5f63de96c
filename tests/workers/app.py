"""An app that several processes serve, and that says which of them has answered.

From the environment: PORT, WORKERS, CERTIFICATE; OPTIONS, the arguments of `SocketIO` as JSON; FAILS, a file that keeps
workers from starting while it is there.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from flask import Flask, request

from flask_socketio import SocketIO, disconnect, emit, join_room
from tests.kit.held import held_bytes

app = Flask(__name__)
socketio = SocketIO(app, health=True, **json.loads(os.environ.get("OPTIONS", "{}")))


@app.get("/")
def index() -> dict[str, Any]:
    return {"pid": os.getpid(), **socketio.server.counters()}


@app.get("/tell/<room>/<text>")
def tell(room: str, text: str) -> str:
    socketio.emit("told", text, to=room)
    return "told"


@app.get("/emit/<int:count>/<int:size>")
def emit_much(count: int, size: int) -> str:
    for number in range(count):
        socketio.emit("much", (number, "x" * size), to="nobody")
    return "emitted"


@app.get("/memory")
def memory() -> dict[str, int]:
    return {"bytes": held_bytes()}


@app.get("/kick/<sid>")
def kick(sid: str) -> str:
    disconnect(sid, namespace="/")
    return "kicked"


@app.get("/stop")
def stop() -> str:
    socketio.stop()
    return "stopping"


@socketio.on("connect")
def connect() -> None:
    emit("welcome", {"pid": os.getpid(), "sid": request.sid})  # pyright: ignore[reportAttributeAccessIssue]


@socketio.on("echo")
def echo(data: Any) -> Any:
    return data


@socketio.on("join")
def join(room: str) -> None:
    join_room(room)


@socketio.on("tell")
def tell_room(message: list[str]) -> None:
    room, text = message
    emit("told", text, to=room)


@socketio.on("shout")
def shout(data: Any) -> None:
    emit("shouted", data, broadcast=True)


if __name__ == "__main__":
    if (
        Path(os.environ.get("FAILS", "/nonexistent")).exists()
        and "FLASK_DUPLEX_WORKER" in os.environ
    ):
        sys.exit("this worker does not start, on purpose")
    socketio.run(
        app,
        port=int(os.environ["PORT"]),
        workers=int(os.environ["WORKERS"]),
        certfile=os.environ.get("CERTIFICATE"),
    )
