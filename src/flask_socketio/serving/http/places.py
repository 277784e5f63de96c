"""How many connections a server lets in: of each address, of all clients, and as many as there are descriptors for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable
from ipaddress import IPv6Address, ip_address
from typing import Any, cast

from ...base import descriptors
from ...base.counters import Counters
from ...base.told import Told
from ...engine.config import HttpLimits
from ...engine.picows import Register
from .transport import LINGER

_ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
    b"retry-after: 5\r\nconnection: close\r\n\r\n%b"
)
_MANY, _MANY_FROM = "too many connections", "too many connections from one address"
_NO_DESCRIPTORS = "no file descriptors"
_SHORT = (
    "nearly all of the %d file descriptors that this process may have are in use: new connections are refused until "
    "some are free. Raise the limit (ulimit -n 65536; LimitNOFILE=65536 in a systemd unit) or set max_connections"
)
_ENOUGH = "there are free file descriptors again: new connections are let in"


class Places:
    """Those of one server. A connection has its place until it ends, a WebSocket as well.

    Some descriptors are kept for what the application opens: clients that are there notice nothing, and those who come
    are answered. A loop for which there is none at all closes them (uvloop), or lets them wait for a second (asyncio).
    """

    def __init__(self, limits: HttpLimits, counters: Counters, told: Told) -> None:
        self._limits = limits
        self._is_bounded = limits.bounds_connections
        self._counters = counters
        self._told = told
        self._taken: Counter[Hashable] = Counter()
        self._turned_away: set[TurnedAway] = set()
        self._is_short = False
        #: the first descriptor that is none for connections
        self._end = descriptors.limit() - descriptors.reserve()

    def take(self, connections: set[Any], transport: asyncio.Transport) -> Register | None:
        """Where a new connection is to be registered until it ends; None: it is one too many, and has been told so."""
        # It has the lowest descriptor that was free.
        if transport.get_extra_info("socket").fileno() >= self._end:
            self._note(short=True)
            return self._turn_away(transport, _NO_DESCRIPTORS)
        return self._take_bounded(connections, transport) if self._is_bounded else connections

    def _take_bounded(self, connections: set[Any], transport: asyncio.Transport) -> Register | None:
        limits = self._limits
        if 0 < limits.max_connections <= len(connections):
            self._tell(_MANY, limits.max_connections)
            return self._turn_away(transport, _MANY)
        most = limits.max_connections_per_address
        peer = transport.get_extra_info("peername")
        if not most or not isinstance(
            peer, tuple
        ):  # a Unix socket's has no address, nor who has gone
            return connections
        address = cast(str, peer[0])
        client = _client(address)
        if most <= self._taken[client]:
            self._tell(_MANY_FROM, most, f"{address} ")
            return self._turn_away(transport, _MANY_FROM)
        return FromAddress(connections, self._taken, client)

    def _tell(self, reason: str, most: int, whose: str = "") -> None:
        line = "a connection was refused: %s (%s%d may be open)"
        self._told.warning(line, reason, whose, most, kind=reason)

    def _turn_away(self, transport: asyncio.Transport, reason: str) -> None:
        self._counters.refuse_http(reason)
        text = reason.encode()
        connection = TurnedAway(transport, self._turned_away)
        transport.set_protocol(connection)
        connection.answer(_ANSWER % (len(text), text))

    # -- descriptors ---------------------------------------------------------------------------

    def look(self, seconds: float) -> bool:
        """Called once in so many seconds, for ever."""
        self._end = descriptors.limit() - descriptors.reserve()
        self._note(short=descriptors.are_short())
        return True

    def on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop's exception handler: asyncio's loop may have one for each connection that it cannot accept."""
        if "socket" in context and descriptors.are_used_up(context.get("exception")):
            self._note(short=True)
        elif "._start_serving(" not in context["message"]:  # a second later: the server has stopped
            loop.default_exception_handler(context)

    def _note(self, *, short: bool) -> None:
        if short is self._is_short:
            return
        self._is_short = short
        if short:
            self._counters.descriptors_short += 1
            self._told.warning(_SHORT, descriptors.limit())
        else:
            self._told.warning(_ENOUGH)


class FromAddress:
    """A server's connections as one that has an address sees them."""

    __slots__ = ("_client", "_connections", "_taken")

    def __init__(self, connections: set[Any], taken: Counter[Hashable], client: Hashable) -> None:
        self._connections = connections
        self._taken = taken
        self._client = client

    def add(self, connection: Any, /) -> None:
        self._connections.add(connection)
        self._taken[self._client] += 1

    def discard(self, connection: Any, /) -> None:
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        self._taken[self._client] -= 1
        if not self._taken[self._client]:
            del self._taken[self._client]


class TurnedAway(asyncio.Protocol):
    """A connection too many.

    It is answered before it has asked, and what it asks is read away for a moment: to close with unread data would
    reset the connection, and the answer could be lost with it. Of many such some may lose it.
    """

    def __init__(self, transport: asyncio.Transport, others: set[TurnedAway]) -> None:
        self._transport = transport
        self._others = others

    def answer(self, answer: bytes) -> None:
        transport = self._transport
        transport.write(answer)
        if transport.can_write_eof() and len(self._others) < descriptors.reserve() // 2:
            self._others.add(self)
            transport.write_eof()
            asyncio.get_running_loop().call_later(LINGER, transport.close)
        else:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._others.discard(self)


def _client(address: str) -> Hashable:
    """Whom an address stands for: of IPv6 it is the network that one client has, a /64."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        return ip.ipv4_mapped or int(ip) >> 64
    return ip
