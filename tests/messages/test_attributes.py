"""What people look for in `socketio`, and where it is."""

from __future__ import annotations

import copy

import pytest
from flask import Flask

import flask_socketio
from flask_socketio import SocketIO

FUNCTIONS = ["join_room", "leave_room", "rooms", "disconnect"]


@pytest.fixture
def socketio() -> SocketIO:
    return SocketIO(Flask(__name__))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_handlers(socketio: SocketIO, name: str) -> None:
    with pytest.raises(
        AttributeError, match=rf"from flask_socketio import {name} and call"
    ) as raised:
        getattr(socketio, name)
    assert callable(getattr(flask_socketio, name))
    method = str(raised.value).rpartition("socketio.server.")[2].removesuffix("()")
    assert callable(getattr(socketio.server, method))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("request", "from flask_socketio import request"),
        ("broadcast", "without to="),
        ("nothing", "^SocketIO has no nothing$"),
    ],
)
def test_others(socketio: SocketIO, name: str, hint: str) -> None:
    with pytest.raises(AttributeError, match=hint):
        getattr(socketio, name)


def test_it_is_an_ordinary_object(socketio: SocketIO) -> None:
    """What asks for attributes that may not exist, still gets its answer."""
    assert not hasattr(socketio, "join_room")
    assert getattr(socketio, "rooms", None) is None
    assert isinstance(copy.copy(socketio), SocketIO)
