"""How long one client may have the loop: what has come all at once is handled in slices, and others come in between."""

from __future__ import annotations

from time import perf_counter

#: Seconds of a turn of the loop that the packets of one client may take.
SLICE = 0.005
#: Packets between two looks at the clock.
LOOK = 16


class Slice:
    """One client's share of a turn; begins when it is made."""

    __slots__ = ("_count", "_end")

    def __init__(self) -> None:
        self._end = perf_counter() + SLICE
        self._count = 0

    def is_over(self) -> bool:
        """To be asked after each packet."""
        self._count += 1
        return not self._count % LOOK and perf_counter() > self._end
