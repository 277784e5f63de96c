"""How a process publishes: a server from a thread of its own, with a backlog; an emitter before its call returns.

A message is sent again only where it has certainly not been published, so that none arrives twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..base.green import start_for_io
from ..base.promise import Promise
from .backlog import Backlog, Waiting
from .backoff import Backoff
from .queue import Addressed, MessageQueue, UnreachableError, UnsureError
from .state import KEEP_UP, PUBLISH, QueueState
from .wire import Message

MakeMessage = Callable[[], Message]

#: Seconds that a server that stops waits for what it still has to publish.
_FLUSH = 3.0
#: How many messages, and how many bytes, are published at once: after that the broker has to say that it has them.
_BATCH, _BATCH_BYTES = 50, 256 * 1024


def _attempt(
    queue: MessageQueue, state: QueueState, texts: list[Addressed], otherwise: str
) -> tuple[int, bool]:
    """Publish; returns of how many messages it is decided what becomes of them, and whether the broker is there.

    The others have certainly not been published; `otherwise` is what becomes of them.
    """
    decided = 0
    try:
        for refusal in queue.send(texts):
            decided += 1
            if refusal is None:
                state.published()
            else:
                state.refused(refusal)
    except UnreachableError as error:
        state.failed(PUBLISH, error, otherwise)
        return decided, False
    except UnsureError as error:
        state.unsure(error.messages)
        what = "the message" if error.messages == 1 else f"{error.messages} messages"
        state.failed(PUBLISH, error, f"{what} may be lost")
        return decided + error.messages, False
    except Exception as error:  # noqa: BLE001 - brokers' libraries have no common error
        for _ in texts[decided:]:
            state.refused(error)
    return len(texts), True


class Publisher:
    """A server's: in order, and the loop does not wait for a broker."""

    def __init__(self, queue: MessageQueue, state: QueueState) -> None:
        self._queue = queue
        self._state = state
        self._backlog = Backlog[MakeMessage](queue.bounds, self._dropped)
        self._backoff = Backoff()
        self._stopping = Promise[None]()
        self._ended = Promise[None]()
        #: publish soon what a function makes, which has so many bytes, more or less
        self.put = self._backlog.put
        start_for_io(self._run, "flask-duplex-publish")

    def _dropped(self, reason: str, messages: int) -> None:
        self._state.lost(reason, messages)
        self._state.failed(KEEP_UP, "too much waits", "the oldest messages are lost")

    def _run(self) -> None:
        while self._backlog.wait():
            if self._state.others_are_away:
                self._wait_until_back()
            if batch := self._backlog.take(_BATCH, _BATCH_BYTES):
                self._publish(batch)
            if not self._backlog:
                self._state.works(KEEP_UP)
        self._queue.close()
        self._ended.keep(None)

    def _publish(self, batch: list[Waiting[MakeMessage]]) -> None:
        """What has certainly not been published, because the broker is not there, waits again."""
        made = [(self._written(waiting.item), waiting) for waiting in batch]
        written = [(text, waiting) for text, waiting in made if text is not None]
        decided, _ = self._attempt([text for text, _ in written])
        self._backlog.put_back([waiting for _, waiting in written[decided:]])

    def _written(self, make_message: MakeMessage) -> Addressed | None:
        try:
            return self._queue.text(make_message())
        except Exception as error:  # noqa: BLE001 - a message that cannot be written takes no others with it
            self._state.refused(error)
            return None

    def _attempt(self, texts: list[Addressed]) -> tuple[int, bool]:
        return _attempt(self._queue, self._state, texts, "messages wait until it is back")

    def _wait_until_back(self) -> None:
        while not self._attempt([])[1]:
            if self._stopping.wait(self._backoff.next()):
                self._state.given_up(self._backlog.clear())
                return
            self._backlog.expire()
        self._backoff.reset()
        self._stopping.wait(self._state.others_return())
        self._backlog.expire()
        if not self._backlog:
            self._state.works(PUBLISH)

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
        decided, is_there = _attempt(self._queue, self._state, [text], "the message is lost")
        if is_there:
            self._backoff.reset()
            return
        if not decided:
            self._state.lost("unreachable")
        # Of a broker that lets one wait, at least twice as long: no more than a third of a caller's time goes there.
        now = time.monotonic()
        self._rest_until = now + max(self._backoff.next(), 2 * (now - began))
