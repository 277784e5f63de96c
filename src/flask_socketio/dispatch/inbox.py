"""Commands from any thread to the loop: one queue, one wake-up for as many as there are."""

from __future__ import annotations

import logging
import threading
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("flask_socketio.server")

#: Commands in one turn of the loop; then the network has its turn.
_PER_TURN = 512


class Inbox:
    """Commands of one thread are carried out in the order in which it posted them."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._commands: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._woken = False
        self._closed = False

    @property
    def on_loop(self) -> bool:
        """Whether the caller is on the loop's thread."""
        return threading.get_ident() == self._thread

    def post(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Have the loop call the function; at once where the caller is on the loop."""
        assert not kwargs
        if self.on_loop:
            function(*args, **kwargs)
            return
        self._commands.append((function, args))
        if not self._woken:
            self._woken = True
            self._wake(self._drain)

    def ask(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Have the loop call the function, wait for it, and return what it returned or raise what it raised."""
        if self.on_loop:
            return function(*args, **kwargs)
        answer: Future[R] = Future()

        def command() -> None:
            try:
                answer.set_result(function(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - it is the asking thread's to handle
                answer.set_exception(error)

        if self._closed:
            raise RuntimeError("the server has stopped")
        self.post(command)
        return answer.result()

    def _wake(self, callback: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
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
