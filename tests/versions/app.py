"""An app with pages, events and a session, which says what serves it; run by the server that SERVER names."""

import os
import time
from collections.abc import Iterator

from flask import Flask, Response, g, session

from flask_socketio import SocketIO
from tests.kit.lane import lane_of

app = Flask(__name__)
app.config["SECRET_KEY"] = "secret"
socketio = SocketIO(app)


@app.get("/")
def index() -> str:
    return "a page"


@app.get("/stream")
def stream() -> Response:
    def chunks() -> Iterator[str]:
        for number in range(3):
            yield f"chunk {number}\n"
            time.sleep(0.05)

    return Response(chunks(), mimetype="text/plain")


@app.get("/lane/<sid>")
def lane(sid: str) -> str:
    return lane_of(socketio, sid)


@socketio.on("echo")
def echo(data: object) -> object:
    return data


@socketio.on("count")
def count() -> list[object]:
    """How often it was called by this client, and whether `g` is new."""
    session["count"] = session.get("count", 0) + 1
    is_new = "seen" not in g
    g.seen = True
    return [session["count"], is_new]


if __name__ == "__main__":
    port = int(os.environ["PORT"])
    if os.environ.get("SERVER") == "werkzeug":
        app.run(port=port, threaded=True)
    else:
        socketio.run(app, port=port, use_reloader=os.environ.get("SERVER") == "reloader")
