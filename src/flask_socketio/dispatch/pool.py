"""The threads on which `def` handlers run.

Calls come in batches, one per turn of the loop. While handlers return at once a single worker runs them all: a second
runnable thread would only cost hand-overs of the GIL. A worker that makes no progress for some milliseconds is taken
to be blocked: what waits behind it is split between two others, so that the wait behind N blocked handlers grows with
the logarithm of N.

Calls of one client are always with one worker, in order; they move together when a worker is blocked, and the call
that blocks it has started by then. So a client's calls start in the order in which they came.
"""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop, TimerHandle
from collections import deque
from collections.abc import Callable, Iterable

from ..hub.call import Call
from ..hub.client import Client
from ..real import new_lock, new_signal, start_thread

logger = logging.getLogger("flask_socketio.server")

#: Seconds between looks at the workers; one that has made no progress between two looks is blocked.
_WATCH_INTERVAL = 0.005
#: Seconds after which an idle worker ends.
_IDLE = 10.0


class Worker:
    """A thread with a queue of calls. Its lock guards what the loop's thread touches too."""

    def __init__(self, execute: Callable[[Call], None]) -> None:
        self._execute = execute
        self._lock = new_lock()
        #: released once for each time the worker is idle and gets calls
        self._wake = new_signal()
        self._queue: deque[Call] = deque()
        self._idle = False
        self._ended = False
        self._started = 0
        self._seen = 0
        #: in one call for longer than the watch interval; set by the loop, cleared by the worker
        self.blocked = False
        start_thread(self._run, "flask-duplex-handler")

    # -- on the loop ---------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        return self._idle

    def put(self, calls: Iterable[Call]) -> bool:
        """Queue the calls; False if the worker has ended."""
        with self._lock:
            if self._ended:
                return False
            self._queue.extend(calls)
            if self._idle:
                self._idle = False
                self._wake.release()
        return True

    def has_stalled(self) -> bool:
        """Whether it is in the call in which it was at the last look."""
        started, self._seen, stalled = self._started, self._started, self._started == self._seen
        return stalled and started > 0 and not self._idle

    def take_over(self) -> list[Call]:
        """Declare it blocked; return what waits behind the call in which it is."""
        with self._lock:
            if self._idle:
                return []
            self.blocked = True
            calls = list(self._queue)
            self._queue.clear()
        return calls

    # -- on its own thread ---------------------------------------------------------------------

    def _run(self) -> None:
        while (call := self._next()) is not None:
            self._execute(call)

    def _next(self) -> Call | None:
        while True:
            with self._lock:
                self.blocked = False
                if self._queue:
                    self._started += 1
                    return self._queue.popleft()
                self._idle = True
            if not self._wake.acquire(timeout=_IDLE):
                with self._lock:
                    if self._idle:
                        self._ended = True
                        return None
                # Woken in the moment in which the wait ran out: take the permit that was given.
                self._wake.acquire()


class Pool:
    """Touched on the loop alone; `execute` is called on the workers' threads."""

    def __init__(
        self, loop: AbstractEventLoop, execute: Callable[[Call], None], max_threads: int
    ) -> None:
        self._loop = loop
        self._execute = execute
        self._max_threads = max_threads
        self._workers: list[Worker] = []
        self._main: Worker | None = None
        #: calls for which there is no worker, all being blocked and as many as there may be
        self._waiting: list[Call] = []
        self._waiting_clients: set[Client] = set()
        self._watch_timer: TimerHandle | None = None

    @property
    def size(self) -> int:
        return len(self._workers)

    def submit(self, calls: list[Call]) -> None:
        """Have the calls run, those of one client in this order."""
        batches: dict[Worker, list[Call]] = {}
        for call in calls:
            worker = self._worker_for(call.socket.client)
            if worker is None:
                self._wait(call)
            else:
                batches.setdefault(worker, []).append(call)
        for worker, batch in batches.items():
            self._give(worker, batch)
        if self._watch_timer is None:
            self._watch_timer = self._loop.call_later(_WATCH_INTERVAL, self._watch)

    def _wait(self, call: Call) -> None:
        self._waiting.append(call)
        self._waiting_clients.add(call.socket.client)

    def _worker_for(self, client: Client) -> Worker | None:
        """Where the client's calls are; where it has none, the worker that runs everybody's. None: it has to wait."""
        if client in self._waiting_clients:
            return None
        worker: Worker | None = client.worker
        if worker is None or worker.blocked:
            worker = self._main
            if worker is None or worker.blocked:
                worker = self._main = self._free_worker()
            client.worker = worker
        return worker

    def _free_worker(self) -> Worker | None:
        """An idle worker, a new one, or where there may be no more any that is not blocked; None if all are."""
        for worker in self._workers:
            if worker.idle:
                return worker
        if len(self._workers) < self._max_threads:
            worker = Worker(self._execute)
            self._workers.append(worker)
            return worker
        return next((worker for worker in self._workers if not worker.blocked), None)

    def _give(self, worker: Worker, calls: list[Call]) -> None:
        while not worker.put(calls):  # it has ended just now, so there may be another
            self._workers.remove(worker)
            replacement = self._free_worker()
            assert replacement is not None
            if worker is self._main:
                self._main = replacement
            worker = replacement
        for call in calls:
            call.socket.client.worker = worker

    # -- blocked workers -----------------------------------------------------------------------

    def _watch(self) -> None:
        self._watch_timer = None
        busy = False
        for worker in list(self._workers):
            if worker.idle or worker.blocked:
                continue
            busy = True
            if worker.has_stalled():
                self._split(worker.take_over())
        if self._waiting and (worker := self._free_worker()) is not None:
            calls, self._waiting = self._waiting, []
            self._waiting_clients.clear()
            self._main = worker
            self._give(worker, calls)
        if busy or self._waiting:
            self._watch_timer = self._loop.call_later(_WATCH_INTERVAL, self._watch)

    def _split(self, calls: list[Call]) -> None:
        """Give one half of the clients to one worker, the other half to another."""
        halves: tuple[list[Call], list[Call]] = ([], [])
        side: dict[Client, int] = {}
        for call in calls:
            client = call.socket.client
            halves[side.setdefault(client, len(side) % 2)].append(call)
        for half in halves:
            self._main = self._free_worker() if half else self._main
            if half and self._main is not None:
                self._give(self._main, half)
            else:
                for call in half:
                    self._wait(call)
