"""A polling transport that tells how much it has carried; a WebSocket knows that anyway."""

from __future__ import annotations

from collections.abc import Callable

from .polling import Exchange, PollingTransport
from .session import Keeper

#: Told bytes that have come, and bytes that are sent.
Polled = Callable[[int, int], object]


class MeasuredPolling(PollingTransport):
    def __init__(self, polled: Polled, keeper: Keeper) -> None:
        super().__init__(keeper)
        self._polled = polled

    def body_arrived(self, exchange: Exchange, data: bytes) -> None:
        self._polled(len(data), 0)
        super().body_arrived(exchange, data)

    def take(self, exchange: Exchange, body: bytes) -> None:
        if body:
            self._polled(len(body), 0)
        super().take(exchange, body)

    def _answer_get(self, exchange: Exchange) -> None:
        waiting = self._queue.items
        self._polled(0, sum(len(message.polling) for message in waiting) + len(waiting) - 1)
        super()._answer_get(exchange)
