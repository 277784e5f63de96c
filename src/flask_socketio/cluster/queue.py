"""A message queue's transport: connect, publish now, listen and listen again, close.

What the messages say is up to `wire.py`; what becomes of those that cannot be published at once, to `publishing.py`.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, NamedTuple, Protocol, runtime_checkable

from ..base.counters import Counters
from ..base.green import start_for_io
from ..base.promise import Promise
from ..base.real import AppLock
from .backlog import Bounds
from .backoff import Backoff
from .gaps import Gaps
from .head import head_of
from .masking import Masked
from .state import LISTEN, QueueState
from .wire import Message, is_for, numbered, read, write

logger = logging.getLogger("flask_socketio.server")

#: Whether somebody here may have to get what is emitted to a namespace and a room, or several; see `Here`.
Concerns = Callable[[str, Any], bool]

#: Seconds after which who listens looks whether to go on, and that a server that stops waits for it at most.
_PATIENCE, _LAST_LOOK = 0.25, 1.0


class UnreachableError(Exception):
    """The broker is not there, and what has not been yielded for has certainly not been published."""


class UnsureError(Exception):
    """The next `messages` were sent, and the broker has not said that it has them: they may have arrived.

    Those after them have certainly not been published.
    """

    def __init__(self, error: object, messages: int = 1) -> None:
        super().__init__(str(error))
        self.messages = messages


class Addressed(NamedTuple):
    """A message as it is sent, and its topic if it is not for everybody."""

    text: bytes
    topic: int | None


class Broker(Protocol):
    """One kind of message broker. Made without connecting; `publish` and `listen` are called on different threads."""

    def publish(self, messages: list[bytes]) -> Iterator[Exception | None]:
        """Send to everybody who listens, in this order; yields for each message when the broker has it.

        What is yielded is None, or what the broker says who refuses the message. Without messages it finds out whether
        the broker is there. Raises UnreachableError and UnsureError, within a few seconds in any case; the next call
        connects anew.
        """
        ...

    def listen(self, patience: float) -> Generator[bytes | str | None]:
        """None when it listens, then messages as they come; raises the library's errors.

        None also where there was no message for `patience` seconds, so that listening can end: it is closed on the
        thread it is advanced on. Raises, too, when a broker has not given a sign of life for some seconds.
        """
        ...

    def close(self) -> None:
        """Let go of what `publish` has connected, if anything."""
        ...


@runtime_checkable
class TopicBroker(Broker, Protocol):
    """One that can send a message to those alone who want its topic, which is a number below `topics.TOPICS`."""

    def publish_to(self, messages: list[Addressed]) -> Iterator[Exception | None]:
        """Like `publish`; a message without a topic is for everybody who listens."""
        ...

    def want(self, topic: int, wanted: bool) -> Promise[None] | None:
        """Have `listen` yield the topic's messages, or no longer; on any thread.

        What is returned is kept or broken when everything that is published from then on arrives; it is None where
        nothing listens at present.
        """
        ...


#: Brokers of the process that this one was forked from: to let go of one could end that one's connection.
_of_parents: list[Broker] = []


class MessageQueue:
    """What `server_options['client_manager']` is where there is a `message_queue`."""

    def __init__(
        self,
        make_broker: Callable[[str, str], Broker],
        url: str,
        channel: str,
        *,
        write_only: bool,
        bounds: Bounds,
    ) -> None:
        self.url = url
        #: the URL as it may be shown
        self.shown = Masked(url)
        self.channel = channel
        #: this process only emits: it was given no application
        self.write_only = write_only
        #: how much of a server's may wait to be published
        self.bounds = bounds
        self._make_broker = make_broker
        self._lock = AppLock()
        self.host_id = uuid.uuid4().hex
        #: of the messages that this host has sent, by their topics
        self._counts: dict[int | None, int] = {}
        self._broker: Broker | None = None
        #: the same, if it is one
        self._with_topics: TopicBroker | None = None
        self._pid = 0

    def __repr__(self) -> str:
        return f"<MessageQueue {self.shown} {self.channel!r}>"

    def begin(self) -> None:
        """Begin anew: in a process that was forked, which is another host with connections of its own.

        Raises ImportError where the broker's library is missing, and what that says of the URL.
        """
        if self._broker is not None and self._pid != os.getpid():
            _of_parents.append(self._broker)
        self.host_id = uuid.uuid4().hex
        self._counts = {}
        self._pid = os.getpid()
        self._broker = broker = self._make_broker(self.url, self.channel)
        self._with_topics = broker if isinstance(broker, TopicBroker) else None

    def begun(self) -> Broker:
        """This process's broker. Raises what `begin` raises."""
        if self._pid != os.getpid():
            self.begin()
        assert self._broker is not None
        return self._broker

    def with_topics(self) -> TopicBroker | None:
        """This process's broker, if it is one that has topics. Raises what `begin` raises."""
        self.begun()
        return self._with_topics

    def text(self, message: Message) -> Addressed:
        """A message of this process's. Raises what `begin` raises, and TypeError for what is no JSON."""
        self.begun()
        return Addressed(write(message, self.host_id), message.get("topic"))

    def send(self, texts: list[Addressed]) -> Iterator[Exception | None]:
        """Publish now, numbered in the order in which that is tried; yields and raises what `Broker.publish` does."""
        with self._lock:
            sending = self._publish(self._numbered(texts))
            decided = 0
            try:
                for refusal in sending:
                    decided += 1
                    yield refusal
            except UnsureError as error:
                decided += error.messages
                raise
            finally:
                for _, topic in texts[:decided]:
                    self._counts[topic] = self._counts.get(topic, 0) + 1

    def _publish(self, messages: list[Addressed]) -> Iterator[Exception | None]:
        if (broker := self.with_topics()) is not None:
            return broker.publish_to(messages)
        return self.begun().publish([text for text, _ in messages])

    def _numbered(self, texts: list[Addressed]) -> list[Addressed]:
        counts: dict[int | None, int] = {}
        messages: list[Addressed] = []
        for text, topic in texts:
            number = counts[topic] = counts.get(topic, self._counts.get(topic, 0)) + 1
            messages.append(Addressed(numbered(text, number), topic))
        return messages

    def close(self) -> None:
        """Let go of the connection over which it has published."""
        with self._lock:
            if self._broker is not None:
                self._broker.close()


class Listener:
    """Hands over what others publish, on a thread of its own, until it is closed; reconnects by itself."""

    def __init__(
        self,
        queue: MessageQueue,
        receive: Callable[[Message], object],
        counters: Counters,
        state: QueueState,
        gaps: Gaps,
        concerns: Concerns,
    ) -> None:
        self._queue = queue
        self._receive = receive
        self._concerns = concerns
        self._counters = counters
        self._state = state
        self._gaps = gaps
        self._backoff = Backoff()
        self._stopped = Promise[None]()
        self._ended = Promise[None]()
        start_for_io(self._run, "flask-duplex-listen")

    def _run(self) -> None:
        broker = self._queue.begun()
        while not self._stopped.done:
            try:
                self._listen(broker)
            except Exception as error:  # noqa: BLE001 - brokers' libraries have no common error
                self._failed(error)
        self._ended.keep(None)

    def _listen(self, broker: Broker) -> None:
        with closing(broker.listen(_PATIENCE)) as texts:
            for text in texts:
                self._backoff.reset()
                self._state.works(LISTEN)
                if self._stopped.done:
                    return
                if text is not None:
                    self._read(text)

    def _failed(self, error: Exception) -> None:
        if self._stopped.done:
            return
        pause = self._backoff.next()
        self._counters.queue_failures += 1
        self._state.failed(LISTEN, error, f"trying again in {pause:g} s")
        self._stopped.wait(pause)

    def _read(self, text: bytes | str) -> None:
        try:
            head = head_of(text)
            if head is not None and self._passes_by(head):
                return
            message = read(text)
            self._counters.queue_gaps += self._gaps.before(message)
            if is_for(message, self._queue.host_id):
                self._receive(message)
                self._counters.queue_received += 1
        except Exception as error:  # noqa: BLE001 - whoever else writes to the queue must not end the listening
            logger.error(  # noqa: TRY400 - the text says more than the stack
                "message of queue %s ignored: %s: %.100r", self._queue.shown, error, text
            )

    def _passes_by(self, head: Message) -> bool:
        """Whether nobody here has to know more of the message; that is counted."""
        if head["host_id"] != self._queue.host_id:
            if self._concerns(head["namespace"], head["room"]):
                return False
            self._counters.queue_received += 1
            self._counters.queue_skipped += 1
        self._counters.queue_gaps += self._gaps.before(head)
        return True

    async def close(self) -> None:
        """Hand over nothing more, and let go of the broker; one that does not answer is not waited for long."""
        self._stopped.keep(None)
        await self._ended.wait_on_loop(_LAST_LOOK)
