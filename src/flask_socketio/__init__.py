"""Flask-Duplex: a Socket.IO server for Flask, with the names of Flask-SocketIO."""

# ruff: noqa: E402 - the check comes before anything that a mixed installation could break
from pathlib import Path

from .app.coinstalled import refuse_flask_socketio

refuse_flask_socketio(Path(__file__).parent)

from .app.request import request
from .errors import ConnectionRefusedError
from .extension import SocketIO
from .functions import call, close_room, disconnect, emit, join_room, leave_room, rooms, send
from .namespace import Namespace
from .test_client import SocketIOTestClient

__all__ = [
    "ConnectionRefusedError",
    "Namespace",
    "SocketIO",
    "SocketIOTestClient",
    "call",
    "close_room",
    "disconnect",
    "emit",
    "join_room",
    "leave_room",
    "request",
    "rooms",
    "send",
]
