"""The app's side, where that is green threads: gevent's or eventlet's, which run beside each other on one real thread.

Our loop is on another thread then. What it has for the app's side it posts, and the hub, which is that library's loop,
is woken; green threads that wait for our loop let others run meanwhile.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from .real import (
    Signal,
    ident_function,
    new_rlock,
    new_signal,
    patched_by,
    start_thread,
    writer_function,
)

logger = logging.getLogger("flask_socketio.server")


class Waitable(Protocol):
    """A semaphore of green threads."""

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> Any: ...

    def release(self) -> Any: ...


class Hub(ABC):
    """Made on the thread where the app's green threads are. `post` may be called on any thread."""

    library: str

    def __init__(self, semaphores: str) -> None:
        library: Any = import_module(self.library)
        self._spawn, self._sleep = library.spawn, library.sleep
        self._semaphore = import_module(semaphores).Semaphore
        self.pid = os.getpid()
        self._ident = ident_function()
        self._thread = self._ident()
        self._calls: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._woken = False

    @property
    def is_here(self) -> bool:
        """Whether the caller is on the hub's thread."""
        return self._ident() == self._thread

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Have the hub call a function that does not wait for anything; in the order of the calls of this."""
        self._calls.append((function, args))
        if not self._woken:
            self._woken = True
            self.wake()

    def start(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function on a green thread of its own."""
        self.post(self.spawn, function, *args)

    def run_posted(self) -> None:
        """Called on the hub's thread, when it has been woken."""
        self._woken = False
        while self._calls:
            function, args = self._calls.popleft()
            try:
                function(*args)
            except Exception:
                logger.exception("%s failed", getattr(function, "__name__", function))

    @abstractmethod
    def wake(self) -> None:
        """Have `run_posted` called soon; on any thread."""

    def spawn(self, function: Callable[..., object], *args: Any) -> Any:
        """Run a function on a green thread; on the hub's thread."""
        return self._spawn(function, *args)

    def sleep(self, seconds: float) -> object:
        """Let others run for so long; on the hub's thread."""
        return self._sleep(seconds)

    def new_semaphore(self) -> Waitable:
        """One that is at zero."""
        return self._semaphore(0)


class GeventHub(Hub):
    library = "gevent"

    def __init__(self) -> None:
        super().__init__("gevent.lock")
        gevent: Any = import_module("gevent")
        self._watcher: Any = gevent.get_hub().loop.async_()
        self._watcher.start(self.run_posted)

    def wake(self) -> None:
        self._watcher.send()


class EventletHub(Hub):
    library = "eventlet"

    def __init__(self) -> None:
        super().__init__("eventlet.semaphore")
        hubs: Any = import_module("eventlet.hubs")
        self._wait = hubs.trampoline
        # With its parent's a forked process would read what wakes that one.
        os.register_at_fork(after_in_child=hubs.use_hub)
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._write = writer_function()
        self.spawn(self._listen)

    def wake(self) -> None:
        self._write(self._writer, b"\0")  # one for each `run_posted`: the pipe cannot be full

    def _listen(self) -> None:
        while True:
            self._wait(self._reader, read=True)
            os.read(self._reader, 64)
            self.run_posted()


_KINDS = {"gevent": GeventHub, "eventlet": EventletHub}
_attached: list[Hub] = []


def attach() -> Hub | None:
    """The hub beside which the caller's green thread runs; None where threads are real.

    To be called where the app's code runs, before there is a loop: from then on `attached` returns the same.
    """
    library = patched_by() or runs_caller()
    if library is not None and attached() is None:
        _attached[:] = [hub := _KINDS[library]()]
        if patched_by():
            _log_on(hub)
    return attached()


def attached() -> Hub | None:
    """The hub of this process, if it has been attached; on any thread."""
    return _attached[0] if _attached and _attached[0].pid == os.getpid() else None


def runs_caller() -> str | None:
    """The library whose hub runs the caller; None for real threads, and for the one on which the hub itself runs."""
    greenlet: Any = sys.modules.get("greenlet")
    parent = None if greenlet is None else greenlet.getcurrent().parent
    if parent is None:
        return None
    gevent: Any = sys.modules.get("gevent.hub")
    if gevent is not None and isinstance(parent, gevent.Hub):
        return "gevent"
    eventlet: Any = sys.modules.get("eventlet.hubs")
    return "eventlet" if eventlet is not None and parent is eventlet.get_hub().greenlet else None


# -- waiting ---------------------------------------------------------------------------------------


class _GreenSignal:
    """As `new_signal`, for a green thread: `release` may be called on any thread, more than once."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._semaphore = hub.new_semaphore()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        return bool(self._semaphore.acquire(blocking, None if timeout < 0 else timeout))

    def release(self) -> None:
        if self._hub.is_here:
            self._semaphore.release()
        else:
            self._hub.post(self._semaphore.release)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc: object) -> None:
        self.release()


def new_waiter() -> Signal:
    """As `new_signal`, to be waited for by the caller alone: a green thread lets others run meanwhile."""
    hub = attached()
    return _GreenSignal(hub) if hub is not None and hub.is_here else new_signal()


def sleep(seconds: float) -> None:
    """Sleep; a green thread lets others run meanwhile."""
    hub = attached()
    if hub is not None and hub.is_here:
        hub.sleep(seconds)
    else:
        time.sleep(seconds)


# -- starting --------------------------------------------------------------------------------------


def start_beside(function: Callable[..., object], *args: Any, name: str) -> None:
    """Run a function of the app's on a thread of the app's kind."""
    hub = attached()
    if hub is None:
        start_thread(lambda: function(*args), name)
    else:
        hub.start(function, *args)


def call_beside(function: Callable[[], object]) -> None:
    """Call a function of the app's side: at once, where that is not on green threads."""
    hub = attached()
    if hub is None:
        function()
    else:
        hub.start(function)


def call_soon_beside(function: Callable[[], object]) -> None:
    """Call a function: at once, or, of a green thread's, when that one lets others run."""
    hub = attached()
    if hub is not None and hub.is_here:
        hub.spawn(function)
    else:
        function()


def start_for_io(function: Callable[[], object], name: str) -> None:
    """Run a function that waits for sockets: they are green ones where Python's have been replaced."""
    hub = attached()
    if hub is None or patched_by() is None:
        start_thread(function, name)
    else:
        hub.start(function)


# -- logging ---------------------------------------------------------------------------------------


def _log_on(hub: Hub) -> None:
    """Have records handled on the hub's thread: a green lock that two real threads want can hang both."""
    handle = logging.Logger.handle

    def handle_on_hub(self: logging.Logger, record: logging.LogRecord) -> None:
        if hub.is_here or hub.pid != os.getpid():
            handle(self, record)
        else:
            hub.start(handle, self, record)

    logging.Logger.handle = handle_on_hub
    # The module's own lock, which is taken to find out whether a record is wanted. Nobody waits while it is held.
    lock: Any = getattr(logging, "_lock", None)
    if lock is not None:
        with lock:
            setattr(logging, "_lock", new_rlock())  # noqa: B010 - it is private
