"""What the first fields of an emission say, so that most of what is for others need not be decoded whole.

Those of other packages have another order, and are decoded.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

from .wire import Message

#: What an emission begins with, and what stands behind the fields that say whom it is for. One that wants an answer has
#: something else there: who has nobody for it may have to say so.
_BEGIN, _END = (b'{"seq":', b'{"host_id":'), b',"callback":null,"event":'
#: Bytes in which that has to come.
_LONGEST = 1000


def head_of(text: bytes | str) -> Message | None:
    """An emission of ours without the event and what else it carries; None for any other message."""
    if not isinstance(text, bytes) or not text.startswith(_BEGIN):
        return None
    end = text.find(_END, 0, _LONGEST)
    if end < 0:
        return None
    try:
        return orjson.loads(text[:end] + b"}")
    except orjson.JSONDecodeError:  # whatever it is, that will be said where it is read
        return None


class Source(NamedTuple):
    """Where a message comes from: the host, its number among those of the host, or of those with the same topic."""

    host_id: str | None
    number: int | None
    topic: int | None = None


def source_of(message: Message) -> Source:
    """As far as the message, or its head, says so."""
    host_id = message.get("origin") or message.get("host_id")
    return Source(
        host_id if isinstance(host_id, str) else None,
        _number(message.get("seq")),
        _number(message.get("topic")),
    )


def _number(value: object) -> int | None:
    return value if type(value) is int else None
