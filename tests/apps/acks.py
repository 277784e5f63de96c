"""Acks in both directions."""

import os

from flask import Flask

from flask_socketio import SocketIO, call, emit

app = Flask(__name__)
socketio = SocketIO(app)
answers = []

VALUES = {
    "none": None,
    "false": False,
    "empty string": "",
    "empty list": [],
    "empty tuple": (),
    "one": (1,),
    "two": (1, [2]),
    "list": [1, 2],
    "dict": {"a": {"b": None}},
    "binary": b"\0\1",
    "binary within": {"blobs": [b"1", {"b": b"2"}], "n": 1.5},
    "text": "ü€😀",
}


@socketio.on("value")
def value(name):
    return VALUES[name]


@socketio.on("emitted")
def emitted(name):
    emit("value", VALUES[name])


@socketio.on("count")
def count(*args):
    return len(args), list(args)


@socketio.on("ask me")
def ask_me(question, *args):
    return {"answer": call(question, args, timeout=10)}


@socketio.on("ask me in time")
def ask_in_time():
    try:
        return call("be silent", timeout=0.2)
    except Exception as error:  # noqa: BLE001
        return type(error).__name__


@socketio.on("call me back")
def call_me_back(data):
    emit("please answer", data, callback=answered)
    return emit("nothing")


def answered(*args):
    answers.append(args)
    emit("you answered", args)


@socketio.on("answers")
def list_answers():
    return [list(args) for args in answers]


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
