"""`tracing=True`: what a real server's spans say, read back from the SDK; and that nobody else pays for it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.browser import chromium, visit
from tests.docs.pages import block
from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.server import ROOT, ServerProcess
from tests.tracing import app as traced_app

APP = Path(traced_app.__file__)
TRACE, PAGE = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PAGE}-01"
OTHER = "1af7651916cd43dd8448eb211c80319c"

Spans = list[dict[str, Any]]


@pytest.fixture(scope="module")
def process() -> Iterator[ServerProcess]:
    with ServerProcess.script(APP) as process:
        yield process


@pytest.fixture
def server(process: ServerProcess) -> ServerProcess:
    process.get_json("/forget")
    return process


def client_of(
    server: ServerProcess,
    auth: str = "",
    headers: dict[str, str] | None = None,
    namespace: str = "",
) -> EngineWebSocket:
    client = EngineWebSocket.open(server.address, "/socket.io/", headers)
    client.send(f"40{namespace}{auth}")
    client.recv()
    return client


def asked(client: EngineWebSocket | RawPolling, event: str, namespace: str = "") -> str:
    """The ack."""
    client.send(f"42{namespace}7{event}")
    while not str(packet := client.recv()).startswith(f"43{namespace}7"):
        pass
    return str(packet)


def spans_of(server: ServerProcess, *names: str) -> Spans:
    """When these have ended."""
    deadline = time.monotonic() + 20
    while True:
        spans: Spans = server.get_json("/spans")
        if {span["name"] for span in spans} >= set(names):
            return spans
        assert time.monotonic() < deadline, spans
        time.sleep(0.02)


def one(spans: Spans, name: str) -> dict[str, Any]:
    [found] = [span for span in spans if span["name"] == name]
    return found


def test_a_handler_and_what_it_does(server: ServerProcess) -> None:
    client = client_of(server)
    asked(client, '["order","soup"]')
    spans = spans_of(server, "process order")
    event, query, sent = (one(spans, name) for name in ("process order", "a query", "send cook"))
    assert event["kind"] == "CONSUMER" and event["scope"] == "flask_socketio"
    sid = event["attributes"].pop("messaging.client.id")
    assert sid and event["attributes"] == {
        "messaging.system": "socket.io",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "order",
        "messaging.socket.io.namespace": "/",
        "messaging.socket.io.event_name": "order",
        "code.function.name": "__main__.order",
    }
    assert sent["kind"] == "PRODUCER"
    assert sent["attributes"] == {
        "messaging.system": "socket.io",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "cook",
        "messaging.socket.io.namespace": "/",
        "messaging.socket.io.event_name": "cook",
        "messaging.socket.io.rooms": ["kitchen"],
    }
    assert event["parent"] is None
    assert (query["parent"], sent["parent"]) == (event["id"], query["id"])
    assert event["trace"] == query["trace"] == sent["trace"]
    assert 0.02 <= event["seconds"] < 10 and event["status"] == "UNSET"


def test_async_def_and_callbacks(server: ServerProcess) -> None:
    client = client_of(server)
    client.send('427["later"]')
    assert client.recv() == '421["cook","later"]'
    client.send('431["thanks"]')
    spans = spans_of(server, "process later", "process ack")
    event, query, sent = (one(spans, name) for name in ("process later", "a query", "send cook"))
    assert (query["parent"], sent["parent"]) == (event["id"], query["id"])
    assert event["seconds"] >= 0.02
    assert "messaging.socket.io.event_name" not in one(spans, "process ack")["attributes"]


def test_handlers_of_many_clients_do_not_mix(server: ServerProcess) -> None:
    clients = [client_of(server) for _ in range(8)]
    for client in clients:
        client.send('421["order","x"]', '422["later"]', '423["order","y"]')
    spans: Spans = []
    while len([span for span in spans if span["name"] == "a query"]) < 24:
        spans = server.get_json("/spans")
    spans = spans_of(server, "process order")
    by_id = {span["id"]: span for span in spans}
    queries = [span for span in spans if span["name"] == "a query" and span["parent"] in by_id]
    assert len({span["parent"] for span in queries}) == len(queries) > 16
    assert len({span["trace"] for span in queries}) == len(queries)


def test_exceptions(server: ServerProcess) -> None:
    server.allow_traceback("nothing in stock")
    client = client_of(server)
    client.send('42["fail"]')
    span = one(spans_of(server, "process fail"), "process fail")
    assert span["status"] == "ERROR" and span["attributes"]["error.type"] == "LookupError"
    [event] = span["events"]
    assert event["exception.message"] == "nothing in stock"
    assert "traced" in event["exception.stacktrace"] or "app.py" in event["exception.stacktrace"]


def test_a_name_is_never_a_clients(server: ServerProcess) -> None:
    client = client_of(server)
    asked(client, '["made up"]')
    span = one(spans_of(server, "process *"), "process *")
    assert span["attributes"]["messaging.destination.name"] == "made up"
    assert span["attributes"]["messaging.destination.template"] == "*"


def test_class_based_namespaces(server: ServerProcess) -> None:
    client = client_of(server, namespace="/news,")
    asked(client, '["read"]', "/news,")
    span = one(spans_of(server, "process /news read"), "process /news read")
    assert span["attributes"]["messaging.destination.name"] == "/news read"
    assert span["attributes"]["messaging.socket.io.namespace"] == "/news"


# -- where a trace comes from ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [EngineWebSocket, RawPolling])
def test_the_handshakes_header(
    server: ServerProcess, kind: type[EngineWebSocket | RawPolling]
) -> None:
    headers = {"traceparent": TRACEPARENT, "baggage": "secret=1"}
    client = kind.open(server.address, "/socket.io/", headers)
    client.send("40")
    client.recv()
    packet = asked(client, '["order","x"]')
    spans = spans_of(server, "process order")
    connect, event = one(spans, "process connect"), one(spans, "process order")
    assert (connect["trace"], connect["parent"]) == (TRACE, PAGE)
    assert event["trace"] != TRACE
    assert event["links"] == [f"{TRACE} {connect['id']}"]
    assert packet == '437["{}"]'  # what a client says beside its trace is not passed on


def test_auth(server: ServerProcess) -> None:
    header = f"00-{OTHER}-{PAGE}-01"
    client = client_of(server, f'{{"traceparent":"{TRACEPARENT}"}}', {"traceparent": header})
    asked(client, '["order","x"]')
    spans = spans_of(server, "process order")
    assert one(spans, "process connect")["trace"] == TRACE
    assert one(spans, "process order")["links"][0].startswith(TRACE)


def test_a_page(server: ServerProcess) -> None:
    script = block("docs/guides/tracing.md", "io({ auth")
    with chromium() as browser, visit(browser, server.url) as page:
        page.open("/forget")
        page.page.add_script_tag(url="/socket.io/socket.io.min.js")
        page.page.add_script_tag(content=f"const traceparent = '{TRACEPARENT}'; {script}")
        connect = one(spans_of(server, "process connect"), "process connect")
    assert (connect["trace"], connect["parent"]) == (TRACE, PAGE)


def test_a_namespace_without_a_connect_handler(server: ServerProcess) -> None:
    client = client_of(server, "", {"traceparent": TRACEPARENT}, "/news,")
    asked(client, '["read"]', "/news,")
    event = one(spans_of(server, "process /news read"), "process /news read")
    assert event["links"] == [f"{TRACE} {PAGE}"]


@pytest.mark.parametrize(
    "auth", ['{"traceparent":7}', '{"traceparent":"x"}', f'{{"traceparent":"{"0" * 5000}"}}']
)  # fmt: skip
def test_what_is_no_trace(server: ServerProcess, auth: str) -> None:
    client = client_of(server, auth)
    asked(client, '["order","x"]')
    connect = one(spans_of(server, "process order"), "process connect")
    assert connect["parent"] is None


def test_a_refused_client(server: ServerProcess) -> None:
    client_of(server, '{"refuse":true}')
    span = one(spans_of(server, "process connect"), "process connect")
    assert span["attributes"]["messaging.socket.io.refused"] is True
    assert span["status"] == "UNSET"


# -- without it ------------------------------------------------------------------------------------

PROGRAM = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from flask import Flask
from flask_socketio import SocketIO
app = Flask("app")
socketio = SocketIO(app{options})
from flask_socketio.handling.runner import Runner
from flask_socketio.handling.watched import runner_maker
assert runner_maker(socketio._life._watchers) is Runner
assert not any(name.startswith("opentelemetry") for name in sys.modules if sys.modules[name])
"""


def test_programs_that_only_emit() -> None:
    done = run("""
from tests.tracing.app import exporter
from flask_socketio import SocketIO
from flask_socketio.errors import MessageQueueError
try:
    SocketIO(message_queue="redis://127.0.0.1:1/0", tracing=True).emit("news", to="a", namespace="/x")
except MessageQueueError:
    print([span.name for span in exporter.get_finished_spans()])
""")
    assert done.stdout == "['send /x news']\n", done.stderr


def test_the_test_client() -> None:
    done = run("""
from tests.tracing.app import app, exporter, socketio
client = socketio.test_client(app)
client.emit("order", "soup", callback=True)
print([span.name for span in exporter.get_finished_spans()])
""")
    assert done.stdout == "['process connect', 'send cook', 'a query', 'process order']\n", (
        done.stderr
    )


def test_what_fails_in_it_ends_nothing_else() -> None:
    done = run("""
from opentelemetry.sdk.trace import SpanProcessor
from tests.tracing.app import app, provider, socketio
class Broken(SpanProcessor):
    def on_start(self, span, parent_context=None):
        raise RuntimeError("no disk")
provider.add_span_processor(Broken())
client = socketio.test_client(app)
socketio.emit("news")
print(client.emit("other", callback=True), client.get_received()[0]["name"])
""")
    assert done.stdout == "other news\n", done.stderr
    assert "tracing failed: RuntimeError: no disk" in done.stderr


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)


def test_nothing_is_there_while_it_is_off() -> None:
    for options in ("", ", tracing=False"):
        done = run(PROGRAM.format(missing=[], options=options))
        assert done.returncode == 0, done.stderr


def test_without_its_library() -> None:
    missing = ["opentelemetry", "opentelemetry.trace"]
    done = run(PROGRAM.format(missing=missing, options=", tracing=True"))
    assert (
        "ImportError: tracing=True needs opentelemetry-api: pip install 'flask-duplex[otel]'"
        in (done.stderr)
    )
