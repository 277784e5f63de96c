"""What `ClusterAdapter` of socket.io-adapter says: the messages of the streams adapter and of the sharded one.

Both have the same maps, with a `type`, the sender's `uid`, the namespace and `data`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from . import wire
from .messages import (
    Broadcast,
    ClientAck,
    ClientCount,
    Disconnect,
    FetchSockets,
    Incoming,
    Join,
    Leave,
    MalformedError,
    Message,
    ServerEvent,
    ServerEventAck,
    Sockets,
    Target,
)

#: Milliseconds after which who asks forgets a broadcast's acks. Ours forgets none for that.
_ACK_TIMEOUT = 2**31 - 1


class Type(IntEnum):
    BROADCAST = 3
    JOIN = 4
    LEAVE = 5
    DISCONNECT = 6
    FETCH = 7
    SOCKETS = 8
    SERVER_EVENT = 9
    SERVER_EVENT_ACK = 10
    CLIENT_COUNT = 11
    CLIENT_ACK = 12


def new_id() -> str:
    """Of a member, or of a request."""
    return secrets.token_hex(8)


def envelope(uid: str, namespace: str, message: Message) -> dict[str, Any]:
    """Raises TypeError for what this wire does not have."""
    type_, data = _fields(message)
    return {"type": int(type_), "uid": uid, "nsp": namespace, "data": data}


def _fields(message: Message) -> tuple[Type, dict[str, Any]]:
    match message:
        case Broadcast(target, args, request_id):
            data: dict[str, Any] = {"packet": {"type": 2, "data": args}}
            if request_id is None:
                return Type.BROADCAST, {**data, "opts": wire.opts_of(target, {})}
            opts = wire.opts_of(target, {"timeout": _ACK_TIMEOUT})
            return Type.BROADCAST, {**data, "opts": opts, "requestId": request_id}
        case Join(target, rooms):
            return Type.JOIN, {"opts": wire.opts_of(target, {}), "rooms": list(rooms)}
        case Leave(target, rooms):
            return Type.LEAVE, {"opts": wire.opts_of(target, {}), "rooms": list(rooms)}
        case Disconnect(target, close):
            return Type.DISCONNECT, {"opts": wire.opts_of(target, {}), "close": close}
        case ClientCount(request_id, count):
            return Type.CLIENT_COUNT, {"requestId": request_id, "clientCount": count}
        case ClientAck(request_id, value):
            return Type.CLIENT_ACK, {"requestId": request_id, "packet": value}
        case Sockets(request_id, sockets):
            return Type.SOCKETS, {"requestId": request_id, "sockets": sockets}
        case ServerEventAck(request_id, value):
            return Type.SERVER_EVENT_ACK, {"requestId": request_id, "packet": value}
        case _:
            raise TypeError(f"{message!r} is not said here")


def opened(fields: dict[str, Any], uid: str) -> Incoming | None:
    """The message, if it is another's and of a known type."""
    sender = wire.text_in(fields, "uid")
    if sender == uid:
        return None
    message = _message(wire.number_in(fields, "type"), fields)
    return None if message is None else Incoming(wire.text_in(fields, "nsp"), sender, message)


def _message(type_: int, fields: dict[str, Any]) -> Message | None:
    if type_ not in _READERS:  # heartbeats, for one
        return None
    try:
        return _READERS[type_](wire.map_in(fields, "data"))
    except KeyError as error:
        raise MalformedError(f"{error} is missing") from None


def _broadcast(data: dict[str, Any]) -> Message:
    target = wire.target_in(wire.map_in(data, "opts"))
    args = wire.event_in(wire.map_in(data, "packet"))
    return Broadcast(target, args, wire.optional_text_in(data, "requestId"))


def _target(data: dict[str, Any]) -> Target:
    return wire.target_in(wire.map_in(data, "opts"))


def _id(data: dict[str, Any]) -> str:
    return wire.text_in(data, "requestId")


_READERS: dict[int, Callable[[dict[str, Any]], Message]] = {
    Type.BROADCAST: _broadcast,
    Type.JOIN: lambda data: Join(_target(data), wire.rooms_in(data, "rooms")),
    Type.LEAVE: lambda data: Leave(_target(data), wire.rooms_in(data, "rooms")),
    Type.DISCONNECT: lambda data: Disconnect(_target(data), bool(data.get("close"))),
    Type.FETCH: lambda data: FetchSockets(_target(data), _id(data)),
    Type.SERVER_EVENT: lambda data: ServerEvent(
        wire.list_in(data, "packet"), wire.optional_text_in(data, "requestId")
    ),
    Type.CLIENT_COUNT: lambda data: ClientCount(_id(data), wire.number_in(data, "clientCount")),
    Type.CLIENT_ACK: lambda data: ClientAck(_id(data), data.get("packet")),
}
