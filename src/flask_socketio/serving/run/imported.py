"""`socketio.run(app)` in a module that another server imports."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module

#: Servers that import the application before they serve: the packages in which that happens.
_SERVERS = {"daphne", "flask", "granian", "gunicorn", "hypercorn", "uvicorn", "waitress"}


def importing_server() -> str | None:
    """Which server imports the module whose statements call this; None where run() is called to serve."""
    callers = _callers()
    for code, module in callers:
        if code == "<module>" and module != "__main__":
            packages = (outer.partition(".")[0] for _, outer in callers)
            return next((package for package in packages if package in _SERVERS), _uwsgi())
    return None


def _callers() -> Iterator[tuple[str, str]]:
    """Names of code and module of those that have called, the innermost first."""
    frame = inspect.currentframe()
    while frame is not None:
        yield frame.f_code.co_name, frame.f_globals.get("__name__", "")
        frame = frame.f_back


def _uwsgi() -> str | None:
    """It imports without a frame of its own. Python has a module of its name only where uWSGI runs it."""
    try:
        import_module("uwsgi")
    except ImportError:
        return None
    return "uwsgi"
