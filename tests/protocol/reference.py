"""The wire formats written a second time, from the specifications and with the standard library alone.

Nothing is imported from the package under test, and nothing here is fast or forgiving.
"""

from __future__ import annotations

import json
import random
import struct
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)

Frame = str | bytes

# Engine.IO v4: https://github.com/socketio/engine.io-protocol


def encode_payload(packets: list[Frame]) -> bytes:
    """A polling payload: packets joined by the record separator, binary ones as 'b' and base64."""
    return b"\x1e".join(
        b"b" + b64encode(packet) if isinstance(packet, bytes) else packet.encode()
        for packet in packets
    )


def decode_payload(payload: bytes) -> list[Frame]:
    """The way back; for payloads that are known to be good."""
    return [
        b64decode(packet[1:]) if packet.startswith(b"b") else packet.decode()
        for packet in payload.split(b"\x1e")
    ]


# Socket.IO v5: https://github.com/socketio/socket.io-protocol


def lift_out(value: Any) -> tuple[Any, list[bytes]]:
    """A copy with numbered placeholders where `value` has bytes, and those bytes."""
    attachments: list[bytes] = []

    def enter(item: Any) -> Any:
        if isinstance(item, bytes):
            attachments.append(item)
            return {"_placeholder": True, "num": len(attachments) - 1}
        if isinstance(item, list):
            return [enter(entry) for entry in item]
        if isinstance(item, dict):
            return {key: enter(entry) for key, entry in item.items()}
        return item

    return enter(value), attachments


def put_back(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, list):
        return [put_back(entry, attachments) for entry in value]
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            return attachments[value["num"]]
        return {key: put_back(entry, attachments) for key, entry in value.items()}
    return value


def renumber(value: Any, numbers: list[int]) -> Any:
    """Let the placeholder n point to attachment numbers[n]."""
    if isinstance(value, list):
        return [renumber(entry, numbers) for entry in value]
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            return {"_placeholder": True, "num": numbers[value["num"]]}
        return {key: renumber(entry, numbers) for key, entry in value.items()}
    return value


@dataclass(frozen=True)
class Sent:
    """What one side means to say; `type` is never one of the binary types."""

    type: int
    namespace: str = "/"
    data: Any = None
    id: int | None = None


def encode_packet(packet: Sent, *, shuffle: random.Random | None = None) -> list[Frame]:
    """The frames of a packet; `shuffle` sends the attachments in another order than their placeholders stand in."""
    data, attachments = lift_out(packet.data)
    if shuffle is not None:
        order = list(range(len(attachments)))
        shuffle.shuffle(order)
        data = renumber(data, [order.index(number) for number in range(len(order))])
        attachments = [attachments[number] for number in order]
    type_, count = packet.type, ""
    if attachments:
        type_ = {EVENT: BINARY_EVENT, ACK: BINARY_ACK}[packet.type]
        count = f"{len(attachments)}-"
    namespace = "" if packet.namespace == "/" else f"{packet.namespace},"
    id_ = "" if packet.id is None else str(packet.id)
    text = "" if packet.data is None else json.dumps(data, ensure_ascii=False)
    return [f"{type_}{count}{namespace}{id_}{text}", *attachments]


# RFC 6455


@dataclass(frozen=True)
class WireFrame:
    fin: bool
    reserved: int
    opcode: int
    mask: bytes | None
    payload: bytes


def parse_frames(data: bytes) -> list[WireFrame]:
    """All frames in `data`, which must end where the last of them ends (section 5.2)."""
    frames: list[WireFrame] = []
    while data:
        first, second = data[0], data[1]
        length, rest = second & 0x7F, data[2:]
        if length == 126:
            (length,), rest = struct.unpack(">H", rest[:2]), rest[2:]
            assert length > 125, "not the shortest form of the length"
        elif length == 127:
            (length,), rest = struct.unpack(">Q", rest[:8]), rest[8:]
            assert length > 0xFFFF, "not the shortest form of the length"
        mask = None
        if second & 0x80:
            mask, rest = rest[:4], rest[4:]
        assert len(rest) >= length, "the frame is cut off"
        payload, data = rest[:length], rest[length:]
        frames.append(WireFrame(bool(first & 0x80), first >> 4 & 7, first & 0xF, mask, payload))
    return frames
