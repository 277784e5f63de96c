"""What waits to be published: bounded, and the oldest goes first, in either sense."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from ..base.green import new_waiter
from ..base.real import Signal, new_lock

T = TypeVar("T")


@dataclass(slots=True)
class Bounds:
    """How much may wait, and for how many seconds. One message alone may be larger."""

    messages: int = 10_000
    bytes: int = 16 * 1024 * 1024
    #: 0 for any
    age: float = 60.0


class Waiting(NamedTuple, Generic[T]):
    """An item, how many bytes it has, and since when it waits, by `time.monotonic`."""

    item: T
    size: int
    since: float


class Backlog(Generic[T]):
    """`put` never waits, on any thread; the rest is called by one thread, of either kind.

    `dropped` is told why items have been, "backlog" or "age", and how many; not while anything is locked.
    """

    def __init__(self, bounds: Bounds, dropped: Callable[[str, int], object]) -> None:
        self._bounds = bounds
        self._dropped = dropped
        self._lock = new_lock()
        self._items: deque[Waiting[T]] = deque()
        self._bytes = 0
        self._closed = False
        self._nudged = False
        self._reader: Signal | None = None

    def __bool__(self) -> bool:
        return bool(self._items)

    def waiting(self) -> tuple[int, int]:
        """How many items wait, and how many bytes they have."""
        with self._lock:
            return len(self._items), self._bytes

    def put(self, item: T, size: int) -> None:
        """Add an item of so many bytes; the oldest for which there is no room are dropped."""
        with self._lock:
            self._items.append(Waiting(item, size, time.monotonic()))
            self._bytes += size
            dropped = self._trim()
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.release()
        self._tell("backlog", dropped)

    def put_back(self, items: list[Waiting[T]]) -> None:
        """Items that were taken are the oldest again."""
        with self._lock:
            self._items.extendleft(reversed(items))
            self._bytes += sum(waiting.size for waiting in items)
            dropped = self._trim()
        self._tell("backlog", dropped)

    def _trim(self) -> int:
        dropped = 0
        while len(self._items) > 1 and (
            len(self._items) > self._bounds.messages or self._bytes > self._bounds.bytes
        ):
            self._pop()
            dropped += 1
        return dropped

    def _pop(self) -> Waiting[T]:
        waiting = self._items.popleft()
        self._bytes -= waiting.size
        return waiting

    def _tell(self, reason: str, dropped: int) -> None:
        if dropped:
            self._dropped(reason, dropped)

    def expire(self) -> None:
        """Drop what has waited for too long."""
        if not self._bounds.age:
            return
        too_old = time.monotonic() - self._bounds.age
        dropped = 0
        with self._lock:
            while self._items and self._items[0].since < too_old:
                self._pop()
                dropped += 1
        self._tell("age", dropped)

    def nudge(self) -> None:
        """End one `wait`: there is something else to do."""
        with self._lock:
            self._nudged = True
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.release()

    def wait(self) -> bool:
        """Wait until there is an item, or a nudge; False when it is closed and empty."""
        while True:
            with self._lock:
                nudged, self._nudged = self._nudged, False
                if self._items or self._closed or nudged:
                    return bool(self._items) or not self._closed
                self._reader = reader = new_waiter()
            reader.acquire()

    def take(self, count: int, size: int) -> list[Waiting[T]]:
        """The oldest items: so many, and so many bytes, at most, but one in any case, if there is one."""
        taken: list[Waiting[T]] = []
        with self._lock:
            while self._items and len(taken) < count:
                size -= self._items[0].size
                if taken and size < 0:
                    break
                taken.append(self._pop())
        return taken

    def close(self) -> None:
        """Nothing more is put."""
        with self._lock:
            self._closed = True
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.release()

    def clear(self) -> int:
        """Drop everything; returns how many items that were."""
        with self._lock:
            dropped = len(self._items)
            self._items.clear()
            self._bytes = 0
            return dropped
