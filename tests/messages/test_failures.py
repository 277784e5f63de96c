"""Handlers that do not take what clients send, and return what is no JSON."""

from __future__ import annotations

import re

import pytest

from tests.kit.engine import EngineWebSocket

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

@socketio.on("emits a set")
def emits_a_set():
    emit("o", {1, 2})

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
            server.allow_traceback("Object of type set")
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


def test_a_traceback_begins_in_the_handler(log_of) -> None:
    shown = log_of("inside").partition("Traceback (most recent call last):\n")[2]
    assert re.match(r'  File ".*app\.py", line \d+, in ', shown)
    assert "runner.py" not in shown


def test_what_is_emitted_and_is_no_json_has_one_traceback(log_of) -> None:
    log = log_of("emits a set")
    assert log.count("Traceback") == 1
    assert "in emits_a_set" in log
    assert "TypeError: Object of type set is not JSON serializable" in log


def test_pythons_own_refusal(serve: Serve) -> None:
    """Its import has been forgotten."""
    app = """
    socketio = SocketIO(app)

    @socketio.on("connect")
    def connect():
        raise ConnectionRefusedError("wrong token")
    """
    with serve(app) as server:
        engine = EngineWebSocket.open(server.address, "/socket.io/")
        engine.send("40")
        assert engine.recv() == '44{"message":"Connection refused by server"}'
        server.wait_for_log(re.compile("from flask_socketio import ConnectionRefusedError"), 20)
        engine.leave()
    assert "Python's own ConnectionRefusedError(wrong token)" in server.log
