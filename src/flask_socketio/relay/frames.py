"""What processes say to each other over a stream: frames of a kind, a number, a head and a body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Any

import orjson

#: The sizes of head and body in bytes, the kind, the number.
_PREFIX = Struct("!IIBI")


class Kind(IntEnum):
    #: the head is the sender's node
    HELLO = 0
    #: the sender publishes to us from now on
    WELCOME = 1
    #: a request of a polling session of ours, whose number the next five have as well
    REQUEST = 2
    #: a piece of its body
    BODY = 3
    #: there is no more of it
    COMPLETE = 4
    #: its client has hung up
    LOST = 5
    #: it has waited long enough
    RELEASE = 6
    #: the answer to it
    ANSWER = 7
    #: a message for everybody
    PUBLISH = 8
    #: the sender is there still; between machines, where the end of one ends no connection
    ALIVE = 9


@dataclass(frozen=True, slots=True)
class Frame:
    kind: Kind
    number: int = 0
    head: Any = None
    body: bytes = b""

    def encode(self) -> bytes:
        head = b"" if self.head is None else orjson.dumps(self.head)
        return _PREFIX.pack(len(head), len(self.body), self.kind, self.number) + head + self.body


class FrameReader:
    """Bytes of a stream -> frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with that. Raises ValueError for what is none."""
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= _PREFIX.size:
                head_size, body_size, kind, number = _PREFIX.unpack_from(buffer, start)
                head_start = start + _PREFIX.size
                body_start = head_start + head_size
                if len(buffer) < body_start + body_size:
                    return
                start = body_start + body_size
                head = orjson.loads(buffer[head_start:body_start]) if head_size else None
                yield Frame(Kind(kind), number, head, bytes(buffer[body_start:start]))
        finally:
            del buffer[:start]
