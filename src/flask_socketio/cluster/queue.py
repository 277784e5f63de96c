"""A message queue's transport: connect, publish now, listen and listen again, close.

What the messages say is up to `wire.py`; what becomes of those that cannot be published at once, to `publishing.py`.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Protocol

from ..base.counters import Counters
from ..base.green import start_for_io
from ..base.promise import Promise
from ..base.real import AppLock
from .backlog import Bounds
from .backoff import Backoff
from .masking import Masked
from .state import LISTEN, QueueState
from .wire import Message, read, write

logger = logging.getLogger("flask_socketio.server")

#: Seconds after which who listens looks whether to go on, and that a server that stops waits for it at most.
_PATIENCE, _LAST_LOOK = 0.25, 1.0


class UnreachableError(Exception):
    """The broker is not there, and the message has certainly not been published."""


class UnsureError(Exception):
    """The message was sent, and the broker has not said that it has it: it may have arrived."""


class Broker(Protocol):
    """One kind of message broker. Made without connecting; `publish` and `listen` are called on different threads."""

    def publish(self, message: bytes) -> None:
        """Send to everybody who listens, and return when the broker has it; within a few seconds in any case.

        Raises UnreachableError and UnsureError, after which the next call connects anew, and the library's errors where
        the broker refuses the message.
        """
        ...

    def listen(self, patience: float) -> Generator[bytes | str | None]:
        """Messages as they come, from the moment the generator is first advanced; raises the library's errors.

        None where there was none for `patience` seconds, so that listening can end: it is closed on the thread it is
        advanced on.
        """
        ...

    def close(self) -> None:
        """Let go of what `publish` has connected, if anything."""
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
        self._broker: Broker | None = None
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
        self._pid = os.getpid()
        self._broker = self._make_broker(self.url, self.channel)

    def begun(self) -> Broker:
        """This process's broker. Raises what `begin` raises."""
        if self._pid != os.getpid():
            self.begin()
        assert self._broker is not None
        return self._broker

    def text(self, message: Message) -> bytes:
        """A message of this process's. Raises what `begin` raises, and TypeError for what is no JSON."""
        self.begun()
        return write(message, self.host_id)

    def send(self, text: bytes) -> None:
        """Publish now; raises what `Broker.publish` raises."""
        with self._lock:
            self.begun().publish(text)

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
    ) -> None:
        self._queue = queue
        self._receive = receive
        self._counters = counters
        self._state = state
        self._backoff = Backoff()
        self._stopped = Promise[None]()
        self._ended = Promise[None]()
        start_for_io(self._run, "flask-duplex-listen")

    def _run(self) -> None:
        broker = self._queue.begun()
        while not self._stopped.done:
            pause = self._backoff.next()
            try:
                self._listen(broker)
            except Exception as error:  # noqa: BLE001 - brokers' libraries have no common error
                self._failed(error, pause)
            self._stopped.wait(pause)
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

    def _failed(self, error: Exception, pause: float) -> None:
        if self._stopped.done:
            return
        self._counters.queue_failures += 1
        self._state.failed(LISTEN, error, f"trying again in {pause:g} s")

    def _read(self, text: bytes | str) -> None:
        try:
            message = read(text, self._queue.host_id)
            if message is not None:
                self._receive(message)
                self._counters.queue_received += 1
        except Exception as error:  # noqa: BLE001 - whoever else writes to the queue must not end the listening
            logger.error(  # noqa: TRY400 - the text says more than the stack
                "message of queue %s ignored: %s: %.100r", self._queue.shown, error, text
            )

    async def close(self) -> None:
        """Hand over nothing more, and let go of the broker; one that does not answer is not waited for long."""
        self._stopped.keep(None)
        await self._ended.wait_on_loop(_LAST_LOOK)
