# ruff: noqa: E402 - gevent patches before anything else is imported
"""The application that Flask-Duplex and Flask-SocketIO both serve; MODE is the async mode of the latter."""

import os
import sys

MODE = os.environ.get("MODE", "")
if MODE == "gevent":
    from gevent import monkey

    monkey.patch_all()

import ctypes
import logging
import time
from functools import wraps

from flask import Flask, request

from flask_socketio import SocketIO, emit, join_room, leave_room

ours = not MODE
logging.getLogger("werkzeug").setLevel(
    logging.ERROR
)  # a log line per request is not what is measured
app = Flask(__name__)
options = {} if ours else {"async_mode": MODE}
if interval := os.environ.get("PING_INTERVAL"):
    options["ping_interval"] = int(interval)
if url := os.environ.get("MESSAGE_QUEUE"):
    options["message_queue"] = url
if workers_dir := os.environ.get("WORKERS_DIR"):
    options["workers_dir"] = workers_dir
if os.environ.get("METRICS"):
    options["metrics"] = True
socketio = SocketIO(app, max_http_buffer_size=2_000_000, **options)
native = ctypes.CDLL(None)
ids = []


@app.get("/")
def page():
    return "Hello, world!"


@socketio.on("connect")
def connect():
    join_room("all")


def echo(data):
    emit("echo", data)


def passed_on(handler):
    """What a middleware for events is here: a decorator."""

    @wraps(handler)
    def middleware(*args):
        return handler(*args)

    return middleware


for _ in range(int(os.environ.get("MIDDLEWARES", "0"))):
    echo = passed_on(echo)
socketio.on("echo")(echo)


@socketio.on("shout")
def shout(data):
    emit("shout", data, to="all")


@socketio.on("swallow")
def swallow(data):
    """Takes a large message and is done with it."""


@socketio.on("enlist")
def enlist():
    ids.append(request.sid)


@socketio.on("tell")
def tell(data):
    emit("shout", data, to=ids)


@socketio.on("visit")
def visit(data):
    room = f"visit {request.sid}"
    join_room(room)
    emit("echo", data, to=room)
    leave_room(room)


@socketio.on("sleep")
def sleep(seconds):
    native.usleep(int(seconds * 1_000_000))  # nothing that patching could make cooperative


@socketio.on("burn")
def burn(seconds):
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        pass


if ours:

    @socketio.on("async echo")
    async def async_echo(data):
        emit("echo", data)


if __name__ == "__main__":
    arguments = {"workers": int(os.environ.get("WORKERS", "1"))} if ours else {"log_output": False}
    if MODE == "threading":
        arguments["allow_unsafe_werkzeug"] = True
    socketio.run(app, port=int(sys.argv[1]), **arguments)
