"""Connections of every kind that send or read next to nothing, and when they were cut."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import psutil

from tests.kit.engine import target
from tests.kit.raw import CONTINUATION, TEXT, Address, frame, request
from tests.kit.server import ServerProcess

PATH = "/socket.io/"
_BODY = b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
_UPGRADE = (
    f"GET {target(PATH, 'websocket')} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
).encode()
#: Seconds between two pieces of what drips.
_DRIP = 0.2


@dataclass(frozen=True)
class Kind:
    """What is sent at first, and then bit by bit; whether the answer is read."""

    begin: bytes
    piece: bytes = b""
    reads: bool = True


KINDS = {
    "silent": Kind(b""),
    "half a head": Kind(b"GET / HTTP/1.1\r\nHost: x\r\nX: "),
    "a head that drips": Kind(b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"x"),
    "a body that drips": Kind(_BODY, b"x"),
    "half a frame": Kind(_UPGRADE + frame(TEXT, b"4" * 1000)[:100]),
    "fragments of a byte": Kind(
        _UPGRADE + frame(TEXT, b"4", fin=False), frame(CONTINUATION, b"x", fin=False)
    ),
    "a reader that has stopped": Kind(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n", reads=False),
}


@dataclass
class Outcome:
    """Seconds after which the last of each kind was cut; how many were not; seconds that a healthy request took."""

    cut: dict[str, float] = field(default_factory=dict[str, float])
    open: dict[str, int] = field(default_factory=dict[str, int])
    connects: list[float] = field(default_factory=list[float])

    @property
    def slowest(self) -> float:
        return max(self.cut.values(), default=0.0)

    @property
    def connect_p99(self) -> float:
        return sorted(self.connects)[int(len(self.connects) * 0.99)]


def drip(server: ServerProcess, count: int, patience: float) -> Outcome:
    """Open so many connections, of all kinds, and wait until all are cut, or for so many seconds."""
    outcome = Outcome()
    with ExitStack() as stack:
        groups = {name: _connect(server.address, name, count, stack) for name in KINDS}
        begun, healthy = time.monotonic(), _connects(server.address, outcome)
        while True:
            next(healthy)  # answered: those before it have been accepted
            outcome.open = _open(server, groups)
            for name in KINDS:
                if name not in outcome.open:
                    outcome.cut.setdefault(name, time.monotonic() - begun)
            if not outcome.open or time.monotonic() > begun + patience:
                return outcome
            _send_pieces(groups)
            time.sleep(_DRIP)


def _connect(address: Address, name: str, count: int, stack: ExitStack) -> list[socket.socket]:
    """This kind's share of the connections."""
    kind = KINDS[name]
    socks = [stack.enter_context(socket.socket()) for _ in range(count // len(KINDS))]
    for sock in socks:
        if not kind.reads:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(address)
        sock.sendall(kind.begin)
        sock.setblocking(False)
    return socks


def _open(server: ServerProcess, groups: dict[str, list[socket.socket]]) -> dict[str, int]:
    """How many of each kind the server still has: the client of a full one would not see that it is cut."""
    ports = {
        connection.raddr.port
        for connection in psutil.Process(server.pid).net_connections("tcp")
        if connection.raddr
    }
    counts = {
        name: sum(sock.getsockname()[1] in ports for sock in socks)
        for name, socks in groups.items()
    }
    return {name: count for name, count in counts.items() if count}


def _send_pieces(groups: dict[str, list[socket.socket]]) -> None:
    for name, socks in groups.items():
        for sock in socks if KINDS[name].piece else ():
            with suppress(OSError):
                sock.send(KINDS[name].piece)


def _connects(address: Address, outcome: Outcome) -> Iterator[None]:
    """A page and a handshake, again and again, of somebody who is quick."""
    while True:
        for path in ("/", target(PATH, "polling")):
            begun = time.monotonic()
            assert request(address, "GET", path).status == 200
            outcome.connects.append(time.monotonic() - begun)
        yield
