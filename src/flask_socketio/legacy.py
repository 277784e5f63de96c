"""What Flask-SocketIO's users pass and import that has no meaning here, and what to do about it."""

from __future__ import annotations

import inspect
import warnings

from .real import patched_by

ASYNC_MODES = (None, "threading", "eventlet", "gevent", "gevent_uwsgi")

#: Arguments of SocketIO() and what to say of them.
CONSTRUCTOR = {
    "async_mode": "there are no modes: handlers run on threads, `async def` ones on the event loop",
    "monitor_clients": "clients that are gone are always noticed",
}

#: Arguments of run().
RUN = {
    "allow_unsafe_werkzeug": "the server is uvicorn, which is made for production",
    "threaded": "every page is served on a thread",
    "processes": "there is one process",
}


def say_what_to_delete(where: str, given: dict[str, object], names: dict[str, str]) -> None:
    """Take the arguments that mean nothing out of `given`, with a warning for each; unknown ones as well."""
    for name in list(given):
        value = given.pop(name)
        if name in names:
            if value is not None:
                _warn(f"{where}: {name}= can be deleted: {names[name]}")
        else:
            _warn(f"{where} has no option {name!r}; it is ignored")


def warn_of_monkey_patching() -> None:
    """Say what is wrong where eventlet or gevent has replaced Python's threads by their own."""
    if library := patched_by():
        _warn(
            f"{library} has replaced Python's threads and sockets (monkey_patch). Handlers run on real threads all the "
            f"same, but locks, queues and sockets of {library}'s do not always work between real threads. Delete the "
            f"monkey patching and the import of {library}; nothing here needs them"
        )


def _warn(message: str) -> None:
    """Warn, and point to the line of the application's that led here."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").startswith("flask_socketio"):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)
