"""What one client that stops reading costs the server, and what healthy ones beside it notice.

    python -m tests.load.paused [--count 300000] [--healthy 20] [--policy disconnect ...] [--way websocket ...]

prints a line for each policy (`slow_consumer=`) and each way to be connected: `polling`, `websocket` (of
`socketio.run()`), and `standard`, a WebSocket that uvicorn frames.
"""

from __future__ import annotations

import argparse
import json
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.server import ROOT, ServerProcess
from tests.kit.sio import CONNECT, SioClient, connect_packet

APP = ROOT / "tests" / "load" / "paused_app.py"
PATH = "/socket.io/"
WAYS = ("polling", "websocket", "standard")
POLICIES = ("disconnect", "drop-oldest", "drop-new")
#: Events in one go, after which the healthy clients have to catch up: they are not to be slow as well.
BATCH = 500
SIZE = 1024
WARM_UP = 10
MIB = 1024 * 1024


@dataclass
class Figures:
    """What was seen."""

    #: bytes by which the server's memory has grown, at most, and what was left at the end
    growth: int
    left: int
    #: seconds that a batch took until the last healthy client had it, in the order of the batches
    batches: list[float] = field(repr=False)
    #: what the disconnect handler was told
    reasons: list[str]
    counters: dict[str, Any] = field(repr=False)


def app_server(way: str, **options: Any) -> ServerProcess:
    """The app, as the way needs it."""
    options = {"ping_interval": 600, **options}
    env = {
        "LANE": "asgi" if way == "standard" else "fast",
        "SOCKETIO_OPTIONS": json.dumps(options),
    }
    return ServerProcess.script(APP, env)


def measure(way: str, count: int, healthy: int, **options: Any) -> Figures:
    """Emit so many events to one client that does not read and to so many that do.

    Raises AssertionError where a healthy one misses an event, or gets one out of order.
    """
    with app_server(way, **options) as server:
        memory = psutil.Process(server.pid).memory_info
        with healthy_clients(server, healthy) as clients:
            for number in range(WARM_UP):
                send_batch(server, clients, number * BATCH)
            paused = join(server, way)
            before = peak = memory().rss
            batches: list[float] = []
            for number in range(WARM_UP, WARM_UP + count // BATCH):
                batches.append(send_batch(server, clients, number * BATCH))
                peak = max(peak, memory().rss)
            left = memory().rss
            reasons = server.get_json("/reasons")
            counters = server.get_json("/counters")
            paused.engine.leave()
        return Figures(peak - before, left - before, batches, reasons, counters)


@contextmanager
def healthy_clients(server: ServerProcess, count: int) -> Iterator[list[socket.socket]]:
    """Clients that read all that comes, each a WebSocket whose frames are compared as bytes."""
    clients = [join(server, "websocket") for _ in range(count)]
    sockets: list[socket.socket] = []
    for client in clients:
        assert isinstance(client.engine, EngineWebSocket)
        sockets.append(client.engine.ws.sock)
    yield sockets
    for client in clients:
        client.engine.leave()


def join(server: ServerProcess, way: str, room: str = "all") -> SioClient:
    """A client that gets what is emitted to a room."""
    opened = RawPolling if way == "polling" else EngineWebSocket
    client = SioClient(opened.open(server.address, PATH))
    client.engine.send(connect_packet(auth={"room": room}))
    assert client.recv().type == CONNECT
    return client


def send_batch(server: ServerProcess, clients: Sequence[socket.socket], first: int) -> float:
    """Emit some events, and read until all have them; returns the seconds."""
    begun = time.monotonic()
    assert server.get(f"/emit/all/{first}/{BATCH}/{SIZE}").status == 200
    expected = b"".join(frame(number) for number in range(first, first + BATCH))
    for client in clients:
        received = bytearray(len(expected))
        read_into(client, memoryview(received))
        assert received == expected, "a healthy client misses an event"
    return time.monotonic() - begun


def frame(number: int) -> bytes:
    """An event as its WebSocket frame."""
    text = b'42["news",%d,"%b"]' % (number, b"x" * SIZE)
    return b"\x81\x7e" + len(text).to_bytes(2) + text


def read_into(sock: socket.socket, buffer: memoryview) -> None:
    sock.settimeout(10)
    while buffer:
        read = sock.recv_into(buffer)
        assert read, "a healthy client was closed"
        buffer = buffer[read:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300_000)
    parser.add_argument("--healthy", type=int, default=20)
    parser.add_argument("--policy", nargs="*", default=POLICIES)
    parser.add_argument("--way", nargs="*", default=WAYS)
    parser.add_argument("--options", type=json.loads, default={})
    given = parser.parse_args()
    for way in given.way:
        for policy in given.policy:
            options = {**given.options, **({"slow_consumer": policy} if policy else {})}
            seen = measure(way, given.count, given.healthy, **options)
            slowest = sorted(seen.batches)[len(seen.batches) * 99 // 100]
            print(
                f"{way:10} {policy:12} +{seen.growth / MIB:5.1f} MiB at most, +{seen.left / MIB:5.1f} in the end; "
                f"a batch of {BATCH}: p99 {slowest * 1000:.0f} ms; told {seen.reasons}, "
                f"{seen.counters.get('events_dropped')} dropped, closed by {seen.counters['closed_by']}",
                flush=True,
            )


if __name__ == "__main__":
    main()
