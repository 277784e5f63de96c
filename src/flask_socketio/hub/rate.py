"""How many events a client sends in a second, where there is a limit to that."""

from __future__ import annotations

import logging

from ..base.counters import Counters
from ..base.told import Told
from .client import Client
from .delays import Delays
from .load import Load

logger = logging.getLogger("flask_socketio.server")

_TOO_FAST = (
    "a client sends more than %d events a second (max_event_rate): "
    "nothing more is read from it until the second is over"
)


class EventRate:
    """Counts a client's events from the first one on; `over` is to be called a second after that."""

    def __init__(self, limit: int, load: Load, counters: Counters) -> None:
        self._limit = limit
        self._load = load
        self._counters = counters
        self._events: dict[Client, int] = {}
        self._told = Told(logger)
        #: the seconds that have begun
        self.seconds: Delays[Client]

    def count(self, client: Client) -> None:
        """One more event."""
        events = self._events[client] = self._events.get(client, 0) + 1
        if events == 1:
            self.seconds.add(client)
        if events == self._limit + 1:
            self._counters.limit_reached("max_event_rate")
            self._told.warning(_TOO_FAST, self._limit)
            self._load.slow_down(client)

    def over(self, client: Client) -> None:
        """A second is over; what was too much in it, counts for the next one."""
        rest = self._events.pop(client) - self._limit
        if rest > 0:
            self._events[client] = rest
            self.seconds.add(client)
        if rest <= self._limit:
            self._load.slow_enough(client)

    def forget(self, client: Client) -> None:
        """It has gone."""
        self._events.pop(client, None)
        self.seconds.discard(client)
