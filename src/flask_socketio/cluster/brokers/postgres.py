"""PostgreSQL: LISTEN and NOTIFY. What is too large for those goes through a table, which is made when it is needed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from .looped import PATIENCE, Hand, LoopedBroker, within

#: Bytes of a notification, at most; and of a channel's name.
_MAX_PAYLOAD, _MAX_NAME = 7999, 63
#: Begins what stands for a message in the table: its id follows.
_REFERENCE = "@"
#: Between payloads, where several are one argument, because an array takes three times as long; JSON has none.
_BETWEEN = "\x1e"

#: Seconds of silence after which the server is asked whether it is there.
_SILENCE = 5.0
#: Seconds between two times that one looks for old messages in the table.
_CLEANING = 10.0

_CREATE = """CREATE UNLOGGED TABLE IF NOT EXISTS flask_duplex_messages (
    id text PRIMARY KEY, payload text NOT NULL, created timestamptz NOT NULL DEFAULT now())"""
_CLEAN = "DELETE FROM flask_duplex_messages WHERE created < now() - interval '60 seconds'"
_LOAD = "SELECT payload FROM flask_duplex_messages WHERE id = %s"
#: Of equal payloads it sends one alone; those that are numbered differ.
_NOTIFY = "SELECT pg_notify(%s, payload) FROM unnest(string_to_array(%s, E'\\x1e')) AS payload"
_STORE = (
    "INSERT INTO flask_duplex_messages (id, payload) SELECT * FROM unnest(%s::text[], %s::text[])"
)
_STORE_AND_NOTIFY = f"WITH large AS ({_STORE}) {_NOTIFY}"


class PostgresLink:
    def __init__(self, connection: psycopg.AsyncConnection[Any], channel: str) -> None:
        self._connection = connection
        self._channel = channel
        self._cleaned_at = 0.0

    async def is_open(self) -> bool:
        """Nothing is to be read but its end, or what says that it ends."""
        with suppress(psycopg.Error):
            for _ in range(2):
                self._connection.pgconn.consume_input()
            return not self._connection.closed
        return False

    async def publish(self, messages: list[bytes]) -> Sequence[Exception | None]:
        try:
            await self._notify(messages)
        except psycopg.Error as error:
            if self._connection.closed:
                raise
            if len(messages) == 1:
                return [error]
            # Nothing has been published: it is one transaction.
            return [refusal for message in messages for refusal in await self.publish([message])]
        return [None] * len(messages)

    async def _notify(self, messages: list[bytes]) -> None:
        large: dict[str, str] = {}
        payloads = [_payload(message, large) for message in messages]
        joined = _BETWEEN.join(payloads)
        if not large:
            await self._connection.execute(_NOTIFY, (self._channel, joined))
            return
        query = (_STORE_AND_NOTIFY, (list(large), list(large.values()), self._channel, joined))
        try:
            await self._connection.execute(*query)
        except psycopg.errors.UndefinedTable:
            with suppress(psycopg.errors.UniqueViolation):  # another one has just done so
                await self._connection.execute(_CREATE)
            await self._connection.execute(*query)
        await self._clean()

    async def _clean(self) -> None:
        now = time.monotonic()
        if now - self._cleaned_at > _CLEANING:
            self._cleaned_at = now
            with suppress(psycopg.Error):
                await self._connection.execute(_CLEAN)

    async def listen(self, hand: Hand) -> None:
        await self._connection.execute(SQL("LISTEN {}").format(Identifier(self._channel)))
        await hand(None)
        while True:
            found = self._connection.notifies(timeout=_SILENCE, stop_after=1)
            payloads = [notification.payload async for notification in found]
            if not payloads:
                await within(PATIENCE, self._connection.execute("SELECT 1"))
            for payload in payloads:
                await hand(await self._text(payload))

    async def _text(self, payload: str) -> str | None:
        """The message; None where it is not there any more."""
        if not payload.startswith(_REFERENCE):
            return payload
        found = await self._connection.execute(_LOAD, (payload[len(_REFERENCE) :],))
        row = await found.fetchone()
        return None if row is None else row[0]

    async def close(self) -> None:
        await self._connection.close()


def _payload(message: bytes, large: dict[str, str]) -> str:
    """What the notification says; a message for the table is added to those, by its id."""
    if len(message) <= _MAX_PAYLOAD:
        return message.decode()
    name = uuid.uuid4().hex
    large[name] = message.decode()
    return _REFERENCE + name


def make_broker(url: str, channel: str) -> LoopedBroker[PostgresLink]:
    """The broker for a URL as libpq has it. Raises ValueError for a channel with too long a name."""
    if len(channel.encode()) > _MAX_NAME:
        raise ValueError(f"channel {channel!r} is longer than PostgreSQL's {_MAX_NAME} bytes")

    async def connect() -> PostgresLink:
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
        return PostgresLink(connection, channel)

    return LoopedBroker(connect)
