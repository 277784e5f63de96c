"""A TCP proxy that does to connections what networks do: nothing arrives, or late, or half of it. It can be killed."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Self

from tests.kit.raw import Address

_PIECE = 65536


class Proxy:
    """A context manager: connections to `port` go on to `target`. A fault holds for all of them, from now on."""

    def __init__(self, target: Address) -> None:
        self._target = target
        self.port = 0
        self._open: list[socket.socket] = []
        self._flows = threading.Event()
        self._flows.set()
        self._swallows = False
        self._rate: float | None = None
        self._left: int | None = None

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
        self.cut()
        self.resume()

    @property
    def address(self) -> Address:
        return "127.0.0.1", self.port

    def swallow(self) -> None:
        """Nothing arrives, in either direction, and nobody is told; connections can be made all the same."""
        self._swallows = True

    def carry(self) -> None:
        """What comes now arrives again; connections from before are cut, because something is missing there."""
        self.cut()
        self._swallows = False

    def pause(self) -> None:
        """Nothing is taken from either side: what they send piles up at them."""
        self._flows.clear()

    def resume(self) -> None:
        """After `pause`; nothing has been lost."""
        self._flows.set()

    def throttle(self, rate: float | None) -> None:
        """So many bytes a second at most, of each connection in each direction; None: as fast as it goes."""
        self._rate = rate

    def cut_after(self, count: int) -> None:
        """Cut each connection when so many bytes more have come from the server, over all of them."""
        self._left = count

    def half_close(self) -> None:
        """End what goes to the server, as a client that shuts down its side does; the other way stays open."""
        for far in self._open[1::2]:
            with suppress(OSError):
                far.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """End all connections that there are."""
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    pump = threading.Thread(
                        target=self._pump, args=(source, sink, sink is near), daemon=True
                    )
                    pump.start()

    def _pump(self, source: socket.socket, sink: socket.socket, from_server: bool) -> None:
        with suppress(OSError), source:
            while data := source.recv(self._size()):
                self._flows.wait()
                if self._rate:
                    time.sleep(len(data) / self._rate)
                if not self._swallows:
                    sink.sendall(self._share(data) if from_server else data)
                if self._left == 0 and from_server:
                    break
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def _size(self) -> int:
        """Bytes to be read at once: with a rate, what comes in a twentieth of a second."""
        return _PIECE if self._rate is None else min(_PIECE, max(1, int(self._rate / 20)))

    def _share(self, data: bytes) -> bytes:
        """What of it still goes through before the cut."""
        if self._left is None:
            return data
        data = data[: self._left]
        self._left -= len(data)
        return data
