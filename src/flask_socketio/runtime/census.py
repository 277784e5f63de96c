"""What there is on a server at the moment, by the names that `metrics.py` has for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..cluster.memory import MemoryAdapter
from ..engine.session import Session
from ..hub.hub import Hub
from ..hub.socket import Socket
from ..protocol.states import SessionState
from ..watching.meter import OTHER


def clients_and_rooms(adapter: MemoryAdapter[Socket], hub: Hub) -> dict[str, Any]:
    """What a client has made up, the name of a namespace that any may join, is no name here."""
    clients, rooms = adapter.census()
    return {"clients": _registered(clients, hub.handlers.events()), "rooms": rooms}


def connections(sessions: Iterable[Session]) -> dict[str, int]:
    """By transport."""
    kinds = Counter(
        session.transport.name for session in sessions if session.state is SessionState.OPEN
    )
    return {name: kinds[name] for name in ("polling", "websocket")}


def _registered(counts: Mapping[str, int], known: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, count in counts.items():
        label = name if name in known else OTHER
        found[label] = found.get(label, 0) + count
    return found
