"""What belongs to handlers, used outside of one."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from flask_socketio import SocketIO, close_room, disconnect, emit, join_room, rooms

from .conftest import Serve, connect

APP = """
import threading
from flask import copy_current_request_context, request
from flask_socketio import join_room

socketio = SocketIO(app)

def work():
    socketio.emit("sid", request.sid)

def work_for(sid):
    socketio.emit("sid", sid, to=sid)

@socketio.on("thread")
def thread():
    threading.Thread(target=work, name="mine").start()

@socketio.on("task")
def task():
    socketio.start_background_task(work)

@socketio.on("joins")
def joins():
    threading.Thread(target=join_room, args=["room"]).start()

@socketio.on("given")
def given():
    socketio.start_background_task(work_for, request.sid)

@socketio.on("copied")
def copied():
    socketio.start_background_task(copy_current_request_context(work))
"""
SAID = "has looked for a request, and there is one in a handler alone. Give it what it needs, start_background_task("


@pytest.mark.parametrize(("event", "name"), [("thread", "mine"), ("task", ".*")])
def test_a_request_in_a_thread(serve: Serve, event: str, name: str) -> None:
    with serve(APP) as server:
        server.allow_traceback("Working outside of request context")
        client = connect(server)
        client.emit(event)
        server.wait_for_log(re.compile(rf"thread '{name}' {re.escape(SAID)}"), 10)
        client.engine.leave()


def test_a_function_for_handlers_in_a_thread(serve: Serve) -> None:
    with serve(APP) as server:
        server.allow_traceback("there is no request.sid outside of an event handler")
        client = connect(server)
        client.emit("joins")
        said = (
            "give join_room() sid=, or use socketio.server.enter_room(sid, room); "
            "a thread of your own is given request.sid as an argument"
        )
        server.wait_for_log(re.compile(re.escape(said)), 10)
        client.engine.leave()


@pytest.mark.parametrize("event", ["given", "copied"])
def test_what_to_do(serve: Serve, event: str) -> None:
    """What the lines say is so."""
    with serve(APP) as server:
        client = connect(server)
        client.emit(event)
        client.expect("sid", client.sids["/"])
        client.engine.leave()


@pytest.mark.parametrize(
    ("call", "function", "instead"),
    [
        (lambda: emit("x", to="a", namespace="/"), "emit", "socketio.emit(event, ..., to=sid)"),
        (lambda: join_room("r", "a", "/"), "join_room", "socketio.server.enter_room(sid, room)"),
        (lambda: rooms("a", "/"), "rooms", "socketio.server.rooms(sid)"),
        (lambda: close_room("r", "/"), "close_room", "socketio.close_room(room)"),
        (lambda: disconnect("a", "/"), "disconnect", "socketio.server.disconnect(sid)"),
    ],
)
def test_no_application(call, function: str, instead: str) -> None:
    SocketIO(Flask(__name__))
    said = (
        f"{function}() has no application here: use {instead}, or call it within app.app_context()"
    )
    with pytest.raises(RuntimeError, match=re.escape(said)):
        call()
    with (
        Flask("shop").app_context(),
        pytest.raises(RuntimeError, match="the application 'shop' has no SocketIO: "),
    ):
        call()
