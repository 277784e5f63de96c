"""A message queue's transport: connect, try again, publish, listen, close. What the messages say is up to `wire.py`."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Protocol

from ..base.counters import Counters
from ..base.green import start_for_io
from ..base.promise import Mailbox, Promise
from ..base.real import AppLock
from .wire import Message, read, write

logger = logging.getLogger("flask_socketio.server")

#: Seconds between attempts to listen again: the first, and the longest.
_RETRY_FIRST, _RETRY_MAX = 1.0, 60.0
#: Seconds that a server that stops waits for what it still has to publish.
_FLUSH = 3.0
#: Seconds after which who listens looks whether to go on, and that a server that stops waits for it at most.
_PATIENCE, _LAST_LOOK = 0.25, 1.0


class Broker(Protocol):
    """One kind of message broker. Made without connecting; `publish` and `listen` are called on different threads."""

    def publish(self, message: bytes) -> None:
        """Send to everybody who listens; raises the library's errors."""
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


class MessageQueue:
    """What `server_options['client_manager']` is where there is a `message_queue`."""

    def __init__(
        self,
        make_broker: Callable[[str, str], Broker],
        url: str,
        channel: str,
        *,
        write_only: bool,
    ) -> None:
        self.url = url
        self.channel = channel
        #: this process only emits: it was given no application
        self.write_only = write_only
        self._make_broker = make_broker
        self._lock = AppLock()
        self.host_id = uuid.uuid4().hex
        self._broker: Broker | None = None

    def begin(self) -> None:
        """Begin anew: in a process that was forked, which is another host with connections of its own.

        Raises ImportError where the broker's library is missing, and what that says of the URL.
        """
        self.host_id = uuid.uuid4().hex
        self._broker = self._make_broker(self.url, self.channel)

    def begun(self) -> Broker:
        """The broker. Raises what `begin` raises."""
        if self._broker is None:
            self.begin()
        assert self._broker is not None
        return self._broker

    def publish(self, message: Message, counters: Counters) -> None:
        """Publish now, once more after a failure; what fails twice is lost, and logged.

        Raises what `begin` raises, and TypeError for what is no JSON.
        """
        with self._lock:
            broker = self.begun()
            text = write(message, self.host_id)
            for attempt in (1, 2):
                try:
                    broker.publish(text)
                except Exception as error:  # noqa: BLE001 - brokers' libraries have no common error
                    what = "trying once more" if attempt == 1 else "the message is lost"
                    logger.error(  # noqa: TRY400 - the library's stack helps nobody
                        "cannot publish to message queue %s: %s; %s", self.url, error, what
                    )
                else:
                    counters.queue_published += 1
                    return
            counters.queue_lost += 1

    def close(self) -> None:
        """Let go of the connection over which it has published."""
        with self._lock:
            if self._broker is not None:
                self._broker.close()


class Publisher:
    """Publishes from a thread of its own, in order: the loop does not wait for a broker."""

    def __init__(self, queue: MessageQueue, counters: Counters) -> None:
        self._queue = queue
        self._counters = counters
        self._messages = Mailbox[Callable[[], Message] | None]()
        self._ended = Promise[None]()
        start_for_io(self._run, "flask-duplex-publish")

    def put(self, make_message: Callable[[], Message]) -> None:
        self._messages.put(make_message)

    def _run(self) -> None:
        while (make_message := self._messages.get()) is not None:
            self._publish(make_message)
        self._queue.close()
        self._ended.keep(None)

    def _publish(self, make_message: Callable[[], Message]) -> None:
        try:
            self._queue.publish(make_message(), self._counters)
        except Exception as error:  # noqa: BLE001 - a message that cannot be written takes no others with it
            self._counters.queue_lost += 1
            logger.error(  # noqa: TRY400 - the text says more than the stack
                "cannot publish to message queue %s: %s; the message is lost",
                self._queue.url,
                error,
            )

    async def close(self) -> None:
        """Publish what waits, for a while."""
        self._messages.put(None)
        await _wait_for(self._ended, _FLUSH)


class Listener:
    """Hands over what others publish, on a thread of its own, until it is closed; reconnects by itself."""

    def __init__(
        self, queue: MessageQueue, receive: Callable[[Message], object], counters: Counters
    ) -> None:
        self._queue = queue
        self._receive = receive
        self._counters = counters
        self._pause = _RETRY_FIRST
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
            self._stopped.wait(self._pause)
            self._pause = min(self._pause * 2, _RETRY_MAX)
        self._ended.keep(None)

    def _listen(self, broker: Broker) -> None:
        with closing(broker.listen(_PATIENCE)) as texts:
            for text in texts:
                self._pause = _RETRY_FIRST
                if self._stopped.done:
                    return
                if text is not None:
                    self._read(text)

    def _failed(self, error: Exception) -> None:
        if self._stopped.done:
            return
        self._counters.queue_failures += 1
        logger.error(
            "cannot listen to message queue %s: %s; trying again in %g s",
            self._queue.url,
            error,
            self._pause,
        )

    def _read(self, text: bytes | str) -> None:
        try:
            message = read(text, self._queue.host_id)
            if message is not None:
                self._receive(message)
                self._counters.queue_received += 1
        except Exception as error:  # noqa: BLE001 - whoever else writes to the queue must not end the listening
            logger.error(  # noqa: TRY400 - the text says more than the stack
                "message of queue %s ignored: %s: %.100r", self._queue.url, error, text
            )

    async def close(self) -> None:
        """Hand over nothing more, and let go of the broker; one that does not answer is not waited for long."""
        self._stopped.keep(None)
        await _wait_for(self._ended, _LAST_LOOK)


async def _wait_for(promise: Promise[None], seconds: float) -> None:
    """Wait until it is kept, on the loop; for so many seconds at most."""
    deadline = time.monotonic() + seconds
    while not promise.done and time.monotonic() < deadline:  # noqa: ASYNC110 - once, at the end
        await asyncio.sleep(0.01)
