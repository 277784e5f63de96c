"""Log lines that a client can cause, as often as it likes."""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop

#: Seconds in which there is one line of each kind.
_MINUTE = 60.0


class Told:
    """Of each kind the first line is logged at once, and then one a minute that says how many more there were.

    To be used on the loop. There are as many kinds as the program has, not as clients can think of.
    """

    def __init__(self, logger: logging.Logger, loop: AbstractEventLoop) -> None:
        self._logger = logger
        self._loop = loop
        #: by kind how many there were since the last line, and what the last of them said
        self._more: dict[str, tuple[int, str]] = {}

    def warning(self, text: str, *args: object, kind: str = "", failed: bool = False) -> None:
        """A line as `logging` takes it. Its kind is its text, unless that says too little.

        `failed`: the exception that is being handled is shown with it.
        """
        kind = kind or text
        found = self._more.get(kind)
        if found is not None:
            self._more[kind] = found[0] + 1, text % args
            return
        self._more[kind] = 0, ""
        level = logging.ERROR if failed else logging.WARNING
        self._logger.log(level, text, *args, exc_info=failed)
        self._loop.call_later(_MINUTE, self._count, kind)

    def _count(self, kind: str) -> None:
        number, last = self._more.pop(kind)
        if number:
            self._more[kind] = 0, ""
            self._logger.warning("%d more like it within a minute, the last: %s", number, last)
            self._loop.call_later(_MINUTE, self._count, kind)
