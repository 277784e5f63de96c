"""The application as those who answer for it need it: its handlers, and what runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Flask

from ..app.options import Options
from ..base.counters import Counters
from ..cluster.memory import MemoryAdapter
from ..handling.context import EventContexts
from ..handling.runner import Runner
from ..handling.table import HandlerTable
from ..handling.watched import runner_maker
from ..hub.call import Call, Outcome
from ..hub.client import Client
from ..hub.delays import Delays
from ..hub.hub import Hub
from ..hub.socket import Socket
from ..hub.watched import hub_maker, watch_rooms
from ..protocol.socketio import Codec
from ..watching.watcher import Watcher


@dataclass(frozen=True, slots=True)
class Application:
    """Whose handlers run, and how it wants them to."""

    #: the SocketIO that the handlers were registered with, which their contexts lead back to
    socketio: object
    flask: Flask
    options: Options
    handlers: HandlerTable
    codec: Codec
    #: who is told what happens
    watchers: Sequence[Watcher] = ()

    def runner(self, report: Callable[[Call, Outcome], None]) -> Runner:
        """What runs its handlers, and reports to the hub."""
        contexts = EventContexts(self.flask, self.options, self.socketio)
        ack_errors = self.options.ack_errors
        make = runner_maker(self.watchers)
        return make(contexts, self.handlers, report, self.codec, ack_errors=ack_errors)

    def hub(
        self,
        adapter: MemoryAdapter[Socket],
        run: Callable[[Call], None],
        deadlines: Delays[Client],
        counters: Counters,
    ) -> Hub:
        """Where its clients are; `run` starts a call."""
        watch_rooms(adapter, self.watchers)
        return hub_maker(self.watchers)(
            self.handlers,
            adapter,
            self.options.engine.limits,
            run,
            deadlines,
            codec=self.codec,
            always_connect=self.options.always_connect,
            ack_errors=self.options.ack_errors,
            counters=counters,
        )
