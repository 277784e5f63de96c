"""Redis or Valkey, also behind sentinels or on a Unix socket: PUBLISH and SUBSCRIBE."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import unquote, urlsplit

import redis

#: The kind of what carries a message: a str with decode_responses=true in the URL.
_MESSAGE = (b"message", "message")


class RedisBroker:
    """`connect` makes a client, which connects when it is used."""

    def __init__(self, connect: Callable[[], Any], channel: str) -> None:
        self._connect = connect
        self._channel = channel
        self._publishing: Any = None

    def publish(self, message: bytes) -> None:
        if self._publishing is None:
            self._publishing = self._connect()
        self._publishing.publish(self._channel, message)

    def listen(self, patience: float) -> Generator[bytes | str | None]:
        with self._connect() as client, client.pubsub() as pubsub:
            pubsub.subscribe(self._channel)
            while True:
                # get_message(timeout=patience) would give up in the middle of a message that comes slowly.
                response = pubsub.parse_response() if pubsub.connection.can_read(patience) else None
                yield response[2] if response and response[0] in _MESSAGE else None

    def close(self) -> None:
        if self._publishing is not None:
            self._publishing.close()


def make_broker(url: str, channel: str) -> RedisBroker:
    """The broker for a URL as redis-py has it, and for redis+sentinel://user:password@host1:port1,host2/database/service;
    each with valkey in redis's place."""
    url = url.replace("valkey", "redis", 1) if url.startswith("valkey") else url
    if url.startswith("redis+sentinel"):
        return RedisBroker(_sentinel_client(url), channel)
    return RedisBroker(lambda: redis.Redis.from_url(url), channel)  # pyright: ignore[reportUnknownMemberType]


def _sentinel_client(url: str) -> Callable[[], Any]:
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
