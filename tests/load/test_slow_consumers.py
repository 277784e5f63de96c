"""Clients that read slowly, or not at all; `python -m tests.load.paused` has the exact figures for the latter."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self

import pytest

from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.raw import Address
from tests.kit.sio import CONNECT, SioClient, connect_packet
from tests.load.paused import MIB, PATH, POLICIES, WAYS, app_server, measure

ways = pytest.mark.parametrize("way", WAYS)

RATE = 50 * 1024
#: Events in one go, of a KiB each, ten times as fast as they are read; and how often.
AT_ONCE, TIMES, PAUSE = 10, 250, 0.02


class SlowLink:
    """A context manager: what the server sends to clients of `address` arrives at so many bytes a second."""

    def __init__(self, target: Address, rate: int) -> None:
        self._target = target
        self._rate = rate
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: Address = self._listener.getsockname()
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        for sock in (self._listener, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                far = socket.socket()
                far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                far.connect(self._target)
                self._open += [near, far]
                for pair in ((near, far, 0), (far, near, self._rate)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, rate: int) -> None:
        with suppress(OSError):
            while data := source.recv(1024):
                sink.sendall(data)
                if rate:
                    time.sleep(len(data) / rate)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("way", ["polling", "websocket"])
def test_who_is_slow_gets_the_newest_events(way: str) -> None:
    """Whole, in order, and soon; and stays connected. Another server and the kernel keep megabytes for a client."""
    options = {"max_queued": 8192, "slow_consumer": "drop-oldest"}
    with (
        app_server(way, **options, ping_interval=1, ping_timeout=2) as server,
        SlowLink(server.address, RATE) as link,
        ThreadPoolExecutor() as threads,
    ):
        client = join_through(link, way)
        reader = threads.submit(read_until, client, AT_ONCE * TIMES - 1)
        for number in range(TIMES):
            begun = time.monotonic()
            server.get(f"/attach/all/{number * AT_ONCE}/{AT_ONCE}/1024")
            time.sleep(max(0, begun + PAUSE - time.monotonic()))
        stopped = time.monotonic()
        received, last = reader.result(30)
        assert received == sorted(set(received))
        assert server.get_json("/reasons") == []
        dropped = server.get_json("/counters")["events_dropped"]
        assert len(received) + dropped == AT_ONCE * TIMES
        assert dropped > AT_ONCE * TIMES / 2
        assert last - stopped < 1
        client.engine.leave()


def join_through(link: SlowLink, way: str) -> SioClient:
    opened = RawPolling if way == "polling" else EngineWebSocket
    client = SioClient(opened.open(link.address, PATH))
    client.engine.send(connect_packet(auth={"room": "all"}))
    assert client.recv().type == CONNECT
    return client


def read_until(client: SioClient, last: int) -> tuple[list[int], float]:
    """The numbers of the events that come, each of which is whole, and when the last came."""
    received: list[int] = []
    while received[-1:] != [last]:
        event: list[Any] = client.recv().data
        number = event[1]
        assert event[2:] == [b"%d:" % number + bytes(512)] * 2
        received.append(number)
    return received, time.monotonic()


@ways
@pytest.mark.parametrize("policy", POLICIES)
def test_memory_for_who_does_not_read_is_bounded(way: str, policy: str) -> None:
    seen = measure(way, count=20_000, healthy=3, slow_consumer=policy)
    assert seen.growth < 24 * MIB
    assert seen.reasons == (["slow consumer"] if policy == "disconnect" else [])
    assert bool(seen.counters["events_dropped"]) == (policy != "disconnect")
