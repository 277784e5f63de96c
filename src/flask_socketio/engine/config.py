"""What an engine is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .cookie import CookieOption

#: None: same origin only. '*' or a list containing it: any. []: no check at all. A callable is asked.
AllowedOrigins = str | Sequence[str] | Callable[..., bool] | None

#: What becomes of a client that reads more slowly than it is sent to.
SlowConsumer = Literal["disconnect", "drop-oldest", "drop-new"]


@dataclass(slots=True)
class Limits:
    """The bounds that hold for every session; sizes in bytes, times in seconds."""

    #: one polling request's body, one WebSocket message; announced as maxPayload
    max_payload: int = 1_000_000
    #: packets in one polling request's body
    max_packets: int = 20_000
    #: what may wait for one client, and what happens then; one message alone may be larger; 0: any amount
    max_queued: int = 10 * 1024 * 1024
    slow_consumer: SlowConsumer = "disconnect"
    #: events of one client that are waiting for a handler or in one, before reading from it pauses
    max_events_in_flight: int = 1_000
    #: the same in bytes, as far as events are large ones: each counts as one event, and as more by its size
    max_bytes_in_flight: int = 16 * 1024 * 1024
    #: the same of all clients together; past it, reading pauses from those that have more of them than their share
    max_events: int = 50_000
    #: attachments of one packet
    max_attachments: int = 10
    #: namespaces one client may be in, the pending ones included
    max_namespaces: int = 100
    #: rooms one client may be in, its own not counted
    max_rooms: int = 10_000
    #: connections of all clients that have joined no namespace; no more are accepted then
    max_unjoined: int = 10_000
    #: events of one client in a second, before reading from it pauses until that is over; 0: any number
    max_event_rate: int = 0
    #: acks of one client that are still to come
    max_pending_acks: int = 10_000
    #: how long the callback of an event waits for its ack; 0: as long as the client is there
    ack_ttl: float = 0.0
    #: a connection that has joined no namespace
    connect_timeout: float = 45.0
    #: an upgrade that has been begun and not finished
    upgrade_timeout: float = 10.0
    #: the answer to a close frame; a last poll of a closed polling session
    close_timeout: float = 5.0
    #: over which clients are told, one after the other, that the server stops
    drain_time: float = 0.0
    #: that handlers have to return when the server stops, after that
    shutdown_timeout: float = 3.0


@dataclass(slots=True)
class HttpLimits:
    """The bounds of HTTP, for every connection of a server; sizes in bytes, times in seconds. 0: there is none."""

    #: a request's target and header fields together; the target alone
    max_header_size: int = 64 * 1024
    max_header_fields: int = 100
    #: until a head is complete; until the first request begins
    header_timeout: float = 10.0
    #: between an answer and the next request
    keep_alive_timeout: float = 5.0
    #: bytes a second of a request's body, of an answer that waits to be read, of a WebSocket message in fragments
    min_rate: int = 1024
    #: for how long they may come more slowly, or not at all
    rate_timeout: float = 10.0
    #: connections that may be open, WebSockets included: of all clients, of each address
    max_connections: int = 0
    max_connections_per_address: int = 0

    @property
    def bounds_connections(self) -> bool:
        """Whether there is such a bound."""
        return bool(self.max_connections or self.max_connections_per_address)


@dataclass(slots=True)
class EngineConfig:
    """How an engine speaks; times in seconds."""

    path: str = "/engine.io/"
    transports: tuple[str, ...] = ("polling", "websocket")
    allow_upgrades: bool = True
    ping_interval: float = 25.0
    ping_timeout: float = 20.0
    #: added to ping_interval in what the client is told (Flask-SocketIO's second value of `ping_interval`)
    ping_grace: float = 0.0
    cors_allowed_origins: AllowedOrigins = None
    cors_credentials: bool = True
    #: the server's names, in lower case, without ports; one that begins with a dot has its subdomains as well
    allowed_hosts: tuple[str, ...] | None = None
    cookie: CookieOption = None
    #: polling answers of compression_threshold bytes and more are compressed
    http_compression: bool = True
    compression_threshold: int = 1024
    limits: Limits = field(default_factory=Limits)
    http: HttpLimits = field(default_factory=HttpLimits)

    @property
    def upgrades(self) -> bool:
        """Whether a client that polls may go on by WebSocket."""
        return self.allow_upgrades and "websocket" in self.transports

    def handshake_fields(self, sid: str, transport: str) -> dict[str, Any]:
        """The open packet's JSON (Engine.IO v4, "Handshake"); its times are in milliseconds."""
        upgrade = transport == "polling" and self.upgrades
        return {
            "sid": sid,
            "upgrades": ["websocket"] if upgrade else [],
            "pingInterval": round((self.ping_interval + self.ping_grace) * 1000),
            "pingTimeout": round(self.ping_timeout * 1000),
            "maxPayload": self.limits.max_payload,
        }
