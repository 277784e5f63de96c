"""The threads on which Flask's views run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ..real import new_lock, new_queue, start_thread

if TYPE_CHECKING:
    from queue import SimpleQueue

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds after which an idle thread ends.
_IDLE = 10.0


class DaemonThreads(Executor):
    """Like ThreadPoolExecutor, but the process ends without waiting for a view that blocks, and idle threads retire."""

    def __init__(self, max_threads: int) -> None:
        self._jobs: SimpleQueue[Callable[[], None]] = new_queue()
        self._max_threads = max_threads
        self._lock = new_lock()
        self._threads = 0
        #: threads that wait, less the jobs that wait for them
        self._free = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - it is the caller's to handle
                future.set_exception(error)

        with self._lock:
            self._jobs.put(job)
            self._free -= 1
            if self._free < 0 and self._threads < self._max_threads:
                self._threads += 1
                self._free += 1
                start_thread(self._run, "flask-duplex-view")
        return future

    def _run(self) -> None:
        while (job := self._next()) is not None:
            job()
            del job  # an idle thread keeps nothing alive
            with self._lock:
                self._free += 1

    def _next(self) -> Callable[[], None] | None:
        try:
            return self._jobs.get(timeout=_IDLE)
        except Empty:
            with self._lock:
                if self._free <= 0:  # a job was put in this moment
                    return self._jobs.get()
                self._threads -= 1
                self._free -= 1
                return None
