"""A connection of which nothing has come yet.

Of those of WebSocket clients most are known by their first bytes (`upgrades.py`), and need nothing of what HTTP needs.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ...engine.handshake import Handshake
from ...engine.picows import Register
from .ends import Ends
from .protocol import LAST_CHANCE, HttpProtocol
from .watch import Waits, Watch


class Arrival(asyncio.Protocol):
    """Becomes a WebSocket, or a server's `HttpProtocol`. Subclassed per server, as that is."""

    __slots__ = ("_connections", "_given", "_next", "_transport", "_watch")

    http: type[HttpProtocol]
    #: an access log has a line for every request
    access_log: bool

    def __init__(self, **given: Any) -> None:
        """With what uvicorn gives its own protocol."""
        self._given = given
        #: where it is registered; the server's own in the beginning
        self._connections: Register = given["server_state"].connections
        #: None: the connection is not this one's, or not any more
        self._transport: asyncio.Transport | None = None
        self._watch: Watch | None = None
        self._next: HttpProtocol | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        http = self.http
        connections = http.places.take(self._given["server_state"].connections, transport)
        if connections is not None:
            self._connections = connections
            self._transport = transport
            connections.add(self)
            http.watched.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()

    def _leave(self) -> None:
        self._transport = None
        self._connections.discard(self)
        self.http.watched.discard(self)

    def data_received(self, data: bytes) -> None:
        http, transport = self.http, self._transport
        assert transport is not None
        self._leave()
        found = None
        if not self.access_log and len(data) <= http.usual:
            found = http.upgrades.read(data)
        if found is None:
            self._begin_http(transport, data)
        else:
            upgrade, head = found
            request = upgrade.request(head, Ends.of(transport))
            handshake = Handshake(upgrade.lane, self._connections)
            handshake.again(transport, request, head.key, upgrade.lines)

    def _begin_http(self, transport: asyncio.Transport, data: bytes) -> None:
        self._next = http = self.http(**self._given)
        transport.set_protocol(http)
        http.begin(transport, self._connections)
        http.data_received(data)

    def look(self, seconds: float) -> bool:
        """As `HttpProtocol.look`."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if self._watch is None:
            self._watch = Watch()
        if self._watch.is_over(Waits.FIRST, 0, self.http.limits, seconds):
            transport.close()
        return True

    def shutdown(self) -> None:
        """Called by uvicorn when it stops: end, unless a request is on its way."""
        asyncio.get_running_loop().call_later(LAST_CHANCE, self._end)

    def _end(self) -> None:
        if self._next is not None:
            self._next.end()
        elif self._transport is not None:
            self._transport.close()
