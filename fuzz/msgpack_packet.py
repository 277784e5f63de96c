"""Packets as MessagePack.

Oracle: a packet or SocketProtocolError; what has been decoded is refused with TypeError when it is encoded, or the same
when it is decoded again.
"""

from __future__ import annotations

from typing import Any

from flask_socketio.protocol.errors import SocketProtocolError
from flask_socketio.protocol.msgpack import MsgpackCodec
from flask_socketio.protocol.socketio import Packet

from .bounds import bounded

CODEC = MsgpackCodec()


def check(data: bytes) -> None:
    packet = bounded(decoded, data)
    if packet is None:
        return
    try:
        body = CODEC.encode_body(packet.data)
    except TypeError:
        return
    (frame,) = CODEC.encode(packet.type, packet.namespace, body, packet.id).binary
    again = decoded(frame)
    assert again is not None, frame
    assert plain(again) == plain(packet), frame


def decoded(frame: bytes) -> Packet | None:
    try:
        return CODEC.decoder(0).feed_binary(frame)
    except SocketProtocolError:
        return None


def plain(packet: Packet) -> Any:
    """In a form in which NaN is what it is."""
    return packet.type, packet.namespace, packet.id, repr(packet.data)
