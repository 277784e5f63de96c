"""How a WebSocket begins that another machine passes on: with the request, and then the client's bytes as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import orjson

#: Bytes of a request's description, at most.
_LARGEST = 1024 * 1024
_SIZE = 4

Take = Callable[[Any, bytes, asyncio.Transport], object]


def beginning(described: Any, early: bytes) -> bytes:
    """What to send first; `early` has come behind the request."""
    head = orjson.dumps(described)
    return len(head).to_bytes(_SIZE) + head + early


class Arrival(asyncio.Protocol):
    """Reads that, and has the connection taken: with the request, what has come behind it, and the transport."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        size = int.from_bytes(self._buffer[:_SIZE])
        if size > _LARGEST:
            self._transport.abort()
        elif len(self._buffer) >= _SIZE + size:
            head, early = self._buffer[_SIZE : _SIZE + size], self._buffer[_SIZE + size :]
            self._take(orjson.loads(head), early, self._transport)
