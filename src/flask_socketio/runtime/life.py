"""What serves a SocketIO: the one place that knows.

Nothing yet; a server; nothing but test clients; nothing, but a message queue takes what is emitted to those who do; or
nothing any more.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet

from flask import Flask

from ..app.options import Options, make_cluster, make_queue
from ..app.parse import parse_options
from ..base.green import call_beside
from ..cluster.base import Adapter, Emission
from ..cluster.node.queue import NodeQueue
from ..cluster.questions import AnswerQuestion
from ..cluster.queue import MessageQueue
from ..cluster.queued import QueueLink
from ..dispatch.background import BackgroundTasks
from ..engine.admission import ConnectionMiddleware
from ..errors import NotServingError
from ..handling.codec import choose_codec, message_dumps
from ..handling.outside import explain_lost_requests
from ..handling.table import HandlerTable
from ..handling.typed import as_written, convert_for
from ..hub.socket import Socket
from ..protocol.socketio import JSON, Codec
from ..relay.bus import PeerLink
from ..relay.machines import Cluster
from ..watching.conversation import conversation_logs
from ..watching.watcher import Watcher, watched_broadcast
from .answers import answers_for_others
from .application import Application
from .emitter import Emitter, NodeEmitter
from .inline import InlineHub
from .live import Live, MakeLink
from .metrics import Snapshot, snapshot
from .running import Running

logger = logging.getLogger("flask_socketio.server")


class State(Enum):
    """What serves the clients. EMITTING: others do, which a message queue leads to."""

    IDLE = auto()
    EMITTING = auto()
    TESTING = auto()
    SERVING = auto()
    STOPPED = auto()


class Stoppable(Protocol):
    """The server that `run()` has started."""

    should_exit: bool


class Companion(Protocol):
    """What is served beside the application, and speaks with its like in other processes: the dashboard."""

    def serving(self, live: Live, app: Flask) -> None:
        """A server has begun, on the loop that calls."""
        ...

    def answers(self, adapter: Adapter[Socket]) -> Mapping[str, AnswerQuestion]:
        """What other processes may ask."""
        ...


class Life:
    """One for each SocketIO, from the first registration to the end of the process."""

    def __init__(self, socketio: object) -> None:
        self._socketio = socketio
        self._options: Options | None = None
        self.handlers = HandlerTable([])
        self.background = BackgroundTasks()
        #: who is told what happens: those that were given, and those that the options ask for
        self._given: list[Watcher] = []
        self._asked_for: list[Watcher] = []
        self._companion: Companion | None = None
        #: how packets are encoded, and arguments for the message queue
        self.codec: Codec = JSON
        self._dumps = message_dumps(None)
        self.queue: MessageQueue | None = None
        self._cluster: Cluster | None = None
        self.state = State.IDLE
        #: who answers for it; None where nobody does
        self.running: Running | None = None
        #: has an emission go where it belongs; may be called on any thread
        self.broadcast: Callable[[Emission], object] = self._to_nobody
        #: the same, while it is a server
        self.live: Live | None = None
        self._inline: InlineHub | None = None
        #: where it finds the other processes that serve the same port; None where there are none
        self.folder: Path | None = None
        #: the server, while run() has not returned
        self.server: Stoppable | None = None

    def configure(self, given: dict[str, Any], app: Flask | None) -> None:
        """Read the options; without an application nobody is served. Raises ValueError and ImportError."""
        options = self._options = parse_options(given)
        self.codec = choose_codec(options, app)
        self._dumps = message_dumps(app)
        self.queue = make_queue(options, write_only=app is None)
        self._cluster = make_cluster(options)
        self.handlers.namespaces.update(options.namespaces)
        self._convert_payloads(options.typed_events)
        self._asked_for = self._watchers_for(options)
        if self.live is None:
            self._rest(State.IDLE)

    def _convert_payloads(self, typed_events: bool | None) -> None:
        convert = partial(convert_for, required=typed_events is True)
        self.handlers.convert_by(as_written if typed_events is False else convert)

    def _watchers_for(self, options: Options) -> list[Watcher]:
        found: list[Watcher] = [
            *conversation_logs(events=bool(options.logger), packets=bool(options.engineio_logger))
        ]
        if options.tracing:
            from ..watching.tracing import Tracing  # its library need not be installed

            found.append(Tracing(self.handlers.names))
        return found

    @property
    def _watchers(self) -> tuple[Watcher, ...]:
        return (*self._given, *self._asked_for)

    @property
    def options(self) -> Options:
        """The options in use. Raises RuntimeError before init_app."""
        if self._options is None:
            raise RuntimeError("this SocketIO has no application yet: call init_app(app)")
        return self._options

    def watch(self, watcher: Watcher) -> None:
        """Have it told what happens from the start. Raises RuntimeError where something serves already."""
        self._check_idle()
        self._given.append(watcher)

    def accompany(self, companion: Companion) -> None:
        """Have it told when a server begins. Raises RuntimeError for a second one, and where one serves already."""
        self._check_idle()
        if self._companion is not None:
            raise RuntimeError("instrument() has been called already: there is one dashboard")
        self._companion = companion

    def _check_idle(self) -> None:
        if self.live is not None or self._inline is not None:
            raise RuntimeError("this has to be set up before the server begins to serve")

    def _answers(self, adapter: Adapter[Socket]) -> Mapping[str, AnswerQuestion]:
        """What other processes may ask this one."""
        more: Mapping[str, AnswerQuestion] = (
            {} if self._companion is None else self._companion.answers(adapter)
        )
        return {**answers_for_others(adapter), **more}

    def require(self) -> Running:
        """Who answers for it. Raises NotServingError where nobody does."""
        if self.running is None:
            what = "has stopped" if self.state is State.STOPPED else "is not running yet"
            raise NotServingError(f"the server {what}, so it has no clients")
        return self.running

    def metrics(self) -> Snapshot:
        """What `socketio.metrics()` returns; on any thread. Raises NotServingError and RuntimeError."""
        if self.live is not None:
            return self.live.metrics()
        running = self.require()
        return running.inbox.ask(snapshot, running)

    # -- what happens to it --------------------------------------------------------------------

    def serve(self, app: Flask, middlewares: Sequence[ConnectionMiddleware]) -> Live:
        """Begin to serve, on the loop that calls. Raises ImportError where the message queue's library is missing."""
        link: MakeLink | None = None
        if self.queue is not None:
            self.queue.begin()
            link = self._link_by(self.queue)
        folder = self.folder
        if folder is not None:
            folder /= _name_of(self.options.engine.path)
            link = link or partial(
                PeerLink[Socket],
                self.codec,
                self._dumps,
                self.options.backlog,
                self._answers,
            )
        self.live = Live(self._application(app), middlewares, link, folder, self._cluster)
        self._become(State.SERVING, self.live)
        _begun.add(self)
        explain_lost_requests()
        call_beside(self.background.serving)
        if self._companion is not None:
            self._companion.serving(self.live, app)
        return self.live

    def _link_by(self, queue: MessageQueue) -> MakeLink:
        if isinstance(queue, NodeQueue):
            return partial(queue.link, self.codec, self._dumps, self.handlers.namespaces)
        return partial(QueueLink[Socket], queue, self.codec, self._dumps, self._answers)

    def forked(self) -> None:
        """This is another process, and what there was of servers and threads is not here."""
        if self.queue is not None:
            self.queue.forked()
            self._rest(State.EMITTING)
        elif self.state is State.SERVING:
            self._rest(State.STOPPED)

    def stopped(self) -> None:
        """The server has stopped."""
        if self.queue is not None:
            self.queue.begin()
        self._rest(State.STOPPED)

    def test(self, app: Flask) -> InlineHub:
        """What test clients run on. Raises RuntimeError while there is a server, and with a message queue."""
        if self.queue is not None:
            raise RuntimeError("the test client cannot be used with a message_queue")
        if self.live is not None:
            raise RuntimeError(
                "the test client is for tests without a server, and this one is being served"
            )
        self.background.serving()
        inline = self._inline
        if inline is None:
            inline = InlineHub(self._application(app))
            self._become(State.TESTING, inline)
            self._inline = inline
        return inline

    def _rest(self, state: State) -> None:
        if self.queue is None:
            self._become(state, None)
        else:
            raises = self.options.queue_down == "raise" and state is not State.STOPPED
            emitter = (
                NodeEmitter(self.queue, self.codec, self._dumps, raises=raises)
                if isinstance(self.queue, NodeQueue)
                else Emitter(self.queue, self.codec, self._dumps, raises=raises)
            )
            self._become(State.EMITTING, emitter)
            _begun.add(self)

    def _become(self, state: State, running: Running | None) -> None:
        self.state = state
        self.running = running
        broadcast = self._to_nobody if running is None else self._by_way_of(running)
        self.broadcast = watched_broadcast(broadcast, self._watchers)
        self._inline = None
        if state is not State.SERVING:
            self.live = None

    def _by_way_of(self, running: Running) -> Callable[[Emission], object]:
        carry_out: Callable[[Emission], object] = running.adapter.broadcast
        if isinstance(running, Live) and running.meter is not None:
            carry_out = running.meter.emitting(carry_out)
        return partial(running.inbox.post, carry_out)

    def _to_nobody(self, emission: Emission) -> None:
        _ = self.options  # raises before init_app
        event = emission.args[0]
        logger.debug("event %r emitted to nobody: the server is not running", event)

    def _application(self, app: Flask) -> Application:
        return Application(
            self._socketio, app, self.options, self.handlers, self.codec, self._watchers
        )


def _name_of(path: str) -> str:
    """A folder's, for each SocketIO of an application."""
    return blake2b(path.encode(), digest_size=4).hexdigest()


#: Those whose server, loop, clients and threads are not those of a process that is forked from this one.
_begun: WeakSet[Life] = WeakSet()


def _begin_anew() -> None:
    for life in list(_begun):
        life.forked()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_begin_anew)
