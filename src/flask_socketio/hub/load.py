"""What clients have sent that is not handled yet, and whom nothing more is read from because of it."""

from __future__ import annotations

import logging

from ..base.told import Told
from ..engine.config import Limits
from .client import Client

logger = logging.getLogger("flask_socketio.server")

_CROWD = (
    "%d events of %d clients wait for handlers or are in one (max_events): "
    "nothing is read from the busiest clients until there are half as many"
)


class Load:
    """Events of all clients that wait for a handler or are in one."""

    def __init__(self, limits: Limits) -> None:
        self.events = 0
        self.limit = limits.max_events
        #: clients that have any
        self.clients = 0
        #: more than the limit, or not yet down to half of it again
        self.crowded = False
        self._usual_share = limits.max_events_in_flight
        #: bytes for which an event counts as another one
        self.unit = max(1, limits.max_bytes_in_flight // limits.max_events_in_flight)
        #: how many one client may have at the moment
        self.share = self._usual_share
        self.paused: set[Client] = set()
        #: whom nothing is read from for a moment because they have sent too many events within a second
        self.too_fast: set[Client] = set()
        self._told = Told(logger)

    def crowd(self) -> None:
        """There are too many: whoever has more than an equal share of them has to wait."""
        self.share = min(self._usual_share, max(1, self.limit // self.clients))
        if not self.crowded:
            self.crowded = True
            self._told.warning(_CROWD, self.events, self.clients)

    def relieve(self, client: Client) -> None:
        """The client has fewer than before."""
        if self.crowded and self.events <= self.limit // 2:
            self.crowded = False
            self.share = self._usual_share
            for paused in list(self.paused):
                paused.reconsider()
        else:
            client.reconsider()

    def pause(self, client: Client) -> None:
        if client not in self.paused:
            self.paused.add(client)
            client.connection.pause_reading()

    def resume(self, client: Client) -> None:
        self.paused.discard(client)
        if client not in self.too_fast:
            client.connection.resume_reading()

    def slow_down(self, client: Client) -> None:
        self.too_fast.add(client)
        client.connection.pause_reading()

    def slow_enough(self, client: Client) -> None:
        self.too_fast.discard(client)
        if client not in self.paused:
            client.connection.resume_reading()
