"""Whether the process leaves its core unused, which it does while its handlers wait for something.

On a busy machine it is kept from the core as well, which its CPU time does not tell. Linux says of each thread how long
it was ready to run while others ran.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

#: Of a core: with less in use, there is some to spare.
_LITTLE = 0.6
_THREADS = "/proc/self/task"


class Spare:
    """Used on the loop's thread, `own`; threads are named by the system's numbers."""

    def __init__(self, own: int, on_time: float) -> None:
        self._own = own
        #: seconds between `begin` and `is_left` beyond which nothing is known, where the system does not tell
        self._on_time = on_time
        self._since = self._cpu = 0.0
        self._kept: dict[int, float] | None = None

    @property
    def seconds(self) -> float:
        """Since `begin`."""
        return time.monotonic() - self._since

    def begin(self, threads: Collection[int]) -> None:
        """Look at the time from now on; these threads have something to do."""
        # Not the loop's time, which stands still within a turn.
        self._since, self._cpu = time.monotonic(), time.process_time()
        try:
            self._kept = {thread: _kept_off(thread) for thread in (self._own, *threads)}
        except (OSError, ValueError, IndexError):  # another system; or one has ended just now
            self._kept = None

    def is_left(self, threads: Collection[int]) -> bool:
        """Whether the process could have used its core since `begin`, and did not; these threads are still at it."""
        seconds = self.seconds
        used = time.process_time() - self._cpu
        if used >= _LITTLE * seconds:
            return False
        if self._kept is None:
            return seconds < self._on_time
        try:
            kept = sum(_kept_off(thread) - before for thread, before in self._kept.items())
            return used + kept < _LITTLE * seconds and not any(map(_is_ready, threads))
        except (OSError, ValueError, IndexError):
            return False


def _kept_off(thread: int) -> float:
    """Seconds for which a thread has been ready to run, and something else ran."""
    return int(_read(thread, "schedstat").split()[1]) / 1e9


def _is_ready(thread: int) -> bool:
    """Whether it would go on if it could; one that wants the interpreter's lock waits."""
    return _read(thread, "stat").rpartition(b")")[2].split(None, 1)[0] == b"R"


def _read(thread: int, name: str) -> bytes:
    return Path(f"{_THREADS}/{thread}/{name}").read_bytes()
