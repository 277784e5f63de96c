"""The hub without a server: what the test client runs on. Everything happens in the thread that calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any, ParamSpec, TypeVar, TypeVarTuple, Unpack

from ..base.counters import Counters
from ..base.loop_thread import run_loop
from ..base.real import AppLock
from ..cluster.memory import MemoryAdapter
from ..dispatch.dispatcher import Rest, has_more
from ..errors import refuses_payload
from ..hub.call import Call, CallKind, Outcome
from ..hub.client import Client, Connection
from ..hub.socket import Socket
from .application import Application
from .census import clients_and_rooms

P = ParamSpec("P")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class InlineInbox:
    """Carries commands out at once, one thread at a time."""

    on_loop = False

    def __init__(self) -> None:
        #: held while the hub works, and not while a handler runs
        self.lock = AppLock()

    def post(self, function: Callable[[Unpack[Ts]], object], *args: *Ts) -> None:
        self.ask(function, *args)

    def ask(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        with self.lock:
            return function(*args, **kwargs)

    @contextmanager
    def released(self) -> Generator[None]:
        """Let go of the lock, which the caller holds, while something of the application's or a test's runs."""
        self.lock.release()
        try:
            yield
        finally:
            self.lock.acquire()


class InlineHub:
    """In place of what a server has."""

    questions = None

    def __init__(
        self,
        app: Application,
    ) -> None:
        self.inbox = InlineInbox()
        self.counters = Counters()
        self.adapter = MemoryAdapter[Socket](app.codec)
        self.adapter.limit_rooms(app.options.engine.limits.max_rooms, self.counters)
        self._runner = app.runner(self._report)
        self.hub = app.hub(self.adapter, self._run, _NoDeadlines(), self.counters)

    def listen(self) -> None:
        """There are no others."""

    def queue_status(self) -> None:
        """There is none."""

    def census(self) -> dict[str, Any]:
        """Who is there."""
        return clients_and_rooms(self.adapter, self.hub)

    def open(self, connection: Connection) -> Client:
        """A test client's connection."""
        return self.inbox.ask(self.hub.connection_opened, connection)

    def environs(self) -> dict[str, dict[str, Any]]:
        """The environ of every connection's handshake, by its id."""
        return {sid: connection.environ for sid, connection in self.sessions().items()}

    def sessions(self) -> dict[str, Any]:
        """The connections of the test clients that are in a namespace, by their ids."""
        connections = (socket.client.connection for socket in self.adapter.sockets())
        return {connection.sid: connection for connection in connections}

    def transport_name(self, eio_sid: str) -> str:
        """A test client has none, and is shown as one that polls."""
        return "polling"

    def _run(self, call: Call) -> None:
        """Run a handler in the calling thread; raises what it raises."""
        self.counters.handlers_started += 1
        context = copy_context()
        with self.inbox.released():
            rest = context.run(self._runner.begin, call)
            if rest is not None and has_more(context, rest, call):
                _run_on_loop(rest, context)
        if call.failure is not None and not _is_told(call):
            raise call.failure

    def _report(self, call: Call, outcome: Outcome) -> None:
        self.inbox.ask(self._finished, call, outcome)

    def _finished(self, call: Call, outcome: Outcome) -> None:
        self.counters.handlers_finished += 1
        self.hub.finished(call, outcome)


def _is_told(call: Call) -> bool:
    """Whether the client gets to know of the failure, as others do: in its ack, or because it is refused."""
    asks = call.ack_id is not None or call.kind is CallKind.CONNECT
    return asks and refuses_payload(call.failure)


def _run_on_loop(rest: Rest, context: Context) -> None:
    """Run it on a loop of its own; where the caller's thread is in one, as in a test of asyncio, on another thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        with asyncio.Runner() as runner:
            runner.run(rest, context=context)
    else:
        run_loop(lambda: rest, context=context).result()


class _NoDeadlines:
    """No loop, no time."""

    def add(self, item: object) -> None:
        pass

    def discard(self, item: object) -> None:
        pass
