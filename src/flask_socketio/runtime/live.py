"""Everything that lives on one running loop, put together."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..base import descriptors
from ..base.counters import Counters
from ..base.told import Told
from ..cluster.link import Link
from ..cluster.memory import MemoryAdapter
from ..cluster.nodes import new_node
from ..dispatch.dispatcher import Dispatcher
from ..dispatch.inbox import Inbox
from ..dispatch.measured import MeasuredDispatcher
from ..engine.admission import ConnectionMiddleware
from ..engine.config import Limits
from ..engine.engine import Engine
from ..engine.ids import new_sids
from ..engine.measured import MeasuredPolling
from ..engine.picows import FastLane
from ..engine.polling import PollingTransport
from ..engine.timers import Deadlines, DelayQueue
from ..engine.watched import session_maker
from ..hub.call import Call, Outcome
from ..hub.client import Client
from ..hub.rate import EventRate
from ..hub.socket import Socket
from ..protocol.reasons import CloseReason
from ..relay.machines import Cluster
from ..relay.node import Node
from ..watching.meter import Meter
from .application import Application
from .census import clients_and_rooms, connections
from .metrics import Snapshot
from .workers import Workers

logger = logging.getLogger("flask_socketio.server")
_told = Told(logger)

#: Given what posts to the loop, and the name of this process.
MakeLink = Callable[[Callable[..., object], Counters, str], Link[Socket]]


class Live:
    """Made on the loop that will own it, after any fork."""

    def __init__(
        self,
        app: Application,
        middlewares: Sequence[ConnectionMiddleware],
        link: MakeLink | None,
        folder: Path | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        options = app.options
        self._shutdown_timeout = options.engine.limits.shutdown_timeout
        self.pid = os.getpid()
        self.loop = loop = asyncio.get_running_loop()
        self.inbox = Inbox(loop)
        self.counters = counters = Counters()
        # One process alone needs no name; there is a link wherever there is a folder.
        name = "" if link is None else new_node()
        self._link = None if link is None else link(self.inbox.post, counters, name)
        self.adapter = (
            MemoryAdapter[Socket](app.codec) if self._link is None else self._link.adapter
        )
        self.adapter.limit_rooms(options.engine.limits.max_rooms, counters)
        self.questions = None if self._link is None else self._link.questions
        self.meter = None if options.metrics is None else Meter(loop, app.handlers)
        self.dispatcher = self._make_dispatcher(app)
        self._deadlines = Deadlines(
            loop, options.engine.limits.connect_timeout, _close_idle_connection
        )
        self.hub = app.hub(self.adapter, self.dispatcher.submit, self._deadlines, counters)
        if self._link is not None:
            self.hub.sids = new_sids(self._link.sids_begin)
        self._limit_time(options.engine.limits)
        max_payload = options.engine.limits.max_payload
        self.node = None
        if folder is not None or cluster is not None:
            self.node = Node(loop, name, folder, cluster, self._link, max_payload, counters)
        self.engine = Engine(
            loop,
            options.engine,
            self.hub.connection_opened,
            middlewares=middlewares,
            elsewhere=None if self.node is None else self.node.relay,
            node=name,
            counters=counters,
            new_session=session_maker(
                app.watchers if self.meter is None else (*app.watchers, self.meter)
            ),
            new_polling=PollingTransport
            if self.meter is None
            else partial(MeasuredPolling, self.meter.polled),
        )
        self.engine.admission.unjoined = self._deadlines
        self.workers = Workers(self, self.node, folder)
        self.lane = FastLane(self.engine)
        #: the namespace that the dashboard's page connects to; None where there is no dashboard
        self.dashboard: str | None = None

    def _make_dispatcher(self, app: Application) -> Dispatcher:
        # A partial function is one step fewer than one of ours.
        report: Callable[[Call, Outcome], None] = partial(self.inbox.post, self._finished)
        runner = app.runner(report if self.meter is None else self.meter.reporting(report))
        make = Dispatcher if self.meter is None else MeasuredDispatcher
        return make(
            self.loop,
            self.inbox,
            runner.begin if self.meter is None else self.meter.beginning(runner.begin),
            serial=not app.options.async_handlers,
            max_threads=app.options.max_threads,
            counters=self.counters,
            debug=bool(app.flask.debug),
        )

    async def join_others(self) -> None:
        """Know the other processes that serve the same port, where there are any, before there is a client."""
        if self.node is not None:
            await self.node.start(self.engine, self.lane)
        self.workers.begin()

    def _limit_time(self, limits: Limits) -> None:
        """What the hub, which has no clock, asks one for."""
        hub = self.hub
        if limits.max_event_rate:
            hub.rate = rate = EventRate(limits.max_event_rate, hub.load, self.counters)
            rate.seconds = DelayQueue(self.loop, 1.0, rate.over)
        if limits.ack_ttl:
            hub.acks_due = DelayQueue(self.loop, limits.ack_ttl, hub.ack_overdue)

    def _finished(self, call: Call, outcome: Outcome) -> None:
        self.hub.finished(call, outcome)
        self.dispatcher.finished(call)
        call.failure = None  # its traceback leads back to the call: the garbage collector would have to part them

    def listen(self) -> None:
        """It does."""

    def queue_status(self) -> dict[str, Any] | None:
        """How it goes with the message queue; None where there is none."""
        return None if self._link is None else self._link.queue_status()

    def census(self) -> dict[str, Any]:
        """What there is at the moment, and what has been measured."""
        threads = self.dispatcher.census()
        return {
            "connections": connections(self.engine.sessions.values()),
            **clients_and_rooms(self.adapter, self.hub),
            "handlers_queued": threads.pop("jobs"),
            "handler_threads": threads,
            **({} if self.meter is None else self.meter.snapshot()),
        }

    def metrics(self) -> Snapshot:
        """As `socketio.metrics()`; on any thread. Raises RuntimeError on the loop, if others are to be asked."""
        if not self.workers.are_several:
            return self.inbox.ask(self.workers.own)
        if self.inbox.on_loop:
            raise RuntimeError(
                "metrics() of several workers, in an async handler: it would stop the server; "
                "await asyncio.to_thread(socketio.metrics)"
            )
        return self.inbox.run(self.workers.metrics())

    def environs(self) -> dict[str, dict[str, Any]]:
        """The environ of every connection's handshake, by its id."""
        return {sid: session.environ for sid, session in self.engine.sessions.items()}

    def sessions(self) -> dict[str, Any]:
        """The Engine.IO sessions, by their ids."""
        return dict(self.engine.sessions)

    def transport_name(self, eio_sid: str) -> str:
        """What carries a connection: polling or websocket."""
        return self.engine.sessions[eio_sid].transport.name

    @property
    def draining(self) -> bool:
        """It is about to stop, and lets nobody in."""
        return self.engine.admission.draining

    def troubles(self) -> list[str]:
        """What keeps it from serving as it should; on any thread."""
        found: list[str] = []
        if self.draining:
            found.append("the server is shutting down")
        if self.hub.load.crowded:
            found.append("more events wait for handlers, or are in one, than max_events")
        if descriptors.are_short():
            found.append("nearly all file descriptors are in use (ulimit -n)")
        if self._link is not None:
            found += self._link.troubles()
        return found

    def close_connections(self) -> None:
        """Say goodbye to every client; their disconnect handlers run."""
        self.engine.close()
        if self.node is not None:
            self.node.relay.stop()

    async def stop(self) -> None:
        """Wait for handlers, for a while, then let go of everything."""
        self.close_connections()
        if not await self.dispatcher.drain(self._shutdown_timeout):
            logger.warning(
                "%d handlers were still running after %g seconds",
                self.dispatcher.running,
                self._shutdown_timeout,
            )
        self.dispatcher.close()
        self._deadlines.close()
        if self.meter is not None:
            self.meter.close()
        if self._link is not None:
            await self._link.close()
        self.workers.end()
        if self.node is not None:
            self.node.close()
        self.workers.ended()
        self.inbox.close()


def _close_idle_connection(client: Client) -> None:
    sid = client.connection.sid
    _told.warning("session %s joined no namespace within connect_timeout", sid)
    client.connection.close(CloseReason.CONNECT_TIMEOUT)
