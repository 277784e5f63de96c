"""What Flask-SocketIO's users pass and import that has no meaning here, and what to do about it."""

from __future__ import annotations

import inspect
import sys
import warnings

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
    for library, module, is_patched in (
        ("eventlet", "eventlet.patcher", "is_monkey_patched"),
        ("gevent", "gevent.monkey", "is_module_patched"),
    ):
        patcher = sys.modules.get(module)
        if patcher is not None and getattr(patcher, is_patched)(
            "thread" if library == "eventlet" else "threading"
        ):
            _warn(
                f"{library} has replaced Python's threads (monkey_patch): a handler that blocks now blocks the whole "
                f"server. Delete the monkey patching and the import of {library}; nothing here needs them"
            )


def _warn(message: str) -> None:
    """Warn, and point to the line of the application's that led here."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").startswith("flask_socketio"):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)
