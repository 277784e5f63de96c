"""Bytes of a connection between machines in records with tags: what the other end has not sent is not acted on."""

from __future__ import annotations

from collections.abc import Iterator
from hmac import compare_digest

from .secret import TAG, ForgedError, tag

#: Bytes of a record, at most. Its size stands before it, and its tag between.
LARGEST = 64 * 1024
_SIZE = 4
_HEAD = _SIZE + TAG


class Sealer:
    """Bytes -> records."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._count = 0

    def seal(self, data: bytes) -> bytes:
        return b"".join(self._records(data))

    def _records(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), LARGEST):
            piece = data[start : start + LARGEST]
            self._count += 1
            yield len(piece).to_bytes(_SIZE)
            yield tag(self._key, self._count, piece)
            yield piece


class Opener:
    """Records -> bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._count = 0
        self._buffer = bytearray()

    def feed(self, data: bytes) -> bytes:
        """What is complete with that. Raises ForgedError."""
        buffer = self._buffer
        buffer += data
        opened: list[bytes] = []
        start = 0
        while len(buffer) - start >= _HEAD:
            size = int.from_bytes(buffer[start : start + _SIZE])
            if size > LARGEST:
                raise ForgedError
            end = start + _HEAD + size
            if len(buffer) < end:
                break
            opened.append(self._checked(bytes(buffer[start + _SIZE : end])))
            start = end
        del buffer[:start]
        return b"".join(opened)

    def _checked(self, record: bytes) -> bytes:
        self._count += 1
        data = record[TAG:]
        if not compare_digest(record[:TAG], tag(self._key, self._count, data)):
            raise ForgedError
        return data
