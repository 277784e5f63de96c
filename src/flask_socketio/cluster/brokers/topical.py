"""Brokers with topics whose libraries are asyncio's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from ...base.promise import Promise
from ...base.real import new_lock
from ..queue import Addressed
from .looped import Link, LoopedBroker, LoopThread, Mailbox, within

#: Seconds until the broker has said that it sends a topic's messages.
_PATIENCE = 2.0


class TopicLink(Link, Protocol):
    """A connection, used on one loop."""

    async def publish_to(self, messages: list[Addressed]) -> Sequence[Exception | None]:
        """Like `publish`; a message without a topic is for everybody who listens."""
        ...

    async def adjust(self, topics: list[int]) -> None:
        """Listen to those of these topics that are wanted, and to the others no longer; returns when that is so."""
        ...


T = TypeVar("T", bound=TopicLink)


class LoopedTopicBroker(LoopedBroker[T]):
    """A `TopicBroker`, from what connects a `TopicLink`, given the set of topics that are wanted.

    Who listens begins with those that are in the set then, and is told what has changed afterwards.
    """

    def __init__(self, connect: Callable[[set[int]], Coroutine[Any, Any, T]]) -> None:
        self._wanted = set[int]()
        super().__init__(lambda: connect(self._wanted))
        self._lock = new_lock()
        #: what has changed and was not told yet, and what is kept when it was
        self._changed: list[int] = []
        self._told = Promise[None]()
        #: on which it listens
        self._listening: LoopThread[T] | None = None

    def publish_to(self, messages: list[Addressed]) -> Iterator[Exception | None]:
        return self.send(len(messages), lambda link: link.publish_to(messages))

    async def listen_on(self, thread: LoopThread[T], mailbox: Mailbox) -> None:
        self._changes_to(thread)
        try:
            await super().listen_on(thread, mailbox)
        finally:
            if self._listening is thread:  # one that was given up may end late
                self._changes_to(None)

    def _changes_to(self, thread: LoopThread[T] | None) -> None:
        """From now on on this one, if on any; what was not told the one before, does not matter any more."""
        with self._lock:
            self._listening = thread
            self._changed = []
            self._told.fail(ConnectionError("the connection has ended"))

    def want(self, topic: int, wanted: bool) -> Promise[None] | None:
        with self._lock:
            (self._wanted.add if wanted else self._wanted.discard)(topic)
            if self._listening is None:
                return None
            if not self._changed:
                self._told = self._listening.start(self._tell(self._listening))
            self._changed.append(topic)
            return self._told

    async def _tell(self, thread: LoopThread[T]) -> None:
        with self._lock:
            changed, self._changed = self._changed, []
        if thread.link is None:
            return
        try:
            await within(_PATIENCE, thread.link.adjust(changed))
        except Exception:
            await thread.link.close()  # who listens begins anew, with all that is wanted
            raise


#: Has the broker send these topics' messages, or no longer; returns when that is so.
Say = Callable[[Iterable[int]], Coroutine[Any, Any, object]]


class Followed:
    """The topics that a connection listens to: one change after the other."""

    def __init__(self, wanted: set[int], begin: Say, end: Say) -> None:
        self._wanted = wanted
        self._begin = begin
        self._end = end
        #: None while it does not listen yet
        self._topics: set[int] | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Listen to all that are wanted."""
        async with self._turn:
            topics = set(self._wanted)
            if topics:
                await self._begin(topics)
            self._topics = topics

    async def adjust(self, topics: list[int]) -> None:
        """See `TopicLink`."""
        async with self._turn:
            has = self._topics
            if has is None:
                return
            more = {topic for topic in topics if topic in self._wanted and topic not in has}
            fewer = {topic for topic in topics if topic in has and topic not in self._wanted}
            if more:
                await self._begin(more)
            if fewer:
                await self._end(fewer)
            self._topics = (has | more) - fewer
