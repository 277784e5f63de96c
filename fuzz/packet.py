"""Socket.IO: frames of one client, as its decoder takes them.

Frames are separated by a byte that is in no text; one that begins with a NUL is binary. The first byte of all chooses
whose JSON it is. Oracle: packets or SocketProtocolError; what has been decoded is refused with TypeError when it is
encoded, or the same when it is decoded again; it is JSON as browsers read it.
"""

from __future__ import annotations

import json
from typing import Any

from flask_socketio.handling.codec import JsonModule
from flask_socketio.protocol.errors import SocketProtocolError
from flask_socketio.protocol.message import Message
from flask_socketio.protocol.socketio import JSON, JsonCodec, Packet

from .bounds import bounded

MAX_ATTACHMENTS = 10
SEPARATOR = b"\xff"

_module = JsonModule(json)
#: the protocol's own, and an application's json=
CODECS = {False: JSON, True: JsonCodec(_module.dumps, _module.loads)}


def check(data: bytes) -> None:
    codec = CODECS[data[:1] == b"j"]
    packets = bounded(lambda frames: decoded(codec, frames), data[1:])
    for packet in packets:
        check_packet(codec, packet)


def decoded(codec: JsonCodec, data: bytes) -> list[Packet]:
    """The packets up to the first error."""
    decoder = codec.decoder(MAX_ATTACHMENTS)
    packets: list[Packet | None] = []
    try:
        for frame in data.split(SEPARATOR):
            if frame[:1] == b"\0":
                packets.append(decoder.feed_binary(frame[1:]))
            else:
                packets.append(decoder.feed_text(frame.decode(errors="replace")))
    except SocketProtocolError:
        pass
    return [packet for packet in packets if packet is not None]


def check_packet(codec: JsonCodec, packet: Packet) -> None:
    try:
        body = None if packet.data is None else codec.encode_body(packet.data)
    except TypeError:
        return
    if body is not None:
        json.loads(body.data, parse_constant=no_json)
    if body is not None and len(body.attachments) > MAX_ATTACHMENTS:
        return
    again = fed(codec, codec.encode(packet.type, packet.namespace, body, packet.id))
    assert plain(again) == plain(packet), (again, packet)


def no_json(token: str) -> None:
    raise AssertionError(token)


def fed(codec: JsonCodec, message: Message) -> Packet | None:
    assert message.text is not None
    decoder = codec.decoder(MAX_ATTACHMENTS)
    packet = decoder.feed_text(message.text[1:].decode())
    for data in message.binary:
        packet = decoder.feed_binary(data)
    return packet


def plain(packet: Packet | None) -> Any:
    """In a form in which NaN is what it is."""
    return packet and (packet.type, packet.namespace, packet.id, repr(packet.data))
