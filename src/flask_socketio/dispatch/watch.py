"""Names `async def` handlers that hold the loop: while they compute or wait without `await`, nobody else is served.

A thread asks the loop for a sign of life, and looks at what it is doing where none comes. It does so for a while after
a handler has begun on the loop, now and then while there are some, and sleeps otherwise.
"""

from __future__ import annotations

import linecache
import logging
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable
from sysconfig import get_path
from time import monotonic, process_time
from types import FrameType

from ..base.counters import Counters
from ..base.real import Signal, ident_function, new_signal, start_thread
from ..base.told import Told
from ..hub.call import Call

logger = logging.getLogger("flask_socketio.server")

#: Seconds for which a handler may hold the loop.
HELD = 0.1
#: Seconds without a sign of life after which the thread looks who it is.
_PATIENCE = 0.06
#: Seconds between two signs of life that are asked for, and for how long they are after a handler has begun.
_STEP, _AWAKE = 0.025, 0.5
#: Seconds between them where handlers that began earlier wait for something.
_SELDOM = 1.0

_LIBRARIES = (get_path("stdlib"), get_path("purelib"), get_path("platlib"))


class LoopWatch:
    """Made on the loop. `running` tells how many handlers are on it, `at_work` which one has it now."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        running: Callable[[], int],
        at_work: Callable[[], Call | None],
        counters: Counters,
        *,
        shows_line: bool = False,
    ) -> None:
        self._loop = loop
        self._thread = ident_function()()
        self._running = running
        self._at_work = at_work
        self._counters = counters
        self._shows_line = shows_line
        self._told = Told(logger)
        self._woken: Signal | None = None
        self._pause = new_signal()
        self._stopped = False
        #: whether `wake` is to be called when a handler begins
        self.asleep = True

    # -- on the loop ---------------------------------------------------------------------------

    def wake(self) -> None:
        """A handler begins on the loop."""
        self.asleep = False
        if self._woken is None:
            self._woken = new_signal()
            start_thread(self._run, "flask-duplex-watch")
        self._woken.release()

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        if self.asleep and self._woken is not None:
            self.wake()

    # -- on its thread -------------------------------------------------------------------------

    def _run(self) -> None:
        assert self._woken is not None
        while not self._stopped and not self._loop.is_closed():
            if self._woken.acquire(timeout=_SELDOM if self._running() else -1):
                until = monotonic() + _AWAKE
                while self._look() and monotonic() < until:
                    self._pause.acquire(timeout=_STEP)
                self.asleep = True
            else:
                self._look()

    def _look(self) -> bool:
        """Ask for a sign of life; returns whether there is a point in going on."""
        answered = new_signal()
        begun, worked = monotonic(), process_time()
        try:
            self._loop.call_soon_threadsafe(answered.release)
        except RuntimeError:  # it has been closed
            return False
        while not answered.acquire(timeout=_PATIENCE):
            late = monotonic() - begun - _PATIENCE
            if late < process_time() - worked + HELD:
                return self._find(answered, begun)
            begun, worked = monotonic(), process_time()  # the whole process had been stopped
        return not self._stopped

    def _find(self, answered: Signal, begun: float) -> bool:
        """Who holds the loop since then; returns as `_look`."""
        found = self._who()
        while not answered.acquire(timeout=1.0):
            if self._stopped or self._loop.is_closed():
                return False
            if found is not None:
                self._tell(*found, monotonic() - begun, "has held")
        if found is not None and (seconds := monotonic() - begun) >= HELD:
            self._counters.loop_held += 1
            self._tell(*found, seconds, "held")
        return True

    def _tell(self, call: Call, where: str, seconds: float, verb: str) -> None:
        function = call.handler.function
        name = getattr(function, "__qualname__", repr(function))
        text = "%s, the handler of event %r, %s the event loop for %.2f s: nobody was served%s"
        kind = f"{verb} {name}"
        self._told.warning(text, name, call.event, verb, seconds, where, kind=kind)

    def _who(self) -> tuple[Call, str] | None:
        """The call that has the loop, and where it is."""
        call = self._at_work()
        if call is None:
            return None
        running = sys._current_frames()  # pyright: ignore[reportPrivateUsage] - documented
        return call, _place(running.get(self._thread)) if self._shows_line else ""


def _place(frame: FrameType | None) -> str:
    """The innermost line of the application's own. What runs the loop may be the application's as well."""
    while frame is not None and frame.f_code.co_filename.startswith(_LIBRARIES):
        is_loop = frame.f_globals.get("__name__", "").startswith("asyncio.")
        frame = None if is_loop else frame.f_back
    if frame is None:
        return ""
    file, line = frame.f_code.co_filename, frame.f_lineno
    return f" ({file}, line {line}: {linecache.getline(file, line).strip()})"
