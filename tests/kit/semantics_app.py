"""One of several processes that belong together, and that does what it is told by HTTP.

From the environment: PORT; OPTIONS, the arguments of `SocketIO` as JSON. POST /do takes what to do as JSON, a name and
arguments, and answers with the result or the error.
"""

import asyncio
import json
import logging
import os
import time
from typing import Any

from flask import Flask, request

from flask_socketio import SocketIO, join_room

logging.basicConfig()
logging.getLogger("flask_socketio.server").setLevel(logging.DEBUG)

app = Flask(__name__)
socketio = SocketIO(app, health=True, **json.loads(os.environ.get("OPTIONS", "{}")))
server = socketio.server
answers: list[list[Any]] = []


def gather(room: str, question: Any) -> None:
    """Ask a room, and keep what is answered."""
    answers.clear()
    socketio.emit("question", question, to=room, callback=lambda *args: answers.append([*args]))


def participants(room: Any) -> list[Any]:
    return sorted(server.manager.get_participants("/", room))


def participants_here(room: Any) -> list[Any]:
    return sorted(server.manager.get_participants("/", room, ignore_queue=True))


def in_session(sid: str, key: str, value: Any) -> None:
    with server.session(sid) as session:
        session[key] = value


DO: dict[str, Any] = {
    "rooms": server.rooms,
    "participants": participants,
    "participants here": participants_here,
    "get session": server.get_session,
    "save session": server.save_session,
    "in session": in_session,
    "environ": lambda sid: server.get_environ(sid)["HTTP_HOST"],
    "call": lambda sid, question, timeout: socketio.call(
        "question", question, to=sid, timeout=timeout
    ),
    "gather": gather,
    "answers": lambda: answers,
    "disconnect": server.disconnect,
    "enter room": server.enter_room,
    "leave room": server.leave_room,
    "close room": server.close_room,
    "emit": lambda data, options: socketio.emit("told", data, **options),
    "status": lambda: socketio.cluster.status,
    "counters": server.counters,
}


@app.post("/do")
def do() -> dict[str, Any]:
    name, *args = request.get_json()
    began = time.monotonic()
    try:
        answer = {"result": DO[name](*args)}
    except Exception as error:  # noqa: BLE001 - it is shown to the test
        kinds = [kind.__name__ for kind in type(error).__mro__]
        answer = {"error": str(error), "kinds": kinds, "nodes": getattr(error, "nodes", None)}
    return {**answer, "seconds": time.monotonic() - began}


@socketio.on("join")
def join(room: str) -> None:
    join_room(room)


@socketio.on("whoami")
def whoami() -> str:
    return request.sid  # type: ignore[attr-defined]


@socketio.on("await")
async def in_loop(name: str, *args: Any) -> Any:
    """As an `async def` handler asks."""
    return await asyncio.to_thread(DO[name], *args)


@socketio.on("do not await")
async def on_loop(name: str, *args: Any) -> str:
    try:
        return str(DO[name](*args))
    except RuntimeError as error:
        return f"RuntimeError: {error}"


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
