"""Threads and locks of the interpreter's own, also where gevent or eventlet has put theirs in the place of Python's.

A green thread runs when the others of its thread let it, and the loop's thread never does.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol


class Lock(Protocol):
    """What `allocate_lock` returns; one that was never released can be waited for, with a time limit."""

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


def _original(name: str) -> Any:
    """Something of the module _thread as it was."""
    library = patched_by()
    if library == "gevent":
        return sys.modules["gevent.monkey"].get_original("_thread", name)
    if library == "eventlet":
        return getattr(sys.modules["eventlet.patcher"].original("_thread"), name)
    import _thread

    return getattr(_thread, name)


def new_lock() -> Lock:
    """An unlocked lock."""
    lock: Lock = _original("allocate_lock")()
    return lock


def new_signal() -> Lock:
    """A locked lock: `acquire` waits until somebody has called `release`, once."""
    lock = new_lock()
    lock.acquire()
    return lock


def new_queue() -> SimpleQueue[Any]:
    """A queue whose `get` holds up its thread alone."""
    try:
        from _queue import SimpleQueue  # what gevent leaves alone
    except ImportError:
        from queue import SimpleQueue
    return SimpleQueue()


def ident_function() -> Callable[[], int]:
    """What returns the calling thread's number."""
    function: Callable[[], int] = _original("get_ident")
    return function


def start_thread(function: Callable[[], object], name: str) -> None:
    """Run a function on a daemon thread."""
    if patched_by() is None:
        threading.Thread(target=function, name=name, daemon=True).start()
    else:
        _original("start_new_thread")(function, ())
