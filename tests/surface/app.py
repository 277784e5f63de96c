"""The app that `test_wire` talks to. OPTIONS in the environment: more arguments for `SocketIO`, as JSON."""

from __future__ import annotations

import builtins
import json
import os
import warnings
from typing import Any

from flask import Flask, request

import flask_socketio
from flask_socketio import ConnectionRefusedError, Namespace, SocketIO, call, disconnect, emit

app = Flask(__name__)
app.config["SECRET_KEY"] = "secret!"
options = json.loads(os.environ.get("OPTIONS", "{}"))
if options.get("cors_allowed_origins") == "callable":
    options["cors_allowed_origins"] = lambda origin: origin == "http://friend.example"
if isinstance(options.get("ping_interval"), list):
    options["ping_interval"] = tuple(options["ping_interval"])
with warnings.catch_warnings(action="ignore"):  # of what no longer means anything here
    socketio = SocketIO(app, **options)

REFUSALS: dict[str, Any] = {
    "none": ConnectionRefusedError(),
    "one": ConnectionRefusedError("members only"),
    "two": ConnectionRefusedError("members only", {"code": 7}),
    "three": ConnectionRefusedError("members only", 7, "later"),
    "builtin": builtins.ConnectionRefusedError("members only"),
}
RESULTS: dict[str, Any] = {
    "none": None,
    "false": False,
    "zero": 0,
    "empty": "",
    "list": [1, 2],
    "tuple": (1, "two"),
    "no elements": (),
    "pair in a tuple": ([1, 2],),
    "dict": {"a": [None]},
    "bytes": b"\x00\x01",
}


@app.get("/")
def page() -> str:
    return "a page"


@socketio.on("connect")
def connected(auth: Any) -> Any:
    wish = auth.get("refuse") if isinstance(auth, dict) else None
    if wish in REFUSALS:
        raise REFUSALS[wish]
    return wish != "false"


@socketio.on("disconnect")
def disconnected(reason: str) -> None:
    socketio.emit("gone", (reason,), to="watchers")


@socketio.on("watch")
def watch() -> None:
    flask_socketio.join_room("watchers")


@socketio.on("result")
def result(which: str) -> Any:
    return RESULTS[which]


@socketio.on("arguments")
def arguments(*args: Any) -> None:
    emit("arguments", args)


@socketio.on("message")
def message(data: Any) -> None:
    flask_socketio.send([data], json=isinstance(data, dict))


@socketio.on("values")
def values() -> None:
    for value in (None, (), "text", (1, 2), [1, 2], {"n": 1.5}, True, [b"\x01", {"b": b"\x02"}]):
        emit("value", value)


@socketio.on("with callback")
def with_callback() -> None:
    def answered(*args: Any) -> None:
        emit("answered", (request.event, args))  # type: ignore[attr-defined]

    emit("question", 42, callback=answered)


@socketio.on("asking")
def asking(timeout: float) -> Any:
    try:
        return {"answer": call("question", 42, timeout=timeout)}
    except Exception as error:  # noqa: BLE001
        return type(error).__name__


@socketio.on("throw me out")
def throw_me_out() -> str:
    disconnect()
    return "still answered"


@socketio.on("large")
def large(size: int) -> None:
    emit("large", "x" * size)


class Room(Namespace):
    def on_hello(self, name: str) -> str:
        return f"hello {name}"


socketio.on_namespace(Room("/room"))

if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
