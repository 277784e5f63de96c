"""What a connection is waited for, and how long."""

from __future__ import annotations

from enum import Enum

from ...engine.config import HttpLimits
from ...engine.pace import Pace


class Waits(Enum):
    """For what of the client's; the value is the reason with which the connection ends."""

    #: its first request
    FIRST = "no request"
    #: the next one
    NEXT = "idle"
    HEAD = "head too slow"
    BODY = "body too slow"
    READER = "reader too slow"
    #: nothing: it is the client that waits
    NOT = ""


class Watch:
    """What the last looks at a connection have seen. To be made anew when a request has been answered."""

    __slots__ = ("_pace", "_waited", "_waits")

    def __init__(self) -> None:
        self._waits = Waits.NOT
        self._waited = 0.0
        self._pace: Pace | None = None

    def is_over(self, waits: Waits, done: int, limits: HttpLimits, seconds: float) -> bool:
        """Take note of a look, `seconds` after the last one; whether it is too late now.

        `done` are the bytes that the client has sent of a body, or read.
        """
        if waits is not self._waits:
            self._waits, self._waited, self._pace = waits, 0.0, Pace(limits, done)
            return False
        if waits is Waits.BODY or waits is Waits.READER:
            return self._pace is not None and not self._pace.keeps(done, seconds)
        self._waited += seconds
        return 0 < _patience(waits, limits) <= self._waited


def _patience(waits: Waits, limits: HttpLimits) -> float:
    if waits is Waits.NOT:
        return 0.0
    return limits.keep_alive_timeout if waits is Waits.NEXT else limits.header_timeout


def period(limits: HttpLimits) -> float:
    """Seconds between two looks."""
    times = (limits.header_timeout, limits.keep_alive_timeout, limits.rate_timeout)
    return min([_PERIOD, *(time / _LOOKS for time in times if time)])


#: Seconds between two looks, at most, and looks within the shortest of the times, at least.
_PERIOD, _LOOKS = 1.0, 4
