"""A connection as Socket.IO sees it: frames in, sockets in namespaces behind it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from ..protocol.errors import SocketProtocolError
from ..protocol.message import Message
from ..protocol.reasons import CloseReason
from ..protocol.socketio import CONNECT, Packet
from ..protocol.states import SocketState

if TYPE_CHECKING:
    from .call import Call
    from .hub import Hub
    from .socket import Socket


_ABSENT = SocketState.ABSENT  # looking up a member of an enum takes as long as a call

#: Bytes that a list or a dict takes beyond its text.
_CONTAINER = 80
#: So many times more events may be in flight while an ack is awaited.
_AWAITED = 10


class Connection(Protocol):
    """What a client needs of its connection; an engine session is one."""

    @property
    def sid(self) -> str: ...

    @property
    def environ(self) -> dict[str, Any]: ...

    def send(self, message: Message) -> None: ...

    def close(self, reason: CloseReason) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Client:
    """Handles what an engine session receives."""

    __slots__ = (
        "_collected",
        "_decoder",
        "_total",
        "backlog",
        "connection",
        "contexts",
        "hub",
        "in_flight",
        "load",
        "sockets",
        "taken_out",
        "worker",
    )

    def __init__(self, hub: Hub, connection: Connection) -> None:
        self.hub = hub
        self.connection = connection
        self.sockets: dict[str, Socket] = {}
        #: namespaces that the server has disconnected the client from; what it sent before it knew is ignored
        self.taken_out: frozenset[str] = frozenset()
        #: calls that have not finished
        self.in_flight = 0
        #: these, and packets that wait until a connect handler has returned
        self.load = 0
        #: where the calls in flight are, for whoever runs them; and those that wait for their turn
        self.worker: object | None = None
        self.backlog: deque[Call] | None = None
        #: what the contexts of its events are made from, for whoever enters them
        self.contexts: Any = None
        self._total = hub.load
        #: bytes of the packet whose attachments are arriving
        self._collected = 0
        self._decoder = hub.codec.decoder(hub.limits.max_attachments)

    def on_text(self, text: str) -> None:
        packet = self._decoder.feed_text(text)
        if packet is not None:
            if len(text) > self._total.unit:
                packet.weight += _size(text) // self._total.unit
            self.hub.packet_received(self, packet)
        elif (awaited := self._decoder.awaited) is not None:
            # Attachments are not collected for one who may not send the packet (python-socketio: CVE-2026-48804).
            self._check_namespace(awaited)
            self._collected = _size(text)

    def on_binary(self, data: bytes) -> None:
        self._collected += len(data)
        packet = self._decoder.feed_binary(data)
        if packet is not None:
            packet.weight += self._collected // self._total.unit
            self._collected = 0
            self.hub.packet_received(self, packet)

    def _check_namespace(self, packet: Packet) -> None:
        if packet.namespace not in self.sockets and packet.namespace not in self.taken_out:
            raise SocketProtocolError(
                f"packet for namespace {packet.namespace[:64]!r}, which the client is not in"
            )

    def on_close(self, reason: CloseReason) -> None:
        self.hub.connection_closed(self, reason)

    @property
    def is_busy(self) -> bool:
        """Whether a handler of its is running, or an ack awaited."""
        return self.in_flight > 0 or any(socket.acks for socket in self.sockets.values())

    def taken(self, weight: int) -> None:
        """One more packet waits or is being handled; at a bound nothing more is read from the client.

        A large one weighs as many.
        """
        total = self._total
        self.load += weight
        total.events += weight
        if self.load == weight:
            total.clients += 1
        if total.events > total.limit:
            total.crowd()
        if self.load >= total.share and self.load >= self._bound():
            total.pause(self)

    def done(self, weight: int) -> None:
        """Fewer, by that."""
        total = self._total
        self.load -= weight
        total.events -= weight
        if weight and not self.load:
            total.clients -= 1
        if total.paused or total.crowded:
            total.relieve(self)

    def reconsider(self) -> None:
        """Where reading has been paused: go on, if few enough are left."""
        if self in self._total.paused and self.load <= self._bound() // 2:
            self._total.resume(self)

    def _bound(self) -> int:
        """How many are too many. While an ack is awaited more are, else nobody would read it: its handler may be one of
        those that have to end."""
        share = self._total.share
        return share * _AWAITED if any(socket.acks for socket in self.sockets.values()) else share

    def state_in(self, packet: Packet) -> SocketState | None:
        """The client's state in the packet's namespace; None if the packet is to be ignored."""
        socket = self.sockets.get(packet.namespace)
        if socket is not None:
            return socket.state
        if packet.namespace in self.taken_out and packet.type != CONNECT:
            return None
        return _ABSENT


def _size(text: str) -> int:
    """Bytes that it takes decoded, at a guess: an empty list is two of them in text, and fifty times as many here."""
    return len(text) + _CONTAINER * (text.count("[") + text.count("{"))
