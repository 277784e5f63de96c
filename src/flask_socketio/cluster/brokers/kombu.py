"""AMQP, and what else kombu speaks: a fanout exchange, and a queue for everyone who listens."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any, cast
from urllib.parse import urlsplit

import kombu as _kombu

from ..queue import UnreachableError, UnsureError
from .tls import split_off

kombu = cast(Any, _kombu)

#: Milliseconds after which a broker deletes the queue of a process that is gone.
_EXPIRES = 300_000


#: Seconds for connecting, and for each answer, where somebody waits to publish.
_PATIENCE = 2.0
#: Transports that can confirm what is published.
_CONFIRMING = ("amqp://", "amqps://", "pyamqp://")
_ENCRYPTED = "amqps://"


class KombuBroker:
    def __init__(self, url: str, channel: str) -> None:
        self._url = url
        self._confirms = url.startswith(_CONFIRMING)
        self._exchange = kombu.Exchange(channel, type="fanout", durable=False)
        self._connection: Any = None
        self._producer: Any = None

    def publish(self, messages: list[bytes]) -> Iterator[Exception | None]:
        self._reached()
        for message in messages:
            producer = self._producer or self._reached()
            refusals = self._connection.channel_errors
            refusal = None
            try:
                producer.publish(message.decode())
            except Exception as error:
                self._drop()  # a connection of kombu's does not mend itself, nor does a channel
                if not isinstance(error, refusals):
                    raise UnsureError(error) from error
                refusal = error
            yield refusal

    def _reached(self) -> Any:
        try:
            return self._ready()
        except Exception as error:
            self._drop()
            raise UnreachableError(error) from error

    def _ready(self) -> Any:
        """A producer whose connection the broker has not closed, and whose exchange is declared."""
        if self._producer is not None and self._has_been_closed():
            self._drop()
        if self._producer is None:
            # Else the broker says nothing, and what is on its way when a connection ends is lost unseen.
            options = {"confirm_publish": True} if self._confirms else {}
            self._connection = _connected(
                self._url, connect_timeout=_PATIENCE, transport_options=options
            )
            if self._confirms:
                self._connection.connection.sock.settimeout(_PATIENCE)
            self._producer = self._connection.Producer(exchange=self._exchange)
            self._exchange(self._producer.channel).declare()
        return self._producer

    def _has_been_closed(self) -> bool:
        """Whether its end has come already; what else has is taken note of."""
        if not self._confirms:
            return False
        try:
            self._connection.drain_events(timeout=0)
        except TimeoutError:
            return False
        except Exception:  # noqa: BLE001 - however it has ended
            return True
        return False

    def _drop(self) -> None:
        """Without a word to the broker, which may not be listening."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            with suppress(Exception):
                connection.collect()

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
            yield None
            while True:
                with suppress(TimeoutError):
                    connection.drain_events(timeout=patience)
                yield from received or (None,)
                received.clear()

    def close(self) -> None:
        if self._producer is not None:
            self._producer = None
            self._connection.release()
            self._connection = None


def _connected(url: str, **options: Any) -> Any:
    """A connection to one of the URL's hosts, each of which is tried once: who needs it tries again by itself."""
    urls = url.split(";") if url.startswith(_CONFIRMING) else [url]
    for one in urls[:-1]:
        with suppress(Exception):
            return _connected_to(one, **options)
    return _connected_to(urls[-1], **options)


def _connected_to(url: str, **options: Any) -> Any:
    if url.startswith(_ENCRYPTED):
        url, files = split_off(url)
        # Without a name here, kombu takes any certificate that somebody has signed.
        name = urlsplit(url).hostname or "localhost"
        options["ssl"] = {"server_hostname": name, **files._asdict()}
    connection = kombu.Connection(url, **options)
    hosts = max(len(connection.alt), 1)
    return connection.ensure_connection(max_retries=hosts - 1, interval_start=0, interval_step=0)


make_broker = KombuBroker
