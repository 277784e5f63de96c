"""The sums of a server, as the dashboard shows them."""

from __future__ import annotations

import os
import socket as system
import time
from collections import Counter
from typing import Any

from ..hub.socket import Socket
from ..runtime.live import Live
from .settings import Settings

#: Of those that clients have made up there may be any number.
_MAX_NAMESPACES = 200


class Stats:
    """Made from counters that there are anyway; packets are counted while somebody looks, in development mode."""

    def __init__(self, live: Live, settings: Settings, namespaces: set[str]) -> None:
        self._live = live
        self._settings = settings
        self._namespaces = namespaces
        self._began = time.monotonic()
        self._base = {
            "serverId": server_id(live, settings),
            "hostname": system.gethostname(),
            "pid": os.getpid(),
        }
        self._opened = 0
        self._closed: dict[str, int] = {}
        #: packets and their bytes, where they are told of
        self._traffic = Counter[str]()
        self.begin()

    def begin(self) -> None:
        """What has happened before is of the past: nobody has looked."""
        counters = self._live.counters
        self._opened, self._closed = counters.sessions_opened, dict(counters.closed_by)
        self._traffic.clear()

    def received(self, size: int) -> None:
        """A packet of so many bytes."""
        self._traffic["packetsIn"] += 1
        self._traffic["bytesIn"] += size

    def sent(self, size: int) -> None:
        self._traffic["packetsOut"] += 1
        self._traffic["bytesOut"] += size

    def take(self, own: set[Socket]) -> dict[str, Any]:
        """What is, and what has happened since the last time. `own` are the dashboard's, which are not counted."""
        sessions = list(self._live.engine.sessions.values())
        alone = {socket.client.connection for socket in own if len(socket.client.sockets) == 1}
        clients = [session for session in sessions if session not in alone]
        polling = sum(session.transport.name == "polling" for session in clients)
        return {
            **self._base,
            "uptime": time.monotonic() - self._began,
            "clientsCount": len(clients),
            "pollingClientsCount": polling,
            "aggregatedEvents": self._happened(),
            "namespaces": self._sockets_by_namespace(),
        }

    def _happened(self) -> list[dict[str, Any]]:
        opened, closed, traffic = self._opened, self._closed, dict(self._traffic)
        self.begin()
        now = int(time.time()) * 1000
        found = [{"timestamp": now, "type": "rawConnection", "count": self._opened - opened}]
        for reason, count in self._closed.items():
            more = count - closed.get(reason, 0)
            event = {"timestamp": now, "type": "rawDisconnection", "subType": reason, "count": more}
            found.append(event)
        found += [{"timestamp": now, "type": kind, "count": sum_} for kind, sum_ in traffic.items()]
        return [event for event in found if event["count"]]

    def namespaces(self) -> list[str]:
        """Those that the application has handlers in."""
        return sorted(self._namespaces - {"*", self._settings.namespace})[:_MAX_NAMESPACES]

    def _sockets_by_namespace(self) -> list[dict[str, Any]]:
        counts = Counter(dict.fromkeys(self.namespaces(), 0))
        counts.update(socket.namespace for socket in self._live.adapter.sockets())
        del counts[self._settings.namespace]
        return [
            {"name": name, "socketsCount": count}
            for name, count in sorted(counts.most_common(_MAX_NAMESPACES))
        ]


def server_id(live: Live, settings: Settings) -> str:
    """By which the page knows servers from each other: no two may have the same."""
    named = settings.server_id or system.gethostname()
    return named if settings.server_id and live.node is None else f"{named}#{os.getpid()}"
