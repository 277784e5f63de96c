"""One of the machines: two processes, which share everything else with those of the other one. See README.md."""

import os

from flask import Flask, render_template, request

from flask_socketio import SocketIO, emit, join_room, leave_room

MACHINE = os.environ.get("MACHINE", "A")

app = Flask(__name__)
options = {"message_queue": os.environ.get("MESSAGE_QUEUE")}
if key := os.environ.get("CLUSTER_KEY"):  # any client may come to any machine
    options |= {"cluster_address": "127.0.0.1:0", "cluster_key": key}
socketio = SocketIO(app, **options)

#: the pages whose connections this process has, by the id of each
pages = {}


@app.get("/")
def index():
    return render_template("index.html")


@socketio.on("here")
def here(page):
    """A page says who it is; all others hear of it, and who serves it."""
    pages[request.sid] = page["id"]
    if page["room"]:
        join_room(page["room"])
    emit("here", served(page), broadcast=True)


@socketio.on("greet")
def greet(page, newcomer):
    """A page that was there before tells a newcomer, whichever process that one is in."""
    emit("here", {**served(page), "known": True}, to=newcomer)


@socketio.on("move")
def move(page, before):
    if before:
        leave_room(before)
    here(page)


@socketio.on("say")
def say(text, room):
    said = {"text": text, "room": room, **server()}
    emit("said", said, to=room) if room else emit("said", said, broadcast=True)


@socketio.on("disconnect")
def gone(reason):
    emit("gone", {"id": pages.pop(request.sid, None), "sid": request.sid}, broadcast=True)


def served(page):
    return {**page, "sid": request.sid, **server()}


def server():
    return {"machine": MACHINE, "worker": os.getpid()}
