"""`socketio.metrics()`: what is in it, where, and under which names."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from flask_socketio import SocketIO
from flask_socketio.base.counters import Counters
from flask_socketio.cluster.base import Emission
from flask_socketio.errors import MessageQueueError, NotServingError
from flask_socketio.handling.table import HandlerTable
from flask_socketio.hub.call import Handler, Outcome
from flask_socketio.protocol.socketio import Body
from flask_socketio.runtime.metrics import METRICS, Kind, sum_of, what_stays
from flask_socketio.watching.meter import Meter
from tests.kit.neighbour import OrderedClient
from tests.metrics import page
from tests.metrics.served import app_process, wait_for

MEASURED = {name for name, metric in METRICS.items() if metric.measured}
#: Of what happens to connections, threads and the loop, of which test clients have none.
LIVE = {"connections", "handlers_queued", "handler_threads"}


def test_a_server() -> None:
    with app_process() as server:
        client = OrderedClient()
        client.connect(server.url, transports=["websocket"], namespaces=["/", "/chat"])
        for _ in range(3):
            assert client.call("slow", timeout=20) == "done"
            assert client.call("soon", timeout=20) == "done"
        client.emit("echo", "x" * 1000)
        client.emit("unknown")
        assert client.call("say", "hello", namespace="/chat", timeout=20) == "hello"
        metrics = wait_for(server, lambda found: found["events_handled"]["/"].get("echo", 0) == 1)
        assert list(metrics) == list(METRICS)
        assert set(server.get_json("/metrics")) == set(METRICS)
        assert metrics["connections"] == {"polling": 0, "websocket": 1}
        assert metrics["clients"] == {"/": 1, "/chat": 1}
        assert metrics["events_handled"] == {
            "/": {"slow": 3, "soon": 3, "echo": 1},
            "/chat": {"say": 1},
        }
        assert metrics["events_emitted"] == {"/": {"echo": 1}}
        assert metrics["events_unhandled"] == 1
        slow = metrics["handler_seconds"]["/"]["slow"]
        assert slow["count"] == 3 and slow["sum"] >= 0.09
        assert slow["buckets"]["0.025"] == 0 and slow["buckets"]["+Inf"] == 3
        assert metrics["queue_seconds"]["/"]["slow"]["count"] == 3
        assert metrics["received_bytes"]["websocket"] > 1000 < metrics["sent_bytes"]["websocket"]
        assert metrics["handler_threads"].keys() == {"busy", "idle", "blocked"}
        assert metrics["workers"] == 1 and metrics["workers_silent"] == {}
        # The bytes of connections that have ended stay.
        client.disconnect()
        after = wait_for(server, lambda found: found["connections"]["websocket"] == 0)
        assert after["received_bytes"]["websocket"] >= metrics["received_bytes"]["websocket"]
        assert after["clients"] == {}
        assert sum(after["connections_closed"].values()) == 1


def test_polling_has_bytes_too() -> None:
    with app_process() as server:
        client = OrderedClient()
        client.connect(server.url, transports=["polling"])
        client.emit("echo", "é" * 1000)
        metrics = wait_for(server, lambda found: found["sent_bytes"].get("polling", 0) > 2000)
        assert metrics["received_bytes"]["polling"] > 2000
        assert metrics["connections"] == {"polling": 1, "websocket": 0}
        client.disconnect()


def test_the_loop_is_watched() -> None:
    with app_process() as server:
        metrics = wait_for(server, lambda found: found["loop_lag_seconds"]["count"] >= 2)
    assert metrics["loop_lag_seconds"]["sum"] >= 0


def test_what_clients_make_up_is_no_label() -> None:
    with app_process(OPTIONS='{"namespaces": "*"}') as server:
        for number in range(5):
            client = OrderedClient()
            name = f"/made-up-{number}"
            client.connect(server.url, transports=["websocket"], namespaces=[name])
            assert client.call("relay", f"event-{number}", namespace=name, timeout=20) == "done"
            client.disconnect()
        text = server.get("/socket.io/metrics", Authorization="Bearer 0123456789abcdef-token").body
        metrics = wait_for(server, lambda found: found["events_emitted"] != {})
        assert metrics["events_handled"] == {"*": {"relay": 5}}
        assert metrics["events_emitted"] == {"other": {"other": 5}}
        assert b"made-up" not in text and b"event-" not in text


def test_without_the_option_nothing_is_measured() -> None:
    app = Flask(__name__)
    socketio = SocketIO(app)
    client = socketio.test_client(app)
    metrics: dict[str, Any] = socketio.metrics()
    assert set(metrics) == set(METRICS) - MEASURED - LIVE
    assert metrics["clients"] == {"/": 1}
    client.disconnect()
    metrics["connects"] = -1
    assert socketio.metrics()["connects"] == 1
    assert socketio.metrics()["clients"] == {}


def test_nobody_serves() -> None:
    with pytest.raises(NotServingError):
        SocketIO(Flask(__name__)).metrics()


def test_a_process_that_only_emits() -> None:
    emitter = SocketIO(message_queue="redis://127.0.0.1:1")
    with pytest.raises(MessageQueueError):
        emitter.emit("x")
    metrics = emitter.metrics()
    assert metrics["queue_lost"] == {"unreachable": 1}
    assert metrics["queue_connected"] == 0


def test_every_counter_is_there() -> None:
    """But one whose sum says nothing, and what is there under another name."""
    renamed = {"sessions_opened", "sessions_closed", "closed_by", "handshakes_refused_by"}
    elsewhere = {"handlers_finished", "handler_threads_peak", "queue_lost_by"}
    assert set(Counters.__dataclass_fields__) - renamed - elsewhere <= set(METRICS)


def test_sums() -> None:
    one = {"connections": {"polling": 1}, "connects": 2, "events_emitted": {"/": {"a": 1}}}
    other = {"connections": {"websocket": 1}, "connects": 3, "events_emitted": {"/": {"b": 1}}}
    both = sum_of((one, other))
    assert both == {
        "connections": {"polling": 1, "websocket": 1},
        "connects": 5,
        "events_emitted": {"/": {"a": 1, "b": 1}},
    }
    assert one["connects"] == 2 and one["connections"] == {"polling": 1}
    assert what_stays(both) == {"connects": 5, "events_emitted": {"/": {"a": 1, "b": 1}}}
    assert all(METRICS[name].kind is not Kind.GAUGE for name in what_stays(both))


def test_the_page_has_them_all() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.table() in text, "python -m tests.metrics.page"


def test_callbacks_have_no_names() -> None:
    with app_process() as server:
        client = OrderedClient()
        client.connect(server.url, transports=["websocket"])
        client.on("question", lambda: "answer")
        assert client.call("ask", timeout=20) == "answer"
        metrics = wait_for(server, lambda found: "other" in found["events_handled"])
        assert metrics["events_handled"] == {"/": {"ask": 1}, "other": {"other": 1}}
        client.disconnect()


def test_callbacks_cost_no_look_at_all_handlers_each() -> None:
    looks: list[None] = []

    class Registered:
        def __init__(self) -> None:
            self.sent = set[tuple[str, str]]()

        def names(self) -> dict[Handler, tuple[str, str]]:
            looks.append(None)
            return {}

        def events(self) -> dict[str, list[str]]:
            return {}

    async def measure() -> dict[str, Any]:
        meter = Meter(asyncio.get_running_loop(), Registered())
        report = meter.reporting(lambda *_: None)
        for _ in range(1000):
            call: Any = SimpleNamespace(handler=Handler(print, False, None), arrived=1.0, begun=2.0)
            report(call, Outcome())
        found = meter.snapshot()
        meter.close()
        return found

    assert asyncio.run(measure())["events_handled"] == {"other": {"other": 1000}}
    assert len(looks) == 1


def test_an_event_that_was_declared_has_a_name() -> None:
    handlers = HandlerTable(["/"])
    handlers.sent.add(("/", "news"))

    async def measure() -> dict[str, Any]:
        meter = Meter(asyncio.get_running_loop(), handlers)
        emit = meter.emitting(lambda _: None)
        for event in ("news", "made up"):
            emit(Emission("/", [event], Body(b"")))
        found = meter.snapshot()
        meter.close()
        return found

    assert asyncio.run(measure())["events_emitted"] == {"/": {"news": 1, "other": 1}}


def test_alone_an_async_handler_may_ask_too() -> None:
    with app_process() as server:
        client = OrderedClient()
        client.connect(server.url, transports=["websocket"])
        assert client.call("look", timeout=20) == sorted(METRICS)
        client.disconnect()
