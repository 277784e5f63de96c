"""A connection that goes from one process to another, as a descriptor: a WebSocket costs nothing more afterwards."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable
from typing import Any

import orjson

from ..base.real import new_socket, socket_from

logger = logging.getLogger("flask_socketio.server")

#: Bytes of a handshake's head, and of what has come behind it, that one message takes.
_LARGEST = 160 * 1024
#: Seconds between two tries while the other process has too many to take, and how many there are.
_PAUSE, _TRIES = 0.02, 100

#: Whether descriptors can be handed over here: macOS has no such sockets, Windows nothing like it.
CAN_HAND_OVER = hasattr(socket, "SCM_RIGHTS") and os.uname().sysname == "Linux"


async def hand_over(address: str, head: Any, early: bytes, connection: socket.socket) -> None:
    """Give a connection to the process that listens there; raises OSError where it does not take it.

    `head` is what it has to know of the request, `early` what was read behind that.
    """
    text = orjson.dumps(head)
    data = len(text).to_bytes(4) + text + early
    if len(data) > _LARGEST:
        raise OSError(errno.EMSGSIZE, "too large to be handed over")
    with new_socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as way:
        for _ in range(_TRIES):
            try:
                way.connect(address)
                break
            except BlockingIOError:  # it has a queue, and that is full
                await asyncio.sleep(_PAUSE)
        socket.send_fds(way, [data], [connection.fileno()])


class Receiver:
    """Takes what others hand over, and calls back with the head, the bytes behind it and the connection."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        take: Callable[[Any, bytes, socket.socket], object],
    ) -> None:
        self._loop = loop
        self._take = take
        self._listener = listener
        self._ways: set[socket.socket] = set()
        loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        try:
            way, _ = self._listener.accept()
        except OSError:  # whoever came has gone, or there is no descriptor for it: it tries again
            return
        way.setblocking(False)
        self._ways.add(way)
        self._loop.add_reader(way, self._receive, way)

    def _receive(self, way: socket.socket) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(way, _LARGEST, 1)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        self._drop(way)
        for descriptor in descriptors:
            connection = socket_from(descriptor)
            connection.setblocking(False)
            size = int.from_bytes(data[:4])
            self._take(orjson.loads(data[4 : 4 + size]), data[4 + size :], connection)

    def _drop(self, way: socket.socket) -> None:
        self._loop.remove_reader(way)
        self._ways.discard(way)
        way.close()

    def close(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for way in list(self._ways):
            self._drop(way)
