"""AMQP, and what else kombu speaks: a fanout exchange, and a queue for everyone who listens."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from contextlib import suppress
from typing import Any, cast

import kombu as _kombu

kombu = cast(Any, _kombu)

#: Milliseconds after which a broker deletes the queue of a process that is gone.
_EXPIRES = 300_000


class KombuBroker:
    def __init__(self, url: str, channel: str) -> None:
        self._url = url
        self._exchange = kombu.Exchange(channel, type="fanout", durable=False)
        self._connection: Any = None
        self._producer: Any = None

    def publish(self, message: bytes) -> None:
        if self._producer is None:
            self._connection = kombu.Connection(self._url)
            self._producer = self._connection.Producer(exchange=self._exchange)
        try:
            self._producer.publish(message.decode(), declare=[self._exchange])
        except Exception:
            self._producer = None  # a connection of kombu's does not mend itself
            raise

    def listen(self, patience: float) -> Generator[bytes | str | None]:
        queue = kombu.Queue(
            f"flask-duplex.{uuid.uuid4()}",
            self._exchange,
            durable=False,
            auto_delete=True,
            queue_arguments={"x-expires": _EXPIRES},
        )
        received: list[Any] = []

        def receive(_body: object, message: Any) -> None:
            received.append(message.payload)

        with (
            _connected(self._url) as connection,
            # The queue goes with its listener, so nothing can be delivered again.
            connection.Consumer(queue, callbacks=[receive], no_ack=True),
        ):
            while True:
                with suppress(TimeoutError):
                    connection.drain_events(timeout=patience)
                yield from received or (None,)
                received.clear()

    def close(self) -> None:
        if self._producer is not None:
            self._producer = None
            self._connection.release()


def _connected(url: str) -> Any:
    """A connection to one of the URL's hosts, each of which is tried once: who listens tries again by itself."""
    connection = kombu.Connection(url)
    hosts = max(len(connection.alt), 1)
    return connection.ensure_connection(max_retries=hosts - 1, interval_start=0, interval_step=0)


make_broker = KombuBroker
