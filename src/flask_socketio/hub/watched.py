"""A hub that tells what happens in it; one that nobody watches does not ask whether to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..base.hooks import overriding
from ..cluster.memory import MemoryAdapter
from ..protocol.reasons import CloseReason
from ..protocol.socketio import Body, Packet
from .call import Call, CallKind, Outcome
from .hub import Hub
from .socket import Socket
from .watcher import HubWatcher


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
        made = partial(_make, _EventsWatched, told)
    elif told.connected or told.refused or told.disconnected:
        made = partial(_make, _Watched, told)
    return made


def watch_rooms(adapter: MemoryAdapter[Socket], watchers: Sequence[HubWatcher]) -> None:
    """Have them told who joins what."""
    adapter.on_joined = overriding(watchers, HubWatcher, "joined")
    adapter.on_left = overriding(watchers, HubWatcher, "left")


class _Watched(Hub):
    watch: _Told

    def _accept(self, socket: Socket) -> None:
        for tell in self.watch.connected:
            tell(socket)
        super()._accept(socket)

    def _refuse(self, socket: Socket, body: Body | None) -> None:
        for tell in self.watch.refused:
            tell(socket)
        super()._refuse(socket, body)

    def _disconnected(self, socket: Socket, reason: CloseReason) -> None:
        for tell in self.watch.disconnected:
            tell(socket, reason)
        super()._disconnected(socket, reason)


class _EventsWatched(_Watched):
    def _event(self, socket: Socket, packet: Packet) -> None:
        for tell in self.watch.event_received:
            tell(socket, packet)
        super()._event(socket, packet)

    def _ack(self, socket: Socket, packet: Packet) -> None:
        for tell in self.watch.ack_received:
            tell(socket, packet)
        super()._ack(socket, packet)

    def finished(self, call: Call, outcome: Outcome) -> None:
        if call.kind is CallKind.EVENT and outcome.body is not None:
            for tell in self.watch.ack_sent:
                tell(call, outcome.body)
        super().finished(call, outcome)


def _make(kind: Callable[..., _Watched], told: _Told, *args: Any, **kwargs: Any) -> Hub:
    hub = kind(*args, **kwargs)
    hub.watch = told
    return hub
