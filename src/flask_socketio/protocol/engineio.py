"""Engine.IO v4: packets, the polling payload, the request's query, the open packet.

https://github.com/socketio/engine.io-protocol, revision 4. Section names below are that document's.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from .errors import EngineProtocolError
from .message import SEPARATOR, Message, PingMessage

REVISION = "4"
#: What clients may ask for with `EIO`.
REVISIONS = frozenset({REVISION})

OPEN: Final = "0"
CLOSE: Final = "1"
PING: Final = "2"
PONG: Final = "3"
MESSAGE: Final = "4"
UPGRADE: Final = "5"
NOOP: Final = "6"

CLOSE_PACKET = Message(b"1")
PING_PACKET = PingMessage(b"2")
PROBE_ANSWER = Message(b"3probe")
NOOP_PACKET = Message(b"6")

PROBE = "2probe"

_SEPARATOR = SEPARATOR.decode()

#: What clients send: nothing to unquote, and no key twice.
_QUERY = re.compile(r"EIO=(\w*)&transport=(\w*)(?:&t=[\w.-]*)?(?:&sid=([\w-]*))?", re.ASCII)


def open_packet(fields: dict[str, Any]) -> Message:
    """The first packet of a session ("Handshake"): sid, upgrades, pingInterval, pingTimeout, maxPayload."""
    return Message(b"0" + orjson.dumps(fields))


def text_message(text: str | bytes) -> Message:
    """A message packet with a text payload."""
    return Message(b"4" + (text.encode() if isinstance(text, str) else text))


def binary_message(data: bytes) -> Message:
    """A message packet with a binary payload."""
    return Message(None, (data,))


def decode_payload(body: bytes, max_packets: int) -> Iterator[str | bytes]:
    """The packets of a polling request's body ("HTTP long-polling"): text ones as str, binary ones as bytes.

    Raises EngineProtocolError for bad UTF-8, an empty packet and too many packets at once, for bad base64 where it
    stands.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise EngineProtocolError("payload is not UTF-8") from None
    if _SEPARATOR not in text:  # what nearly every body is
        return iter((_decode_packet(text),))
    if text[0] == _SEPARATOR or text[-1] == _SEPARATOR or _SEPARATOR * 2 in text:
        raise EngineProtocolError("empty packet")
    if (count := body.count(SEPARATOR) + 1) > max_packets:
        raise EngineProtocolError(
            f"{count} packets in one request, max_packets is {max_packets}", "max_packets"
        )
    return _decode_packets(text)


def _decode_packets(text: str) -> Iterator[str | bytes]:
    """One after the other: there may be hundreds of thousands, and who reads them may stop in between."""
    start = 0
    while (end := text.find(_SEPARATOR, start)) >= 0:
        yield _decode_packet(text[start:end])
        start = end + 1
    yield _decode_packet(text[start:])


def _decode_packet(packet: str) -> str | bytes:
    if not packet:
        raise EngineProtocolError("empty packet")
    if packet[0] != "b":
        return packet
    try:
        return b64decode(packet[1:], validate=True)
    except (Base64Error, ValueError):
        raise EngineProtocolError("binary packet is not base64") from None


@dataclass(slots=True)  # frozen ones take three times as long to make
class Query:
    """The parameters that the protocol gives a meaning to."""

    transport: str
    sid: str | None
    revision: str


def parse_query(query_string: bytes) -> Query:
    """Read a request's query; the first of repeated keys counts."""
    text = query_string.decode("latin-1")
    if usual := _QUERY.fullmatch(text):
        return Query(usual[2], usual[3], usual[1])
    pairs: list[Any]
    if "%" in text or "+" in text:
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace")
    else:  # nothing to unquote
        pairs = [pair.split("=", 1) if "=" in pair else (pair, "") for pair in text.split("&")]
    values: dict[str, str] = dict(reversed(pairs))
    return Query(values.get("transport", ""), values.get("sid"), values.get("EIO", ""))
