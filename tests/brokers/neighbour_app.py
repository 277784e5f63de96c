"""A server of python-socketio's that shares a message queue with ours."""

import os
from typing import Any

import socketio
from werkzeug.serving import run_simple

manager = socketio.RedisManager(os.environ["QUEUE"], channel=os.environ["CHANNEL"])
server = socketio.Server(async_mode="threading", client_manager=manager)


@server.on("shout")
def shout(sid: str, *args: Any) -> None:
    server.emit("shouted", args)


@server.on("join")
def join(sid: str, room: str) -> None:
    server.enter_room(sid, room)


@server.on("whoami")
def whoami(sid: str) -> str:
    return sid


if __name__ == "__main__":
    run_simple("127.0.0.1", 0, socketio.WSGIApp(server), threaded=True)
