"""Brokers whose libraries are asyncio's: on loops of their own, for threads, which may be green ones."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator, Sequence
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from ...base.green import new_waiter
from ...base.promise import Promise
from ...base.real import Signal, new_event_loop, start_thread
from ..queue import UnreachableError, UnsureError

T = TypeVar("T")

#: Seconds for connecting, and for an answer.
PATIENCE = 2.0
#: Seconds after which a loop has ended for whoever waits for that.
_END = 1.0
#: Messages that have been read and not been taken yet; then the library has to wait.
_MAX_READ = 1000

#: Takes a message, or None when the broker has confirmed that it will send some.
Hand = Callable[["bytes | str | None"], Awaitable[None]]


class Link(Protocol):
    """A connection, used on one loop."""

    async def is_open(self) -> bool:
        """Whether it has not ended; the broker is asked only where that cannot be seen otherwise."""
        ...

    async def publish(self, messages: list[bytes]) -> Sequence[Exception | None]:
        """Send all; returns when the broker has them what it says of each, see `Broker.publish`."""
        ...

    async def listen(self, hand: Hand) -> None:
        """Hand over None, then messages, until the connection ends; raises the library's errors."""
        ...

    async def close(self) -> None: ...


L = TypeVar("L", bound=Link)
#: Has a connection publish.
Publish = Callable[[L], Coroutine[Any, Any, Sequence[Exception | None]]]


class LoopedBroker(Generic[L]):
    """A `Broker`, from what connects a `Link`."""

    def __init__(self, connect: Callable[[], Coroutine[Any, Any, L]]) -> None:
        self._connect = connect
        #: on which it publishes
        self._thread: LoopThread[L] | None = None

    def publish(self, messages: list[bytes]) -> Iterator[Exception | None]:
        return self.send(len(messages), lambda link: link.publish(messages))

    def send(self, count: int, publish: Publish[L]) -> Iterator[Exception | None]:
        """Have the connection publish so many messages, see `Broker.publish`."""
        thread = self._thread = self._thread or LoopThread[L]()
        try:
            refusals = thread.call(self._publish(thread, count, publish), 3 * PATIENCE)
        except UnreachableError:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise UnsureError(error, count) from error
        yield from refusals

    async def _publish(
        self, thread: LoopThread[L], count: int, publish: Publish[L]
    ) -> Sequence[Exception | None]:
        try:
            link = await self._opened(thread)
        except Exception as error:
            raise UnreachableError(error) from error
        return await within(PATIENCE, publish(link)) if count else ()

    async def _opened(self, thread: LoopThread[L]) -> L:
        """The connection that there is, or a new one where that has ended."""
        link, thread.link = thread.link, None
        if link is not None and not await within(PATIENCE, link.is_open()):
            await within(PATIENCE, link.close())
            link = None
        # It outlives whoever is the first to publish, and what that one has set.
        thread.link = link or await within(PATIENCE, self._connect(), Context())
        return thread.link

    def listen(self, patience: float) -> Generator[bytes | str | None]:
        thread, mailbox = LoopThread[L](), Mailbox()
        try:
            thread.start(self.listen_on(thread, mailbox))
            texts = mailbox.take(3 * PATIENCE)
            if not texts:
                raise TimeoutError("no answer")
            while True:
                yield from texts or (None,)
                texts = mailbox.take(patience)
        finally:
            thread.end()
            thread.wait()

    async def listen_on(self, thread: LoopThread[L], mailbox: Mailbox) -> None:
        """Connect there, and put what comes into the mailbox."""
        try:
            link = thread.link = await within(PATIENCE, self._connect())
            await link.listen(mailbox.put)
            mailbox.end(ConnectionError("the connection has ended"))
        except Exception as error:  # noqa: BLE001 - it is raised where somebody waits
            mailbox.end(error)

    def close(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.end()
            thread.wait()

    def __del__(self) -> None:
        """The thread would go on by itself."""
        if self._thread is not None:
            self._thread.end()


async def within(
    seconds: float, coroutine: Coroutine[Any, Any, T], context: Context | None = None
) -> T:
    """What it returns; raises what it raises, and TimeoutError without waiting for it any longer.

    It runs in that context, or in a copy of this one.
    """
    task = asyncio.get_running_loop().create_task(coroutine, context=context)
    task.add_done_callback(_note)
    try:
        await asyncio.wait([task], timeout=seconds)
        if not task.done():
            raise TimeoutError(f"no answer within {seconds:g} s")
        return task.result()
    finally:
        task.cancel()


def _note(task: Task[Any]) -> None:
    """An error that comes too late is nobody's any more."""
    if not task.cancelled():
        task.exception()


class LoopThread(Generic[L]):
    """A loop on a real thread, and the connection that is used there."""

    def __init__(self) -> None:
        self.link: L | None = None
        self._loop = new_event_loop()
        self._tasks = set[Task[Any]]()
        self._ended = Promise[None]()
        start_thread(self._run, "flask-duplex-broker")

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()
        self._ended.keep(None)

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Promise[T]:
        """Have it run there."""
        promise = Promise[T]()
        self._loop.call_soon_threadsafe(self._begin, coroutine, promise)
        return promise

    def _begin(self, coroutine: Coroutine[Any, Any, T], promise: Promise[T]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(partial(self._settle, promise))

    def _settle(self, promise: Promise[T], task: Task[T]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            promise.fail(ConnectionError("the connection has been given up"))
        elif (error := task.exception()) is not None:
            promise.fail(error)
        else:
            promise.keep(task.result())

    def call(self, coroutine: Coroutine[Any, Any, T], seconds: float) -> T:
        """Run it there and wait; raises what it raises, and TimeoutError."""
        promise = self.start(coroutine)
        if not promise.wait(seconds):
            raise TimeoutError(f"no answer within {seconds:g} s")
        return promise.result()

    def end(self) -> None:
        """End it soon, with the connection and all that runs there."""
        self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._end()))

    async def _end(self) -> None:
        with suppress(Exception):
            await self._end_tasks()
            if self.link is not None:
                await within(_END, self.link.close())
                await self._end_tasks()
        self._loop.stop()

    async def _end_tasks(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=_END)

    def wait(self) -> None:
        """Wait until it has ended, for a while."""
        self._ended.wait(_END)


class Mailbox:
    """From a loop to one thread that takes what is there."""

    def __init__(self) -> None:
        self._texts = deque[bytes | str | None]()
        self._error: Exception | None = None
        self._reader: Signal | None = None

    async def put(self, text: bytes | str | None) -> None:
        """On the loop; waits while there is too much."""
        while len(self._texts) >= _MAX_READ:  # noqa: ASYNC110 - the reader is no task
            await asyncio.sleep(0.005)
        self._texts.append(text)
        self._wake()

    def end(self, error: Exception) -> None:
        """On the loop: the reader gets the error after what has been put."""
        self._error = error
        self._wake()

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.release()

    def take(self, seconds: float) -> list[bytes | str | None]:
        """What is there, or comes within so many seconds; raises the error that has ended it."""
        self._reader = reader = new_waiter()
        if not self._texts and self._error is None:
            reader.acquire(timeout=seconds)
        self._reader = None
        taken: list[bytes | str | None] = []
        while self._texts:
            taken.append(self._texts.popleft())
        if not taken and self._error is not None:
            raise self._error
        return taken
