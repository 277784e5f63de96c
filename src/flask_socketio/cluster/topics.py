"""Which messages a broker has to send whom: those for one room have a topic, which is listened to where it has members.

Rooms share a fixed number of topics, so that there is a bound to what a broker and a server have to keep, and so that a
room may have any name.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from zlib import crc32

from ..base.promise import Promise
from .base import Emission, Room
from .gaps import Gaps
from .here import LINGER
from .nodes import owner_of, prefix_of

#: All servers of a queue have to agree on it.
TOPICS = 65_536

#: What a client's id looks like that names no process: nobody can tell whether a room of that form is one.
_ID = re.compile(r"[A-Za-z0-9_-]{20}")

#: Has a broker send a topic's messages, or no longer; see `TopicBroker`.
Want = Callable[[int, bool], "Promise[None] | None"]


def topic_of(namespace: str, room: Room) -> int | None:
    """None for what is said to everybody; for a client's id the topic of its process."""
    if not isinstance(room, str) or _ID.fullmatch(room):
        return None
    owner = owner_of(room)
    name = f"{namespace}\0{room}" if owner is None else owner
    return crc32(name.encode(errors="surrogatepass")) % TOPICS


class Addresses:
    """Which topic something is published to; None for all where the broker has none.

    Who puts a client of another server into a room publishes what is for the room to all, until that server is sure to
    listen to its topic. To be called by one thread at a time.
    """

    def __init__(self, with_topics: Callable[[], object]) -> None:
        #: returns the broker, if it has topics
        self._with_topics = with_topics
        #: rooms that somebody elsewhere was told to join, and until when that may not have happened
        self._joined: dict[tuple[str, Room], float] = {}

    def joined_elsewhere(self, namespace: str, room: Room) -> None:
        """A server, nobody knows which, is about to be told that a client joins a room."""
        now = time.monotonic()
        self._joined.pop((namespace, room), None)
        self._joined[namespace, room] = now + LINGER
        while self._joined[first := next(iter(self._joined))] < now:
            del self._joined[first]

    def of_emission(self, emission: Emission) -> int | None:
        """None where several rooms are addressed, or an answer is wanted, which may be everybody's."""
        if emission.to is None or len(emission.to) != 1:
            return None
        (room,) = emission.to
        if emission.callback is not None and owner_of(room) is None:
            return None
        return self.of_room(emission.namespace, room)

    def of_room(self, namespace: str, room: Room) -> int | None:
        """What is for the room's members alone."""
        if self._with_topics() is None:
            return None
        if self._joined.get((namespace, room), 0.0) > time.monotonic():
            return None
        return topic_of(namespace, room)


class Subscriptions:
    """The topics of the rooms that concern a server. To be called by one thread at a time."""

    def __init__(self, want: Want, gaps: Gaps) -> None:
        self._want = want
        self._gaps = gaps
        self._rooms: dict[int, int] = {}
        self._coming: dict[int, Promise[None]] = {}

    def add(self, namespace: str, room: Room) -> Promise[None] | None:
        """The room concerns the server; what is returned is kept when its topic is listened to, None if it is."""
        topic = topic_of(namespace, room)
        if topic is None:
            return None
        self._rooms[topic] = rooms = self._rooms.get(topic, 0) + 1
        if rooms == 1:
            self._begin(topic)
        return self._coming.get(topic)

    def add_node(self, node: str) -> None:
        """What is for the clients of a process, whatever their ids, concerns the server: for good."""
        self.add("/", prefix_of(node) + "0" * 20)

    def _begin(self, topic: int) -> None:
        self._gaps.begin(topic)
        coming = self._want(topic, True)
        if coming is not None:
            self._coming[topic] = coming

    def coming(self, namespace: str, room: Room) -> Promise[None] | None:
        """The same for a room that has been added."""
        topic = topic_of(namespace, room)
        return None if topic is None else self._coming.get(topic)

    def remove(self, namespace: str, room: Room) -> None:
        """The room does not concern the server any more."""
        topic = topic_of(namespace, room)
        if topic is None:
            return
        self._rooms[topic] -= 1
        if not self._rooms[topic]:
            del self._rooms[topic]
            self._coming.pop(topic, None)
            self._want(topic, False)
