"""Many deadlines of equal length on one timer of the loop."""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

#: How much later than its due time an item may fire, as a part of the delay and in seconds: what is due within that
#: time fires in one turn of the loop.
_SLACK, _MOST_SLACK = 0.01, 0.1


class DelayQueue(Generic[T]):
    """Calls `fire(item)` once, `delay` seconds (and up to a hundredth more) after `add(item)`, unless it is discarded.

    All delays of a queue are equal, so insertion order is due order and an item costs a dictionary entry: no timer
    object and no task per client. Adding an item again starts its delay anew.
    """

    def __init__(self, loop: AbstractEventLoop, delay: float, fire: Callable[[T], None]) -> None:
        self._loop = loop
        self._delay = delay
        self._slack = min(delay * _SLACK, _MOST_SLACK)
        self._fire = fire
        self._due: dict[T, float] = {}
        self._timer: TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, item: T) -> bool:
        return item in self._due

    def add(self, item: T) -> None:
        self._due.pop(item, None)
        self._due[item] = self._loop.time() + self._delay
        self._arm()

    def discard(self, item: T) -> None:
        self._due.pop(item, None)

    def close(self) -> None:
        """Forget everything; nothing fires any more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is None and self._due:
            due = next(iter(self._due.values()))
            self._timer = self._loop.call_at(due + self._slack, self._run)

    def _run(self) -> None:
        self._timer = None
        # The loop's clock has a resolution; do not wake twice for one deadline.
        now = self._loop.time() + 0.001
        due: list[tuple[T, float]] = []
        for entry in self._due.items():
            if entry[1] > now:
                break
            due.append(entry)
        try:
            for item, when in due:
                # One that fired before may have discarded this one, or added it again.
                if self._due.get(item) == when:
                    del self._due[item]
                    self._fire(item)
        finally:  # after an error, which the loop reports, the others are still due
            self._arm()
