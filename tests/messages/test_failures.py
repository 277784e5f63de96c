"""Handlers that do not take what clients send, and return what is no JSON."""

from __future__ import annotations

import re

import pytest

from .conftest import Serve, connect

APP = """
import functools
from flask import jsonify

socketio = SocketIO(app, ack_errors=True)

@socketio.on("move")
def move(x, y): ...

@socketio.on("move async")
async def move_async(x, y): ...

def wrapped(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        return function(*args, **kwargs)
    return call

@socketio.on("decorated")
@wrapped
def decorated(x): ...

class Board(Namespace):
    def on_turn(self, card): ...

socketio.on_namespace(Board("/"))

@socketio.on("inside")
def inside(*args):
    int.from_bytes()

@socketio.on("json")
def answer():
    return jsonify(a=1)

@socketio.on("object")
def returns_object():
    return object()
"""
FAILED = "handler of event {!r} in namespace '/' failed: the client has sent {}: "


@pytest.fixture
def log_of(serve: Serve):
    def log_of(event: str, *args: object) -> str:
        with serve(APP) as server:
            server.allow_traceback("from_bytes")
            client = connect(server)
            assert client.call(event, *args) == [{"error": "the handler of this event failed"}]
            client.engine.leave()
            return server.log

    return log_of


@pytest.mark.parametrize(
    ("event", "args", "sent", "name", "signature"),
    [
        ("move", (1, "a", None), "3 arguments, 1, 'a', None", "move", "move(x, y)"),
        ("move", (), "no argument", "move", "move(x, y)"),
        ("move async", (["x\n"],), r"1 argument, ['x\n']", "move_async", "move_async(x, y)"),
        ("decorated", (1, 2), "2 arguments, 1, 2", "decorated", "decorated(x)"),
        ("turn", (), "no argument", "Board.on_turn", "on_turn(card)"),
    ],
)
def test_arguments_that_do_not_fit(
    log_of, event: str, args: tuple[object, ...], sent: str, name: str, signature: str
) -> None:
    log = log_of(event, *args)
    (line,) = [line for line in log.splitlines() if "failed" in line]
    assert line.startswith(FAILED.format(event, sent))
    assert re.search(
        rf"\. It is {re.escape(name)} \(.*app\.py:\d+\), called as {re.escape(signature)}; \*args",
        line,
    )
    assert "Traceback" not in log


def test_what_is_shown_is_cut(log_of) -> None:
    log = log_of("move", "x" * 10_000, *(["y" * 1_000] * 99))
    (line,) = [line for line in log.splitlines() if "failed" in line]
    assert "the client has sent 100 arguments, 'xxx" in line
    assert len(line) < 800


def test_a_type_error_of_the_handlers_own(log_of) -> None:
    """Is shown where it is."""
    log = log_of("inside")
    assert "handler of event 'inside' in namespace '/' failed\nTraceback" in log
    assert "int.from_bytes()" in log


def test_what_is_no_json(log_of) -> None:
    log = log_of("object")
    where = (
        r"what its handler returns_object \(.*app\.py:\d+\) returned cannot be encoded: .*object"
    )
    assert re.search(rf"no ack for event 'object': {where}", log)
    log = log_of("json")
    assert "jsonify() and Response are for views: return the dict or the list itself" in log
