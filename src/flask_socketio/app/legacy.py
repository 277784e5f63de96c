"""What Flask-SocketIO's users pass and import that has no meaning here, and what to do about it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from ..base.nearest import did_you_mean
from ..base.real import patched_by
from .keywords import Legacy, RunOptions, SocketIOOptions, rows

ASYNC_MODES = (None, "threading", "eventlet", "gevent", "gevent_uwsgi")

#: Arguments of SocketIO() and what to say of them.
CONSTRUCTOR = {name: row.why for name, row in rows(SocketIOOptions, Legacy).items()}

#: Arguments of run().
RUN = {name: row.why for name, row in rows(RunOptions, Legacy).items()}

#: Arguments of socketio.emit() and socketio.send().
EMIT = {"broadcast": "without to= it goes to everybody"}
#: Those that mean something there and in the functions of the same names.
_EMIT_KNOWN = ("to", "room", "namespace", "callback", "include_self", "skip_sid", "timeout")


def say_what_to_delete(
    where: str, given: dict[str, object], names: dict[str, str], known: Iterable[str] = ()
) -> None:
    """Take the arguments that mean nothing out of `given`, with a warning for each; unknown ones as well.

    `known`: those that mean something, one of which may have been meant.
    """
    for name in list(given):
        value = given.pop(name)
        if name in names:
            if value is not None:
                _warn(f"{where}: {name}= can be deleted: {names[name]}")
        else:
            _warn(f"{where} has no option {name!r}; it is ignored{did_you_mean(name, known)}")


#: What has been said, of which function and which name, to the user of each SocketIO.
_said: WeakKeyDictionary[object, set[tuple[str, str]]] = WeakKeyDictionary()


def sort_out(
    socketio: object,
    where: str,
    args: tuple[Any, ...],
    data: Any,
    unknown: dict[str, Any],
    *,
    to_everybody: bool = False,
) -> tuple[Any, ...]:
    """The event's arguments, of which one may have been given as `data=`. Raises TypeError for data given twice."""
    ignore(socketio, where, unknown, to_everybody=to_everybody)
    if data is None:
        return args
    if args:
        raise TypeError(f"{where} got its data twice: {args[0]!r} and data={data!r}")
    return (data,)


def ignore(
    socketio: object, where: str, unknown: dict[str, Any], *, to_everybody: bool = False
) -> None:
    """Warn of keyword arguments that emit() and its like do not have, once per function. Raises TypeError for `sid=`.

    `to_everybody`: that is where events without an address go, so a wrong name for the address is refused.
    """
    if not unknown:
        return
    if to_everybody and "sid" in unknown:
        raise TypeError(f"{where} has no sid=, it would go to everybody: give to=")
    said = _said.setdefault(socketio, set())
    new = {name: value for name, value in unknown.items() if (where, name) not in said}
    said.update((where, name) for name in new)
    say_what_to_delete(where, new, EMIT if to_everybody else {}, _EMIT_KNOWN)


def warn_of_monkey_patching() -> None:
    """Say what it costs where eventlet or gevent has replaced Python's threads by their own."""
    if library := patched_by():
        _warn(about_green_threads(library))


def about_green_threads(library: str) -> str:
    """What it means that the app runs on them, and how to do without."""
    return (
        f"handlers and pages run as green threads of {library}, as the application expects: one that computes, or "
        "waits for something that is not green, holds up all others (the network goes on). Without the monkey patching "
        f"and the import of {library} they run on real threads: socketio.run(app), or gunicorn --threads 100 module:app"
    )


def about_lost_green_threads(library: str) -> str:
    """What it means that an ASGI server's loop has the thread on which they would run."""
    return (
        f"{library} has replaced Python's threads, and under an ASGI server its green threads never run: tasks, "
        "threads and timers do not start. Delete the monkey patching and the import of "
        f"{library}, or use socketio.run(app)"
    )


def _warn(message: str) -> None:
    """Warn, and point to the line of the application's that led here."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").startswith("flask_socketio"):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)
