"""Pages that hold threads, and handshakes that go through a WSGI middleware."""

from __future__ import annotations

import os
import time

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_socketio import SocketIO

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app)  # pyright: ignore[reportAttributeAccessIssue]
socketio = SocketIO(app)


@app.get("/wait")
def wait() -> str:
    time.sleep(5)
    return "waited"


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ.get("PORT", "0")))
