"""A factory, as Flask's command line finds it by its name. A test changes this text, hence the one word on a line."""

import os
from typing import Any

from flask import Flask, request

from flask_socketio import SocketIO

ANSWER = "first"
socketio = SocketIO()


def create_app(name: str = "shop") -> Flask:
    app = Flask(__name__)
    socketio.init_app(app)

    @app.get("/")
    def index() -> dict[str, Any]:
        return {
            "answer": ANSWER,
            "name": name,
            "pid": os.getpid(),
            "debug": app.debug,
            "scheme": request.scheme,
        }

    return app


@socketio.on("answer")
def answer() -> str:
    return ANSWER
