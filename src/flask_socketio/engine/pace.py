"""Bytes that a client has to send, or to read, at a least rate."""

from __future__ import annotations

from .config import HttpLimits

#: So many times the patience may be saved up by who was faster before.
_SAVED = 3


class Pace:
    """Time that a client has in hand: its bytes add to it, and the clock takes from it."""

    __slots__ = ("_done", "_in_hand", "_limits")

    def __init__(self, limits: HttpLimits, done: int = 0) -> None:
        self._limits = limits
        self._done = done
        self._in_hand = limits.rate_timeout

    def keeps(self, done: int, seconds: float) -> bool:
        """Take note of the bytes that there are by now, so many seconds after the last call; False: it is too slow."""
        limits = self._limits
        if not limits.min_rate or not limits.rate_timeout:
            return True
        gained = (done - self._done) / limits.min_rate
        self._done = done
        most = _SAVED * limits.rate_timeout
        self._in_hand = min(self._in_hand + gained, most) - seconds
        return self._in_hand >= 0
