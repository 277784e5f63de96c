"""Which packet may arrive when, as tables.

An Engine.IO session goes OPEN -> CLOSING -> CLOSED, or straight to CLOSED; its transport is replaced at most once,
from polling to WebSocket ("Upgrade" in the protocol document). What a client may send depends on which of its
transports it comes on: `CURRENT` is the one that carries the session, `PROBING` a WebSocket that has been opened for
an existing session and not been switched to yet, and `PROBED` the same after its probe was answered.

A Socket.IO socket (a client in a namespace) goes PENDING -> CONNECTED -> DISCONNECTED, or from PENDING straight to
DISCONNECTED when it is refused. While it is CONNECTED its connection may end without it: it is DETACHED until another
one carries on.

Whatever the tables do not name is an error of the peer.
"""

from __future__ import annotations

from enum import Enum, auto

from . import engineio as eio
from . import socketio as sio
from .errors import EngineProtocolError, SocketProtocolError


class SessionState(Enum):
    """The life of an Engine.IO session."""

    OPEN = auto()
    CLOSING = auto()
    CLOSED = auto()


class TransportRole(Enum):
    """What a transport is to its session."""

    CURRENT = auto()
    PROBING = auto()
    PROBED = auto()


class EngineAction(Enum):
    """What the session does with a packet."""

    CLOSE = auto()
    PONG = auto()
    MESSAGE = auto()
    ANSWER_PROBE = auto()
    SWITCH = auto()


ENGINE_ACTIONS: dict[TransportRole, dict[str, EngineAction]] = {
    TransportRole.CURRENT: {
        eio.CLOSE: EngineAction.CLOSE,
        eio.PONG: EngineAction.PONG,
        eio.MESSAGE: EngineAction.MESSAGE,
    },
    TransportRole.PROBING: {eio.PING: EngineAction.ANSWER_PROBE},
    TransportRole.PROBED: {eio.UPGRADE: EngineAction.SWITCH},
}


def engine_action(role: TransportRole, packet: str) -> EngineAction:
    """What to do with a text packet; raises EngineProtocolError for one that may not arrive here."""
    action = ENGINE_ACTIONS[role].get(packet[:1])
    if action is None or (action is EngineAction.ANSWER_PROBE and packet != eio.PROBE):
        raise EngineProtocolError(
            f"packet {packet[:16]!r} on a transport that is {role.name.lower()}"
        )
    return action


class SocketState(Enum):
    """The life of a client in a namespace. ABSENT: there is no socket for that namespace."""

    ABSENT = auto()
    PENDING = auto()
    CONNECTED = auto()
    DETACHED = auto()
    DISCONNECTED = auto()


class SocketAction(Enum):
    """What the hub does with a packet."""

    CONNECT = auto()
    DISCONNECT = auto()
    EVENT = auto()
    ACK = auto()


SOCKET_ACTIONS: dict[SocketState, dict[int, SocketAction]] = {
    SocketState.ABSENT: {sio.CONNECT: SocketAction.CONNECT},
    SocketState.PENDING: {sio.DISCONNECT: SocketAction.DISCONNECT},
    SocketState.CONNECTED: {
        sio.DISCONNECT: SocketAction.DISCONNECT,
        sio.EVENT: SocketAction.EVENT,
        sio.ACK: SocketAction.ACK,
    },
    SocketState.DETACHED: {},
    SocketState.DISCONNECTED: {},
}


def socket_action(state: SocketState, packet: sio.Packet) -> SocketAction:
    """What to do with a packet; raises SocketProtocolError for one that may not arrive in this state."""
    action = SOCKET_ACTIONS[state].get(packet.type)
    if action is None:
        raise SocketProtocolError(
            f"{sio.TYPE_NAMES[packet.type]} packet for namespace {packet.namespace[:64]!r}, in which the client "
            f"is {state.name.lower()}"
        )
    return action
