"""How a process publishes: a server from a thread of its own, with a backlog; an emitter before its call returns.

A message is sent again only where it has certainly not been published, so that none arrives twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum, auto

from ..base.green import start_for_io
from ..base.promise import Promise
from .backlog import Backlog
from .backoff import Backoff
from .queue import MessageQueue, UnreachableError, UnsureError
from .state import KEEP_UP, PUBLISH, QueueState
from .wire import Message

MakeMessage = Callable[[], Message]

#: Seconds that a server that stops waits for what it still has to publish.
_FLUSH = 3.0


class _Outcome(Enum):
    #: published, or refused for good
    DONE = auto()
    UNSURE = auto()
    UNREACHABLE = auto()


def _attempt(queue: MessageQueue, state: QueueState, text: bytes, otherwise: str) -> _Outcome:
    """Publish; `otherwise` is what becomes of the message where nobody can be reached."""
    try:
        queue.send(text)
    except UnreachableError as error:
        state.failed(PUBLISH, error, otherwise)
        return _Outcome.UNREACHABLE
    except UnsureError as error:
        state.unsure()
        state.failed(PUBLISH, error, "the message may be lost")
        return _Outcome.UNSURE
    except Exception as error:  # noqa: BLE001 - brokers' libraries have no common error
        state.refused(error)
    else:
        state.published()
    return _Outcome.DONE


class Publisher:
    """A server's: in order, and the loop does not wait for a broker."""

    def __init__(self, queue: MessageQueue, state: QueueState) -> None:
        self._queue = queue
        self._state = state
        self._backlog = Backlog[MakeMessage](queue.bounds)
        self._backoff = Backoff()
        self._stopping = Promise[None]()
        self._ended = Promise[None]()
        start_for_io(self._run, "flask-duplex-publish")

    def put(self, make_message: MakeMessage, size: int) -> None:
        """Publish soon; `size` is how many bytes the message has, more or less."""
        dropped = self._backlog.put(make_message, size)
        if dropped:
            self._state.lost("backlog", dropped)
            self._state.failed(KEEP_UP, "too much waits", "the oldest messages are lost")

    def _run(self) -> None:
        while (make_message := self._backlog.get()) is not None:
            text = self._written(make_message)
            if text is not None:
                self._publish(text)
            if not self._backlog:
                self._state.works(KEEP_UP)
        self._queue.close()
        self._ended.keep(None)

    def _written(self, make_message: MakeMessage) -> bytes | None:
        try:
            return self._queue.text(make_message())
        except Exception as error:  # noqa: BLE001 - a message that cannot be written takes no others with it
            self._state.refused(error)
            return None

    def _publish(self, text: bytes) -> None:
        otherwise = "messages wait until it is back"
        while _attempt(self._queue, self._state, text, otherwise) is _Outcome.UNREACHABLE:
            if self._stopping.wait(self._backoff.next()):
                self._state.given_up(1 + self._backlog.clear())
                return
        self._backoff.reset()

    async def close(self) -> None:
        """Publish what waits, for a while, if the broker is there."""
        self._stopping.keep(None)
        self._backlog.close()
        await self._ended.wait_on_loop(_FLUSH)


class DirectPublisher:
    """An emitter's. While the broker is not there, most messages are lost without asking it, so that calls do not wait.

    To be called by one thread at a time.
    """

    def __init__(self, queue: MessageQueue, state: QueueState) -> None:
        self._queue = queue
        self._state = state
        self._backoff = Backoff()
        #: the broker is left alone until then
        self._rest_until = 0.0

    def publish(self, make_message: MakeMessage, _size: int) -> None:
        """Publish now, or lose it. Raises what `MessageQueue.text` raises."""
        text = self._queue.text(make_message())
        began = time.monotonic()
        if began < self._rest_until:
            self._state.lost("unreachable")
            return
        outcome = _attempt(self._queue, self._state, text, "the message is lost")
        if outcome is _Outcome.DONE:
            self._backoff.reset()
            return
        if outcome is _Outcome.UNREACHABLE:
            self._state.lost("unreachable")
        # Of a broker that lets one wait, at least twice as long: no more than a third of a caller's time goes there.
        now = time.monotonic()
        self._rest_until = now + max(self._backoff.next(), 2 * (now - began))
