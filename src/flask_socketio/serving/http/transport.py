"""How answers are written."""

from __future__ import annotations

import asyncio
from typing import Any

#: Bytes that are not kept until the end of the loop's turn: the transport has to notice that the client does not read.
_MUCH = 64 * 1024
#: Seconds in which a client that was refused may read why.
LINGER = 2.0


class JoiningTransport:
    """Writes what one turn of the loop produces at once."""

    __slots__ = ("_loop", "_out", "_size", "ended", "raw", "written")

    def __init__(self, loop: asyncio.AbstractEventLoop, raw: asyncio.Transport) -> None:
        self._loop = loop
        self._out: list[bytes] = []
        self._size = 0
        #: bytes that were to be written
        self.written = 0
        self.raw = raw
        #: the last word has been said
        self.ended = False

    def write(self, data: bytes) -> None:
        if self.ended:
            return
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(data)
        self._size += len(data)
        if self._size > _MUCH:
            self.flush()

    def flush(self) -> None:
        data = b"".join(self._out)
        self._out.clear()
        self._size = 0
        if data and not self.raw.is_closing():
            self.written += len(data)
            self.raw.write(data)

    def write_now(self, data: bytes) -> None:
        """Write what is one piece already."""
        if self._out:
            self.flush()
        if not (self.ended or self.raw.is_closing()):
            self.written += len(data)
            self.raw.write(data)

    @property
    def waiting(self) -> int:
        """The bytes that the client has to read before more can be sent."""
        return self.raw.get_write_buffer_size()

    def end(self, data: bytes) -> None:
        """Write something and say that nothing follows.

        What still comes is read away for a moment: to close with unread data would reset the connection, and what was
        written could be lost with it.
        """
        if self.is_closing():
            return
        self.write_now(data)
        self.ended = True
        if self.raw.can_write_eof():
            self.raw.write_eof()
            self._loop.call_later(LINGER, self.raw.close)
        else:  # TLS, which says goodbye by itself
            self.raw.close()

    def is_closing(self) -> bool:
        return self.ended or self.raw.is_closing()

    def close(self) -> None:
        self.flush()
        self.raw.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)
