"""Rooms on this server alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from ..base.counters import Counters
from ..errors import UnknownClientError
from ..protocol import socketio as sio
from ..protocol.socketio import JSON, Codec
from .base import Adapter, Callback, Emission, M, Room


class MemoryAdapter(Adapter[M]):
    """Every client is in the room named after its id; that one needs no entry."""

    def __init__(self, codec: Codec = JSON) -> None:
        self._codec = codec
        self._max_rooms = sys.maxsize
        self._counters = Counters()
        self._sockets: dict[str, dict[str, M]] = {}
        self._rooms: dict[tuple[str, Room], dict[str, M]] = {}
        #: told who has joined a room, and who has left it
        self.on_joined: tuple[Callable[[M, Room], object], ...] = ()
        self.on_left: tuple[Callable[[M, Room], object], ...] = ()

    def limit_rooms(self, count: int, counters: Counters) -> None:
        """How many each client may be in."""
        self._max_rooms, self._counters = count, counters

    def add(self, socket: M) -> None:
        self._sockets.setdefault(socket.namespace, {})[socket.sid] = socket

    def remove(self, socket: M) -> None:
        for room in list(socket.rooms):
            self._drop(socket, room)
        sockets = self._sockets[socket.namespace]
        sockets.pop(socket.sid, None)
        if not sockets:
            del self._sockets[socket.namespace]

    def find(self, namespace: str, sid: str) -> M | None:
        return self._sockets.get(namespace, {}).get(sid)

    def census(self) -> tuple[dict[str, int], int]:
        """How many clients each namespace has, and how many rooms there are beside everybody's own."""
        clients = {namespace: len(sockets) for namespace, sockets in self._sockets.items()}
        return clients, len(self._rooms)

    def sockets(self) -> Iterable[M]:
        for sockets in self._sockets.values():
            yield from sockets.values()

    def may_join(self, namespace: str, sid: str, room: Room) -> bool:
        sockets = self._sockets.get(namespace, {})
        socket = sockets.get(sid)
        # Half of the rooms, for others that may be joined already when this is.
        return (
            socket is not None
            and (room == sid or room not in sockets)
            and len(socket.rooms) < self._max_rooms // 2
        )

    def join(self, namespace: str, sid: str, room: Room) -> None:
        socket = self.find(namespace, sid)
        if socket is None:
            raise ValueError(f"client {sid!r} is not connected to namespace {namespace!r}")
        if room == sid:
            return
        if room in self._sockets[namespace]:
            raise ValueError("cannot enter a sid room")
        if len(socket.rooms) >= self._max_rooms and room not in socket.rooms:
            self._counters.limit_reached("max_rooms")
            raise ValueError(f"client {sid!r} is in {self._max_rooms} rooms (max_rooms)")
        self._add(socket, room)

    def _add(self, socket: M, room: Room) -> None:
        is_new = room not in socket.rooms
        socket.rooms[room] = None
        self._rooms.setdefault((socket.namespace, room), {})[socket.sid] = socket
        if is_new:
            for tell in self.on_joined:
                tell(socket, room)

    def leave(self, namespace: str, sid: str, room: Room) -> None:
        socket = self.find(namespace, sid)
        if socket is not None and room in socket.rooms:
            self._drop(socket, room)

    def close_room(self, namespace: str, room: Room) -> None:
        if room in self._sockets.get(namespace, {}):
            raise ValueError("cannot close a sid room")
        for socket in list(self._rooms.get((namespace, room), {}).values()):
            self._drop(socket, room)

    def _drop(self, socket: M, room: Room) -> None:
        del socket.rooms[room]
        members = self._rooms[socket.namespace, room]
        del members[socket.sid]
        if not members:
            del self._rooms[socket.namespace, room]
        for tell in self.on_left:
            tell(socket, room)

    def rooms(self, namespace: str, sid: str) -> list[Room]:
        socket = self.find(namespace, sid)
        return [] if socket is None else [sid, *socket.rooms]

    def broadcast(self, emission: Emission) -> None:
        receivers = self._alone(emission) or self._receivers(emission)
        if emission.callback is not None:
            for socket in receivers:
                socket.send_with_ack(emission.body, emission.callback)
            if not receivers:
                self._reaches_nobody(emission, emission.callback)
            return
        message = self._codec.encode(sio.EVENT, emission.namespace, emission.body)
        for socket in receivers:
            socket.send(message)

    def _reaches_nobody(self, emission: Emission, callback: Callback) -> None:
        """Of those who are here; an answer is awaited."""
        callback.fail(nowhere(emission))

    def _alone(self, emission: Emission) -> tuple[M] | None:
        """The one whose id it names, which is what handlers emit to most."""
        to = emission.to
        if to is None or len(to) != 1 or emission.skip:
            return None
        owner = self._sockets.get(emission.namespace, {}).get(to[0])  # pyright: ignore[reportArgumentType]
        return None if owner is None else (owner,)

    def _receivers(self, emission: Emission) -> list[M]:
        everybody = self._sockets.get(emission.namespace, {})
        chosen: dict[str, M]
        to = emission.to
        if to is None:
            chosen = everybody
        elif len(to) == 1:
            chosen = self._members(everybody, emission.namespace, to[0])
        else:
            chosen = {}
            for room in to:
                chosen.update(self._members(everybody, emission.namespace, room))
        if emission.skip:
            skipped: set[str] = set()
            for room in emission.skip:
                skipped.update(self._members(everybody, emission.namespace, room))
            return [socket for sid, socket in chosen.items() if sid not in skipped]
        return list(chosen.values())

    def _members(self, everybody: dict[str, M], namespace: str, room: Room) -> dict[str, M]:
        owner = everybody.get(room) if isinstance(room, str) else None
        if owner is not None:
            return {owner.sid: owner}
        return self._rooms.get((namespace, room), {})

    def disconnect(self, namespace: str, sid: str, *, ignore_queue: bool = False) -> None:
        socket = self.find(namespace, sid)
        if socket is not None:
            socket.disconnect()


def nowhere(emission: Emission) -> UnknownClientError:
    """Nobody can answer it."""
    to = emission.to[0] if emission.to else None
    return UnknownClientError(
        f"event {emission.args[0]!r} has no answer: client {to!r} is not connected to namespace {emission.namespace!r}"
    )
