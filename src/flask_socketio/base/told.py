"""Log lines that a client can cause, as often as it likes."""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop, get_running_loop
from dataclasses import dataclass
from time import monotonic

#: Seconds in which there is one line of each kind.
MINUTE = 60.0


@dataclass(slots=True)
class _Kind:
    level: int
    #: when the next line may come
    again: float
    #: how many were not told, and what the last of them was
    more: int = 0
    text: str = ""
    args: tuple[object, ...] = ()


class Told:
    """Of each kind the first line is logged at once, then one in `interval` seconds that says how many more there were.

    There are as many kinds as the program has, not as clients can think of. Without a `loop` the one that runs tells in
    the end how many there were; where none does, the next line of the kind is preceded by it.
    """

    def __init__(
        self,
        logger: logging.Logger,
        loop: AbstractEventLoop | None = None,
        interval: float = MINUTE,
    ) -> None:
        self._logger = logger
        self._loop = loop
        self._interval = interval
        self._kinds: dict[str, _Kind] = {}

    def warning(self, text: str, *args: object, kind: str = "", failed: bool = False) -> None:
        """A line as `logging` takes it. Its kind is its text, unless that says too little.

        `failed`: the exception that is being handled is shown with it.
        """
        level = logging.ERROR if failed else logging.WARNING
        if self._is_first(kind or text, level, text, args):
            self._logger.log(level, text, *args, exc_info=failed)

    def info(self, text: str, *args: object, kind: str = "") -> None:
        """The same for what need not be looked at."""
        if self._is_first(kind or text, logging.INFO, text, args):
            self._logger.info(text, *args)

    def _is_first(self, kind: str, level: int, text: str, args: tuple[object, ...]) -> bool:
        found = self._kinds.get(kind)
        if found is not None and monotonic() < found.again:
            found.more += 1
            found.text, found.args = text, args
            return False
        self._tell_more(found)
        self._begin(kind, level)
        return True

    def _begin(self, kind: str, level: int) -> None:
        self._kinds[kind] = _Kind(level, monotonic() + self._interval)
        try:
            loop = self._loop or get_running_loop()
        except RuntimeError:
            return
        loop.call_later(self._interval, self._count, kind)

    def _count(self, kind: str) -> None:
        found = self._kinds.pop(kind, None)
        if self._tell_more(found):
            self._begin(kind, found.level if found else logging.WARNING)

    def _tell_more(self, kind: _Kind | None) -> bool:
        if kind is None or not kind.more:
            return False
        line = "%d more like it within a minute, the last: " + kind.text
        self._logger.log(kind.level, line, kind.more, *kind.args)
        return True
