"""A message queue's transport: connect, publish now, listen and listen again, close.

What the messages say is up to `wire.py`; what becomes of those that cannot be published at once, to `publishing.py`.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import chain
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from ..base.counters import Counters
from ..base.green import start_for_io
from ..base.promise import Promise
from ..base.real import AppLock
from ..base.told import Told
from .backlog import Bounds
from .backoff import Backoff
from .gaps import Gaps
from .head import head_of
from .masking import Masked
from .state import LISTEN, QueueState
from .wire import Message, is_for, is_pickle, numbered, read, write

logger = logging.getLogger("flask_socketio.server")

T = TypeVar("T")

#: Seconds after which who listens looks whether to go on, and that a server that stops waits for it at most.
_PATIENCE, _LAST_LOOK = 0.25, 1.0

_PICKLE = "message of queue %s ignored: it is a pickle, as python-socketio before 5.14 sends, which could run any code"


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


@runtime_checkable
class CountsListeners(Protocol):
    """A broker that says how many have been sent what was published."""

    #: the latest message; None before the first
    listeners: int | None


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

    def forked(self) -> None:
        """This is another process than before: nobody here will release the lock if somebody holds it there."""
        self._lock = AppLock()

    def listeners(self) -> int | None:
        """How many have been sent the latest message, where the broker says so."""
        broker = self._broker
        return broker.listeners if isinstance(broker, CountsListeners) else None

    def close(self) -> None:
        """Let go of the connection over which it has published."""
        with self._lock:
            if self._broker is not None:
                self._broker.close()


class Hearer(Protocol):
    """Whom a `Listener` tells what it hears, on its thread."""

    def concerns(self, namespace: str, room: Any) -> bool:
        """Whether somebody here may have to get what is emitted to a namespace and a room, or several; see `Here`."""
        ...

    def received(self, message: Message) -> object:
        """Of others. May raise for what is no message."""
        ...

    def listening(self) -> object:
        """It listens, for the first time or again."""
        ...

    def deaf(self) -> object:
        """It cannot listen."""
        ...

    def looked(self) -> object:
        """Some time has passed, a part of a second."""
        ...


class Listening(Generic[T]):
    """Hands over what others publish, on a thread of its own, until it is closed; reconnects by itself.

    `hear` is as `Broker.listen`, and `read` takes what it yields and raises nothing.
    """

    def __init__(
        self,
        hear: Callable[[float], Generator[T | None]],
        read: Callable[[T], object],
        counters: Counters,
        state: QueueState,
        doing: str = LISTEN,
    ) -> None:
        self._hear = hear
        self._read = read
        self._counters = counters
        self._state = state
        self._doing = doing
        self._backoff = Backoff()
        self._stopped = Promise[None]()
        self._ended = Promise[None]()
        start_for_io(self._run, "flask-duplex-listen")

    def _run(self) -> None:
        while not self._stopped.done:
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001 - brokers' libraries have no common error
                self._failed(error)
        self._ended.keep(None)

    def _listen(self) -> None:
        with closing(self._hear(_PATIENCE)) as messages:
            next(messages)
            self._listens()
            for message in chain((None,), messages):
                self._backoff.reset()
                self._state.works(self._doing)
                if self._stopped.done:
                    return
                if message is not None:
                    self._read(message)
                self._looked()

    def _failed(self, error: Exception) -> None:
        if self._stopped.done:
            return
        self._is_deaf()
        pause = self._backoff.next()
        self._counters.queue_failures += 1
        self._state.failed(self._doing, error, f"trying again in {pause:g} s")
        self._stopped.wait(pause)

    def _listens(self) -> None:
        self._state.listens = True

    def _is_deaf(self) -> None:
        self._state.listens = False

    def _looked(self) -> None:
        """Some time has passed, a part of a second."""

    def stop(self) -> None:
        """Hand over nothing more, and let go of the broker soon."""
        self._stopped.keep(None)

    async def close(self) -> None:
        """The same; a broker that does not answer is not waited for long."""
        self.stop()
        await self._ended.wait_on_loop(_LAST_LOOK)


class Listener(Listening[bytes | str]):
    """Tells a hearer what others publish on a queue."""

    def __init__(
        self,
        queue: MessageQueue,
        hearer: Hearer,
        counters: Counters,
        state: QueueState,
        gaps: Gaps,
    ) -> None:
        self._queue = queue
        self._hearer = hearer
        self._told = Told(logger)
        self._gaps = gaps
        super().__init__(queue.begun().listen, self._read_text, counters, state)

    def _listens(self) -> None:
        super()._listens()
        self._hearer.listening()

    def _is_deaf(self) -> None:
        super()._is_deaf()
        self._hearer.deaf()

    def _looked(self) -> None:
        self._hearer.looked()

    def _read_text(self, text: bytes | str) -> None:
        if is_pickle(text):
            self._counters.message_ignored("pickle")
            self._told.warning(_PICKLE, self._queue.shown)
            return
        try:
            head = head_of(text)
            if head is not None and self._passes_by(head):
                return
            message = read(text)
            self._counters.queue_gaps += self._gaps.before(message)
            if is_for(message, self._queue.host_id):
                self._hearer.received(message)
                self._counters.queue_received += 1
        except Exception as error:  # noqa: BLE001 - whoever else writes to the queue must not end the listening
            self._counters.message_ignored("malformed")
            logger.error(  # noqa: TRY400 - the text says more than the stack
                "message of queue %s ignored: %s: %.100r", self._queue.shown, error, text
            )

    def _passes_by(self, head: Message) -> bool:
        """Whether nobody here has to know more of the message; that is counted."""
        if head["host_id"] != self._queue.host_id:
            if self._hearer.concerns(head["namespace"], head["room"]):
                return False
            self._counters.queue_received += 1
            self._counters.queue_skipped += 1
        self._counters.queue_gaps += self._gaps.before(head)
        return True
