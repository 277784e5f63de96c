"""What waits to be published: bounded, and the oldest goes first, in either sense."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..base.green import new_waiter
from ..base.real import Signal, new_lock

T = TypeVar("T")


@dataclass(slots=True)
class Bounds:
    """How much may wait. One message alone may be larger."""

    messages: int = 10_000
    bytes: int = 16 * 1024 * 1024


class Backlog(Generic[T]):
    """`put` never waits, on any thread; `get` is called by one thread, of either kind."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._lock = new_lock()
        self._items: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._closed = False
        self._reader: Signal | None = None

    def __bool__(self) -> bool:
        return bool(self._items)

    def put(self, item: T, size: int) -> int:
        """Add an item of so many bytes, and drop the oldest for which there is no room; returns how many."""
        with self._lock:
            self._items.append((item, size))
            self._bytes += size
            dropped = self._trim()
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.release()
        return dropped

    def _trim(self) -> int:
        dropped = 0
        while len(self._items) > 1 and (
            len(self._items) > self._bounds.messages or self._bytes > self._bounds.bytes
        ):
            self._bytes -= self._items.popleft()[1]
            dropped += 1
        return dropped

    def get(self) -> T | None:
        """The oldest item, as soon as there is one; None when it is closed and empty."""
        while True:
            with self._lock:
                if self._items:
                    item, size = self._items.popleft()
                    self._bytes -= size
                    return item
                if self._closed:
                    return None
                self._reader = reader = new_waiter()
            reader.acquire()

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
