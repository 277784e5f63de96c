"""@socket.io/redis-adapter, as `createAdapter` makes it, and @socket.io/redis-emitter.

Broadcasts are MessagePack on channels that name the namespace and, where it is one, the room. Everything else is JSON,
but what may hold binary, on one channel for requests and one for answers.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

from ..base import Room
from . import wire
from .dialect import Entry, Heard, IsWanted
from .messages import (
    Answer,
    Broadcast,
    ClientAck,
    ClientCount,
    Command,
    Disconnect,
    Done,
    FetchSockets,
    Incoming,
    Join,
    Leave,
    ListRooms,
    ListSids,
    MalformedError,
    Message,
    Request,
    Rooms,
    ServerEvent,
    ServerEventAck,
    Sids,
    Sockets,
    Target,
)

#: Milliseconds after which who asks forgets a broadcast's acks. Ours forgets none for that.
_ACK_TIMEOUT = 2**31 - 1


class Type(IntEnum):
    """Of requests, and of answers that have one."""

    SOCKETS = 0
    ALL_ROOMS = 1
    JOIN = 2
    LEAVE = 3
    DISCONNECT = 4
    FETCH = 5
    SERVER_EVENT = 6
    BROADCAST = 7
    CLIENT_COUNT = 8
    CLIENT_ACK = 9


class Classic:
    """`key` is the adapter's option."""

    def __init__(self, key: str, uid: str | None = None) -> None:
        self._key = key
        self.uid = uid or secrets.token_urlsafe(6)[:6]
        #: how its own broadcasts begin
        self._own = b"\x93" + wire.packed(self.uid)
        self._patterns: dict[bytes, str] = {}
        self._requests: dict[bytes, str] = {}
        self._answers: dict[bytes, str] = {}

    def channels(self, namespace: str) -> list[Command]:
        answers = self._answer_channel(namespace)
        pattern, request = self._channel(namespace) + "*", self._request_channel(namespace)
        own = f"{answers}{self.uid}#"
        self._patterns[pattern.encode()] = namespace
        self._requests[request.encode()] = namespace
        self._answers[answers.encode()] = self._answers[own.encode()] = namespace
        return [("PSUBSCRIBE", pattern), ("SUBSCRIBE", request, answers, own)]

    def room_channel(self, namespace: str, room: Room) -> str | None:
        return None

    def wake(self) -> Command:
        return "PUBLISH", f"{self._answer_channel('/')}{self.uid}#", b""

    def streams(self) -> Iterable[str]:
        return ()

    def _channel(self, namespace: str) -> str:
        return f"{self._key}#{namespace}#"

    def _request_channel(self, namespace: str) -> str:
        return f"{self._key}-request#{namespace}#"

    def _answer_channel(self, namespace: str) -> str:
        return f"{self._key}-response#{namespace}#"

    # -- writing -------------------------------------------------------------------------------

    def write(self, namespace: str, message: Message, to: str) -> Command:
        if isinstance(message, Broadcast) and message.request_id is None:
            return self._broadcast(namespace, message)
        if isinstance(message, Answer):
            return "PUBLISH", self._answer_channel(namespace), _answer(message)
        return "PUBLISH", self._request_channel(namespace), self._request(namespace, message)

    def _broadcast(self, namespace: str, message: Broadcast) -> Command:
        target = message.target
        channel = self._channel(namespace)
        if len(target.rooms) == 1:
            channel += wire.name_of(target.rooms[0]) + "#"
        packet = {"type": 2, "data": message.args, "nsp": namespace}
        return "PUBLISH", channel, wire.packed([self.uid, packet, wire.opts_of(target, {})])

    def _request(self, namespace: str, message: Request) -> bytes:
        match message:
            case Broadcast(target, args, request_id):
                return wire.packed(
                    {
                        "uid": self.uid,
                        "requestId": request_id,
                        "type": Type.BROADCAST,
                        "packet": {"type": 2, "data": args, "nsp": namespace},
                        "opts": wire.opts_of(target, {"timeout": _ACK_TIMEOUT}),
                    }
                )
            case Join(target, rooms):
                fields = {"type": Type.JOIN, "opts": _opts(target), "rooms": list(rooms)}
            case Leave(target, rooms):
                fields = {"type": Type.LEAVE, "opts": _opts(target), "rooms": list(rooms)}
            case Disconnect(target, close):
                fields = {"type": Type.DISCONNECT, "opts": _opts(target), "close": close}
            case _:
                raise TypeError(f"{message!r} is not asked here")
        return wire.as_json({"uid": self.uid, **fields})

    # -- reading -------------------------------------------------------------------------------

    def read(self, heard: Heard, is_wanted: IsWanted) -> Incoming | None:
        if heard.pattern is not None:
            return self._read_broadcast(heard, self._patterns[heard.pattern], is_wanted)
        if (namespace := self._requests.get(heard.channel)) is not None:
            return self._read_request(namespace, wire.parsed(heard.data))
        namespace = self._answers.get(heard.channel)
        if namespace is None or not heard.data:  # an empty one wakes who listens
            return None
        answer = _read_answer(wire.parsed(heard.data))
        return None if answer is None else Incoming(namespace, "", answer)

    def read_entry(self, entry: Entry) -> Incoming | None:
        """There are no streams."""

    def _read_broadcast(self, heard: Heard, namespace: str, is_wanted: IsWanted) -> Incoming | None:
        """Those for nobody here, and its own, are not decoded."""
        prefix = self._channel(namespace).encode()
        if not heard.channel.startswith(prefix) or heard.data.startswith(self._own):
            return None
        if not is_wanted(namespace, heard.channel[len(prefix) : -1].decode(errors="replace")):
            return None
        message: Any = wire.unpacked(heard.data)
        if not isinstance(message, list) or len(message) != 3:  # pyright: ignore[reportUnknownArgumentType]
            raise MalformedError("no broadcast")
        fields: dict[str, Any] = dict(zip(("uid", "packet", "opts"), message, strict=True))  # pyright: ignore[reportUnknownArgumentType]
        packet = wire.map_in(fields, "packet")
        if packet.get("nsp", "/") != namespace:
            return None
        target = wire.target_in(wire.map_in(fields, "opts"))
        uid = wire.text_in(fields, "uid")
        return Incoming(namespace, uid, Broadcast(target, wire.event_in(packet)))

    def _read_request(self, namespace: str, fields: dict[str, Any]) -> Incoming | None:
        uid = wire.optional_text_in(fields, "uid") or ""
        if uid == self.uid:
            return None
        read = _REQUESTS.get(wire.number_in(fields, "type"))
        return None if read is None else Incoming(namespace, uid, read(fields))


def _opts(target: Target) -> dict[str, Any]:
    return {"rooms": list(target.rooms), "except": list(target.skip)}


def _target(fields: dict[str, Any]) -> Target:
    """What opts say; before the adapter's release 7 it was one client."""
    if "opts" in fields:
        return wire.target_in(wire.map_in(fields, "opts"))
    return Target((wire.text_in(fields, "sid"),))


def _rooms(fields: dict[str, Any]) -> tuple[Room, ...]:
    return wire.rooms_in(fields if "opts" in fields else {"rooms": [fields.get("room")]}, "rooms")


def _confirm(fields: dict[str, Any]) -> str | None:
    return None if "opts" in fields else wire.optional_text_in(fields, "requestId")


def _id(fields: dict[str, Any]) -> str:
    return wire.text_in(fields, "requestId")


def _broadcast(fields: dict[str, Any]) -> Request:
    args = wire.event_in(wire.map_in(fields, "packet"))
    return Broadcast(_target(fields), args, _id(fields))


def _sids(fields: dict[str, Any]) -> Request:
    rooms = wire.rooms_in(fields, "rooms") if fields.get("rooms") else ()
    return ListSids(Target(rooms), _id(fields))


_REQUESTS: dict[int, Callable[[dict[str, Any]], Request]] = {
    Type.SOCKETS: _sids,
    Type.ALL_ROOMS: lambda fields: ListRooms(_id(fields)),
    Type.JOIN: lambda fields: Join(_target(fields), _rooms(fields), _confirm(fields)),
    Type.LEAVE: lambda fields: Leave(_target(fields), _rooms(fields), _confirm(fields)),
    Type.DISCONNECT: lambda fields: Disconnect(
        _target(fields), bool(fields.get("close")), _confirm(fields)
    ),
    Type.FETCH: lambda fields: FetchSockets(_target(fields), _id(fields)),
    Type.SERVER_EVENT: lambda fields: ServerEvent(
        wire.list_in(fields, "data"), wire.optional_text_in(fields, "requestId")
    ),
    Type.BROADCAST: _broadcast,
}


def _answer(message: Answer) -> bytes:
    fields: dict[str, Any] = {"requestId": message.request_id}
    match message:
        case ClientAck():
            return wire.packed({"type": Type.CLIENT_ACK, **fields, "packet": message.value})
        case ClientCount():
            fields |= {"type": Type.CLIENT_COUNT, "clientCount": message.count}
        case ServerEventAck():
            fields |= {"type": Type.SERVER_EVENT, "data": message.value}
        case Sockets():
            fields["sockets"] = message.sockets
        case Sids():
            fields["sockets"] = message.sids
        case Rooms():
            fields["rooms"] = message.rooms
        case Done():
            pass
    return wire.as_json(fields)


def _read_answer(fields: dict[str, Any]) -> Answer | None:
    """Those that it asks for."""
    type_ = fields.get("type")
    if type_ == Type.CLIENT_ACK:
        return ClientAck(_id(fields), fields.get("packet"))
    if type_ == Type.CLIENT_COUNT:
        return ClientCount(_id(fields), wire.number_in(fields, "clientCount"))
    return None
