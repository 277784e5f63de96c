"""Whether the process leaves its core unused, which it does while its handlers wait for something.

On a busy machine it is kept from the core as well, which its CPU time does not tell. Linux says of each thread how long
it was ready to run while others ran.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection

#: Of a core: with less in use, there is some to spare.
_LITTLE = 0.6
_THREADS = "/proc/self/task"
#: Bytes in which it says of a thread what we want to know.
_ENOUGH = 128


class Spare:
    """Used on the loop's thread, `own`; threads are named by the system's numbers."""

    def __init__(self, own: int, on_time: float) -> None:
        self._own = own
        #: seconds between `begin` and `is_left` beyond which nothing is known, where the system does not tell
        self._on_time = on_time
        self._since = self._cpu = 0.0
        #: what the system tells of the threads that were looked at last, no others; and what it told then
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
            self._tasks = {thread: self._task(thread) for thread in (self._own, *threads)}
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
            return used + kept < _LITTLE * seconds and not any(
                self._task(thread).is_ready() for thread in threads
            )
        except (OSError, ValueError, IndexError):
            return False

    def _task(self, thread: int) -> _Task:
        """Its files stay open until it is not looked at any more: there is a look every few milliseconds."""
        task = self._tasks.get(thread)
        if task is None:
            task = self._tasks[thread] = _Task(thread)
        return task


class _Task:
    """A thread as Linux describes it."""

    __slots__ = ("_schedstat", "_stat")

    def __init__(self, thread: int) -> None:
        self._schedstat = _File(f"{_THREADS}/{thread}/schedstat")
        self._stat = _File(f"{_THREADS}/{thread}/stat")

    def kept_off(self) -> float:
        """Seconds for which it has been ready to run, and something else ran."""
        return int(self._schedstat.read().split()[1]) / 1e9

    def is_ready(self) -> bool:
        """Whether it would go on if it could; one that wants the interpreter's lock waits."""
        return self._stat.read().rpartition(b")")[2].split(None, 1)[0] == b"R"


class _File:
    """What it begins with, read again and again. It is closed when nobody has it any more."""

    __slots__ = ("_descriptor",)

    def __init__(self, name: str) -> None:
        self._descriptor = -1  # if it cannot be opened
        self._descriptor = os.open(name, os.O_RDONLY)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def read(self) -> bytes:
        return os.pread(self._descriptor, _ENOUGH, 0)
