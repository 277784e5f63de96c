"""Where a call goes: `async def` to a task on the loop, `def` to the threads, and in what order."""

from __future__ import annotations

import asyncio
import sys
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from functools import partial
from typing import Any

from ..base.counters import Counters
from ..base.green import new_waiter
from ..base.real import Signal
from ..hub.call import Call
from ..hub.client import Client
from .green import new_pool
from .inbox import Inbox
from .watch import LoopWatch

Rest = Coroutine[Any, Any, None]

#: Tasks that are started in one turn of the loop; then the network has its turn.
_PER_TURN = 64


class Dispatcher:
    """Collects the calls of one turn of the loop, then starts them.

    `begin` executes a call and reports to the hub itself, or returns a coroutine that does the rest; that of a `def`
    handler stays on its thread until it is suspended, that of an `async def` handler does everything. `serial`: a
    client's next call waits until its last one has finished.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        inbox: Inbox,
        begin: Callable[[Call], Rest | None],
        *,
        serial: bool,
        max_threads: int,
        counters: Counters | None = None,
        debug: bool = False,
    ) -> None:
        self._counters = counters = counters or Counters()
        self._loop = loop
        #: what calls on the loop begin with: not what an earlier handler has set, whose end lets them begin
        self._context = copy_context()
        self._new_task = task_maker(loop)
        self._inbox = inbox
        self._begin = begin
        self._serial = serial
        self._pool = new_pool(
            loop, self._execute, max_threads, "flask-duplex-handler", counters, inbox.held_up
        )
        self._batch: list[Call] = []
        #: whether calls of `async def` handlers are among them
        self._any_async = False
        #: the loop does not keep its tasks alive
        self._tasks: dict[Call, asyncio.Task[Any]] = {}
        #: whose task is being made, and may take its first step meanwhile
        self._starting: Call | None = None
        running = self._tasks.__len__
        self._watch = LoopWatch(loop, running, self._at_work, counters, shows_line=debug)

    @property
    def running(self) -> int:
        """Calls that have not ended."""
        return self._counters.handlers_started - self._counters.handlers_finished

    def census(self) -> dict[str, int]:
        """The threads by what they do, and the jobs that wait for one."""
        return self._pool.census()

    def submit(self, call: Call) -> None:
        """Start the call at the end of this turn of the loop."""
        self._counters.handlers_started += 1
        if self._serial and call.owner.in_flight > 1:
            self._hold_back(call)
        else:
            self._enqueue(call)

    def _hold_back(self, call: Call) -> None:
        client = call.owner
        if client.backlog is None:
            client.backlog = deque[Call]()
        client.backlog.append(call)

    def finished(self, call: Call) -> None:
        """To be told of every call that has ended, after the hub."""
        self._counters.handlers_finished += 1
        if self._tasks:
            self._tasks.pop(call, None)
        client = call.owner
        if not client.in_flight:
            client.worker = None
        if client.backlog:
            self._enqueue(client.backlog.popleft())

    def _enqueue(self, call: Call) -> None:
        if not self._batch:
            self._loop.call_soon(self._flush, context=self._context.copy())
        self._batch.append(call)
        if call.handler.is_async:
            self._any_async = True

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        if self._any_async:
            self._any_async = False
            batch = self._start_tasks(batch)
        if batch:
            self._inbox.attend(self._pool.submit, batch)

    def _start_tasks(self, batch: list[Call]) -> list[Call]:
        """Start what runs on the loop, put back what has to come behind it; return what is for the threads."""
        threaded: list[Call] = []
        behind: list[Call] = []
        on_threads: set[Client] = set()
        on_loop: set[Client] = set()
        held: set[Client] = set()
        begun = 0
        for place, call in enumerate(batch):
            client = call.owner
            if client in held:
                behind.append(call)
            elif call.handler.is_async and client not in on_threads and not self._pool.has(client):
                if begun == _PER_TURN:
                    behind += batch[place:]
                    break
                self._start_task(call, self._begin(call))
                on_loop.add(client)
                begun += 1
            elif client in on_loop:
                # Behind a task of this client, which takes its first step before the next flush.
                behind.append(call)
                held.add(client)
            else:
                # An async call behind others of its client goes through their worker, to start in its turn.
                threaded.append(call)
                on_threads.add(client)
        if behind:
            self._put_back(behind)
        return threaded

    def _put_back(self, calls: list[Call]) -> None:
        """Start them in the next turn of the loop, before what has come meanwhile."""
        if not self._batch:
            self._loop.call_soon(self._flush, context=self._context.copy())
        self._batch[:0] = calls
        self._any_async = True

    def _execute(self, call: Call) -> None:
        context = copy_context()
        rest = context.run(self._begin, call)
        if rest is not None and has_more(context, rest, call):
            begun = new_waiter()
            self._inbox.post(self._go_on, call, rest, context, begun)
            begun.acquire()  # what comes next on this worker may be the same client's

    def _go_on(self, call: Call, rest: Rest, context: Context, begun: Signal) -> None:
        """Do what is left of a call that has been on a thread; release `begun` when that has begun."""
        self._start_task(call, rest, context)
        self._loop.call_soon(begun.release)

    def _start_task(self, call: Call, rest: Rest | None, context: Context | None = None) -> None:
        """In its context, or else in a copy of this one."""
        if rest is None:
            return
        if self._watch.asleep:
            self._watch.wake()
        self._starting = call
        try:
            task = self._new_task(rest, context=context)
        finally:
            self._starting = None
        if not task.done():
            self._tasks[call] = task

    def _at_work(self) -> Call | None:
        """The call whose task has the loop, if one has; for another thread."""
        if self._starting is not None:
            return self._starting
        task = asyncio.current_task(self._loop)
        return next((call for call, its in self._tasks.copy().items() if its is task), None)

    async def drain(self, timeout: float) -> bool:
        """Wait until no call is running, for `timeout` seconds at most; return whether that came true."""
        deadline = self._loop.time() + timeout
        while self.running and self._loop.time() < deadline:  # noqa: ASYNC110 - once, at the end
            await asyncio.sleep(0.01)
        return not self.running

    def close(self) -> None:
        """Nothing is started any more."""
        self._watch.stop()


def has_more(context: Context, rest: Rest, call: Call) -> bool:
    """Do what is left of a call, as far as that goes without a loop; returns whether there is more."""
    if not call.handler.is_async:
        try:
            context.run(rest.send, None)
        except StopIteration:
            return False
    return True


def task_maker(loop: AbstractEventLoop) -> Callable[..., asyncio.Task[Any]]:
    """What makes a task that has taken its first step already, where Python can do that: most take no second one."""
    if sys.version_info >= (3, 12):
        return partial(asyncio.Task, loop=loop, eager_start=True)
    return loop.create_task
