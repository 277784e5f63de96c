"""An application with a message queue, if there is one in the environment."""

import os

from flask import Flask

from flask_socketio import SocketIO, join_room

app = Flask("chat")
socketio = SocketIO(
    app, message_queue=os.environ.get("QUEUE"), channel=os.environ.get("CHANNEL", "chat")
)


@socketio.on("join")
def join(room: str) -> str:
    join_room(room)
    return room


@socketio.on("join", namespace="/news")
def join_news(room: str) -> str:
    return join(room)
