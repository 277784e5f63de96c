"""An ordinary application: the one that all the command lines serve."""

import os

from flask import Flask, request

from flask_socketio import SocketIO, emit

app = Flask(__name__)
socketio = SocketIO(app)
clients = set()


@app.get("/")
def index():
    return sorted(clients)


@socketio.on("connect")
def connect():
    clients.add(request.sid)


@socketio.on("disconnect")
def disconnect(reason):
    clients.discard(request.sid)


@socketio.on("say")
def say(text):
    emit("said", text, broadcast=True)
    return text.upper()


@socketio.on("transport")
def transport():
    return socketio.server.transport(request.sid, "/")


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
