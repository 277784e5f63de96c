"""A dispatcher under test, with a real loop and real threads."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Generator
from types import SimpleNamespace
from typing import Any

from flask_socketio.cluster.memory import MemoryAdapter
from flask_socketio.dispatch.dispatcher import Dispatcher
from flask_socketio.dispatch.inbox import Inbox
from flask_socketio.engine.config import Limits
from flask_socketio.hub.call import Call, CallKind, Handler
from flask_socketio.hub.client import Client
from flask_socketio.hub.hub import Hub
from flask_socketio.hub.socket import Socket

#: Seconds after which a test gives up; what is waited for is an event.
PATIENCE = 10.0


class _Loop:
    """Awaiting it suspends a coroutine until there is a loop."""

    def __await__(self) -> Generator[None]:
        yield


class Rig:
    """A dispatcher with what it needs of the hub: a count of each client's calls, and their ends told to it."""

    def __init__(self, *, serial: bool = False, max_threads: int = 1000) -> None:
        self.loop = asyncio.get_running_loop()
        self.inbox = Inbox(self.loop)
        self.dispatcher = Dispatcher(
            self.loop,
            self.inbox,
            self._begin,
            serial=serial,
            max_threads=max_threads,
        )
        #: what a thread does, or waits for, before it comes to the handler
        self.before_entering: Callable[[Call], object] = lambda _: None
        self.lock = threading.Lock()
        #: what has started, in that order, and the threads it started on
        self.started: list[Any] = []
        self.threads: set[threading.Thread] = set()
        self.finished = 0
        self._done = asyncio.Event()

    def client(self) -> Client:
        nobody: Any = None
        hub = Hub(nobody, MemoryAdapter[Socket](), Limits(), nobody, nobody)
        connection: Any = SimpleNamespace()
        return Client(hub, connection)

    def start(self, client: Client, label: Any, function: Callable[[], Any] | None = None) -> None:
        """Have the dispatcher run a handler, as the hub would."""
        handler = Handler(function or (lambda: None), asyncio.iscoroutinefunction(function), None)
        self.start_handler(client, label, handler)

    def start_handler(self, client: Client, label: Any, handler: Handler) -> None:
        socket = Socket(client, "/", "a client's")
        client.in_flight += 1
        self.dispatcher.submit(Call(socket, socket.client, CallKind.EVENT, None, (label,), handler))

    def _note(self, call: Call) -> None:
        with self.lock:
            self.started.append(call.args[0])
            self.threads.add(threading.current_thread())

    def _begin(self, call: Call) -> Coroutine[Any, Any, None] | None:
        if call.handler.is_async:
            return self._run_async(call)
        self.before_entering(call)
        call.entered = True
        self._note(call)
        rest = call.handler.function()
        if inspect.iscoroutine(rest):
            return self._finish(call, rest)
        self.inbox.post(self._finished, call)
        return None

    async def _finish(self, call: Call, rest: Coroutine[Any, Any, None]) -> None:
        await _Loop()
        self._note(call)
        await rest
        self._finished(call)

    async def _run_async(self, call: Call) -> None:
        self._note(call)
        await call.handler.function()
        self._finished(call)

    def _finished(self, call: Call) -> None:
        call.socket.client.in_flight -= 1
        self.dispatcher.finished(call)
        self.finished += 1
        self._done.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def all_finished(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.finished < count:
                self._done.clear()
                await self._done.wait()
        assert len(self.started) == self.finished == count
        assert self.dispatcher.running == 0


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())
