"""Debug mode's reloader: Werkzeug's, with whatever watchdog there is or none.

The function for it is Werkzeug's own, there is no public one that watches files for another server than Werkzeug's:
where it is missing or has changed, nothing is reloaded.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import Any

from werkzeug.serving import is_running_from_reloader

from ...base.changed import say_once
from ...base.real import patched_by

_run_with_reloader: Any
try:
    from werkzeug._reloader import run_with_reloader as _run_with_reloader
except ImportError:
    _run_with_reloader = None

#: Where the process that serves finds the socket that the first one listens on: it stays open over restarts.
_LISTENER = "FLASK_DUPLEX_LISTENER"

_WATCHDOG_EVENTS = (
    "EVENT_TYPE_CLOSED",
    "EVENT_TYPE_CREATED",
    "EVENT_TYPE_DELETED",
    "EVENT_TYPE_MODIFIED",
    "EVENT_TYPE_MOVED",
    "FileModifiedEvent",
    "PatternMatchingEventHandler",
)


def inherited_listener() -> socket.socket | None:
    """The socket on which the process before this one listened, None in the first one."""
    descriptor = os.environ.get(_LISTENER)
    return (
        socket.socket(fileno=int(descriptor)) if descriptor and is_running_from_reloader() else None
    )


def can_reload() -> bool:
    """Whether Werkzeug has what `Reloader` needs; a log line where it has not."""
    try:
        signature(_run_with_reloader).bind(print, extra_files=None, reloader_type="stat")
    except (TypeError, ValueError) as error:
        fault = f"run_with_reloader: {error}"
        say_once("werkzeug", fault, "the server is not started anew when a file has changed")
        return False
    return True


@dataclass(frozen=True, slots=True)
class Reloader:
    """Runs the program in a second process, which is started anew whenever a source file has changed."""

    extra_files: Iterable[str] | None
    options: dict[str, Any]

    def watch(self, listener: socket.socket) -> None:
        """In the first process: start the second one and wait for it."""
        listener.set_inheritable(True)
        os.environ[_LISTENER] = str(listener.fileno())
        self.run(lambda: None)

    def run(self, serve: Callable[[], None]) -> None:
        """In the second process: serve on a thread, until a file has changed."""
        options = {"reloader_type": _reloader_type(), **self.options}
        _run_with_reloader(serve, extra_files=self.extra_files, **options)


def _reloader_type() -> str:
    """Which reloader of Werkzeug's works: watchdog's, if that is installed and has what Werkzeug takes from it.

    Its threads are none that could be replaced by green ones.
    """
    if patched_by():
        return "stat"
    try:
        events = import_module("watchdog.events")
        _ = import_module("watchdog.observers").Observer
        _ = [getattr(events, name) for name in _WATCHDOG_EVENTS]
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is not needed
        return "stat"
    return "watchdog"
