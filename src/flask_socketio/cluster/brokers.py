"""The brokers behind `message_queue=`, by the URL's scheme. Their libraries are imported when they are needed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from .queue import Broker

_REDIS = re.compile(r"(redis|rediss|valkey|valkeys|unix|redis\+sentinel|valkey\+sentinel)://")
_NOT_YET = re.compile(r"(kafka|zmq\+?\w*)://")
#: Milliseconds after which a broker deletes the queue of a process that is gone.
_EXPIRES = 300_000


def check_url(url: str) -> None:
    """Raise ValueError for a scheme that is not supported; whether its library is installed shows when it is used."""
    if found := _NOT_YET.match(url):
        raise ValueError(f"message_queue: {found[1]} is not supported; redis, valkey, amqp are")


def make_broker(url: str, channel: str) -> Broker:
    """The broker for a URL. Raises ImportError for a missing library."""
    if _REDIS.match(url):
        return RedisBroker(url, channel)
    return KombuBroker(url, channel)


class RedisBroker:
    """Redis or Valkey, also behind sentinels or on a Unix socket: PUBLISH and SUBSCRIBE."""

    def __init__(self, url: str, channel: str) -> None:
        try:
            self._connect = _redis_client(url)
        except ImportError:
            raise ImportError(_install(url, "redis")) from None
        self._channel = channel
        self._publishing: Any = None

    def publish(self, message: bytes) -> None:
        if self._publishing is None:
            self._publishing = self._connect()
        self._publishing.publish(self._channel, message)

    def listen(self) -> Iterator[bytes | str]:
        with self._connect() as client, client.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe(self._channel)
            for message in pubsub.listen():
                yield message["data"]


def _redis_client(url: str) -> Callable[[], Any]:
    import redis

    url = url.replace("valkey", "redis", 1) if url.startswith("valkey") else url
    if not url.startswith("redis+sentinel"):
        return lambda: redis.Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]
    # redis+sentinel://user:password@host1:port1,host2:port2/database/service
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    database, _, service = parts.path.strip("/").rpartition("/")
    sentinels = [
        (host.partition(":")[0], int(host.partition(":")[2] or 26379)) for host in hosts.split(",")
    ]
    options: dict[str, Any] = {"db": int(database or 0)}
    options |= {"username": unquote(user) or None, "password": unquote(password) or None}
    return lambda: redis.Sentinel(sentinels).master_for(service or "mymaster", **options)  # pyright: ignore[reportUnknownMemberType]


class KombuBroker:
    """AMQP, and what else kombu speaks: a fanout exchange, and a queue for everyone who listens."""

    def __init__(self, url: str, channel: str) -> None:
        try:
            import kombu
        except ImportError:
            raise ImportError(_install(url, "kombu")) from None
        self._kombu = cast(Any, kombu)
        self._url = url
        self._exchange = self._kombu.Exchange(channel, type="fanout", durable=False)
        self._producer: Any = None

    def publish(self, message: bytes) -> None:
        if self._producer is None:
            self._producer = self._kombu.Connection(self._url).Producer(exchange=self._exchange)
        try:
            self._producer.publish(message.decode(), declare=[self._exchange])
        except Exception:
            self._producer = None  # a connection of kombu's does not mend itself
            raise

    def listen(self) -> Iterator[bytes | str]:
        queue = self._kombu.Queue(
            f"flask-duplex.{uuid.uuid4()}",
            self._exchange,
            durable=False,
            auto_delete=True,
            queue_arguments={"x-expires": _EXPIRES},
        )
        received: list[Any] = []

        def receive(_body: object, message: Any) -> None:
            received.append(message.payload)
            message.ack()

        with (
            self._kombu.Connection(self._url) as connection,
            connection.Consumer(queue, callbacks=[receive]),
        ):
            while True:
                connection.drain_events()
                yield from received
                received.clear()


def _install(url: str, extra: str) -> str:
    scheme = url.partition("://")[0]
    return f"message_queue {scheme}:// needs a library: pip install 'flask-duplex[{extra}]'"
