"""The threads on which `def` handlers and Flask's views run.

Jobs come in batches, one per turn of the loop. While they are done at once a single worker does them all: a second
runnable thread would only cost hand-overs of the GIL. A worker that makes no progress for some milliseconds is taken
to be blocked: what waits behind it is split between two others, so that the wait behind N blocked jobs grows with
the logarithm of N. If the process has a core to spare meanwhile, the job waits for something (a database, say): others
of its handler get a worker each from then on, so nothing waits behind them. Where jobs of many handlers are done slowly
while a core is to spare, every job gets a worker to itself, for a while, and what waits already is shared.

A worker with more before it than it does in some 25 ms, most of it one owner's, keeps that owner alone: the jobs of all
others go to another worker.

Jobs of one owner (the calls of one client) are always with one worker, in order; they move together when a worker is
blocked, and the job that blocks it has started by then. So they start in the order in which they came.
"""

from __future__ import annotations

import logging
import time
from asyncio import AbstractEventLoop, TimerHandle
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from ..base.counters import Counters
from ..base.real import Bell, new_bell, new_lock, new_signal, start_thread, thread_number
from ..base.told import Told
from .spare import Spare

_told = Told(logging.getLogger("flask_socketio.server"))

_NO_THREAD = (
    "no more than %d threads for handlers can be started (%s), so calls wait for those: see ulimit -u, or the limit on "
    "processes of the container or the unit"
)

#: Seconds between looks at the workers; one that has made no progress between two looks is blocked.
_WATCH_INTERVAL = 0.005
_MOST_OF_IT = 0.8 * _WATCH_INTERVAL
#: Seconds after which an idle worker ends.
_IDLE = 10.0
#: With a core to spare, and jobs that are done this slowly (in a look's time), more threads help.
_FEW = 5
#: So many looks in a row have to find it so; each on time, where nothing else tells that the machine is busy.
_LOOKS, _ON_TIME = 3, 1.3 * _WATCH_INTERVAL
#: So many workers have a bell: it takes two file descriptors, and many workers are many that wait for something else.
_BELLS = 4
#: Workers of which the system is asked at a look: of each two files stay open, and it takes some 5 µs.
_ASKED = 4
#: Looks that it would take to do what waits: more, and one owner may be in the way of all others.
_LONG = 5
#: Seconds in one look after which what waits is shared no further.
_SHARING = 0.001
#: Seconds after which one worker is tried again: for everything, and for a handler that has blocked one.
_SPREAD, _REMEMBER = 1.0, 10.0


class Owner(Protocol):
    """Whose jobs have to start in order."""

    #: where its unfinished jobs are; for the pool
    worker: Any


class Job(Protocol):
    """Something to be done on a thread."""

    @property
    def owner(self) -> Any:
        """An `Owner`."""
        ...

    @property
    def handler(self) -> object:
        """What jobs that behave alike have in common; None for a job of which nothing is known."""
        ...

    @property
    def starts_on_loop(self) -> bool:
        """Whether its thread only waits until the loop has started it."""
        ...

    @property
    def entered(self) -> bool:
        """Whether the thread has come to what was to be done, so that what comes later may start."""
        ...


J = TypeVar("J", bound=Job)


class Worker(Generic[J]):
    """A thread with a queue of jobs. Its lock guards what the loop's thread touches too."""

    def __init__(self, execute: Callable[[J], None], name: str, wake: Bell) -> None:
        self._execute = execute
        self._lock = new_lock()
        #: released once for each time the worker is idle and gets calls; without the lock, which it wants next
        self._wake = wake
        self._queue: deque[J] = deque()
        self._idle = False
        self._ended = False
        self._busy_since = 0.0
        self._started = 0
        self._seen = 0
        #: what it does at the moment
        self.job: J | None = None
        #: its number, once it runs
        self.thread = 0
        #: in one call for longer than the watch interval; set by the loop, cleared by the worker
        self.blocked = False
        start_thread(self._run, name)

    # -- on the loop ---------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        return self._idle

    def put(self, jobs: Iterable[J]) -> bool:
        """Queue the jobs; False if the worker has ended."""
        with self._lock:
            if self._ended:
                return False
            self._queue.extend(jobs)
            was_idle, self._idle = self._idle, False
        if was_idle:
            self._busy_since = time.monotonic()
            self._wake.release()
        return True

    def progress(self) -> int:
        """How many jobs it has begun since the last look; 1 where it has had none for most of that time."""
        seen, self._seen = self._seen, self._started
        is_new = time.monotonic() - self._busy_since < _MOST_OF_IT
        return 1 if is_new or not self._seen else self._seen - seen

    def take_over(self) -> list[J]:
        """Declare it blocked; return what waits behind the job in which it is."""
        with self._lock:
            if self._idle or (self.job is not None and not self.job.entered):
                return []  # what waits behind it may be of the same owner: the thread has had no core yet
            self.blocked = True
            jobs = list(self._queue)
            self._queue.clear()
        return jobs

    @property
    def waiting(self) -> int:
        """How many jobs wait behind the one that it does."""
        return len(self._queue)

    def leave_to_one(self) -> list[J] | None:
        """If most of what waits is one owner's, leave the worker to that one; return what is of others, else None."""
        with self._lock:
            counts = Counter(job.owner for job in self._queue)
            stay = {owner for owner, count in counts.items() if 2 * count > len(self._queue)}
            if not stay:
                return None
            if self.job is not None:
                stay.add(self.job.owner)  # it may not have started
            others = [job for job in self._queue if job.owner not in stay]
            self._queue = deque(job for job in self._queue if job.owner in stay)
        return others

    def share(self) -> list[J]:
        """Give away what waits for every second owner; return that."""
        with self._lock:
            owners = dict.fromkeys(job.owner for job in self._queue)
            if self.job is not None:
                owners.pop(self.job.owner, None)  # it may not have started
            leaving = set(islice(owners, 1, None, 2))  # who has waited longest stays where it is
            given = [job for job in self._queue if job.owner in leaving]
            self._queue = deque(job for job in self._queue if job.owner not in leaving)
        return given

    # -- on its own thread ---------------------------------------------------------------------

    def _run(self) -> None:
        self.thread = thread_number()
        while (job := self._next()) is not None:
            self._execute(job)
            del job  # a thread that waits keeps nothing alive

    def _next(self) -> J | None:
        while True:
            with self._lock:
                self.blocked = False
                if self._queue:
                    self._started += 1
                    self.job = self._queue.popleft()
                    return self.job
                self._idle = True
                self.job = None
            if not self._wake.acquire(timeout=_IDLE):
                with self._lock:
                    if self._idle:
                        self._ended = True
                        return None
                # Woken in the moment in which the wait ran out: take the permit that is given.
                self._wake.acquire(timeout=-1)


class Pool(Generic[J]):
    """Touched on the loop alone; `execute` is called on the workers' threads."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        execute: Callable[[J], None],
        max_threads: int,
        name: str,
        counters: Counters,
        held_up: Collection[int] = (),
    ) -> None:
        self._counters = counters
        #: threads that wait for the loop, which is ours to do
        self._held_up = held_up
        self._loop = loop
        self._execute = execute
        self._max_threads = max_threads
        self._name = name
        self._workers: list[Worker[J]] = []
        self._main: Worker[J] | None = None
        #: handlers whose jobs get a worker each, and until when
        self._waiters: dict[object, float] = {}
        #: every job gets a worker to itself
        self._spread = False
        self._spread_until = 0.0
        #: until when no thread is started, because none could be
        self._full_until = 0.0
        self._spare = Spare(thread_number(), _ON_TIME)
        self._slow_looks = 0
        #: jobs for which there is no worker, all being blocked and as many as there may be
        self._waiting: list[J] = []
        self._waiting_owners: set[Owner] = set()
        self._watch_timer: TimerHandle | None = None

    def has(self, owner: Owner) -> bool:
        """Whether jobs of the owner have not finished, or not begun."""
        return owner.worker is not None or owner in self._waiting_owners

    def census(self) -> dict[str, int]:
        """The threads that are busy, idle, or in one job for longer; the jobs that wait behind others."""
        blocked = sum(worker.blocked for worker in self._workers)
        idle = sum(worker.idle and not worker.blocked for worker in self._workers)
        return {
            "busy": len(self._workers) - blocked - idle,
            "idle": idle,
            "blocked": blocked,
            "jobs": len(self._waiting) + sum(worker.waiting for worker in self._workers),
        }

    def submit(self, jobs: list[J]) -> None:
        """Have the jobs done, those of one owner in this order."""
        main = self._main
        if main is not None and self._all_go_to(main, jobs):
            self._give(main, jobs)
        else:
            self._distribute(jobs)
        if self._watch_timer is None:
            self._begin_watch()

    def _all_go_to(self, main: Worker[J], jobs: list[J]) -> bool:
        """Whether one worker does everybody's, as it is while handlers return at once."""
        if main.blocked or self._spread or self._waiters or self._waiting_owners:
            return False
        for job in jobs:
            worker = job.owner.worker
            if worker is not main and worker is not None:
                return False
        return True

    def _distribute(self, jobs: list[J]) -> None:
        batches: dict[Worker[J], list[J]] = {}
        for job in jobs:
            worker = self._worker_for(job)
            if worker is None:
                self._wait(job)
            elif worker not in batches and (self._spread or job.handler in self._waiters):
                self._give(worker, [job])
            else:
                batches.setdefault(worker, []).append(job)
        for worker, batch in batches.items():
            self._give(worker, batch)

    def _begin_watch(self) -> None:
        self._spare.begin(self._busy_threads())
        self._watch_timer = self._loop.call_later(_WATCH_INTERVAL, self._watch)

    def _busy_threads(self) -> list[int]:
        """Those that do one job after the other."""
        busy = (worker for worker in self._workers if not worker.idle and not worker.blocked)
        return [worker.thread for worker in islice(busy, _ASKED) if worker.thread]

    def _wait(self, job: J) -> None:
        self._waiting.append(job)
        self._waiting_owners.add(job.owner)

    def _worker_for(self, job: J) -> Worker[J] | None:
        """Where its owner's others are; where it has none, the worker that does everybody's. None: it has to wait."""
        owner = job.owner
        if owner in self._waiting_owners:
            return None
        worker: Worker[J] | None = owner.worker
        if worker is None or worker.blocked:
            if job.handler in self._waiters:
                worker = self._free_worker(beside=self._main)
            else:
                worker = self._main
                if worker is None or worker.blocked or self._spread:
                    worker = self._main = self._free_worker()
            owner.worker = worker
        return worker

    def _free_worker(self, beside: Worker[J] | None = None) -> Worker[J] | None:
        """An idle worker, a new one, or where there may be no more any that is not blocked; None if all are."""
        found = self._idle_or_new_worker(beside)
        if found is None:
            found = next((worker for worker in self._workers if not worker.blocked), None)
        return found

    def _idle_or_new_worker(self, beside: Worker[J] | None = None) -> Worker[J] | None:
        for worker in self._workers:
            if worker.idle and worker is not beside:
                return worker
        if len(self._workers) >= self._max_threads or self._loop.time() < self._full_until:
            return None
        return self._new_worker()

    def _new_worker(self) -> Worker[J] | None:
        """None where the system lets the process have no more threads; that is tried again after a while."""
        count = len(self._workers)
        try:
            worker = Worker(
                self._execute, self._name, new_bell() if count < _BELLS else new_signal()
            )
        except RuntimeError as error:
            self._full_until = self._loop.time() + _SPREAD
            _told.warning(_NO_THREAD, count, error)
            return None
        self._workers.append(worker)
        peak = max(self._counters.handler_threads_peak, len(self._workers))
        self._counters.handler_threads_peak = peak
        return worker

    def _give(self, worker: Worker[J], jobs: list[J]) -> None:
        while not worker.put(jobs):  # it has ended just now, so there may be another
            if worker in self._workers:
                self._workers.remove(worker)
            replacement = self._free_worker()
            if worker is self._main:
                self._main = replacement
            if replacement is None:
                self._give_or_wait(None, jobs)
                return
            worker = replacement
        for job in jobs:
            job.owner.worker = worker

    # -- blocked workers -----------------------------------------------------------------------

    def _watch(self) -> None:
        self._watch_timer = None
        # The loop's time stands still within a turn, so a look may come early.
        if self._spare.seconds < _MOST_OF_IT:
            self._watch_timer = self._loop.call_later(_WATCH_INTERVAL, self._watch)
            return
        enough = self._spare.seconds + _SHARING
        busy = False
        waits = self._spare.is_left(self._busy_threads())
        slow = False
        now = self._loop.time()
        if now > self._spread_until:
            self._spread = False
        for worker in list(self._workers):
            if worker.idle or worker.blocked:
                continue
            busy = True
            progress = worker.progress()
            if worker.thread in self._held_up:
                continue
            slow |= waits and progress <= _FEW and worker.waiting > 0
            if progress == 0:
                job = worker.job
                if waits and job is not None and job.handler is not None:
                    self._remember(job.handler)
                self._split(worker.take_over())
            elif self._spread and worker.waiting > progress and self._spare.seconds < enough:
                self._share(worker)
            elif worker is self._main and worker.waiting > _LONG * progress:
                self._leave_to_one(worker)
        self._judge(slow=slow)
        if self._waiting and (free := self._free_worker()) is not None:
            jobs, self._waiting = self._waiting, []
            self._waiting_owners.clear()
            self._main = free
            self._give(free, jobs)
        if busy or self._waiting:
            self._begin_watch()

    def _remember(self, handler: object) -> None:
        """Its jobs wait for something."""
        if not self._waiters:
            self._loop.call_later(_REMEMBER, self._forget)
        self._waiters[handler] = self._loop.time() + _REMEMBER

    def _forget(self) -> None:
        now = self._loop.time()
        self._waiters = {handler: until for handler, until in self._waiters.items() if until > now}
        if self._waiters:
            self._loop.call_later(_REMEMBER, self._forget)

    def _judge(self, *, slow: bool) -> None:
        self._slow_looks = self._slow_looks + 1 if slow else 0
        if self._slow_looks >= _LOOKS:
            self._spread = True
            self._spread_until = self._loop.time() + _SPREAD

    def _split(self, jobs: list[J]) -> None:
        """Give one half of the owners to one worker, the other half to another; those that begin with a job that waits,
        to one each."""
        if jobs:
            self._counters.batches_taken_over += 1
        halves: tuple[list[J], list[J]] = ([], [])
        apart: list[list[J]] = []
        queues: dict[Owner, list[J]] = {}
        for job in jobs:
            queue = queues.get(job.owner)
            if queue is None:
                if job.handler in self._waiters:
                    apart.append(queue := [])
                else:
                    queue = halves[len(queues) % 2]
                queues[job.owner] = queue
            queue.append(job)
        for half in filter(None, halves):
            self._main = self._free_worker()
            self._give_or_wait(self._main, half)
        for queue in apart:
            self._give_or_wait(self._free_worker(beside=self._main), queue)

    def _leave_to_one(self, worker: Worker[J]) -> None:
        """A client that sends more than its handlers can do has a worker for itself."""
        others = worker.leave_to_one()
        if others is not None:
            self._main = self._free_worker()
            self._give_or_wait(self._main, others)

    def _share(self, worker: Worker[J]) -> None:
        """What came before more threads were seen to help: twice as many do it after each look, while one has more than
        it does until the next."""
        other = self._idle_or_new_worker()
        if other is not None and (given := worker.share()):
            self._give(other, given)

    def _give_or_wait(self, worker: Worker[J] | None, jobs: list[J]) -> None:
        if worker is not None:
            self._give(worker, jobs)
        else:
            for job in jobs:
                self._wait(job)
