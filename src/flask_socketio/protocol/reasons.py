"""Why a session, or a client's stay in a namespace, ended."""

from __future__ import annotations

from enum import Enum


class CloseReason(Enum):
    """The value is the name in logs and counters (the reference server's where it has one)."""

    TRANSPORT_CLOSE = "transport close"
    TRANSPORT_ERROR = "transport error"
    PARSE_ERROR = "parse error"
    PING_TIMEOUT = "ping timeout"
    CONNECT_TIMEOUT = "connect timeout"
    SLOW_CONSUMER = "slow consumer"
    SERVER_SHUTDOWN = "server shutting down"
    CLIENT_DISCONNECT = "client namespace disconnect"
    SERVER_DISCONNECT = "server namespace disconnect"
