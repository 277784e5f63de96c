"""An app whose numbers are looked at.

From the environment: PORT, WORKERS, TOKEN; OPTIONS, more arguments of `SocketIO` as JSON.
"""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any

from flask import Flask

from flask_socketio import Namespace, SocketIO, emit

TOKEN = "0123456789abcdef-token"

app = Flask(__name__)
socketio = SocketIO(
    app,
    metrics=os.environ.get("TOKEN", TOKEN) or True,
    health=True,
    **json.loads(os.environ.get("OPTIONS", "{}")),
)


@app.get("/pid")
def pid() -> str:
    return str(os.getpid())


@app.get("/metrics")
def metrics() -> dict[str, Any]:
    return socketio.metrics()


@socketio.on("echo")
def echo(text: str) -> None:
    emit("echo", text)


@socketio.on("slow")
def slow() -> str:
    time.sleep(0.03)
    return "done"


@socketio.on("soon")
async def soon() -> str:
    return "done"


@socketio.on("relay", namespace="*")
def relay(name: str) -> str:
    emit(name)
    return "done"


@socketio.on("look")
async def look() -> Any:
    return sorted(socketio.metrics())


@socketio.on("ask")
def ask() -> str:
    answered = threading.Event()
    emit("question", callback=lambda _: answered.set())
    answered.wait(10)
    return "answer"


class Chat(Namespace):
    def on_say(self, text: str) -> str:
        return text


socketio.on_namespace(Chat("/chat"))

if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]), workers=int(os.environ.get("WORKERS", "1")))
