"""`start_background_task`: threads that start once, in the process that serves."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..base.green import call_soon_beside
from ..base.real import AppLock, Thread, Timer, on_main_thread

#: Seconds after which a task that was started while the program was loading does not wait for run() any longer.
_AT_THE_LATEST = 3.0


class BackgroundTask(Thread):
    """A daemon thread. One that waits for the server starts when it does, or when somebody joins it."""

    def __init__(self, target: Callable[..., Any], args: Any, kwargs: Any) -> None:
        super().__init__(target=target, args=args, kwargs=kwargs, daemon=True)
        self._lock = AppLock()

    def start_once(self) -> None:
        """Start, unless it has been."""
        with self._lock:
            if self.ident is None:
                self.start()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the task has ended, for `timeout` seconds at most."""
        self.start_once()
        super().join(timeout)


class BackgroundTasks:
    """With the reloader of debug mode a program is loaded twice, and only the second time it serves.

    So what a program starts while it is being loaded waits until it is known which of the two this is.
    """

    def __init__(self) -> None:
        self._waiting: list[BackgroundTask] = []
        self._settled = os.environ.get("WERKZEUG_RUN_MAIN") == "true"
        self._timer: Timer | None = None

    def start(self, target: Callable[..., Any], args: Any, kwargs: Any) -> BackgroundTask:
        task = BackgroundTask(target, args, kwargs)
        if self._settled or not _loading():
            # A green thread's start would let it run at once, before its handler has answered.
            call_soon_beside(task.start_once)
            return task
        self._waiting.append(task)
        if self._timer is None:
            self._timer = Timer(_AT_THE_LATEST, self.serving)
            self._timer.daemon = True
            self._timer.start()
        return task

    def serving(self) -> None:
        """This process serves, or will never tell: start what waits."""
        self._settled = True
        tasks, self._waiting = self._waiting, []
        for task in tasks:
            task.start_once()

    def not_serving(self) -> None:
        """This process only watches over the one that serves: forget what waits."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()


def _loading() -> bool:
    """Whether a program of the user's own may be on its way to run(), or `flask run` to its server."""
    if not on_main_thread():
        return False
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
        return True
    script = getattr(sys.modules["__main__"], "__file__", None)
    # pytest, gunicorn and other tools are installed with Python; they do not call run().
    return script is not None and not Path(script).resolve().is_relative_to(sys.prefix)
