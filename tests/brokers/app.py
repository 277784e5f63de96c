"""One of several servers that share a message queue."""

import asyncio
import os
from typing import Any

from flask import Flask, request

from flask_socketio import SocketIO, emit, join_room, rooms

app = Flask(__name__)
socketio = SocketIO(app, message_queue=os.environ["QUEUE"], channel=os.environ["CHANNEL"])


@app.get("/counters")
def counters() -> dict[str, Any]:
    return socketio.server.counters()


@socketio.on("join")
def join(room: str) -> list[Any]:
    join_room(room)
    return rooms()


@socketio.on("rooms")
def list_rooms() -> list[Any]:
    return rooms()


@socketio.on("whoami")
def whoami() -> str:
    return request.sid  # type: ignore[attr-defined]


@socketio.on("shout")
def shout(data: Any, options: dict[str, Any]) -> None:
    emit("shouted", data, broadcast=True, **options)


@socketio.on("on behalf")
def on_behalf(method: str, *args: Any) -> None:
    getattr(socketio.server, method)(*args)


@socketio.on("ask")
def ask(sid: str, question: Any) -> Any:
    return socketio.call("question", question, to=sid, timeout=10)


@socketio.on("ask and tell")
def ask_and_tell(sid: str, question: Any) -> None:
    async def tell(*answer: Any) -> None:
        await asyncio.sleep(0.01)
        socketio.emit("shouted", answer)
        raise SystemExit("of the callback")

    emit("question", question, to=sid, callback=tell)


@socketio.on("everybody, answer")
def everybody_answer() -> str:
    try:
        emit("question", broadcast=True, callback=print)
    except ValueError as error:
        return str(error)
    return "no error"


@socketio.on("everybody here, answer")
def everybody_here_answer() -> str:
    def answered(*args: Any) -> None:
        emit("shouted", "here has answered")

    emit("question", 1, broadcast=True, callback=answered, ignore_queue=True)
    return "asked"


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
