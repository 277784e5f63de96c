"""An application that is stopped while clients are there. OPTIONS in the environment: those of SocketIO, as JSON."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any

from flask import Flask

from flask_socketio import SocketIO

app = Flask(__name__)
options: dict[str, Any] = json.loads(os.environ.get("OPTIONS", "{}"))
socketio = SocketIO(app, **{"health": True, **options})


@socketio.on("slow")
def slow(seconds: float) -> str:
    time.sleep(seconds)
    print("slow handler has returned", flush=True)
    return "done"


@socketio.on("disconnect")
def gone() -> None:
    print("a client is gone", flush=True)


@socketio.on("stop")
def stop() -> None:
    """From a thread that is none of the server's."""
    threading.Thread(target=socketio.stop).start()


socketio.run(app, port=int(os.environ["PORT"]))
print("run has returned", flush=True)
