"""What the doctor looks at: an application with the options and the page that a test gives it."""

import json
import os

from flask import Flask

from flask_socketio import SocketIO

app = Flask("patient")
app.config["SECRET_KEY"] = os.environ.get("KEY", "5f0c3b9a1e7d4c2f8a6b")
socketio = SocketIO(app, **json.loads(os.environ.get("OPTIONS", "{}")))


@app.get("/")
@app.get("/<path:_path>")
def index(_path: str = "") -> str:
    return os.environ.get("PAGE", "a page")


@app.get("/static/old.socket.io.js")
def old_script() -> str:
    return "/*!\n * Socket.IO v2.3.0\n */"


@socketio.on("x")
def x() -> None:
    pass
