"""Many delays of equal length on one timer of the loop."""

from __future__ import annotations

import math
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable, Hashable
from itertools import takewhile
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

#: What the loop's clock may be behind (uvloop's counts milliseconds). Nobody wakes twice for one of them.
_RESOLUTION = 0.001
#: How late a loop may be that works, in seconds and as a part of the delay. One that is later stood still.
_LATE, _LATE_PART = 0.05, 0.25
#: Items that a sweep looks at in one turn of the loop.
_AT_ONCE = 1000


class DelayQueue(Generic[T]):
    """Calls `fire(item)` once, `delay` seconds after `add(item)`, unless it is discarded.

    All delays of a queue are equal, so insertion order is due order and an item costs a dictionary entry: no timer
    object and no task per client. Adding an item again starts its delay anew.

    What is due within `early` seconds fires along with the first: where items fire all the time, in fewer turns of the
    loop. As it fires an item enters the queue `then`, whose delay counts from when the item was due: what makes one
    queue late does not add up with what makes the next one late.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        delay: float,
        fire: Callable[[T], None],
        *,
        early: float = 0.0,
        then: DelayQueue[T] | None = None,
    ) -> None:
        self._loop = loop
        self._delay = delay
        self._early = early
        self._then = then
        self._latest = min(_LATE, delay * _LATE_PART)
        self._fire = fire
        self._due: dict[T, float] = {}
        self._timer: TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, item: T) -> bool:
        return item in self._due

    def add(self, item: T, since: float | None = None) -> None:
        """Start the item's delay now, or at a time that has just been, or is just to come."""
        self._due.pop(item, None)
        now = self._loop.time()
        # No further back than a loop that works is late: its standing still is not the client's fault.
        start = now + _RESOLUTION if since is None else max(since, now - self._latest)
        self._due[item] = start + self._delay
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
            self._timer = self._loop.call_at(next(iter(self._due.values())), self._run)

    def _late(self) -> float:
        """By how much the first item is overdue; negative, if it is not due yet."""
        return self._loop.time() - next(iter(self._due.values()), math.inf)

    def _take(self) -> list[tuple[T, float]]:
        """What is due, and what fires along with it. Nothing, where the one that the timer was for has gone."""
        if self._late() < -_RESOLUTION:
            return []
        until = self._loop.time() + _RESOLUTION + self._early
        return list(takewhile(lambda entry: entry[1] <= until, self._due.items()))

    def _run(self) -> None:
        self._timer = None
        try:
            for item, when in self._take():
                # One that fired before may have discarded this one, or added it again.
                if self._due.get(item) == when:
                    self._fire_one(item, when)
        finally:  # after an error, which the loop reports, the others are still due
            self._arm()

    def _fire_one(self, item: T, when: float) -> None:
        del self._due[item]
        if self._then is not None:
            self._then.add(item, when)
        self._fire(item)


class Deadlines(DelayQueue[T]):
    """What clients have to do in time, or else `fire(item)` is called.

    After the loop stood still, what they have done meanwhile has not been read yet: they get as much time again as was
    lost, once.
    """

    _waits = False

    def has_passed(self, item: T) -> bool:
        """Whether the item is overdue, and the loop has just not come to it; False also after it stood still.

        As exact as two clocks are, the loop's and the one by which the item is late.
        """
        due = self._due.get(item)
        return due is not None and -2 * _RESOLUTION <= self._loop.time() - due <= self._latest

    def _run(self) -> None:
        late = self._late()
        if late <= self._latest or self._waits:
            self._waits = False
            super()._run()
        else:
            self._waits = True
            self._timer = self._loop.call_later(min(late, self._delay), self._run)


class Sweep(Generic[T]):
    """Looks at items once a period, and forgets those for which `look(item, period)` returns False.

    An item costs an entry of a set, and adding one that is there already next to nothing. After the loop stood still
    what clients have done meanwhile has not been read yet: a look is left out.
    """

    def __init__(
        self, loop: AbstractEventLoop, period: float, look: Callable[[T, float], bool]
    ) -> None:
        self._loop = loop
        self._period = period
        self._look = look
        self._due = 0.0
        self.items: set[T] = set()
        self._arm()

    def _arm(self) -> None:
        self._due = self._loop.time() + self._period
        self._loop.call_at(self._due, self._run)

    def _run(self) -> None:
        late = self._loop.time() - self._due
        if self.items and late <= max(_LATE, self._period / 2):
            self._turn(list(self.items))
        else:
            self._arm()

    def _turn(self, items: list[T]) -> None:
        """Look at some of them, and at the others when the loop has had a turn."""
        now, later = items[:_AT_ONCE], items[_AT_ONCE:]
        try:
            for item in now:
                if item in self.items and not self._look(item, self._period):
                    self.items.discard(item)
        finally:  # after an error, which the loop reports, the others are still looked at
            if later:
                self._loop.call_soon(self._turn, later)
            else:
                self._arm()
