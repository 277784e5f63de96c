"""Log lines that clients can cause as often as they like: the first is told, those that follow are counted."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

#: Seconds between two lines of a kind.
INTERVAL = 60.0


class ToldOnce:
    """Lines of one kind: one at once, then at most one in `interval` seconds, the last of those that were not told.

    What is counted while a loop runs is told by that loop in the end; otherwise with the next line.
    """

    __slots__ = ("_again", "_args", "_interval", "_level", "_logger", "_text", "_timed", "_untold")

    def __init__(
        self, logger: logging.Logger, level: int, text: str, interval: float = INTERVAL
    ) -> None:
        self._logger = logger
        self._level = level
        self._text = text
        self._interval = interval
        self._again = -interval
        self._untold = 0
        self._args: tuple[object, ...] = ()
        self._timed: asyncio.TimerHandle | None = None

    def __call__(self, *args: object) -> None:
        """Log the text with these arguments, or count it."""
        self._args = args
        wait = self._again - monotonic()
        if wait <= 0:
            self._tell()
            return
        self._untold += 1
        if self._timed is None:
            try:
                self._timed = asyncio.get_running_loop().call_later(wait, self._tell_last)
            except RuntimeError:  # no loop
                return

    def _tell_last(self) -> None:
        self._timed = None
        if self._untold:
            self._untold -= 1  # the one that is told
            self._tell()

    def _tell(self) -> None:
        untold, self._untold = self._untold, 0
        if self._timed is not None:  # by a loop that has ended, or is late
            self._timed.cancel()
            self._timed = None
        self._again = monotonic() + self._interval
        text = f"{self._text} (and %d more of this kind)" if untold else self._text
        self._logger.log(self._level, text, *self._args, *((untold,) if untold else ()))
