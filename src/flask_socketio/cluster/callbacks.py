"""Callbacks of events that have gone to clients of other processes: kept until there are answers."""

from __future__ import annotations

import asyncio
import logging
import time
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from ..base.counters import Counters
from ..base.green import start_beside
from ..base.real import new_lock
from .base import AckCallback, Callback

logger = logging.getLogger("flask_socketio.server")

#: That may be kept at the same time; the oldest are forgotten.
_MAX_CALLBACKS = 10_000
#: Seconds for which one is, where neither its emission nor `ack_ttl` says for how long: who answers may be a person.
_KEPT = 3600.0
#: Seconds between two looks for those that are overdue.
_LOOK = 10.0


@dataclass(slots=True, eq=False)
class _Awaited:
    callback: Callback
    until: float
    #: the process of the one client that can answer, where it is known
    node: str | None
    #: answers for which the application's function has not been called yet
    answers: deque[list[Any]] = field(default_factory=deque[list[Any]])
    is_running: bool = False


class Callbacks:
    """Called where the state lives."""

    def __init__(self, counters: Counters, clock: Callable[[], float] = time.monotonic) -> None:
        #: seconds for which they are kept
        self.kept = _KEPT
        self._counters = counters
        self._clock = clock
        self._awaited: dict[int, _Awaited] = {}
        self._latest = 0
        self._looked = clock()
        #: held while it is decided whether a thread that calls an application's function goes on
        self._lock = new_lock()

    def __len__(self) -> int:
        return len(self._awaited)

    def remember(self, callback: Callback, node: str | None) -> int:
        """Keep it; returns its number. `node`: where the only client is that can answer, if it is but one."""
        now = self._clock()
        if now - self._looked > _LOOK:
            self._forget_overdue(now)
        if len(self._awaited) >= _MAX_CALLBACKS:
            del self._awaited[next(iter(self._awaited))]
            self._counters.acks_dropped += 1
        self._latest += 1
        until = now + (self.kept if callback.patience is None else callback.patience)
        self._awaited[self._latest] = _Awaited(callback, until, node)
        return self._latest

    def _forget_overdue(self, now: float) -> None:
        self._looked = now
        for number in [number for number, awaited in self._awaited.items() if awaited.until < now]:
            if self._awaited.pop(number).callback.patience is None:  # else who waits has counted
                self._counters.acks_overdue += 1

    def answered(self, number: int, args: list[Any]) -> None:
        """A client has answered, of those that were addressed."""
        awaited = self._awaited.get(number)
        if awaited is None:
            return
        # One answer is all there is, or all that is wanted.
        if awaited.node is not None or awaited.callback.on_loop:
            del self._awaited[number]
        if awaited.callback.on_loop:
            awaited.callback.function(*args)
        else:
            self._call_beside(awaited, args)

    def fail(self, number: int, error: Exception) -> None:
        """There will be no answer."""
        awaited = self._awaited.pop(number, None)
        if awaited is not None:
            awaited.callback.fail(error)

    def fail_where(
        self, condition: Callable[[str], bool], error: Callable[[str], Exception]
    ) -> None:
        """The same for all that wait for a process of which something is true."""
        for number, awaited in list(self._awaited.items()):
            if awaited.node is not None and condition(awaited.node):
                self.fail(number, error(awaited.node))

    def _call_beside(self, awaited: _Awaited, args: list[Any]) -> None:
        """The client is another process's, so there is no handler's thread of its own; one for all answers will do."""
        with self._lock:
            awaited.answers.append(args)
            if awaited.is_running:
                return
            awaited.is_running = True
        start_beside(self._call, awaited, _running_loop(), name="flask-duplex-callback")

    def _call(self, awaited: _Awaited, loop: AbstractEventLoop | None) -> None:
        while True:
            with self._lock:
                if not awaited.answers:
                    awaited.is_running = False
                    return
                args = awaited.answers.popleft()
            try:
                copy_context().run(_call_back, awaited.callback.function, args, loop)
            except BaseException:  # whatever it is, the next answer is for it as well
                logger.exception("ack callback failed")


def _running_loop() -> AbstractEventLoop | None:
    """A process that only emits has none."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _call_back(callback: AckCallback, args: list[Any], loop: AbstractEventLoop | None) -> None:
    """Called on a thread; what can be awaited is, on the loop."""
    result = callback(*args)
    if not isawaitable(result):
        return
    if loop is None:
        asyncio.run(_wait_for(result))
    else:
        loop.call_soon_threadsafe(_start, result)


#: the loop does not keep its tasks alive
_tasks: set[asyncio.Task[None]] = set()


def _start(result: Awaitable[Any]) -> None:
    task = asyncio.ensure_future(_wait_for(result))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _wait_for(result: Awaitable[Any]) -> None:
    try:
        await result
    except BaseException:  # whatever it is, the loop goes on
        logger.exception("ack callback failed")
