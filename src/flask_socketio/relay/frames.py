"""What processes say to each other over a stream: frames of a kind, a number, a head and a body."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import Any, NamedTuple

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
    #: a piece of its body, and more will come
    BODY = 3
    #: the rest of it; a GET has none, and is complete as it is
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
    #: a question of the kind in the head, and, with its number, the answer: JSON
    ASK = 10
    SAID = 11


class Frame(NamedTuple):
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
        #: the beginning of a frame, of which at least so many bytes are needed before it is looked at
        self._rest = bytearray()
        self._needed = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with that. Raises ValueError for what is none."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return
            data = bytes(self._rest)
        start, end = 0, len(data)
        self._needed = _PREFIX.size
        while end - start >= _PREFIX.size:
            head_size, body_size, kind, number = _PREFIX.unpack_from(data, start)
            head_start = start + _PREFIX.size
            body_start = head_start + head_size
            if end < body_start + body_size:
                self._needed = body_start + body_size - start
                break
            start = body_start + body_size
            head = orjson.loads(data[head_start:body_start]) if head_size else None
            yield Frame(Kind(kind), number, head, data[body_start:start])
            self._needed = _PREFIX.size
        self._rest = bytearray(data[start:])
