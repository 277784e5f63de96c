"""Polls that hold a WSGI server's threads: let go of when their clients have gone, or when others need the threads."""

from __future__ import annotations

import logging
import select
from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..base.changed import say_once
from ..base.green import runs_caller
from ..base.real import Thread, Waiting, current_thread, waiting_for
from ..base.told import Told

logger = logging.getLogger("flask_socketio.server")

Environ = dict[str, Any]

#: Seconds between two looks at sockets and at requests that wait for a thread.
_PERIOD = 0.05
#: Looks after which threads are too few; before, one may be on its way to who waits, on a machine that is busy.
_SHORT_FOR = 20
#: Seconds that a poll may hold the only thread of a server.
_ALONE = 0.2
#: Seconds that one may hold one of nobody knows how many, and how many in all may end in a second.
_UNKNOWN, _RATE = 1.0, 20

_SHORT = (
    "%d polls hold threads of this WSGI server while %d requests wait for one: they are answered early, which takes "
    "CPU time. Give it more threads (gunicorn --threads 100 module:app)"
)


@dataclass(slots=True, eq=False)
class HeldPoll:
    """A request of the calling thread, if it should have to wait."""

    #: its socket's; None where the server keeps that for itself
    descriptor: int | None
    #: the thread that it holds, where that is one of many
    thread: Thread | None
    #: seconds that it may wait, unless the thread is a pool's; None: as long as there are no packets for its client
    patience: float | None
    #: called when the client has gone
    hung_up: Callable[[], None]
    #: has it answered though there is nothing for its client
    release: Callable[[], None] | None = None
    #: requests that wait for a thread of the pool's; None: it is not known to be one's
    waiting: Waiting | None = None

    @property
    def is_alone(self) -> bool:
        """Whether the server has one thread."""
        return self.patience == _ALONE


def may_hold(environ: Environ, hung_up: Callable[[], None]) -> HeldPoll | None:
    """The request, if it would hold a thread that others may need."""
    if runs_caller() is not None:
        return None  # green threads are not scarce
    descriptor = _descriptor(environ)
    if not environ.get("wsgi.multithread"):
        return HeldPoll(descriptor, None, _ALONE, hung_up)
    if "werkzeug.socket" in environ:  # it has a thread for each request
        return HeldPoll(descriptor, None, None, hung_up)
    return HeldPoll(descriptor, current_thread(), _UNKNOWN, hung_up)


def _descriptor(environ: Environ) -> int | None:
    names = ("gunicorn.socket", "gunicorn.sock", "werkzeug.socket")
    found = next((environ[name] for name in names if name in environ), None)
    return None if found is None else found.fileno()


def _waiting_requests(thread: Thread) -> Waiting | None:
    """gunicorn's threads are a pool's."""
    try:
        return waiting_for(thread)
    except AttributeError as error:
        say_once("Python", str(error), "polls are answered once a second")
        return None


class HeldPolls:
    """Those that wait for packets at the moment; on the loop."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        #: in the order in which they have begun to wait
        self._held: dict[HeldPoll, None] = {}
        self._by_descriptor: dict[int, HeldPoll] = {}
        self._poller = select.poll() if hasattr(select, "poll") else None
        self._looks = False
        #: the pools for whose threads requests wait, and at how many looks they have
        self._short: dict[Waiting | None, int] = {}
        self._told = Told(logger, loop)

    def hold(self, poll: HeldPoll, release: Callable[[], None]) -> None:
        """It begins to wait; `release` ends that."""
        poll.release = release
        self._held[poll] = None
        if poll.descriptor is not None and self._poller is not None:
            self._by_descriptor[poll.descriptor] = poll
            self._poller.register(poll.descriptor, getattr(select, "POLLRDHUP", 0))
        if poll.patience is not None:
            patience = max(poll.patience, len(self._held) / _RATE)
            self.loop.call_later(patience, self._patience_over, poll)
        if not self._looks:
            self._look_later()

    def let_go(self, poll: HeldPoll) -> None:
        """It has its answer: before the server gets its thread back, and closes the socket."""
        self._held.pop(poll, None)
        if poll.descriptor is not None and self._by_descriptor.pop(poll.descriptor, None):
            assert self._poller is not None
            self._poller.unregister(poll.descriptor)

    def _patience_over(self, poll: HeldPoll) -> None:
        if poll.waiting is None and poll.release is not None:
            poll.release()

    def _look_later(self) -> None:
        self._looks = True
        self.loop.call_later(_PERIOD, self._look)

    def _look(self) -> None:
        self._look_for_gone()
        for poll in self._held:
            if poll.waiting is None and poll.thread is not None:
                poll.waiting = _waiting_requests(poll.thread)
        for waiting in {poll.waiting for poll in self._held}:
            self._make_room(waiting)
        if self._held:
            self._look_later()
        else:
            self._looks = False

    def _look_for_gone(self) -> None:
        gone = self._poller.poll(0) if self._poller is not None else []
        for descriptor, _ in gone:
            self._by_descriptor[descriptor].hung_up()

    def _make_room(self, waiting: Waiting | None) -> None:
        """Answer as many of the oldest as there are requests that wait for a thread."""
        if waiting is None or not (requests := waiting.qsize()):
            self._short.pop(waiting, None)
            return
        of_pool = [poll for poll in self._held if poll.waiting is waiting]
        self._short[waiting] = looks = self._short.get(waiting, 0) + 1
        if looks > _SHORT_FOR:
            self._told.warning(_SHORT, len(of_pool), requests)
        for poll in islice(of_pool, requests):
            if poll.release is not None:
                poll.release()
