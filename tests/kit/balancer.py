"""A load balancer for TCP without affinity: each connection goes to one of the servers that are there, by chance."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from random import Random
from typing import Self

from tests.kit.raw import Address

_PIECE = 65536


class Balancer:
    """A context manager; `address` is where it listens."""

    def __init__(self, *servers: Address) -> None:
        self._servers = servers
        self._dice = Random(7)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address: Address = ("127.0.0.1", self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, self._connect() as far:
            there = threading.Thread(target=_pump, args=(near, far), daemon=True)
            there.start()
            _pump(far, near)
            there.join()

    def _connect(self) -> socket.socket:
        for server in self._dice.sample(self._servers, len(self._servers)):
            with suppress(OSError):
                return socket.create_connection(server)
        raise ConnectionRefusedError("no server is there")


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_PIECE):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
