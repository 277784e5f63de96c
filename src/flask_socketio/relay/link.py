"""A stream to another process."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable
from typing import cast

from .frames import Frame, FrameReader

logger = logging.getLogger("flask_socketio.server")

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class Link(asyncio.Protocol):
    """Writes what one turn of the loop produces at once."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        made: Callable[[Link], object],
        received: Callable[[Link, Frame], object],
        lost: Callable[[Link], object],
    ) -> None:
        self._loop = loop
        self._made = made
        self._received = received
        self._lost = lost
        self._reader = FrameReader()
        self._out: list[bytes] = []
        self._size = 0
        self._transport: asyncio.Transport
        #: whose process it leads to, once that has said so
        self.node = ""
        #: that process's number; 0 where the system does not tell
        self.pid = 0
        #: that process is on another machine, and for how many beats nothing has come from it
        self.is_away = False
        self.silent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._made(self)
        if self.is_away:
            return
        self.pid, user = _owner(transport.get_extra_info("socket"))
        if user != os.getuid():
            logger.warning("a process of another user has come to the workers' folder")
            transport.close()

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._received(self, frame)
        except Exception:
            logger.exception("what another worker has sent, failed")
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(self)

    def send(self, frame: Frame) -> None:
        self.send_bytes(frame.encode())

    def send_bytes(self, data: bytes) -> None:
        """The same for a frame that is encoded already."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(data)
        self._size += len(data)

    def _flush(self) -> None:
        data = b"".join(self._out)
        self._out.clear()
        self._size = 0
        if not self._transport.is_closing():
            self._transport.write(data)

    @property
    def waiting(self) -> int:
        """Bytes that the other process has not read."""
        return self._size + self._transport.get_write_buffer_size()

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        """Wait for nothing that it has not taken."""
        self._transport.abort()


def _owner(own: socket.socket) -> tuple[int, int]:
    """The number of the process at the other end, and its user's."""
    if not hasattr(socket, "SO_PEERCRED"):
        return 0, os.getuid()  # the folder is private
    found = own.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, user, _ = _CREDENTIALS.unpack(found)
    return pid, user
