"""One of several servers whose messages go by topics, and that says what it has received."""

import asyncio
import logging
import os
from typing import Any

from flask import Flask, request

from flask_socketio import SocketIO, emit, join_room, leave_room

logging.basicConfig()

app = Flask(__name__)
socketio = SocketIO(app, message_queue=os.environ["QUEUE"], channel=os.environ["CHANNEL"])


@app.get("/counters")
def counters() -> dict[str, Any]:
    return socketio.server.counters()


@socketio.on("whoami")
def whoami() -> str:
    return request.sid  # type: ignore[attr-defined]


@socketio.on("join")
def join(room: str) -> str:
    join_room(room)
    return "joined"


@socketio.on("join on the loop")
async def join_on_the_loop(room: str) -> str:
    await asyncio.to_thread(join_room, room)
    return "joined"


@socketio.on("leave")
def leave(room: str) -> str:
    leave_room(room)
    return "left"


@socketio.on("put")
def put(sid: str, room: str) -> None:
    """Somebody else, and speak to the room at once."""
    socketio.server.enter_room(sid, room)
    emit("shouted", "welcome", to=room)


@socketio.on("close")
def close(room: str) -> None:
    emit("shouted", "closing", to=room)
    socketio.close_room(room)
    emit("shouted", "closed", to=room)


@socketio.on("shout")
def shout(data: Any, to: Any) -> None:
    emit("shouted", data, to=to, broadcast=True)


@socketio.on("count")
def count(rooms: list[str], times: int) -> None:
    """From one thread to one room after the other, and to everybody."""
    number = 0
    for _ in range(times):
        for room in [*rooms, None]:
            socketio.emit("shouted", number, to=room)
            number += 1


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
