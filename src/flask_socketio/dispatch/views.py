"""The threads on which Flask's views run."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

from ..base.counters import Counters
from .green import new_pool
from .inbox import Inbox

P = ParamSpec("P")
T = TypeVar("T")


class ViewJob:
    """Something to be done on one of the threads; each is its own owner, so their order does not matter."""

    worker: Any = None
    starts_on_loop = False

    @property
    def owner(self) -> ViewJob:
        return self

    @property
    def handler(self) -> None:
        """One view says nothing about another."""
        return

    def work(self) -> None:
        """Called on the thread; raises nothing."""
        raise NotImplementedError


class ViewThreads:
    """Made on the loop; the process ends without waiting for a view that blocks."""

    def __init__(self, loop: AbstractEventLoop, inbox: Inbox, max_threads: int) -> None:
        self.loop = loop
        self.inbox = inbox
        self._batch: list[ViewJob] = []
        self._pool = new_pool(loop, _work, max_threads, "flask-duplex-view", Counters())

    def start(self, job: ViewJob) -> None:
        """Have it done, together with what else this turn of the loop brings."""
        if not self._batch:
            self.loop.call_soon(self._flush)
        self._batch.append(job)

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        self.inbox.attend(self._pool.submit, batch)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function on a thread; returns what it returns and raises what it raises."""
        call = _FunctionCall[T](self, lambda: function(*args, **kwargs))
        self.start(call)
        return await call.future


def _work(job: ViewJob) -> None:
    job.work()


class _FunctionCall(ViewJob, Generic[T]):
    def __init__(self, threads: ViewThreads, function: Callable[[], T]) -> None:
        self.future: asyncio.Future[T] = threads.loop.create_future()
        self._threads = threads
        self._function = function

    def work(self) -> None:
        try:
            result = self._function()
        except BaseException as error:  # noqa: BLE001 - it is the caller's to handle
            self._threads.inbox.post(self._fail, error)
        else:
            self._threads.inbox.post(self._succeed, result)

    def _succeed(self, result: T) -> None:
        if not self.future.done():
            self.future.set_result(result)

    def _fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)
