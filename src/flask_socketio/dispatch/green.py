"""The pool's counterpart where the app's code runs on green threads: one for each job, started in order."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from typing import Generic

from ..base.green import Hub, attached
from .pool import J, Lane, Pool


class GreenPool(Generic[J]):
    """A job that blocks holds up those of others, as long as it does not wait for something green."""

    def __init__(self, hub: Hub, execute: Callable[[J], None], max_threads: int) -> None:
        self._hub = hub
        self._execute = execute
        self._max_threads = max_threads
        self._running = 0
        self._waiting: deque[J] = deque()

    def has(self, lane: Lane) -> bool:
        """Whether jobs of the lane have not finished, or not begun."""
        return lane.worker is not None

    def submit(self, jobs: list[J]) -> None:
        """Have the jobs done, those of one lane in this order."""
        for job in jobs:
            job.lane.worker = self
        self._hub.post(self._begin, jobs)

    # -- on the hub's thread -------------------------------------------------------------------

    def _begin(self, jobs: list[J]) -> None:
        self._waiting += jobs
        self._fill()

    def _fill(self) -> None:
        while self._waiting and self._running < self._max_threads:
            self._running += 1
            self._hub.spawn(self._run, self._waiting.popleft())

    def _run(self, job: J) -> None:
        try:
            self._execute(job)
        finally:
            self._running -= 1
            self._fill()


def new_pool(
    loop: AbstractEventLoop, execute: Callable[[J], None], max_threads: int, name: str
) -> Pool[J] | GreenPool[J]:
    """The threads on which the app expects its code to run."""
    hub = attached()
    return (
        Pool(loop, execute, max_threads, name)
        if hub is None
        else GreenPool(hub, execute, max_threads)
    )
