"""A connection that a WSGI server decrypts. asyncio takes none over whose encryption somebody else has begun, so the
loop copies between it and a socket of ours."""

from __future__ import annotations

import ssl
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from socket import socket
from typing import Any

from ..base.real import socket_pair

#: Bytes that are copied at a time: what one record of TLS holds, so that none is left where no selector sees it.
_PIECE = 16 * 1024
#: There is nothing to be read, or no room to write.
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

#: What the server still does with it is writing an answer and closing it, as after any request. It is told that all of
#: that is done, for the connection has to stay as it is.
_IN_VAIN: dict[str, Callable[..., Any]] = {
    "close": lambda: None,
    "recv": lambda *_: b"",
    "recv_into": lambda *_: 0,
    "send": len,
    "sendall": lambda *_: None,
    "setblocking": lambda *_: None,
    "settimeout": lambda *_: None,
    "shutdown": lambda *_: None,
}


def decrypted(loop: AbstractEventLoop, found: ssl.SSLSocket) -> socket:
    """A socket with what is in the connection, which is the server's no longer. From any thread."""
    found.setblocking(False)
    for name, does_nothing in _IN_VAIN.items():
        setattr(found, name, does_nothing)
    own, inner = socket_pair()
    loop.call_soon_threadsafe(_Copying, loop, found, inner)
    return own


class _Copying:
    """Both ways, until one end is closed; on the loop."""

    def __init__(self, loop: AbstractEventLoop, outer: ssl.SSLSocket, inner: socket) -> None:
        self._loop = loop
        self._outer = outer
        self._inner = inner
        read, write = partial(ssl.SSLSocket.recv, outer), partial(ssl.SSLSocket.send, outer)
        for way in (
            _Way(loop, outer.fileno(), inner.fileno(), read, inner.send, self._over),
            _Way(loop, inner.fileno(), outer.fileno(), inner.recv, write, self._over),
        ):
            way.go_on()

    def _over(self) -> None:
        for end in (self._outer, self._inner):
            self._loop.remove_reader(end.fileno())
            self._loop.remove_writer(end.fileno())
        with suppress(OSError, ValueError):
            self._outer.unwrap()  # tells the client that there is no more; nobody waits for its answer
        ssl.SSLSocket.close(self._outer)
        self._inner.close()


class _Way:
    """What one end reads, the other one writes, no faster than that takes it."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        source: int,
        sink: int,
        read: Callable[[int], bytes],
        write: Callable[[bytes], int],
        over: Callable[[], object],
    ) -> None:
        self._loop = loop
        self._source = source
        self._sink = sink
        self._receive = read
        self._send = write
        self._over = over
        self._waiting = b""

    def go_on(self) -> None:
        self._loop.add_reader(self._source, self._read)

    def _read(self) -> None:
        try:
            self._waiting = self._receive(_PIECE)
        except _NOT_NOW:
            return
        except OSError:
            self._waiting = b""
        if not self._waiting:
            self._over()
        elif self._write_some():
            self._loop.remove_reader(self._source)
            self._loop.add_writer(self._sink, self._write)

    def _write(self) -> None:
        if not self._write_some():
            self._loop.remove_writer(self._sink)
            self.go_on()

    def _write_some(self) -> bool:
        """Whether there is more."""
        try:
            self._waiting = self._waiting[self._send(self._waiting) :]
        except _NOT_NOW:
            pass
        except OSError:  # who reads from that end sees it as well
            self._waiting = b""
        return bool(self._waiting)
