"""Several workers: any of them answers for all, and what one has counted does not go with it."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.docs.pages import block
from tests.kit.neighbour import OrderedClient
from tests.kit.pausing import paused
from tests.kit.server import ServerProcess
from tests.metrics.served import app_process, fetched, wait_for

WORKERS = 3


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    with app_process(WORKERS) as server:
        wait_for(server, lambda found: found["workers"] == WORKERS)
        yield server


def some_events(server: ServerProcess, clients: int = 4, each: int = 3) -> list[OrderedClient]:
    made: list[OrderedClient] = []
    for _ in range(clients):
        client = OrderedClient()
        client.connect(server.url, transports=["websocket"])
        for _ in range(each):
            assert client.call("soon", timeout=20) == "done"
        made.append(client)
    return made


def other_than(server: ServerProcess, pids: set[int], count: int) -> set[int]:
    while len(pids) < count:
        pids.add(int(server.get("/pid").body))
    return pids


def health(server: ServerProcess) -> dict[str, Any]:
    return json.loads(server.get("/socket.io/health").body)


def test_they_are_added_up(server: ServerProcess) -> None:
    clients = some_events(server)
    for _ in range(6):  # whoever answers
        metrics = fetched(server)
        assert metrics["connections"] == {"polling": 0, "websocket": 4}
        assert metrics["events_handled"] == {"/": {"soon": 12}}
        assert metrics["handler_seconds"]["/"]["soon"]["count"] == 12
        assert (metrics["workers"], metrics["workers_silent"]) == (WORKERS, {})
        assert server.get_json("/metrics")["connects"] == 4
    assert health(server) == {"status": "ok", "reasons": [], "workers": WORKERS}
    for client in clients:
        client.disconnect()


def test_the_answer_of_the_page(server: ServerProcess) -> None:
    shown = json.loads(block("docs/metrics.md", '"reasons"'))
    stopped = min(other_than(server, set(), WORKERS))
    with paused(stopped):
        answer = server.get("/socket.io/health")
        assert answer.status == 200
        found = answer.body.decode().replace(str(stopped), "4711")
        assert json.loads(found) == {**shown, "workers": WORKERS - 1}


def test_one_that_is_silent_is_named_and_what_it_has_counted_stays(server: ServerProcess) -> None:
    clients = some_events(server)
    assert fetched(server)["connects"] == 4
    stopped = min(other_than(server, set(), WORKERS))
    with paused(stopped):
        metrics = fetched(server)
        assert metrics["workers_silent"] == {str(stopped): 1}
        assert metrics["workers"] == WORKERS - 1
        assert metrics["connects"] == 4
        assert health(server) == {
            "status": "degraded",
            "reasons": [f"worker {stopped} does not answer"],
            "workers": WORKERS - 1,
        }
    wait_for(server, lambda found: found["workers"] == WORKERS)
    for client in clients:
        client.disconnect()


def test_one_that_is_killed_leaves_what_it_has_counted(server: ServerProcess) -> None:
    some = some_events(server)
    assert fetched(server)["events_handled"] == {"/": {"soon": 12}}
    killed = min(other_than(server, set(), WORKERS))
    os.kill(killed, signal.SIGKILL)
    numbers: list[int] = []

    def is_back(found: dict[str, Any]) -> bool:
        numbers.append(found["events_handled"]["/"]["soon"])
        return found["workers"] == WORKERS and len(numbers) > 10

    wait_for(server, is_back)
    assert set(numbers) == {12}  # in between it would seem to have begun anew
    for client in some:
        client.disconnect()


def test_all_are_replaced(server: ServerProcess) -> None:
    for client in some_events(server):
        client.disconnect()
    wait_for(server, lambda found: sum(found["connections_closed"].values()) == 4)
    before = other_than(server, set(), WORKERS)
    os.kill(server.pid, signal.SIGHUP)

    def are_new(found: dict[str, Any]) -> bool:
        assert found["connects"] == 4
        return found["workers"] == WORKERS and int(server.get("/pid").body) not in before

    wait_for(server, are_new)


def test_gunicorns_workers() -> None:
    module = "tests.metrics.app:app"
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-w",
        "2",
        "--threads",
        "20",
        "-b",
        "127.0.0.1:0",
        module,
    ]
    with ServerProcess(command) as server:
        wait_for(server, lambda found: found["workers"] == 2)
        clients = some_events(server)
        for _ in range(4):
            assert fetched(server)["connects"] == 4
        assert server.get_json("/metrics")["connects"] == 4
        for client in clients:
            client.disconnect()


def test_an_async_handler_is_told_what_to_do(server: ServerProcess) -> None:
    server.allow_traceback("asyncio.to_thread(socketio.metrics)")
    client = OrderedClient()
    client.connect(server.url, transports=["websocket"])
    client.emit("look")
    server.wait_for_log(re.compile(r"await asyncio\.to_thread\(socketio\.metrics\)"), 20)
    client.disconnect()


def test_no_files_are_left() -> None:
    with TemporaryDirectory() as name:  # a short one
        folder = Path(name)
        with app_process(2, TMPDIR=name) as server:
            wait_for(server, lambda found: found["workers"] == 2)
            assert len(list(folder.rglob("*.metrics"))) == 2
        assert list(folder.rglob("*")) == []
