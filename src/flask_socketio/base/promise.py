"""A result that other threads wait for: between real threads and green ones."""

from __future__ import annotations

import asyncio
import time
from typing import Generic, TypeVar

from .green import new_waiter
from .real import Signal, new_lock

T = TypeVar("T")


class Promise(Generic[T]):
    """Kept or broken once, on any thread; what comes later counts for nothing."""

    __slots__ = ("_error", "_lock", "_result", "_waiting", "done")

    def __init__(self) -> None:
        self.done = False
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._lock = new_lock()
        self._waiting: list[Signal] = []

    def keep(self, result: T) -> None:
        """Whoever waits gets the result."""
        self._settle([result], None)

    def fail(self, error: BaseException) -> None:
        """Whoever waits for the result gets the error."""
        self._settle([], error)

    def _settle(self, result: list[T], error: BaseException | None) -> None:
        with self._lock:
            if self.done:
                return
            self._result, self._error = result, error
            self.done = True
            waiting, self._waiting = self._waiting, []
        for signal in waiting:
            signal.release()

    def wait(self, timeout: float = -1) -> bool:
        """Wait, for `timeout` seconds at most (-1: without end); return whether it is done."""
        with self._lock:
            if self.done:
                return True
            signal = new_waiter()
            self._waiting.append(signal)
        if not signal.acquire(timeout=timeout):
            with self._lock:
                if signal in self._waiting:
                    self._waiting.remove(signal)
        return self.done

    async def wait_on_loop(self, timeout: float) -> None:
        """Wait, for `timeout` seconds at most, for what ends soon: the loop looks again and again."""
        deadline = time.monotonic() + timeout
        while not self.done and time.monotonic() < deadline:  # noqa: ASYNC110 - other threads keep it
            await asyncio.sleep(0.01)

    def result(self) -> T:
        """Wait for the result; raises the error there is instead."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._result[0]
