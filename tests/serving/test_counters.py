"""`socketio.server.counters()`, as docs/serving.md shows it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import socketio as neighbour
from flask import Flask

from flask_socketio import SocketIO
from flask_socketio.errors import MessageQueueError, NotServingError
from tests.kit.neighbour import OrderedClient
from tests.kit.server import ServerProcess
from tests.serving import counters_app

APP = Path(counters_app.__file__)


def counted(counters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in counters.items() if value}


def wait_for(server: ServerProcess, name: str, value: int) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while (counters := server.get_json("/counters"))[name] < value:
        assert time.monotonic() < deadline, counters
        time.sleep(0.02)
    return counters


def test_a_server_counts() -> None:
    with ServerProcess.script(APP) as server:
        assert counted(server.get_json("/counters")) == {}
        server.allow_traceback("that fails")
        client = OrderedClient()
        client.connect(server.url, transports=["polling", "websocket"])
        client.emit("fail")
        client.emit("unknown")
        assert client.call("answer", "x", timeout=10) == "x"
        with pytest.raises(neighbour.exceptions.ConnectionError):
            OrderedClient().connect(server.url, auth={"may": "not"}, transports=["websocket"])
        assert server.get("/socket.io/?EIO=4&transport=telepathy").status == 400
        client.disconnect()
        counters = wait_for(server, "sessions_closed", 2)
    assert sorted(counters) == sorted(counters_app.NAMES)
    assert sum(counters.pop("closed_by").values()) == 2
    assert counters.pop("handler_threads_peak") >= 1
    assert counted(counters) == {
        "sessions_opened": 2,
        "sessions_closed": 2,
        "upgrades": 1,
        "handshakes_refused": 1,
        "handshakes_refused_by": {"Transport unknown": 1},
        "connects": 1,
        "disconnects": 1,
        "connects_refused": 1,
        "events_unhandled": 1,
        "handlers_started": 4,
        "handlers_finished": 4,
        "handlers_failed": 1,
    }


def test_test_clients_count() -> None:
    client = counters_app.socketio.test_client(counters_app.app)
    assert client.emit("answer", "x", callback=True) == "x"
    page = counters_app.app.test_client().get("/counters")
    assert counted(page.get_json()) == {
        "connects": 1,
        "handlers_started": 2,
        "handlers_finished": 2,
    }


def test_a_copy() -> None:
    socketio = counters_app.socketio
    socketio.test_client(counters_app.app)
    counters: dict[str, Any] = socketio.server.counters()
    counters["connects"] = -1
    counters["closed_by"]["mine"] = 1
    assert socketio.server.counters()["connects"] != -1
    assert socketio.server.counters()["closed_by"] == {}


def test_nothing_serves() -> None:
    with pytest.raises(NotServingError):
        SocketIO(Flask(__name__)).server.counters()


def test_a_process_that_only_emits() -> None:
    emitter = SocketIO(message_queue="redis://127.0.0.1:1")
    with pytest.raises(MessageQueueError):
        emitter.emit("x")
    assert counted(emitter.server.counters()) == {
        "queue_lost": 1,
        "queue_lost_by": {"unreachable": 1},
    }
