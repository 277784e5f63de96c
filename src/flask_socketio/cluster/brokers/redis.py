"""Redis or Valkey, also behind sentinels or on a Unix socket: PUBLISH and SUBSCRIBE."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url as _parse_url  # pyright: ignore[reportUnknownVariableType]
from redis.retry import Retry

from ..lookout import Lookout
from ..queue import Broker, UnreachableError, UnsureError
from .sharded import sharded_broker

parse_url = cast(Any, _parse_url)

#: The kind of what carries a message: a str with decode_responses=true in the URL.
_MESSAGE = (b"message", "message")

#: Makes a client, which connects when it is used, with more of redis-py's options.
Connect = Callable[[dict[str, Any]], Any]


def _impatient() -> dict[str, Any]:
    """For publishing, in seconds: somebody waits, and what was sent must not be sent again. The URL's options win."""
    return {
        "socket_connect_timeout": 2.0,
        "socket_timeout": 2.0,
        "retry": Retry(NoBackoff(), 0),
    }


class RedisBroker:
    def __init__(self, connect: Connect, channel: str) -> None:
        self._connect = connect
        self._channel = channel
        self._client: Any = None
        #: over which it publishes: one of its own, since only that can tell what has been sent
        self._publishing: Any = None
        self.listeners: int | None = None

    def publish(self, messages: list[bytes]) -> Iterator[Exception | None]:
        try:
            connection = self._connection()
        except Exception as error:
            self._drop()
            raise UnreachableError(error) from error
        left = len(messages)
        try:
            connection.send_packed_command(self._commands(connection, messages))
            while left:
                refusal = self._refusal(connection)
                left -= 1
                yield refusal
        except Exception as error:
            self._drop()
            raise UnsureError(error, left) from error

    def _commands(self, connection: Any, messages: list[bytes]) -> list[bytes]:
        return connection.pack_commands(
            [("PUBLISH", self._channel, message) for message in messages]
        )

    def _refusal(self, connection: Any) -> Exception | None:
        """The next answer, if it is one; else it says how many listen."""
        try:
            self.listeners = connection.read_response()
        except redis.ResponseError as error:
            return error
        return None

    def _connection(self) -> Any:
        """One that the server has not closed; a new one has been answered already."""
        if self._publishing is not None and self._has_ended():
            self._drop()
        if self._publishing is None:
            self._client = self._connect(_impatient())
            self._publishing = self._client.connection_pool.make_connection()
            self._publishing.connect()
            self._publishing.send_command("PING")
            self._publishing.read_response()
        return self._publishing

    def _has_ended(self) -> bool:
        """Nothing is to be read: there is either the end, or what nobody has asked for."""
        try:
            return bool(self._publishing.can_read(0))
        except Exception:  # noqa: BLE001 - however it has ended
            return True

    def _drop(self) -> None:
        connection, self._publishing = self._publishing, None
        if connection is not None:
            connection.disconnect()
            self._client.close()

    def listen(self, patience: float) -> Generator[bytes | str | None]:
        with self._connect({"socket_connect_timeout": 2.0}) as client, client.pubsub() as pubsub:
            pubsub.subscribe(self._channel)
            pubsub.parse_response()
            yield None
            lookout = Lookout()
            while True:
                # get_message(timeout=patience) would give up in the middle of a message that comes slowly.
                if pubsub.connection.can_read(patience):
                    response = pubsub.parse_response()
                    lookout.heard()
                    yield response[2] if response[0] in _MESSAGE else None
                else:
                    if lookout.wants_to_ask():
                        pubsub.ping()
                    yield None

    def close(self) -> None:
        self._drop()


def make_broker(url: str, channel: str) -> Broker:
    """The broker for a URL of `connecting_to`, and for redis+sharded://user:password@host1:port1,host2."""
    if "+sharded:" in url:
        return sharded_broker(url, channel)
    return RedisBroker(connecting_to(url), channel)


def connecting_to(url: str) -> Connect:
    """For a URL as redis-py has it, and for redis+sentinel://user:password@host1:port1,host2/database/service, or
    rediss+sentinel:// for TLS; each with valkey in redis's place."""
    url = url.replace("valkey", "redis", 1) if url.startswith("valkey") else url
    if url.startswith(("redis+sentinel", "rediss+sentinel")):
        return _sentinel_client(url)
    return lambda options: redis.Redis.from_url(url, **options)  # pyright: ignore[reportUnknownMemberType]


def _sentinel_client(url: str) -> Connect:
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    database, _, service = parts.path.strip("/").rpartition("/")
    sentinels = [
        (host.partition(":")[0], int(host.partition(":")[2] or 26379)) for host in hosts.split(",")
    ]
    # What the query says is of connections, to sentinels as to servers.
    given: dict[str, Any] = parse_url(f"redis://?{parts.query}")
    given["ssl"] = parts.scheme.startswith("rediss")
    own: dict[str, Any] = {"db": int(database or 0)}
    own |= {"username": unquote(user)} if user else {}
    own |= {"password": unquote(password)} if password else {}

    def connect(options: dict[str, Any]) -> Any:
        options = options | given
        # Else a sentinel that does not answer would hold up a listener for good.
        manager = redis.Sentinel(sentinels, sentinel_kwargs={"socket_timeout": 2.0, **options})
        return manager.master_for(service or "mymaster", **(options | own))  # pyright: ignore[reportUnknownMemberType]

    return connect
