"""The application as those who answer for it need it: its handlers, and what runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask

from ..app.options import Options
from ..base.counters import Counters
from ..cluster.base import Adapter
from ..handling.context import EventContexts
from ..handling.runner import Runner
from ..handling.table import HandlerTable
from ..hub.call import Call, Outcome
from ..hub.client import Client
from ..hub.delays import Delays
from ..hub.hub import Hub
from ..hub.socket import Socket
from ..protocol.socketio import Codec


@dataclass(frozen=True, slots=True)
class Application:
    """Whose handlers run, and how it wants them to."""

    #: the SocketIO that the handlers were registered with, which their contexts lead back to
    socketio: object
    flask: Flask
    options: Options
    handlers: HandlerTable
    codec: Codec

    def runner(self, report: Callable[[Call, Outcome], None]) -> Runner:
        """What runs its handlers, and reports to the hub."""
        contexts = EventContexts(self.flask, self.options, self.socketio)
        ack_errors = self.options.ack_errors
        return Runner(contexts, self.handlers, report, self.codec, ack_errors=ack_errors)

    def hub(
        self,
        adapter: Adapter[Socket],
        run: Callable[[Call], None],
        deadlines: Delays[Client],
        counters: Counters,
    ) -> Hub:
        """Where its clients are; `run` starts a call."""
        return Hub(
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
