"""A message queue that several servers, and processes without one, share: the messages of python-socketio's managers.

Every message is one JSON text, published to all. A server with python-socketio 5.14 or later and one with this package
understand each other, and so does whatever only emits.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

from ..base.green import start_for_io
from ..base.promise import Mailbox, Promise
from ..base.real import AppLock
from ..protocol.json import restore
from .base import Emission

logger = logging.getLogger("flask_socketio.server")

#: Seconds between attempts to listen again: the first, and the longest.
_RETRY_FIRST, _RETRY_MAX = 1.0, 60.0
#: Seconds that a server that stops waits for what it still has to publish.
_FLUSH = 3.0

Dumps = Callable[[Any], tuple[bytes, list[bytes]]]


class Broker(Protocol):
    """One kind of message broker. Made without connecting; `publish` and `listen` are called on different threads."""

    def publish(self, message: bytes) -> None:
        """Send to everybody who listens; raises the library's errors."""
        ...

    def listen(self) -> Iterator[bytes | str]:
        """Messages as they come, from the moment the iterator is first advanced; raises the library's errors."""
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

    def _begun(self) -> Broker:
        if self._broker is None:
            self.begin()
        assert self._broker is not None
        return self._broker

    def publish(self, message: dict[str, Any]) -> None:
        """Publish now, once more after a failure; what fails twice is lost, and logged. Raises what `begin` raises."""
        with self._lock:
            broker = self._begun()
            text = json.dumps({"host_id": self.host_id, **message}).encode()
            for attempt in (1, 2):
                try:
                    broker.publish(text)
                except Exception as error:  # noqa: BLE001 - brokers' libraries have no common error
                    what = "trying once more" if attempt == 1 else "the message is lost"
                    logger.error(  # noqa: TRY400 - the library's stack helps nobody
                        "cannot publish to message queue %s: %s; %s", self.url, error, what
                    )
                else:
                    return

    def listen(self, receive: Callable[[dict[str, Any]], object], stopped: Promise[None]) -> None:
        """Hand over what others publish, until `stopped`; reconnects by itself."""
        pause = _RETRY_FIRST
        broker = self._begun()
        while not stopped.done:
            try:
                for text in broker.listen():
                    pause = _RETRY_FIRST
                    if stopped.done:
                        return
                    self._receive(text, receive)
            except Exception as error:  # noqa: BLE001 - as above
                if stopped.done:
                    return
                logger.error(  # noqa: TRY400 - as above
                    "cannot listen to message queue %s: %s; trying again in %g s",
                    self.url,
                    error,
                    pause,
                )
            stopped.wait(pause)
            pause = min(pause * 2, _RETRY_MAX)

    def _receive(self, text: bytes | str, receive: Callable[[dict[str, Any]], object]) -> None:
        try:
            message = json.loads(text)
            # An ack is addressed to the one who emitted; anything else is not for the one who sent it.
            own = message.get("host_id") == self.host_id
            if own is (message.get("method") == "callback"):
                receive(message)
        except Exception as error:  # noqa: BLE001 - whoever else writes to the queue must not end the listening
            logger.error(  # noqa: TRY400 - the text says more than the stack
                "message of queue %s ignored: %s: %.100r", self.url, error, text
            )


class Publisher:
    """Publishes from a thread of its own, in order: the loop does not wait for a broker."""

    def __init__(self, queue: MessageQueue) -> None:
        self._queue = queue
        self._messages = Mailbox[Callable[[], dict[str, Any]] | None]()
        self._ended = False
        start_for_io(self._run, "flask-duplex-publish")

    def put(self, make_message: Callable[[], dict[str, Any]]) -> None:
        self._messages.put(make_message)

    def _run(self) -> None:
        while (make_message := self._messages.get()) is not None:
            self._queue.publish(make_message())
        self._ended = True

    async def close(self) -> None:
        """Publish what waits, for a while."""
        self._messages.put(None)
        deadline = time.monotonic() + _FLUSH
        while not self._ended and time.monotonic() < deadline:  # noqa: ASYNC110 - once, at the end
            await asyncio.sleep(0.01)


def emit_message(
    emission: Emission, dumps: Dumps, callback: tuple[Any, str, int] | None
) -> dict[str, Any]:
    """An emission as others read it; `callback` is the room, the namespace and the ack's id."""
    text, attachments = dumps(emission.args[1:])
    data: list[Any] = json.loads(text)
    if attachments:
        data = [data, *(b64encode(item).decode() for item in attachments)]
    return {
        "method": "emit",
        "event": emission.args[0],
        "data": data,
        "binary": bool(attachments),
        "namespace": emission.namespace,
        "room": _as_json(emission.to),
        "skip_sid": list(emission.skip) or None,
        "callback": callback,
    }


def _as_json(rooms: tuple[Any, ...] | None) -> Any:
    return rooms[0] if rooms is not None and len(rooms) == 1 else rooms


def emitted_args(message: dict[str, Any]) -> list[Any]:
    """The event's name and arguments of an emission that was received."""
    data = message["data"]
    if message.get("binary"):
        args, *attachments = cast("list[Any]", data)
        data = restore(args, [b64decode(item) for item in attachments])
    # Releases before 5.15.1 publish a single argument bare.
    args = cast("list[Any]", data) if isinstance(data, list) else [data]
    return [message["event"], *args]
