"""Kafka: one partition of a topic, which is read from its end on, without a group."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import aiokafka as _aiokafka  # pyright: ignore[reportMissingTypeStubs]
import aiokafka.admin as _admin  # pyright: ignore[reportMissingTypeStubs]
import aiokafka.errors as _errors  # pyright: ignore[reportMissingTypeStubs]

from .looped import PATIENCE, Hand, LoopedBroker
from .tls import TlsFiles, split_off

aiokafka, admin, errors = cast(Any, _aiokafka), cast(Any, _admin), cast(Any, _errors)

_TOPIC = re.compile(r"[\w.-]{1,249}", re.ASCII)
#: What a topic keeps, where it is made here: a log of a minute, more or less.
_KEPT = {"retention.ms": "60000", "segment.ms": "60000"}
#: Seconds for which one may be away, and then get what one has missed.
_AWAY = 60.0
#: Seconds without a message, or without publishing, after which the broker is asked whether it is there.
_SILENCE = 1.0
#: Milliseconds that show whether a message is still there.
_LOOK = 500
#: In no time that counts does the library send anything again: it may have arrived.
_NEVER = 60_000

#: What is said of a message; anything else is said of the state that a broker is in.
_REFUSALS = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidMessageError,
    errors.TopicAuthorizationFailedError,
)

# It has a line for each attempt of each connection; a line for each change of state comes from here.
if (_logger := logging.getLogger("aiokafka")).level == logging.NOTSET:
    _logger.setLevel(logging.CRITICAL)


@dataclass
class Place:
    """Where a listener has stopped: its last message, and when it was there last."""

    offset: int = -1
    timestamp: int = -1
    at: float = 0.0

    def note(self, record: Any) -> None:
        self.offset, self.timestamp = record.offset, record.timestamp

    def is_of(self, record: Any) -> bool:
        return (self.offset, self.timestamp) == (record.offset, record.timestamp)

    def is_recent(self) -> bool:
        return self.offset >= 0 and time.monotonic() - self.at < _AWAY


class KafkaLink:
    def __init__(self, topic: str, options: dict[str, Any], place: Place) -> None:
        self._topic = topic
        self._partition = aiokafka.TopicPartition(topic, 0)
        self._options = {"request_timeout_ms": int(PATIENCE * 1000), **options}
        self._place = place
        self._producer = aiokafka.AIOKafkaProducer(
            acks="all", retry_backoff_ms=_NEVER, **self._options
        )
        self._consumer: Any = None
        self._answered_at = 0.0

    async def connect(self) -> None:
        await self._producer.start()
        await self._make_topic()
        await self._producer.partitions_for(self._topic)
        self._answered_at = time.monotonic()

    async def _make_topic(self) -> None:
        """Where there is none; to those who may not make one, the broker tells so when they look for it."""
        client = admin.AIOKafkaAdminClient(**self._options)
        try:
            await client.start()
            # One partition, and as many replicas as the broker thinks fit.
            await client.create_topics([admin.NewTopic(self._topic, 1, -1, {}, _KEPT)])
        finally:
            await client.close()

    async def is_open(self) -> bool:
        if time.monotonic() - self._answered_at < _SILENCE:
            return True
        return await self._producer.client.force_metadata_update()

    async def publish(self, messages: list[bytes]) -> Sequence[Exception | None]:
        sent = [await self._send(message) for message in messages]
        answers = await asyncio.gather(*sent, return_exceptions=True)
        refusals = [_refusal(answer) for answer in answers]
        self._answered_at = time.monotonic()
        return refusals

    async def _send(self, message: bytes) -> asyncio.Future[object]:
        """What will be answered; it is known already where the message is too large to be sent at all."""
        try:
            return await self._producer.send(self._topic, message, partition=0)
        except errors.MessageSizeTooLargeError as error:
            answer = asyncio.Future[object]()
            answer.set_exception(error)
            return answer

    async def listen(self, hand: Hand) -> None:
        self._consumer = aiokafka.AIOKafkaConsumer(
            auto_offset_reset="latest", enable_auto_commit=False, **self._options
        )
        await self._consumer.start()
        self._consumer.assign([self._partition])
        await self._find_place()
        await hand(None)
        while True:
            await self._read(hand)
            self._place.at = time.monotonic()

    async def _find_place(self) -> None:
        """Behind the last message, if that is still there. A log without it has nothing that was read here."""
        if not self._place.is_recent():
            await self._consumer.seek_to_end(self._partition)
            # Of some brokers (Tansu) that is before the last batch.
            await self._consumer.getmany(timeout_ms=_LOOK // 5)
        elif not await self._is_where_it_was():
            await self._consumer.seek_to_beginning(self._partition)

    async def _is_where_it_was(self) -> bool:
        self._consumer.seek(self._partition, self._place.offset)
        with suppress(TimeoutError):
            return self._place.is_of(await asyncio.wait_for(self._consumer.getone(), _LOOK / 1000))
        return False

    async def _read(self, hand: Hand) -> None:
        found = await self._consumer.getmany(timeout_ms=int(_SILENCE * 1000))
        if not found:
            await self._consumer.end_offsets([self._partition])
        for records in found.values():
            for record in records:
                self._place.note(record)
                await hand(record.value)

    async def close(self) -> None:
        for client in (self._producer, self._consumer):
            if client is not None:
                await client.stop()


def _refusal(answer: object) -> Exception | None:
    """What the broker says of a message, if it refuses it; raises the library's error where that is not sure."""
    if isinstance(answer, _REFUSALS):
        return cast(Exception, answer)
    if isinstance(answer, BaseException):
        raise answer
    return None


def make_broker(url: str, channel: str) -> LoopedBroker[KafkaLink]:
    """The broker for kafka://user:password@host1:port1,host2. Raises ValueError for what is no topic, or no option."""
    if not _TOPIC.fullmatch(channel) or channel in {".", ".."}:
        raise ValueError(f"channel {channel!r} is no topic of Kafka's")
    url, tls = split_off(url)
    return LoopedBroker(partial(_connected, channel, _options(url, tls), tls, Place()))


def _options(url: str, tls: TlsFiles) -> dict[str, Any]:
    """What the library is told; the names in the query are Kafka's."""
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    protocol = ("SASL_" if credentials else "") + ("SSL" if any(tls) else "PLAINTEXT")
    options: dict[str, Any] = {"security_protocol": protocol, "sasl_mechanism": "PLAIN"}
    for name, value in parse_qsl(parts.query):
        if name not in options:
            raise ValueError(f"{name} is no option; {' and '.join(options)} are")
        options[name] = value
    if credentials:
        user, _, password = credentials.partition(":")
        options |= {"sasl_plain_username": unquote(user), "sasl_plain_password": unquote(password)}
    return {"bootstrap_servers": (hosts or "localhost").split(","), **options}


async def _connected(topic: str, options: dict[str, Any], tls: TlsFiles, place: Place) -> KafkaLink:
    if options["security_protocol"].endswith("SSL"):
        options = {**options, "ssl_context": tls.context()}
    link = KafkaLink(topic, options, place)
    try:
        await link.connect()
    except BaseException:
        await link.close()
        raise
    return link
