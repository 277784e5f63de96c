"""A broker on a loop of its own, without a broker: in what context its connection lives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from contextvars import ContextVar

from flask_socketio.cluster.brokers.looped import Hand, LoopedBroker

_set = ContextVar("_set", default="nothing")


class Link:
    """As those of libraries: what it does for all who publish is a task from when it was connected."""

    def __init__(self, found: list[str]) -> None:
        self._found = found
        self._asked = asyncio.Event()
        self._task = asyncio.ensure_future(self._flush())

    async def _flush(self) -> None:
        await self._asked.wait()
        self._found.append(_set.get())

    async def is_open(self) -> bool:
        return True

    async def publish(self, messages: list[bytes]) -> Sequence[Exception | None]:
        self._found.append(_set.get())
        self._asked.set()
        await self._task
        return [None for _ in messages]

    async def listen(self, hand: Hand) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        pass


def test_a_connection_is_not_that_of_the_handler_who_was_the_first_to_publish() -> None:
    """It would keep its request for as long as it lives, and name it in the library's log lines."""
    found: list[str] = []

    async def connect() -> Link:
        return Link(found)

    _set.set("by who publishes")
    with closing(LoopedBroker(connect)) as broker:
        assert list(broker.publish([b"{}"])) == [None]
    assert found == ["by who publishes", "nothing"]
