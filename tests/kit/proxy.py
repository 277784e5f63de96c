"""A TCP proxy that can stop to carry anything, as a network does that drops every packet, or be away for a while."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

from tests.kit.raw import Address


class Proxy:
    """A context manager: connections to `port` go on to `target`."""

    def __init__(self, target: Address) -> None:
        self._target = target
        self.port = 0
        self._open: list[socket.socket] = []
        self._swallows = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen: at the same port again, where it has been stopped."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """As a server that is killed: connections end, and there are no new ones."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut()

    def swallow(self) -> None:
        """From now on nothing arrives, in either direction; connections can be made all the same."""
        self._swallows = True

    def carry(self) -> None:
        """What comes now arrives again; connections from before are cut, because something is missing there."""
        self._cut()
        self._swallows = False

    def _cut(self) -> None:
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError), source:
            while data := source.recv(65536):
                if not self._swallows:
                    sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
