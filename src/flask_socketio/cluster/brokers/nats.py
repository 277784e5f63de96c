"""NATS, without JetStream: a subject for all, and one for each topic."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

import nats.errors as _errors

from ..queue import Addressed
from .looped import PATIENCE, Hand, within
from .nats_subjects import Client, Subjects
from .tls import TlsFiles, split_off
from .topical import LoopedTopicBroker

errors = cast(Any, _errors)

#: Seconds between two questions whether the server is there, of which one may be open.
_PING = 3
#: Seconds for closing what has not been opened.
_CLOSE = 0.2

_SUBJECT = re.compile(r"[^\s.*>]+(\.[^\s.*>]+)*")


class TlsClient(Client):
    """Knows whether it has begun with TLS: it does where the server demands it, and nowhere else."""

    def __init__(self, tls: TlsFiles) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self._tls = tls
        self.uses_tls = False

    @property
    def ssl_context(self) -> Any:
        self.uses_tls = True
        return self._tls.context()


class NatsLink:
    def __init__(self, channel: str, tls: TlsFiles, wanted: set[int]) -> None:
        self._client = TlsClient(tls)
        self._subjects = Subjects(self._client, channel, wanted)
        self._ended = asyncio.Event()
        self._connecting = True
        #: what the server has said last
        self._said: Exception | None = None

    async def connect(self, server: str) -> None:
        await self._client.connect(
            servers=[server],
            allow_reconnect=False,
            connect_timeout=PATIENCE,
            ping_interval=_PING,
            max_outstanding_pings=1,
            error_cb=self._failed,
            closed_cb=self._closed,
        )
        self._connecting = False
        if server.startswith("tls:") and not self._client.uses_tls:
            raise ConnectionError("the server does not demand TLS, which the URL does")

    async def _failed(self, error: Exception) -> None:
        self._said = error
        if self._connecting:  # else it would try the same server again
            raise error

    async def _closed(self) -> None:
        self._ended.set()

    async def is_open(self) -> bool:
        return self._client.is_connected

    async def publish(self, messages: list[bytes]) -> Sequence[Exception | None]:
        return await self.publish_to([Addressed(message, None) for message in messages])

    async def publish_to(self, messages: list[Addressed]) -> Sequence[Exception | None]:
        self._said = None
        refusals = [await self._send(message) for message in messages]
        await self._client.settle()
        # The server does not say which message it means; that one may not publish is true of all.
        return [refusal or self._said for refusal in refusals]

    async def _send(self, message: Addressed) -> Exception | None:
        try:
            await self._client.publish(self._subjects.of(message.topic), message.text)
        except errors.MaxPayloadError as error:
            return error
        return None

    async def listen(self, hand: Hand) -> None:
        await self._subjects.listen(hand)
        if self._said is not None:
            raise self._said
        await hand(None)
        await self._ended.wait()
        if (error := self._client.last_error) is not None:
            raise error

    async def adjust(self, topics: list[int]) -> None:
        await self._subjects.adjust(topics)

    async def close(self) -> None:
        await self._client.close()


def make_broker(url: str, channel: str) -> LoopedTopicBroker[NatsLink]:
    """The broker for nats://user:password@host1:port1,host2. Raises ValueError for what is no subject."""
    if not _SUBJECT.fullmatch(channel):
        raise ValueError(f"channel {channel!r} is no subject of NATS's")

    urls, tls = split_off(url)
    scheme = url.partition("://")[0]
    servers = [one if "://" in one else f"{scheme}://{one}" for one in urls.split(",")]
    return LoopedTopicBroker(partial(_connected, servers, channel, tls))


async def _connected(servers: list[str], channel: str, tls: TlsFiles, wanted: set[int]) -> NatsLink:
    """A connection to one of them; raises what is wrong with the last one that was tried."""
    failed: Exception = errors.NoServersError()
    for server in random.sample(servers, len(servers)):
        link = NatsLink(channel, tls, wanted)
        try:
            await link.connect(server)
        except Exception as error:  # noqa: BLE001 - the next one may be well
            failed = error
            with suppress(Exception):  # which does not end where TLS has not begun
                await within(_CLOSE, link.close())
        else:
            return link
    raise failed
