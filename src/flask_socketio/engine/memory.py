"""Memory that large messages have left behind in the allocator, given back to the operating system.

glibc keeps freed memory for the next large message, which makes that one a lot cheaper; where none comes, it would be
kept for good: a burst of messages of 1 MB from 200 clients leaves 25 MB.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
from functools import cache, partial

from ..base.real import start_thread

#: Bytes of a message that is large.
LARGE = 64 * 1024
#: Seconds without one.
_QUIET = 1.0


class MemoryTrimmer:
    """One per loop."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._last = 0.0
        self._waits = False

    def large_message(self) -> None:
        """To be told of each."""
        self._last = self._loop.time()
        if not self._waits:
            self._waits = True
            self._loop.call_later(_QUIET, self._look)

    def _look(self) -> None:
        left = self._last + _QUIET - self._loop.time()
        if left > 0.01:
            self._loop.call_later(left, self._look)
            return
        self._waits = False
        malloc_trim = _malloc_trim()
        if malloc_trim is not None:  # it takes milliseconds where there is much
            start_thread(partial(malloc_trim, 0), "flask-duplex-trim")


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        from ctypes import CDLL

        return CDLL(None).malloc_trim
    except (ImportError, OSError, AttributeError, TypeError):  # another C library than glibc
        return None
