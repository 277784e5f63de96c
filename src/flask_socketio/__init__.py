"""Flask-Duplex: a Socket.IO server for Flask, with the names of Flask-SocketIO."""

from .errors import ConnectionRefusedError
from .extension import SocketIO
from .functions import close_room, disconnect, emit, join_room, leave_room, rooms, send

__all__ = [
    "ConnectionRefusedError",
    "SocketIO",
    "close_room",
    "disconnect",
    "emit",
    "join_room",
    "leave_room",
    "rooms",
    "send",
]
