"""The application behind each server of answers.py: it says what it was asked.

Run as a script it is served by `socketio.run`; `asgi` is for uvicorn, `plain`, which knows nothing of us, for gunicorn.
"""

from __future__ import annotations

import json

from flask import Flask, Response, request

from flask_socketio import SocketIO


def say() -> Response:
    """Called before any route is looked for."""
    environ = request.environ
    headers = {name: value for name, value in environ.items() if name.startswith("HTTP_X")}
    named = [environ[name] for name in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING")]
    said = [*named, request.get_data().hex(), environ.get("HTTP_HOST"), headers]
    return Response(json.dumps(said, sort_keys=True), headers={"X-Method": request.method})


plain = Flask(__name__)
plain.before_request(say)
app = Flask(__name__)
app.before_request(say)
socketio = SocketIO(app)
asgi = socketio.asgi_app(app)


if __name__ == "__main__":
    socketio.run(app, "127.0.0.1", 0)
