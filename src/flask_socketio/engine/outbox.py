"""What waits for a client that reads more slowly than it is sent to, and what happens when that is too much.

Whatever carries a session keeps it in an `Outbox`, so that bytes are counted in one way and one place decides. What has
been taken out of it is the transport's and the kernel's: it counts no more and cannot be dropped, so it is little.
"""

from __future__ import annotations

import logging
import socket
import sys
from asyncio import Transport
from contextlib import suppress
from typing import Generic, Protocol, Self, TypeVar

from ..base.counters import Counters
from ..base.told import Told
from .config import Limits

logger = logging.getLogger("flask_socketio.engine")

_told = Told(logger)

#: The kernel keeps no more that is not on its way yet; not in the module where a system has no such option.
_TCP_NOTSENT_LOWAT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", None)

#: Bytes that are given to a transport at a time: some, and few where what is left may be dropped.
_SOME, _FEW = 64 * 1024, 8 * 1024
#: Bytes that may wait for any client for a moment; whoever has more is behind.
_USUAL = 64 * 1024
#: Where old events are dropped, this part of max_queued becomes free at once: not each costs a search for the oldest.
_ROOM = 64


class Item(Protocol):
    """A packet with all that belongs to it."""

    @property
    def size(self) -> int: ...

    @property
    def droppable(self) -> bool:
        """An event: the session goes on without it. No other packet is."""
        ...

    @property
    def urgent(self) -> bool:
        """A ping: it overtakes what waits, or the client would miss it."""
        ...

    def alone(self) -> Self:
        """The same without what it would be kept for by others."""
        ...


T = TypeVar("T", bound=Item)


class Queueing:
    """How much may wait for each of a server's clients, and what becomes of more."""

    def __init__(self, limits: Limits, counters: Counters) -> None:
        self.limit = limits.max_queued or sys.maxsize
        self.usual = min(_USUAL, self.limit)
        self.room = self.limit // _ROOM
        self.policy = limits.slow_consumer
        #: events may be dropped, as long as they are ours
        self.drops = self.policy != "disconnect"
        self.at_a_time = _FEW if self.drops else _SOME
        self._counters = counters

    def dropped(self, count: int) -> None:
        if not count:
            return
        self._counters.events_dropped += count
        _told.warning(
            "a client reads more slowly than it is sent to: events for it are dropped (slow_consumer=%r)",
            self.policy,
        )

    def given_up(self) -> None:
        self._counters.limit_reached("max_queued")
        _told.warning(
            "a client does not read: more than %d bytes wait for it (max_queued); closing the connection",
            self.limit,
        )


class Outbox(Generic[T]):
    """Packets for one client, in their order. The largest does not count: one may be larger than the bound."""

    __slots__ = ("_kept", "_largest", "_queueing", "items", "size")

    def __init__(self, queueing: Queueing) -> None:
        self._queueing = queueing
        self.items: list[T] = []
        #: bytes of those that were added
        self.size = 0
        self._largest = 0
        #: so many of the oldest are no events, and cannot be dropped
        self._kept = 0

    def add(self, item: T) -> bool:
        """Returns False where too much waits and the client has to be closed."""
        self.items.append(item)
        self.size += item.size
        return self.size <= self._queueing.usual or self._add_behind(item)

    def take(self) -> list[T]:
        """The oldest: as much as is to be given to a transport at a time."""
        at_a_time = self._queueing.at_a_time
        if self.size <= at_a_time:
            return self.take_all()
        count = size = 0
        while size < at_a_time:
            size += self.items[count].size
            count += 1
        taken = self.items[:count]
        del self.items[:count]
        self.size -= size
        self._kept = max(0, self._kept - count)
        self._forget_largest()
        return taken

    def take_all(self) -> list[T]:
        taken, self.items = self.items, []
        self.size = self._largest = self._kept = 0
        return taken

    def _add_behind(self, item: T) -> bool:
        if item.droppable:
            self.items[-1] = item.alone()
        elif item.urgent:
            self.items.insert(0, self.items.pop())
            self._kept += 1
        largest = max(self._largest, item.size)
        if self.size - largest > self._queueing.limit:
            return self._relieve(item)
        self._largest = largest
        return True

    def _relieve(self, item: T) -> bool:
        """The item is too much. Returns whether the client can be kept all the same."""
        queueing = self._queueing
        if queueing.policy == "drop-oldest":
            relieved = self._drop_oldest(item)
        else:
            relieved = queueing.policy == "drop-new" and self._drop_new(item)
        if not relieved:
            self.take_all()
            queueing.given_up()
        return relieved

    def _drop_oldest(self, item: T) -> bool:
        """Make room for some more than this item."""
        queueing, items = self._queueing, self.items
        excess = self.size - max(self._largest, item.size) - (queueing.limit - queueing.room)
        kept: list[T] = []
        end = self._kept
        while excess > 0 and end < len(items):
            waiting = items[end]
            end += 1
            if waiting.droppable:
                excess -= waiting.size
                self.size -= waiting.size
            else:
                kept.append(waiting)
        queueing.dropped(end - self._kept - len(kept))
        items[self._kept : end] = kept
        self._kept += len(kept)
        self._forget_largest()
        return excess <= 0

    def _forget_largest(self) -> None:
        if self.size <= self._queueing.limit:  # none is that large any more
            self._largest = 0

    def _drop_new(self, item: T) -> bool:
        """What cannot be dropped may take as much again."""
        if not item.droppable:
            return self.size - self._largest <= 2 * self._queueing.limit
        self.items.pop()
        self.size -= item.size
        self._queueing.dropped(1)
        return True


def hold_little(transport: Transport) -> None:
    """Have it, and the kernel, take only what can go out soon, for nothing of that can be dropped any more."""
    transport.set_write_buffer_limits(high=1)  # with 0, TLS is full when nothing waits
    if _TCP_NOTSENT_LOWAT is not None:
        with suppress(OSError):  # no TCP
            transport.get_extra_info("socket").setsockopt(
                socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _FEW
            )
