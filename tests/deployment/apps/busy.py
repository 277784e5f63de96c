"""An application that logs and asks Redis wherever it does anything, while the server does the same."""

import logging
import os

import redis
from flask import Flask

from flask_socketio import SocketIO

logging.basicConfig(level=logging.INFO)
app = Flask(__name__)
socketio = SocketIO(
    app,
    message_queue=os.environ["QUEUE"],
    channel=os.environ["CHANNEL"],
    logger=True,
    engineio_logger=True,
)
log = logging.getLogger("busy")
store = redis.Redis.from_url(os.environ["QUEUE"])
key = os.environ["CHANNEL"]


def count(what):
    log.info("%s", what)
    number = store.incr(f"{key} {what}")
    log.info("%s: %s", what, number)
    return number


def beat():
    while True:
        socketio.emit("beat", count("beats"))
        socketio.sleep(0.05)


socketio.start_background_task(beat)


@app.get("/")
def page():
    return {"pages": count("pages")}


@socketio.on("work")
def work(name):
    socketio.emit("worked", name)
    return count(name)


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
