"""Engine.IO: a polling request's body, and the query.

The first byte says which. Oracle: packets or EngineProtocolError; what has been decoded, is the same when it has been
encoded and decoded again. Any query is one.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask_socketio.protocol.engineio import Query, decode_payload, parse_query
from flask_socketio.protocol.errors import EngineProtocolError
from flask_socketio.protocol.message import SEPARATOR, Message

from .bounds import bounded

MAX_PACKETS = 20_000


def check(data: bytes) -> None:
    if data[:1] == b"?":
        check_query(data[1:])
    else:
        check_payload(data)


def check_payload(body: bytes) -> None:
    packets = bounded(decoded, body)
    if packets is not None:
        assert decoded(SEPARATOR.join(map(encoded, packets))) == packets


def decoded(body: bytes) -> list[str | bytes] | None:
    try:
        return list(decode_payload(body, MAX_PACKETS))
    except EngineProtocolError:
        return None


def encoded(packet: str | bytes) -> bytes:
    message = Message(packet.encode()) if isinstance(packet, str) else Message(None, (packet,))
    return message.polling


def check_query(text: bytes) -> None:
    query = bounded(parse_query, text)
    values = dict(
        reversed(parse_qsl(text.decode("latin-1"), keep_blank_values=True, errors="replace"))
    )
    assert query == Query(values.get("transport", ""), values.get("sid"), values.get("EIO", ""))
