"""SIGTERM, and stop(): clients are told in batches, what is under way comes to its end, health says so."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.kit.engine import EngineClient, EngineWebSocket, RawPolling
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

APP = Path(__file__).with_name("draining_app.py")
PATH = "/socket.io/"
TRANSPORTS = ["polling", "websocket"]
SHUTDOWN = re.compile("run has returned")


@contextmanager
def serving(**options: Any) -> Iterator[ServerProcess]:
    with ServerProcess.script(APP, {"OPTIONS": json.dumps(options)}) as server:
        yield server


def connected(
    server: ServerProcess, transport: str = "websocket"
) -> tuple[EngineClient, SioClient]:
    kind = RawPolling if transport == "polling" else EngineWebSocket
    engine = kind.open(server.address, PATH)
    client = SioClient(engine)
    client.connect()
    return engine, client


def health(server: ServerProcess) -> tuple[int, dict[str, Any]]:
    reply = server.get("/socket.io/health")
    return reply.status, json.loads(reply.body)


def wait_until_draining(server: ServerProcess) -> None:
    deadline = time.monotonic() + 10
    while health(server)[0] != 503:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_health() -> None:
    with serving() as server:
        assert health(server) == (200, {"status": "ok", "reasons": []})
        assert server.get("/socket.io/health?x=1").status == 200


def test_no_health_unless_asked_for() -> None:
    with serving(health=False) as server:
        assert server.get("/socket.io/health").status == 400


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_clients_are_told_over_drain_time(transport: str) -> None:
    with serving(drain_time=2.0) as server:
        clients = [connected(server, transport)[0] for _ in range(8)]
        server.process.send_signal(signal.SIGTERM)
        wait_until_draining(server)
        assert health(server)[1] == {
            "status": "draining",
            "reasons": ["the server is shutting down"],
        }
        assert server.get(f"{PATH}?EIO=4&transport=polling").status in (400, 503)
        begun = time.monotonic()
        times: list[float] = []
        for client in clients:
            client.expect_gone()
            times.append(time.monotonic() - begun)
        assert times[-1] - times[0] > 1.0, times
        server.wait_for_log(SHUTDOWN, 10)
        assert server.process.wait(10) == 0


def test_what_is_under_way_comes_last() -> None:
    with serving(drain_time=3.0, shutdown_timeout=5.0) as server:
        busy_engine, busy = connected(server)
        idle = [connected(server)[0] for _ in range(3)]
        busy.emit("slow", 1.5, id=1)
        server.process.send_signal(signal.SIGTERM)
        for client in idle:
            client.expect_gone()
        assert busy.recv().data == ["done"], "the ack came before the goodbye"
        busy_engine.expect_gone()
        assert server.process.wait(10) == 0


def test_handlers_get_their_time_and_no_more() -> None:
    with serving(shutdown_timeout=0.5) as server:
        _, client = connected(server)
        client.emit("slow", 30)
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_log(SHUTDOWN, 10)
        assert time.monotonic() - begun < 5
        assert "1 handlers were still running after 0.5 seconds" in server.log


def test_ctrl_c_twice_does_not_wait() -> None:
    with serving(drain_time=60.0) as server:
        for _ in range(3):
            connected(server)
        server.process.send_signal(signal.SIGINT)
        wait_until_draining(server)
        server.process.send_signal(signal.SIGINT)
        server.wait_for_log(SHUTDOWN, 10)
        assert server.process.wait(10) == 0
        assert server.tracebacks() == []


def test_stop_drains_too() -> None:
    with serving(drain_time=1.0) as server:
        others = [connected(server)[0] for _ in range(3)]
        _, client = connected(server)
        client.emit("stop")
        wait_until_draining(server)
        for other in others:
            other.expect_gone()
        server.wait_for_log(SHUTDOWN, 10)
        assert server.log.count("a client is gone") == 4
