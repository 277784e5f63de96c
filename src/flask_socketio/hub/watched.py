"""A hub that tells what happens in it; one that nobody watches does not ask whether to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..base.hooks import overriding
from ..cluster.base import Room
from ..cluster.memory import MemoryAdapter
from ..protocol.reasons import CloseReason
from ..protocol.socketio import Body, Packet
from .call import Call, CallKind, Outcome
from .hub import Hub
from .socket import Socket


class HubWatcher:
    """What happens to clients in namespaces. Called on the loop (for test clients where they are called, under the
    hub's lock); a method that is left as it is costs nothing."""

    def connected(self, socket: Socket) -> None:
        """Its connect handler has accepted it; CONNECT has not been sent yet, unless with always_connect."""

    def refused(self, socket: Socket) -> None:
        """Its connect handler has refused it."""

    def disconnected(self, socket: Socket, reason: CloseReason) -> None:
        """It has left; it is still in its rooms. Every one that was connected comes here, once."""

    def joined(self, socket: Socket, room: Room) -> None:
        """It is in the room now. Its own room, named after its id, is not told of."""

    def left(self, socket: Socket, room: Room) -> None:
        """It has left the room, also because it has left altogether."""

    def event_received(self, socket: Socket, packet: Packet) -> None:
        """`packet.data` is the event's name and what came with it. It may be that nobody handles it."""

    def ack_received(self, socket: Socket, packet: Packet) -> None:
        """`packet.data` is what the client answers to the event number `packet.id`; perhaps to none."""

    def ack_sent(self, call: Call, body: Body) -> None:
        """The client is being sent what the handler returned."""


class _Told:
    """Whom to tell."""

    def __init__(self, watchers: Sequence[HubWatcher]) -> None:
        wanting = partial(overriding, watchers, HubWatcher)
        self.connected = wanting("connected")
        self.refused = wanting("refused")
        self.disconnected = wanting("disconnected")
        self.event_received = wanting("event_received")
        self.ack_received = wanting("ack_received")
        self.ack_sent = wanting("ack_sent")


def hub_maker(watchers: Sequence[HubWatcher]) -> Callable[..., Hub]:
    """What makes a server's hub, as the class does."""
    told = _Told(watchers)
    made: Callable[..., Hub] = Hub
    if told.event_received or told.ack_received or told.ack_sent:
        made = partial(_EventsWatched, told)
    elif told.connected or told.refused or told.disconnected:
        made = partial(_Watched, told)
    return made


def watch_rooms(adapter: MemoryAdapter[Socket], watchers: Sequence[HubWatcher]) -> None:
    """Have them told who joins what."""
    adapter.on_joined = overriding(watchers, HubWatcher, "joined")
    adapter.on_left = overriding(watchers, HubWatcher, "left")


class _Watched(Hub):
    def __init__(self, told: _Told, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watch = told

    def _accept(self, socket: Socket) -> None:
        for tell in self._watch.connected:
            tell(socket)
        super()._accept(socket)

    def _refuse(self, socket: Socket, body: Body | None) -> None:
        for tell in self._watch.refused:
            tell(socket)
        super()._refuse(socket, body)

    def _disconnected(self, socket: Socket, reason: CloseReason) -> None:
        for tell in self._watch.disconnected:
            tell(socket, reason)
        super()._disconnected(socket, reason)


class _EventsWatched(_Watched):
    def _event(self, socket: Socket, packet: Packet) -> None:
        for tell in self._watch.event_received:
            tell(socket, packet)
        super()._event(socket, packet)

    def _ack(self, socket: Socket, packet: Packet) -> None:
        for tell in self._watch.ack_received:
            tell(socket, packet)
        super()._ack(socket, packet)

    def finished(self, call: Call, outcome: Outcome) -> None:
        if call.kind is CallKind.EVENT and outcome.body is not None:
            for tell in self._watch.ack_sent:
                tell(call, outcome.body)
        super().finished(call, outcome)
