"""Commands from any thread to the loop: one queue, one wake-up for as many as there are."""

from __future__ import annotations

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar, TypeVarTuple, Unpack

from ..base.promise import Promise
from ..base.real import ident_function, thread_number
from ..errors import NotServingError

P = ParamSpec("P")
Ts = TypeVarTuple("Ts")
R = TypeVar("R")

logger = logging.getLogger("flask_socketio.server")

#: Commands in one turn of the loop; then the network has its turn.
_PER_TURN = 512
#: So many commands may wait for the loop; past them whoever posts waits for it, unless it stands still for so long.
_AHEAD, _PATIENCE = 256, 0.1
#: Seconds between looks whether the loop that should answer is still there.
_LOOK = 0.5


class Inbox:
    """Commands of one thread are carried out in the order in which it posted them.

    And in a context of the loop's, like all that comes of them (timers, tasks): not in that of a handler or a view.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._context = copy_context()
        self._get_ident = ident_function()
        self._loops_thread = self._get_ident()
        self._commands: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._woken = False
        #: threads, by the system's numbers, that wait for the loop and for nothing else
        self.held_up: set[int] = set()
        #: the first command when the loop stood still
        self._stood_at: object = self
        self._closed = False
        #: the loop does not keep its tasks alive
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    def on_loop(self) -> bool:
        """Whether the caller is on the loop's thread."""
        return self._get_ident() == self._loops_thread and self._loop.is_running()

    def post(self, function: Callable[[Unpack[Ts]], object], *args: *Ts) -> None:
        """Have the loop call the function; at once where the caller is on the loop."""
        if self._get_ident() == self._loops_thread and self._loop.is_running():
            self._context.copy().run(function, *args)
            return
        self._commands.append((function, args))
        if not self._woken:
            self._woken = True
            self._wake(self._drain)
        elif len(self._commands) > _AHEAD:
            self._let_catch_up()

    def attend(self, hand_over: Callable[[Unpack[Ts]], object], *args: *Ts) -> None:
        """Call what gives threads something to do, and carry out what they have posted by then.

        A thread that is woken often has the interpreter until it waits again; it need not wake the loop, which waits
        for nothing but that.
        """
        self._woken = True
        try:
            hand_over(*args)
        finally:
            self._context.copy().run(self._drain)

    def _let_catch_up(self) -> None:
        """Wait until the loop has come to here, while it moves: it may be held by what waits for the caller."""
        first = self._first()
        if first is self._stood_at:
            return
        thread = thread_number()
        self.held_up.add(thread)
        try:
            self._wait_behind(first)
        finally:
            self.held_up.discard(thread)

    def _wait_behind(self, first: object) -> None:
        reached = Promise[None]()
        self._commands.append((reached.keep, (None,)))
        if not self._woken:  # it has come to here meanwhile, and waits for others
            self._woken = True
            self._wake(self._drain)
        while not reached.wait(_PATIENCE):
            before, first = first, self._first()
            if first is before:
                self._stood_at = first
                return

    def _first(self) -> object:
        commands: deque[Any] = self._commands  # compiled, a tuple of known types would be a copy
        try:
            return commands[0]
        except IndexError:
            return None

    def ask(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Have the loop call the function, wait for it, and return what it returned or raise what it raised.

        Raises NotServingError when the loop has ended or ends meanwhile.
        """
        if self.on_loop:
            return self._context.copy().run(function, *args, **kwargs)
        answer = Promise[R]()

        def command() -> None:
            try:
                answer.keep(function(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - it is the asking thread's to handle
                answer.fail(error)

        self._check_open()
        self.post(command)
        return self._await(answer)

    def run(self, coroutine: Coroutine[Any, Any, R]) -> R:
        """Have the loop run a coroutine, wait for it, and return what it returns or raise what it raises.

        Not to be called on the loop. Raises NotServingError when the loop has ended or ends meanwhile.
        """
        answer = Promise[R]()
        work = _keep(answer, coroutine)
        self.start(work)
        try:
            return self._await(answer)
        except BaseException:
            if not answer.done:  # the green thread that waits is ended from outside
                self.post(self._cancel, work)
            raise

    def start(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Have the loop run a coroutine; raises NotServingError when the loop has ended."""
        try:
            self._check_open()
        except NotServingError:
            coroutine.close()
            raise
        self.post(self._start_task, coroutine)

    def _start_task(self, coroutine: Coroutine[Any, Any, object]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _cancel(self, coroutine: Coroutine[Any, Any, object]) -> None:
        for task in self._tasks:
            if task.get_coro() is coroutine:
                task.cancel()

    def _await(self, answer: Promise[R]) -> R:
        while not answer.wait(_LOOK):
            if self._loop.is_closed():
                raise NotServingError("the server has stopped")
        return answer.result()

    def _check_open(self) -> None:
        if self._closed or self._loop.is_closed():
            raise NotServingError("the server has stopped")

    def _wake(self, callback: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, context=self._context.copy())
        except RuntimeError:  # the loop has been closed: nobody is left to send to
            self._commands.clear()

    def _drain(self) -> None:
        self._woken = False
        commands = self._commands
        for _ in range(min(len(commands), _PER_TURN)):
            function, args = commands.popleft()
            try:
                function(*args)
            except Exception:
                # One command that fails must not take with it those that other threads posted.
                logger.exception("command %s failed", getattr(function, "__name__", function))
        if commands and not self._woken:
            self._woken = True
            self._loop.call_soon(self._drain)

    def close(self) -> None:
        """Carry out what was posted; `ask` fails from now on instead of waiting for ever."""
        self._closed = True
        while self._commands:
            self._drain()


async def _keep(answer: Promise[R], coroutine: Coroutine[Any, Any, R]) -> None:
    try:
        answer.keep(await coroutine)
    except BaseException as error:
        answer.fail(error)  # it is for whoever waits
        if not isinstance(error, Exception):
            raise
