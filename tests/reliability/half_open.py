"""Clients whose network has died: nothing arrives any more, and nothing tells so."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.proxy import Proxy
from tests.kit.raw import Exchange, RawWebSocket
from tests.kit.sampler import wait_until
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient
from tests.kit.sockets import sockets

PATH = "/socket.io/"


@dataclass(frozen=True)
class Outcome:
    """Seconds until all were gone, or None; disconnect handlers that ran twice; descriptors left behind."""

    gone: float | None
    twice: int
    descriptors: int


def vanish(server: ServerProcess, count: int, patience: float) -> Outcome:
    """Connect so many clients, half of them by polling, have their network swallow everything, and wait."""
    before = sockets(server.pid)
    with Proxy(server.address) as proxy:
        clients = [_connect(proxy, number) for number in range(count)]
        proxy.swallow()
        begun = time.monotonic()
        all_gone = wait_until(lambda: server.get_json("/state")["gone"] >= count, patience)
        took = time.monotonic() - begun
        state = server.get_json("/state")
        wait_until(lambda: sockets(server.pid) <= before)
        left = sockets(server.pid) - before
        for client in clients:
            client.abort()
    return Outcome(took if all_gone else None, state["gone_twice"], left)


def _connect(proxy: Proxy, number: int) -> Exchange | RawWebSocket:
    """A client, as the connection on which it waits for packets."""
    if number % 2:
        websocket = EngineWebSocket.open(proxy.address, PATH)
        SioClient(websocket).connect()
        return websocket.ws
    polling = RawPolling.open(proxy.address, PATH)
    SioClient(polling).connect()
    return polling.start_poll()
