"""How many connections a server lets in, of all clients together and of each address."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable
from ipaddress import IPv6Address, ip_address
from typing import Any

from ...base.counters import Counters
from ...base.told import Told
from ...engine.config import HttpLimits
from ...engine.picows import Register
from .transport import LINGER

_ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
    b"retry-after: 5\r\nconnection: close\r\n\r\n%b"
)
#: Connections too many that are read away at the same time; further ones may miss the answer.
_MOST_TURNED_AWAY = 100


class Places:
    """Those of one server. A connection has its place until it ends, a WebSocket as well."""

    def __init__(self, limits: HttpLimits, counters: Counters, told: Told) -> None:
        self._limits = limits
        self._counters = counters
        self._told = told
        self._taken: Counter[Hashable] = Counter()
        self._turned_away: set[TurnedAway] = set()

    def take(self, connections: set[Any], transport: asyncio.Transport) -> Register | None:
        """Where a new connection is to be registered until it ends; None: it is one too many, and has been told so."""
        limits = self._limits
        if 0 < limits.max_connections <= len(connections):
            self._turn_away(transport, "too many connections", limits.max_connections)
            return None
        most, peer = limits.max_connections_per_address, transport.get_extra_info("peername")
        if not most or not isinstance(peer, tuple):  # a Unix socket's peer has no address
            return connections
        client = _client(peer[0])  # pyright: ignore[reportUnknownArgumentType]
        if most <= self._taken[client]:
            self._turn_away(transport, "too many connections from one address", most, f"{peer[0]} ")
            return None
        return FromAddress(connections, self._taken, client)

    def _turn_away(
        self, transport: asyncio.Transport, reason: str, most: int, whose: str = ""
    ) -> None:
        self._counters.refuse_http(reason)
        self._told.warning(
            "a connection was refused: %s (%s%d are allowed)", reason, whose, most, kind=reason
        )
        text = reason.encode()
        connection = TurnedAway(transport, self._turned_away)
        transport.set_protocol(connection)
        connection.answer(_ANSWER % (len(text), text))


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
    reset the connection, and the answer could be lost with it.
    """

    def __init__(self, transport: asyncio.Transport, others: set[TurnedAway]) -> None:
        self._transport = transport
        self._others = others

    def answer(self, answer: bytes) -> None:
        transport = self._transport
        transport.write(answer)
        if transport.can_write_eof() and len(self._others) < _MOST_TURNED_AWAY:
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
