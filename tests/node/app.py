"""A server of ours among Node's; it does what it is told: POST /run has Python to evaluate."""

import os
import threading
from typing import Any

from flask import Flask, request

from flask_socketio import SocketIO, rooms

app = Flask(__name__)
socketio = SocketIO(app, message_queue=os.environ["QUEUE"])

#: what callbacks were called with
answers: list[Any] = []


@app.post("/run")
def run() -> list[Any]:
    return [eval(request.get_data(as_text=True), globals())]  # noqa: S307 - by the test


def ask_room(event: str, room: str, count: int) -> list[Any]:
    """What so many clients answer."""
    found: list[Any] = []
    enough = threading.Event()

    def answered(*args: Any) -> None:
        found.append(list(args))
        if len(found) == count:
            enough.set()

    socketio.emit(event, to=room, callback=answered)
    enough.wait(10)
    return sorted(found)


@socketio.on("whoami")
def whoami() -> str:
    return request.sid  # type: ignore[attr-defined]


@socketio.on("rooms")
def list_rooms() -> list[Any]:
    return rooms()


@socketio.on("nothing", namespace="/chat")
def nothing() -> None:
    pass


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
