"""How a process publishes: a server from a thread of its own, with a backlog; an emitter before its call returns.

A message is sent again only where it has certainly not been published, so that none arrives twice.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ..base.green import start_for_io
from ..base.promise import Promise
from ..errors import MessageQueueError
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
#: That have been made and not been published yet; then the oldest are out of date.
_MAX_ANNOUNCEMENTS = 8
#: What messages do that have not been published.
_WAIT = "messages wait until it is back"


class _Outcome(NamedTuple):
    """Of an attempt to publish."""

    #: of how many messages it is decided what becomes of them; the others have certainly not been published
    decided: int
    #: whether the broker is there
    is_there: bool
    #: the last one there was
    error: Exception | None = None


def _attempt(
    queue: MessageQueue,
    state: QueueState,
    texts: list[Addressed],
    otherwise: str,
    *,
    counted: bool = True,
) -> _Outcome:
    """Publish; `otherwise` is what becomes of messages that have not been published.

    Not `counted` is what processes say of themselves.
    """
    decided = 0
    refusal: Exception | None = None
    try:
        for said in queue.send(texts):
            decided += 1
            if said is None:
                state.published(int(counted))
            else:
                state.refused(said)
                refusal = said
    except UnreachableError as error:
        state.failed(PUBLISH, error, otherwise)
        return _Outcome(decided, is_there=False, error=error)
    except UnsureError as error:
        state.unsure(error.messages)
        what = "the message" if error.messages == 1 else f"{error.messages} messages"
        state.failed(PUBLISH, error, f"{what} may be lost")
        return _Outcome(decided + error.messages, is_there=False, error=error)
    except Exception as error:  # noqa: BLE001 - brokers' libraries have no common error
        for _ in texts[decided:]:
            state.refused(error)
        refusal = error
    return _Outcome(len(texts), is_there=True, error=refusal)


class Publisher:
    """A server's: in order, and the loop does not wait for a broker."""

    def __init__(self, queue: MessageQueue, state: QueueState) -> None:
        self._queue = queue
        self._state = state
        self._backlog = Backlog[MakeMessage](queue.bounds, self._dropped)
        self._backoff = Backoff()
        self._stopping = Promise[None]()
        self._ended = Promise[None]()
        #: what this process says of itself, which does not wait behind anything: only the latest of it matters
        self._announcements: deque[Message] = deque(maxlen=_MAX_ANNOUNCEMENTS)
        #: publish soon what a function makes, which has so many bytes, more or less
        self.put = self._backlog.put
        start_for_io(self._run, "flask-duplex-publish")

    def announce(self, message: Message) -> None:
        """Publish soon what this process says of itself; it is lost where the broker is not there."""
        self._announcements.append(message)
        self._backlog.nudge()

    def waiting(self) -> dict[str, int]:
        """How much waits to be published."""
        messages, size = self._backlog.waiting()
        return {"backlog": messages, "backlog_bytes": size}

    def _dropped(self, reason: str, messages: int) -> None:
        self._state.lost(reason, messages)
        self._state.failed(KEEP_UP, "too much waits", "the oldest messages are lost")

    def _run(self) -> None:
        while self._backlog.wait():
            if self._state.others_are_away:
                self._wait_until_back()
            self._publish_announcements()
            if batch := self._backlog.take(_BATCH, _BATCH_BYTES):
                self._publish(batch)
            if not self._backlog:
                self._state.works(KEEP_UP)
        self._publish_announcements()
        self._queue.close()
        self._ended.keep(None)

    def _publish_announcements(self) -> None:
        texts: list[Addressed] = []
        while self._announcements:
            texts.append(self._queue.text(self._announcements.popleft()))
        if texts and not self._state.others_are_away:
            _attempt(self._queue, self._state, texts, _WAIT, counted=False)

    def _publish(self, batch: list[Waiting[MakeMessage]]) -> None:
        """What has certainly not been published, because the broker is not there, waits again."""
        made = [(self._written(waiting.item), waiting) for waiting in batch]
        written = [(text, waiting) for text, waiting in made if text is not None]
        outcome = self._attempt([text for text, _ in written])
        self._backlog.put_back([waiting for _, waiting in written[outcome.decided :]])

    def _written(self, make_message: MakeMessage) -> Addressed | None:
        try:
            return self._queue.text(make_message())
        except Exception as error:  # noqa: BLE001 - a message that cannot be written takes no others with it
            self._state.refused(error)
            return None

    def _attempt(self, texts: list[Addressed]) -> _Outcome:
        return _attempt(self._queue, self._state, texts, _WAIT)

    def _wait_until_back(self) -> None:
        while not self._attempt([]).is_there:
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

    To be called by one thread at a time. `raises`: who emits is told by a MessageQueueError what is lost.
    """

    def __init__(self, queue: MessageQueue, state: QueueState, *, raises: bool) -> None:
        self._queue = queue
        self._state = state
        self._raises = raises
        self._backoff = Backoff()
        #: the broker is left alone until then
        self._rest_until = 0.0
        self._last_error: Exception | None = None

    def put(self, make_message: MakeMessage, _size: int) -> None:
        """Publish now, or lose it. Raises what `MessageQueue.text` raises, and MessageQueueError."""
        text = self._queue.text(make_message())
        began = time.monotonic()
        if began < self._rest_until:
            self._state.lost("unreachable")
            self._tell(self._last_error)
            return
        outcome = _attempt(self._queue, self._state, [text], "the message is lost")
        if outcome.is_there:
            self._backoff.reset()
        else:
            if not outcome.decided:
                self._state.lost("unreachable")
            # Of a broker that lets one wait, at least twice as long: a third of a caller's time at most goes there.
            now = time.monotonic()
            self._rest_until = now + max(self._backoff.next(), 2 * (now - began))
        self._tell(outcome.error)
        self._state.heard_by(self._queue.listeners())

    def announce(self, message: Message) -> None:
        """Publish what this process says of itself, or lose it."""
        text = self._queue.text(message)
        _attempt(self._queue, self._state, [text], "nobody is known", counted=False)

    def _tell(self, error: Exception | None) -> None:
        self._last_error = error
        if error is not None and self._raises:
            what = "may be lost" if isinstance(error, UnsureError) else "is lost"
            raise MessageQueueError(
                f"{self._state.about(PUBLISH, error)}; the message {what}"
            ) from error
