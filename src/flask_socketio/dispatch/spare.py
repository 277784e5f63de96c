"""Whether the process leaves its core unused, which it does while its handlers wait for something.

On a busy machine it is kept from the core as well, which its CPU time does not tell. Linux says of each thread how long
it was ready to run while others ran.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path

#: Of a core: with less in use, there is some to spare.
_LITTLE = 0.6
_THREADS = "/proc/self/task"
#: Bytes in which it says how long a thread has run and waited.
_ENOUGH = 128


class Spare:
    """Used on the loop's thread, `own`; threads are named by the system's numbers."""

    def __init__(self, own: int, on_time: float) -> None:
        self._own = own
        #: seconds between `begin` and `is_left` beyond which nothing is known, where the system does not tell
        self._on_time = on_time
        self._since = self._cpu = 0.0
        #: what the system tells of the threads that were looked at last, and what it told then
        self._tasks: dict[int, _Task] = {}
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
            known = self._tasks
            self._tasks = {
                thread: known.get(thread) or _Task(thread) for thread in (self._own, *threads)
            }
            self._kept = {thread: task.kept_off() for thread, task in self._tasks.items()}
        except (OSError, ValueError, IndexError):  # another system; or one has ended just now
            self._tasks, self._kept = {}, None

    def is_left(self, threads: Collection[int]) -> bool:
        """Whether the process could have used its core since `begin`, and did not; these threads are still at it."""
        seconds = self.seconds
        used = time.process_time() - self._cpu
        if used >= _LITTLE * seconds:
            return False
        if self._kept is None:
            return seconds < self._on_time
        try:
            kept = sum(
                self._tasks[thread].kept_off() - before for thread, before in self._kept.items()
            )
            return used + kept < _LITTLE * seconds and not any(map(_is_ready, threads))
        except (OSError, ValueError, IndexError):
            return False


class _Task:
    """A thread as Linux describes it, in a file that stays open: it is read a hundred times a second."""

    __slots__ = ("_file",)

    def __init__(self, thread: int) -> None:
        self._file = -1
        self._file = os.open(f"{_THREADS}/{thread}/schedstat", os.O_RDONLY)

    def __del__(self) -> None:
        if self._file >= 0:
            os.close(self._file)

    def kept_off(self) -> float:
        """Seconds for which the thread has been ready to run, and something else ran."""
        return int(os.pread(self._file, _ENOUGH, 0).split()[1]) / 1e9


def _is_ready(thread: int) -> bool:
    """Whether it would go on if it could; one that wants the interpreter's lock waits."""
    stat = Path(f"{_THREADS}/{thread}/stat").read_bytes()
    return stat.rpartition(b")")[2].split(None, 1)[0] == b"R"
