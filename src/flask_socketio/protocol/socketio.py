"""Socket.IO v5: packets <-> frames.

https://github.com/socketio/socket.io-protocol, revision 5. A frame is the payload of one Engine.IO message; a packet
with attachments is one text frame and as many binary frames. The binary types 5 and 6 are a matter of the wire alone:
a decoded packet is an EVENT or an ACK.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from . import json
from .engineio import MESSAGE, REVISION
from .errors import SocketProtocolError
from .message import EventMessage, Message

CONNECT: Final = 0
DISCONNECT: Final = 1
EVENT: Final = 2
ACK: Final = 3
CONNECT_ERROR: Final = 4
BINARY_EVENT: Final = 5
BINARY_ACK: Final = 6
TYPE_NAMES = (
    "CONNECT",
    "DISCONNECT",
    "EVENT",
    "ACK",
    "CONNECT_ERROR",
    "BINARY_EVENT",
    "BINARY_ACK",
)

#: How packets begin, as messages of each revision of Engine.IO: by their type.
HEADS = {REVISION: tuple(f"{MESSAGE}{type_}".encode() for type_ in range(7))}

#: Names that belong to the protocol's own life cycle; events of theirs are refused, in either direction.
RESERVED_EVENTS = frozenset(
    ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")
)

#: What an event's name is: a client's, and one that clients take.
CLIENT_NAMES = str
SERVER_NAMES = (str, int, float)

_INFINITY = float("inf")

#: Ack ids are counted by the client from 0; more digits than this are no counter.
_MAX_ID_DIGITS = 16
_DIGITS = re.compile("[0-9]+")
#: Bytes in a namespace's name, which the server keeps per client.
_MAX_NAMESPACE = 512


Names = type | tuple[type, ...]


@dataclass(slots=True, init=False)
class Packet:
    """`data` is a list for EVENT (name first) and ACK, an object or None for CONNECT and CONNECT_ERROR."""

    type: int
    namespace: str
    data: Any
    id: int | None
    #: as how many packets it counts among those that wait or are being handled
    weight: int

    # Written out where one is made for every packet: what `dataclass` writes is never compiled.
    def __init__(
        self,
        type: int,
        namespace: str = "/",
        data: Any = None,
        id: int | None = None,
        weight: int = 1,
    ) -> None:
        self.type = type
        self.namespace = namespace
        self.data = data
        self.id = id
        self.weight = weight


@dataclass(slots=True, init=False)  # frozen ones take three times as long to make
class Body:
    """Encoded data: everything of a packet that does not depend on who receives it."""

    data: bytes
    attachments: tuple[bytes, ...]

    def __init__(self, data: bytes, attachments: tuple[bytes, ...] = ()) -> None:
        self.data = data
        self.attachments = attachments


class PacketDecoder(Protocol):
    """Frames of one client -> packets. Both methods raise SocketProtocolError."""

    def feed_text(self, frame: str) -> Packet | None:
        """Take a text frame; return the packet it completes."""
        ...

    def feed_binary(self, frame: bytes) -> Packet | None:
        """Take a binary frame; return the packet it completes."""
        ...

    @property
    def awaited(self) -> Packet | None:
        """The packet whose attachments are due, if there is one."""
        ...


class Codec(Protocol):
    """Packets <-> frames. A packet's data is encoded first, on the thread that has it, and for all who receive it."""

    def encode_body(self, data: Any) -> Body:
        """Encode a packet's data. Raises TypeError for what cannot be expressed."""
        ...

    def encode(
        self, type_: int, namespace: str, body: Body | None = None, id_: int | None = None
    ) -> Message:
        """The frames of a packet, as one Engine.IO message."""
        ...

    def decoder(self, max_attachments: int, names: Names = CLIENT_NAMES) -> PacketDecoder:
        """What decodes the frames of one client, or of the server; `names` are the types of an event's name."""
        ...


_NO_DATA = Body(b"")


class Decoder:
    """Frames of one client -> packets; holds the packet whose attachments are still to come."""

    __slots__ = ("_attachments", "_due", "_loads", "_names", "_packet", "max_attachments")

    def __init__(
        self,
        max_attachments: int,
        loads: Callable[[str], Any] = json.loads,
        names: Names = CLIENT_NAMES,
    ) -> None:
        self.max_attachments = max_attachments
        self._loads = loads
        self._names = names
        self._packet: Packet | None = None
        self._due = 0
        self._attachments: list[bytes] = []

    def feed_text(self, frame: str) -> Packet | None:
        """Take a text frame; return its packet, or None if attachments must follow.

        Raises SocketProtocolError.
        """
        if self._packet is not None:
            raise SocketProtocolError(f"text frame where {self._due} attachments are due")
        start = frame.find("[")
        if frame[:1] == "2" and (
            start == 1 or _is_id(frame[1:start])
        ):  # what nearly every packet is
            data = self._loads(frame[start:])
            if _is_event(data, self._names):
                return Packet(EVENT, "/", data, int(frame[1:start]) if start > 1 else None)
        packet, attachments = _decode(frame, self._loads, self._names)
        if not attachments:
            return packet
        if attachments > self.max_attachments:
            raise SocketProtocolError(
                f"{attachments} attachments, max_attachments is {self.max_attachments}",
                "max_attachments",
            )
        self._packet, self._due = packet, attachments
        return None

    def feed_binary(self, frame: bytes) -> Packet | None:
        """Take a binary frame; return the packet it completes. Raises SocketProtocolError."""
        packet = self._packet
        if packet is None:
            raise SocketProtocolError("binary frame where no attachment is due")
        self._attachments.append(frame)
        self._due -= 1
        if self._due:
            return None
        attachments, self._attachments, self._packet = self._attachments, [], None
        packet.data = json.restore(packet.data, attachments)
        return packet

    @property
    def awaited(self) -> Packet | None:
        """The packet whose attachments are due, if there is one."""
        return self._packet


class JsonCodec:
    """The protocol's own encoding: JSON, with binary values as attachments behind it."""

    def __init__(
        self,
        dumps: Callable[[Any], tuple[bytes, list[bytes]]] = json.dumps,
        loads: Callable[[str], Any] = json.loads,
        revision: str = REVISION,
    ) -> None:
        self._dumps = dumps
        self._loads = loads
        self._heads = HEADS[revision]

    def encode_body(self, data: Any) -> Body:
        """Encode a packet's data; raises TypeError for what JSON cannot express."""
        text, attachments = self._dumps(data)
        return Body(text, tuple(attachments))

    def encode(
        self, type_: int, namespace: str, body: Body | None = None, id_: int | None = None
    ) -> Message:
        """The frames of a packet ("Packet encoding"), as one Engine.IO message."""
        if body is None:
            body = _NO_DATA
        make = EventMessage if type_ == EVENT else Message
        if namespace == "/" and not body.attachments:  # what nearly every packet is
            if id_ is None:
                return make(self._heads[type_] + body.data)
            return make(b"%b%d%b" % (self._heads[type_], id_, body.data))
        return make(self._head(type_, namespace, body, id_) + body.data, body.attachments)

    def _head(self, type_: int, namespace: str, body: Body, id_: int | None) -> bytes:
        """What stands before the data."""
        if body.attachments:
            head = self._heads[type_ + BINARY_EVENT - EVENT] + b"%d-" % len(body.attachments)
        else:
            head = self._heads[type_]
        if namespace != "/":
            head += namespace.encode() + b","
        return head if id_ is None else head + b"%d" % id_

    def decoder(self, max_attachments: int, names: Names = CLIENT_NAMES) -> Decoder:
        return Decoder(max_attachments, self._loads, names)


JSON = JsonCodec()


def _decode(frame: str, loads: Callable[[str], Any], names: Names) -> tuple[Packet, int]:
    """A text frame -> its packet and how many attachments follow. Raises SocketProtocolError."""
    type_ = _parse_type(frame)
    position = 1
    attachments = 0
    if type_ >= BINARY_EVENT:
        attachments, position = _parse_attachments(frame)
        type_ -= BINARY_EVENT - EVENT
    namespace = "/"
    if frame.startswith("/", position):
        namespace, position = _parse_namespace(frame, position)
    id_, position = _parse_id(frame, position)
    data = loads(frame[position:]) if position < len(frame) else None
    if not is_valid(type_, data, id_, has_data=position < len(frame), names=names):
        raise SocketProtocolError(f"bad {TYPE_NAMES[type_]} packet: {frame[:64]!r}")
    return Packet(type_, namespace, data, id_), attachments


def _parse_type(frame: str) -> int:
    type_ = ord(frame[0]) - 48 if frame else -1
    if not CONNECT <= type_ <= BINARY_ACK:
        raise SocketProtocolError(f"unknown packet type {frame[:1]!r}")
    return type_


def _parse_attachments(frame: str) -> tuple[int, int]:
    dash = frame.find("-", 1, 12)
    digits = frame[1:dash]
    if dash < 0 or not (digits.isascii() and digits.isdigit()) or int(digits) < 1:
        raise SocketProtocolError(f"bad number of attachments in {frame[:12]!r}")
    return int(digits), dash + 1


def _parse_namespace(frame: str, start: int) -> tuple[str, int]:
    comma = frame.find(",", start, start + _MAX_NAMESPACE + 1)
    if comma >= 0:
        return frame[start:comma], comma + 1
    if len(frame) - start > _MAX_NAMESPACE:
        raise SocketProtocolError(f"namespace of more than {_MAX_NAMESPACE} characters")
    return frame[start:], len(frame)


def _is_id(text: str) -> bool:
    return text.isdigit() and text.isascii() and len(text) <= _MAX_ID_DIGITS


def _parse_id(frame: str, start: int) -> tuple[int | None, int]:
    digits = _DIGITS.match(frame, start)
    if digits is None:
        return None, start
    end = digits.end()
    if end - start > _MAX_ID_DIGITS:
        raise SocketProtocolError(f"ack id of more than {_MAX_ID_DIGITS} digits")
    return int(frame[start:end]), end


def is_valid(
    type_: int, data: Any, id_: int | None, *, has_data: bool, names: Names = CLIENT_NAMES
) -> bool:
    """Whether a packet of this type may have this data and this ack id ("Packet types")."""
    if type_ == EVENT:
        return _is_event(data, names)
    if type_ == ACK:
        return _is_one_of(data, list) and id_ is not None
    if type_ == CONNECT:
        return not has_data or _is_one_of(data, dict)
    if type_ == DISCONNECT:
        return not has_data
    return _is_one_of(data, str, dict)


def check_event(name: object) -> None:
    """Raise TypeError or ValueError for the name of an event for which clients would drop the connection."""
    if not isinstance(name, SERVER_NAMES) or isinstance(name, bool):
        raise TypeError(f"an event's name is a str or a number, not {name!r}")
    if name in RESERVED_EVENTS:
        raise ValueError(f"event {name!r} is reserved: clients would drop the connection")
    if isinstance(name, float) and not -_INFINITY < name < _INFINITY:
        raise ValueError(f"an event's name cannot be {name!r}, which JSON does not have")


def _is_event(data: Any, names: Names) -> bool:
    if not isinstance(data, list) or not data:
        return False
    name: Any = data[0]  # pyright: ignore[reportUnknownVariableType]
    return isinstance(name, names) and name not in RESERVED_EVENTS


def _is_one_of(data: Any, *types: type) -> bool:
    return isinstance(data, types)
