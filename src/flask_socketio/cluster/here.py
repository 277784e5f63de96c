"""Which rooms concern this server: for threads that do not own them.

A room does while it has members here, and for some seconds before its first one joins and after its last one has left.
So a message is not passed by whose room a thread has joined, though the loop has not come to that yet.
"""

from __future__ import annotations

import math
import time
from typing import Any, Protocol

from ..base.promise import Promise
from ..base.real import new_lock
from .base import Room, as_rooms

#: Seconds; also those within which the loop has to come to what it was told.
LINGER = 10.0


class Topics(Protocol):
    """What a broker has to send this server."""

    def add(self, namespace: str, room: Room) -> Promise[None] | None:
        """What is for a room. Kept when that is certain; None where there is nothing to wait for."""
        ...

    def coming(self, namespace: str, room: Room) -> Promise[None] | None:
        """The same for a room that has been added."""
        ...

    def remove(self, namespace: str, room: Room) -> None:
        """That no longer."""
        ...


class NoTopics:
    """It sends everything."""

    def add(self, namespace: str, room: Room) -> None: ...

    def coming(self, namespace: str, room: Room) -> None: ...

    def remove(self, namespace: str, room: Room) -> None: ...


class Here:
    """`sockets` are the adapter's, by namespaces and ids."""

    def __init__(self, sockets: dict[str, dict[str, Any]], topics: Topics) -> None:
        self._sockets = sockets
        self._topics = topics
        #: until when each room concerns this server, by `time.monotonic`; infinite where it has members
        self._until: dict[tuple[str, Room], float] = {}
        #: those of it that have none, the one that ends first in front
        self._ending: dict[tuple[str, Room], None] = {}
        self._lock = new_lock()

    def expect(self, namespace: str, room: Room) -> Promise[None] | None:
        """Before a thread has the loop put somebody into the room; returns what has to be waited for, if anything."""
        key = namespace, room
        with self._lock:
            coming = self._add(key)
            if self._until[key] < math.inf:
                self._end_later(key)
            return coming

    def came(self, namespace: str, room: Room) -> None:
        """The room has a member."""
        key = namespace, room
        with self._lock:
            self._add(key)
            self._until[key] = math.inf
            self._ending.pop(key, None)

    def _add(self, key: tuple[str, Room]) -> Promise[None] | None:
        if key in self._until:
            return self._topics.coming(*key)
        self._until[key] = 0.0
        return self._topics.add(*key)

    def gone(self, namespace: str, room: Room) -> None:
        """The room has no members any more."""
        with self._lock:
            self._end_later((namespace, room))

    def _end_later(self, key: tuple[str, Room]) -> None:
        self._until[key] = time.monotonic() + LINGER
        self._ending.pop(key, None)
        self._ending[key] = None
        self._sweep()

    def _sweep(self) -> None:
        now = time.monotonic()
        while self._ending and self._until[key := next(iter(self._ending))] < now:
            del self._ending[key], self._until[key]
            self._topics.remove(*key)

    def concerns(self, namespace: str, room: Any) -> bool:
        """Whether somebody here may have to get what is emitted to a room, or several, or to everybody (None).

        Raises TypeError for what is no room.
        """
        if isinstance(room, str):  # what nearly every room is
            return self._has((namespace, room))
        rooms = as_rooms(room)
        if rooms is None:
            return bool(self._sockets.get(namespace))
        return any(self._has((namespace, each)) for each in rooms)

    def _has(self, key: tuple[str, Room]) -> bool:
        namespace, room = key
        if room in self._sockets.get(namespace, ()):
            return True
        until = self._until.get(key)
        if until is None:
            return False
        if until < time.monotonic():
            with self._lock:
                self._sweep()
        return key in self._until
