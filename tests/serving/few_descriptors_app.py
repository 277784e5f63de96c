"""An app that may have few file descriptors: NOFILE of them. LOOP from the environment: uvloop or asyncio."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from flask import Flask

from flask_socketio import SocketIO

if os.environ["LOOP"] == "asyncio":
    sys.modules["uvloop"] = None  # pyright: ignore[reportArgumentType] - as if it were not installed
limit = int(os.environ["NOFILE"])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

app = Flask(__name__)
socketio = SocketIO(app, health=True, keep_alive_timeout=0)


@app.get("/counters")
def counters() -> dict[str, object]:
    return socketio.server.counters()


@socketio.on("open")
def open_file() -> int:
    return len(Path(__file__).read_bytes())


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ.get("PORT", "0")))
