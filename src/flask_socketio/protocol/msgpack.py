"""Packets as MessagePack, the encoding of socket.io-msgpack-parser: one binary frame each, a map of type, data and nsp.

Both sides have to choose it. Binary values are part of the data, so there are no attachments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgpack  # pyright: ignore[reportMissingTypeStubs]

from .errors import SocketProtocolError
from .message import EventMessage, Message
from .socketio import CLIENT_NAMES, EVENT, TYPE_NAMES, Body, Names, Packet, is_valid

_packb: Callable[..., bytes] = msgpack.packb  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportAssignmentType]
_unpackb: Callable[..., Any] = msgpack.unpackb  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
_Unpacker: Any = msgpack.Unpacker  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

#: What the header of a map of three and of four entries looks like, with the first key behind it.
_HEADS = {False: b"\x83\xa4type", True: b"\x84\xa4type"}

#: Bytes of a frame that may claim to hold more than it does.
_SMALL = 512


class MsgpackCodec:
    """`default` turns a value that MessagePack does not know into one that it does, or raises TypeError."""

    def __init__(self, default: Callable[[Any], Any] | None = None) -> None:
        self._default = default

    def encode_body(self, data: Any) -> Body:
        """Encode a packet's data; raises TypeError for what MessagePack cannot express."""
        try:
            return Body(_packb(data, default=self._default))
        except (ValueError, OverflowError) as error:
            raise TypeError(f"not MessagePack serializable: {error}") from None

    def encode(
        self, type_: int, namespace: str, body: Body | None = None, id_: int | None = None
    ) -> Message:
        """The frame of a packet, spliced around the data, which is encoded once for all receivers."""
        data = body.data if body else b"\xc0"
        parts = [_HEADS[id_ is not None], bytes([type_]), b"\xa4data", data, b"\xa3nsp"]
        parts.append(_packb(namespace))
        if id_ is not None:
            parts += [b"\xa2id", _packb(id_)]
        make = EventMessage if type_ == EVENT else Message
        return make(None, (b"".join(parts),))

    def decoder(self, max_attachments: int, names: Names = CLIENT_NAMES) -> MsgpackDecoder:
        return MsgpackDecoder(names)


class MsgpackDecoder:
    """Holds nothing: every frame is a packet."""

    awaited: Packet | None = None

    def __init__(self, names: Names = CLIENT_NAMES) -> None:
        self._names = names

    def feed_text(self, frame: str) -> Packet | None:
        """No packet is text. Raises SocketProtocolError."""
        raise SocketProtocolError(
            "text frame where packets are MessagePack: the client needs the same parser"
        )

    def feed_binary(self, frame: bytes) -> Packet | None:
        """Take a frame, return its packet. Raises SocketProtocolError."""
        packet = unpack(frame)
        if not isinstance(packet, dict):
            raise SocketProtocolError("a packet is a map")
        return _checked(cast("dict[Any, Any]", packet), self._names)


def unpack(data: bytes, **options: Any) -> Any:
    """What others have packed; `options` are those of `msgpack.unpackb`. Raises SocketProtocolError."""
    try:
        if len(data) > _SMALL:
            _check_whole(data)
        return _unpackb(data, **options)
    except (ValueError, msgpack.UnpackException) as error:
        raise SocketProtocolError(f"invalid MessagePack: {error!r}") from None


def _check_whole(frame: bytes) -> None:
    """Raise what `_unpackb` raises for a frame that ends too early.

    That would allocate each array at the length it claims, before its items are there: thousands of times the frame's
    size, where arrays are nested.
    """
    unpacker = _Unpacker(max_buffer_size=len(frame))
    unpacker.feed(frame)
    unpacker.skip()


def _checked(fields: dict[Any, Any], names: Names) -> Packet:
    type_, data = fields.get("type"), fields.get("data")
    namespace, id_ = fields.get("nsp", "/"), fields.get("id")
    if type(type_) is not int or not 0 <= type_ < len(TYPE_NAMES) - 2:
        raise SocketProtocolError(f"unknown packet type {str(type_)[:8]!r}")
    if type(namespace) is not str or (id_ is not None and type(id_) is not int):
        raise SocketProtocolError(f"bad {TYPE_NAMES[type_]} packet: nsp or id of a wrong type")
    if not is_valid(type_, data, id_, has_data=data is not None, names=names):
        raise SocketProtocolError(f"bad {TYPE_NAMES[type_]} packet")
    return Packet(type_, namespace, data, id_)
