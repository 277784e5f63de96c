"""An application whose options are in the environment; prints where it runs."""

import json
import os
from typing import Any

from flask import Flask, jsonify

from flask_socketio import SocketIO, emit

app = Flask(__name__)
options: dict[str, Any] = json.loads(os.environ.get("OPTIONS", "{}"))
socketio = SocketIO(app, **options)


@socketio.on("echo")
def echo(*args: Any) -> tuple[Any, ...]:
    emit("echoed", args)
    return args


@socketio.on("fails")
def fails() -> None:
    raise ValueError("an error of nobody's")


@socketio.on("unanswerable")
def unanswerable() -> object:
    return object()


@app.get("/tell")
def tell() -> Any:
    socketio.emit("told", {"blob": b"\0\1"})
    return jsonify(True)


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
