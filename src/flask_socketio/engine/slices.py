"""How long one client may have the loop: what has come all at once is handled in slices, and others come in between."""

from __future__ import annotations

from time import perf_counter

#: Seconds of a turn of the loop that the packets of one client may take.
SLICE = 0.005
#: Packets that come at once before they are a flood.
LOOK = 16


class Slice:
    """One client's share of a turn; begins when it is made."""

    __slots__ = ("_end",)

    def __init__(self) -> None:
        self._end = perf_counter() + SLICE

    def is_over(self) -> bool:
        """To be asked after each packet, for one may take long; the clock costs no more than to count would."""
        return perf_counter() > self._end
