"""The pool's counterpart where the app's code runs on green threads: one for each job, started in order."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Collection
from typing import Generic

from ..base.counters import Counters
from ..base.green import Hub, attached
from .pool import J, Owner, Pool


class GreenPool(Generic[J]):
    """A job that blocks holds up those of others, as long as it does not wait for something green. A green thread that
    waits costs little, so there may be any number."""

    def __init__(self, hub: Hub, execute: Callable[[J], None]) -> None:
        self._hub = hub
        self._execute = execute
        #: owners with a job that the loop has not started yet, and what comes behind it
        self._held: dict[Owner, list[J]] = {}

    def has(self, owner: Owner) -> bool:
        """Whether jobs of the owner have not finished, or not begun."""
        return owner.worker is not None

    def census(self) -> dict[str, int]:
        """There are no threads of ours."""
        return {"busy": 0, "idle": 0, "blocked": 0, "jobs": sum(map(len, self._held.values()))}

    def submit(self, jobs: list[J]) -> None:
        """Have the jobs done, those of one owner in this order."""
        for job in jobs:
            job.owner.worker = self
        self._hub.post(self._begin, jobs)

    # -- on the hub's thread -------------------------------------------------------------------

    def _begin(self, jobs: list[J]) -> None:
        for job in jobs:
            held = self._held.get(job.owner)
            if held is not None:
                held.append(job)
                continue
            if job.starts_on_loop:
                self._held[job.owner] = []
            self._hub.spawn(self._run, job)

    def _run(self, job: J) -> None:
        try:
            self._execute(job)
        finally:
            if job.starts_on_loop:
                self._begin(self._held.pop(job.owner))


def new_pool(
    loop: AbstractEventLoop,
    execute: Callable[[J], None],
    max_threads: int,
    name: str,
    counters: Counters,
    held_up: Collection[int] = (),
) -> Pool[J] | GreenPool[J]:
    """The threads on which the app expects its code to run."""
    hub = attached()
    if hub is not None:
        return GreenPool(hub, execute)
    return Pool(loop, execute, max_threads, name, counters, held_up)
