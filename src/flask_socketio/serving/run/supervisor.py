"""Several processes that serve one port, as the first one starts them and keeps them going."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from ...relay.folder import OURS
from ...relay.found import temporary_folder
from .notify import started
from .worker import Worker

logger = logging.getLogger("flask_socketio.server")

#: Seconds between two looks at the workers.
_LOOK = 0.05
#: Seconds until a worker that has ended is replaced, at first and at most; they double while workers end soon.
_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
#: Seconds after which a worker has not ended soon.
_SOON = 10.0
#: Seconds that workers have to end besides those that clients and handlers have.
_PATIENCE = 10.0
#: Not on Windows, where descriptors cannot be inherited by number either.
_SIGHUP: signal.Signals | None = getattr(signal, "SIGHUP", None)
_SIGNALS = [signal.SIGINT, signal.SIGTERM, *filter(None, [_SIGHUP])]


@dataclass(eq=False)
class _Process:
    popen: subprocess.Popen[bytes]
    begun: float = field(default_factory=time.monotonic)
    is_ready: bool = False
    #: it has been told to end
    is_ending: bool = False


class Supervisor:
    """Starts the program again as often as workers are wanted, and replaces those that end.

    Each runs the program from its beginning, so a new worker has the code as it is then.
    """

    def __init__(self, listener: socket.socket, workers: int, patience: float) -> None:
        self._listener = listener
        self._workers = workers
        self._patience = patience + _PATIENCE
        self._processes: list[_Process] = []
        self._pause = _PAUSE
        self._not_before = 0.0
        self._stopping_since = 0.0
        self._reloading: list[_Process] = []
        self._was_ready = False
        #: what ends the program, where the workers cannot be started
        self._status = 0

    def run(self, announcement: str) -> int:
        """Serve until stopped; returns the program's exit status."""
        read_end, write_end = os.pipe()
        folder = Path(tempfile.mkdtemp(prefix=OURS, dir=temporary_folder()))
        self._worker = Worker(os.getpid(), self._listener.fileno(), read_end, folder)
        before = {number: signal.signal(number, self._signalled) for number in _SIGNALS}
        try:
            while not self._is_over():
                self._look_after_them()
                if not self._was_ready and self._all_ready():
                    self._was_ready = True
                    print(announcement, file=sys.stderr, flush=True)
                    started()
                time.sleep(_LOOK)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._kill()
            os.close(read_end)
            os.close(write_end)
            shutil.rmtree(folder, ignore_errors=True)
        return self._status

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if number == _SIGHUP:
            self._reloading = [process for process in self._processes if not process.is_ending]
        elif not self._stopping_since:
            self._stopping_since = time.monotonic()
            self._end(self._processes, signal.SIGTERM)
        elif number == signal.SIGINT:  # Ctrl-C once more
            self._kill()

    def _is_over(self) -> bool:
        if self._stopping_since and time.monotonic() > self._stopping_since + self._patience:
            logger.error("%d workers have not ended in time, and are killed", len(self._processes))
            self._kill()
        return bool(self._stopping_since) and not self._processes

    def _all_ready(self) -> bool:
        ready = [process for process in self._processes if process.is_ready]
        return len(ready) >= self._workers

    # -- processes -----------------------------------------------------------------------------

    def _look_after_them(self) -> None:
        for process in list(self._processes):
            status = process.popen.poll()
            if status is not None:
                self._processes.remove(process)
                self._ended(process, status)
            elif not process.is_ready:
                process.is_ready = self._worker.is_ready(process.popen.pid)
        if self._stopping_since:
            return
        self._reload()
        current = [process for process in self._processes if not process.is_ending]
        # While one is replaced, there is one more: the old one goes when the new one is ready.
        wanted = self._workers + bool(self._reloading)
        if len(current) < wanted and time.monotonic() >= self._not_before:
            for _ in range(wanted - len(current)):
                self._start()

    def _start(self) -> None:
        worker = self._worker
        popen = subprocess.Popen(
            [sys.executable, *sys.orig_argv[1:]],
            env=worker.environ(),
            pass_fds=(worker.listener, worker.lifeline),
        )
        self._processes.append(_Process(popen))

    def _ended(self, process: _Process, status: int) -> None:
        if process in self._reloading:
            self._reloading.remove(process)
        if process.is_ending or self._stopping_since:
            return
        logger.error("worker %d has ended (%s)", process.popen.pid, _why(status))
        if not process.is_ready and not self._was_ready:
            logger.error("it could not be started, so the others are stopped as well")
            self._status = status if status > 0 else 1
            self._stopping_since = time.monotonic()
            self._end(self._processes, signal.SIGTERM)
            return
        soon = time.monotonic() < process.begun + _SOON
        self._pause = min(2 * self._pause, _LONGEST_PAUSE) if soon else _PAUSE
        self._not_before = time.monotonic() + self._pause

    def _reload(self) -> None:
        """Have the next of the old workers end, when there is one more than are wanted."""
        if not self._reloading:
            return
        ready = [process for process in self._processes if process.is_ready and not process.is_ending]  # fmt: skip
        if len(ready) > self._workers:
            self._end([self._reloading.pop(0)], signal.SIGTERM)

    @staticmethod
    def _end(processes: list[_Process], number: signal.Signals) -> None:
        for process in processes:
            process.is_ending = True
            process.popen.send_signal(number)

    def _kill(self) -> None:
        for process in self._processes:
            process.popen.kill()
            process.popen.wait()
        self._processes.clear()


def _why(status: int) -> str:
    return f"status {status}" if status >= 0 else signal.Signals(-status).name


def how_many(workers: int | str | None) -> int:
    """As many as are wanted; None: what WEB_CONCURRENCY says, or one. Raises ValueError for what is no number."""
    given = os.environ.get("WEB_CONCURRENCY", 1) if workers is None else workers
    if given == "auto":
        return (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        )
    number = int(given) if isinstance(given, int) or given.isdigit() else 0
    if number > 1 and _SIGHUP is None:
        logger.warning("workers=%s: on Windows there is one process", given)
        return 1
    if number < 1 or isinstance(given, bool):
        raise ValueError(f'workers={given!r}: a number from 1 on is needed, or "auto"')
    return number
