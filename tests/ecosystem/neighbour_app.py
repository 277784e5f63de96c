"""python-socketio beside us: what applications import from it and use together with an instance of ours."""

import os
from typing import Any

import engineio
import socketio as neighbour
from flask import Flask, request
from werkzeug.serving import run_simple

from flask_socketio import SocketIO, call, emit

app = Flask(__name__)
app.config["SECRET_KEY"] = "secret!"
engineio.payload.Payload.max_decode_packets = 30  # a setting of many; it means nothing here
# That client sometimes forgets to say goodbye over polling; then it waits for a ping.
socketio = SocketIO(app, ping_interval=1)


@app.get("/")
def page() -> str:
    return "a page"


@socketio.on("connect")
def connect(auth: Any) -> None:
    if auth == {"refuse": True}:
        raise neighbour.exceptions.ConnectionRefusedError("not you", {"code": 7})


@socketio.on("hello")
def hello(name: str) -> list[Any]:
    emit("greeted", name)
    return [f"hello {name}", request.path]


@socketio.on("ask in vain")
def ask_in_vain() -> str:
    try:
        call("silence", timeout=0.1)
    except TimeoutError as error:
        assert not isinstance(error, neighbour.exceptions.TimeoutError)
        return "TimeoutError"
    return "answered"


wsgi: Any = app
how = os.environ["HOW"]
if how == "WSGIApp":
    wsgi = neighbour.WSGIApp(socketio.server, app)
elif how == "Middleware":
    wsgi = neighbour.Middleware(socketio.server, app)
elif how == "another path":
    wsgi = neighbour.WSGIApp(socketio.server, app, socketio_path="elsewhere")
elif how == "alone":
    wsgi = neighbour.WSGIApp(socketio.server)
elif how in ("around", "run"):
    app.wsgi_app = neighbour.WSGIApp(socketio.server, app.wsgi_app)  # type: ignore[method-assign]

if __name__ == "__main__":
    port = int(os.environ["PORT"])
    if how == "run":
        socketio.run(app, port=port)
    else:
        run_simple("127.0.0.1", port, wsgi, threaded=True)
