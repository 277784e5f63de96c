"""What is the interpreter's own, also where gevent or eventlet has put theirs in the place of Python's.

A green thread runs when the others of its thread let it, and the loop's thread never does. What both libraries replace
(threads, locks, sockets, selectors) is found here as it was; this is also the one module that imports `threading`: what
its names stand for, has to be asked in one place.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import importlib.util
import multiprocessing
import os
import select
import socket
import sys
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable
from threading import Thread, Timer, current_thread
from typing import Any, Protocol, TypeVar

__all__ = [
    "Thread",
    "Timer",
    "current_thread",
]  # the app's kind: they start green threads where Python's have been replaced

T = TypeVar("T")


class Signal(Protocol):
    """What `new_lock` and `new_signal` return; whoever waits for one can do so with a time limit."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...

    def release(self) -> None: ...

    def __enter__(self) -> bool: ...

    def __exit__(self, *exc: object) -> None: ...


def patched_by() -> str | None:
    """The library that has replaced Python's threads, if one has."""
    for library, module, is_patched, name in (
        ("eventlet", "eventlet.patcher", "is_monkey_patched", "thread"),
        ("gevent", "gevent.monkey", "is_module_patched", "threading"),
    ):
        patcher = sys.modules.get(module)
        if patcher is not None and getattr(patcher, is_patched)(name):
            return library
    return None


def _original(module: str, name: str) -> Any:
    """Something of a module as it was."""
    library = patched_by()
    if library == "gevent":
        return sys.modules["gevent.monkey"].get_original(module, name)
    if library == "eventlet":
        return getattr(sys.modules["eventlet.patcher"].original(module), name)
    return getattr(importlib.import_module(module), name)


# -- locks and threads -----------------------------------------------------------------------------


def new_lock() -> Signal:
    """An unlocked lock. A green thread that waits for one holds up all others: to be held for moments only."""
    lock: Signal = _original("_thread", "allocate_lock")()
    return lock


class AppLock:
    """A lock of the app's kind: it may be held while green threads wait for something.

    Which kind that is, shows when it is first used: servers replace Python's threads after they have loaded the app.
    """

    def __init__(self) -> None:
        self._choosing = new_lock()
        self._lock: Any = None

    def _chosen(self) -> Any:
        with self._choosing:
            if self._lock is None:
                self._lock = threading.Lock()
            return self._lock

    def acquire(self) -> bool:
        return self._chosen().acquire()

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc: object) -> None:
        self.release()


def new_rlock() -> Signal:
    """An unlocked lock that its thread can take again; all green threads of a real one are the same to it."""
    lock: Signal = _original("_thread", "RLock")()
    return lock


def new_signal() -> Signal:
    """A locked lock: `acquire` waits until somebody has called `release`, once."""
    lock = new_lock()
    lock.acquire()
    return lock


class Bell(Protocol):
    """What one thread rings and another one waits for; it is heard once, by who waits or who comes to wait."""

    def acquire(self, *, timeout: float) -> bool:
        """Wait until it is rung, for so many seconds at most; returns whether it was."""
        ...

    def release(self) -> object: ...


def new_bell() -> Bell:
    """On Linux one whose `release` lets go of the interpreter's lock before the other thread wakes. That of a lock does
    not: on the same core the other thread would wake only to wait for it, which makes two changes of threads more.
    A signal where the system has none such, or no descriptor is left."""
    try:
        return _EventBell()
    except (AttributeError, OSError):
        return new_signal()


class _EventBell:
    """Told by edges: what has been counted need not be read."""

    def __init__(self) -> None:
        self._event = -1  # if it cannot be made
        self._poll = _original("select", "epoll")()
        self._event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll.register(self._event, select.EPOLLIN | select.EPOLLET)

    def acquire(self, *, timeout: float) -> bool:
        return bool(self._poll.poll(timeout))

    def release(self) -> None:
        os.eventfd_write(self._event, 1)

    def __del__(self) -> None:
        if self._event >= 0:
            os.close(self._event)


def ident_function() -> Callable[[], int]:
    """What returns the number of the calling thread, the same one for all green threads on it."""
    function: Callable[[], int] = _original("_thread", "get_ident")
    return function


def thread_number() -> int:
    """The system's number of the calling thread."""
    number: int = _original("_thread", "get_native_id")()
    return number


def on_main_thread() -> bool:
    """Whether the caller is the program's first thread, and no green one beside it."""
    if (
        patched_by() == "eventlet" and sys.platform == "linux"
    ):  # its threads are none of `threading`'s
        greenlet: Any = sys.modules["greenlet"]
        is_first = thread_number() == os.getpid()
        return is_first and greenlet.getcurrent().parent is None
    return threading.current_thread() is threading.main_thread()


def watch_thread_failures(tell: Callable[[BaseException | None, str], object]) -> None:
    """Have `tell` called with what has ended a thread, and the thread's name; the process's own hook comes first."""
    shows = threading.excepthook

    def excepthook(args: threading.ExceptHookArgs, /) -> None:
        shows(args)
        tell(args.exc_value, "?" if args.thread is None else args.thread.name)

    threading.excepthook = excepthook


def start_thread(function: Callable[[], object], name: str) -> None:
    """Run a function on a real daemon thread."""
    if patched_by() is None:
        threading.Thread(target=function, name=name, daemon=True).start()
    else:
        _original("_thread", "start_new_thread")(function, ())


async def run_on_thread(function: Callable[..., T], *args: Any) -> T:
    """Call a function on a real thread of its own; returns what it returns and raises what it raises."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            finish: Callable[[], None] = _setter(future, function(*args))
        except Exception as error:  # noqa: BLE001 - it is the caller's to handle
            finish = _setter(future, error)
        loop.call_soon_threadsafe(finish)

    start_thread(run, "flask-duplex-work")
    return await future


def _setter(future: asyncio.Future[T], result: T | Exception) -> Callable[[], None]:
    def finish() -> None:
        if future.cancelled():
            return
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    return finish


def multiprocessing_parent() -> int | None:
    """The process that has started this one by way of multiprocessing."""
    found = multiprocessing.parent_process()
    return None if found is None else found.pid


class Waiting(Protocol):
    """What waits for a thread of a pool."""

    def qsize(self) -> int: ...


def waiting_for(thread: Thread) -> Waiting | None:
    """What waits for a thread of the same pool; None for one of no ThreadPoolExecutor, or that has just started.

    Raises AttributeError where Python does not show it.
    """
    queues: Any = concurrent.futures.thread._threads_queues  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownVariableType]
    found = queues.get(thread)
    return found if found is None or callable(found.qsize) else None


# -- sockets, pipes, loops -------------------------------------------------------------------------


def socket_from(descriptor: int) -> socket.socket:
    """A socket object that no library has replaced, for a descriptor that it owns from now on."""
    kind: Any = _original("socket", "socket")
    if patched_by() is not None and "uvloop" in sys.modules:
        kind = _lent(kind)
    own: socket.socket = kind(fileno=descriptor)
    return own


def new_socket(family: int, kind: int) -> socket.socket:
    """A socket object that no library has replaced; it does not block."""
    own: socket.socket = _original("socket", "socket")(family, kind)
    own.setblocking(False)
    return own


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Two that are connected with each other."""
    first, second = _original("socket", "socketpair")()
    first.setblocking(False)
    second.setblocking(False)
    return first, second


def _lent(kind: Any) -> Any:
    """uvloop closes the descriptor and has the object let go of it, but only where it is of the class that it takes for
    Python's. One of another class it closes as well: that number may be another connection's by then."""
    return type("Lent", (kind,), {"close": kind.detach})


def writer_function() -> Callable[[int, bytes], int]:
    """`os.write`, which never yields to other green threads."""
    function: Callable[[int, bytes], int] = (
        os.write if patched_by() is None else _original("os", "write")
    )
    return function


def new_event_loop() -> AbstractEventLoop:
    """uvloop's loop, asyncio's where that is not installed."""
    try:
        import uvloop
    except ImportError:
        return (
            asyncio.SelectorEventLoop(_new_selector()) if patched_by() else asyncio.new_event_loop()
        )
    return uvloop.new_event_loop()


def _new_selector() -> Any:
    """A selector that waits in the kernel; those that gevent and eventlet leave would run their hub."""
    if patched_by() == "gevent":
        return _original("selectors", "DefaultSelector")()
    spec = importlib.util.find_spec("selectors")
    assert spec is not None
    assert spec.loader is not None
    selectors = importlib.util.module_from_spec(spec)
    patched, sys.modules["select"] = (
        sys.modules["select"],
        sys.modules["eventlet.patcher"].original("select"),
    )
    try:
        spec.loader.exec_module(selectors)
    finally:
        sys.modules["select"] = patched
    return selectors.DefaultSelector()
