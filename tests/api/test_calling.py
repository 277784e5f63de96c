"""What a handler returns or raises, on a running server: what can be awaited is, and nothing takes a thread with it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.engine import EngineWebSocket
from tests.kit.server import ServerProcess
from tests.kit.sio import ACK, SioClient, connect_packet

from .calling_app import AWAITABLES, KINDS

APP = Path(__file__).with_name("calling_app.py")
#: fewer threads than there are kinds of failures
THREADS = 2
REJECTED = '{"message":"Connection rejected by server"}'


def server_with(**options: Any) -> ServerProcess:
    options = {"max_threads": THREADS, **options}
    return ServerProcess([sys.executable, str(APP)], {"OPTIONS": json.dumps(options)})


@pytest.fixture(scope="module", params=[True, False], ids=["overlapping", "serial"])
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    with server_with(async_handlers=request.param) as server:
        server.allow_traceback("")  # that is what these tests are about
        yield server


@pytest.fixture
def engine(server: ServerProcess) -> Iterator[EngineWebSocket]:
    engine = EngineWebSocket.open(server.address, "/socket.io/")
    yield engine
    engine.leave()


@pytest.fixture
def client(engine: EngineWebSocket) -> SioClient:
    client = SioClient(engine)
    client.connect()
    return client


# What can be awaited


@pytest.mark.parametrize("namespace", ["/wrapped", "/own", "/all-async"])
def test_an_awaitable_decides_on_the_client(engine: EngineWebSocket, namespace: str) -> None:
    client = SioClient(engine)
    engine.send(connect_packet(namespace))
    assert client.recv_text() == f"44{namespace},{REJECTED}"
    client.connect(namespace, auth={"a": 1})


def test_an_async_connect_handler_behind_a_decorator_and_without_argument(
    engine: EngineWebSocket,
) -> None:
    for _ in range(2):
        engine.send(connect_packet("/bare"))
        assert SioClient(engine).recv_text() == f"44/bare,{REJECTED}"


def test_a_refusal_that_is_no_json_refuses(engine: EngineWebSocket) -> None:
    for _ in range(THREADS + 1):
        engine.send(connect_packet("/raising"))
        assert SioClient(engine).recv_text() == f"44/raising,{REJECTED}"


@pytest.mark.parametrize("how", AWAITABLES)
@pytest.mark.parametrize("value", ["x", None, [1]])
def test_what_a_handler_returns_is_awaited(client: SioClient, how: str, value: Any) -> None:
    assert client.call("return", how, value) == ([] if value is None else [value])


def test_more_at_a_time_than_there_are_threads(server: ServerProcess, client: SioClient) -> None:
    for number in range(5 * THREADS):
        client.emit("return", "object", number, id=number)
    answers = [client.recv() for _ in range(5 * THREADS)]
    assert {packet.type for packet in answers} == {ACK}
    assert sorted(packet.data[0] for packet in answers) == list(range(5 * THREADS))


def test_methods_behind_a_trigger(engine: EngineWebSocket) -> None:
    client = SioClient(engine)
    client.connect("/own", auth={"a": 1})
    assert client.call("echo", "x", namespace="/own") == ["x"]
    assert client.call("wrapped", "x", namespace="/own") == ["x"]


def test_the_contexts_follow(server: ServerProcess, client: SioClient) -> None:
    before = server.get_json("/torn-down/contexts")[0]
    for number in (1, 2):
        client.emit("contexts", id=number)
        for step in (1, 2, 3):
            client.expect("order", step)
        packet = client.recv()
        found = ["of the def part", number, "contexts", 20]
        assert packet.data == [["nothing", "of this event", *found, True]]
    assert server.get_json("/torn-down/contexts")[0] == before + 2


def test_callbacks(client: SioClient) -> None:
    client.emit("ask")
    question = client.recv()
    client.engine.send(f'43{question.id}["an answer"]')
    client.expect("answered", ["an answer", None])


def test_error_handlers(engine: EngineWebSocket) -> None:
    client = SioClient(engine)
    client.connect("/async-errors")
    client.connect("/class-errors")
    answer = client.call("handled", namespace="/async-errors")
    assert answer == ["KeyError('handled') in handled"]
    assert client.call("fail", namespace="/class-errors") == ["KeyError('of the class')"]


# What ends a call ends no more than that

WAYS = [
    ("/", "fail", "def"),
    ("/", "fail", "returned"),
    ("/", "fail async", "at once"),
    ("/", "fail async", "later"),
    ("/", "fail in cancel", ""),
    ("/", "fail in ack", ""),
    ("/", "fail in log", ""),
    ("/", "fail in teardown", ""),
    ("/errors", "fail in error handler", "def"),
    ("/errors", "fail in error handler", "returned"),
]


@pytest.mark.parametrize(("namespace", "event", "how"), WAYS)
def test_failures(
    server: ServerProcess, engine: EngineWebSocket, namespace: str, event: str, how: str
) -> None:
    client = SioClient(engine)
    client.connect(namespace)
    for kind in KINDS:
        client.emit(event, kind, how, namespace=namespace, id=1)
    for _ in range(THREADS + 1):
        assert client.call("ping", namespace=namespace) == ["pong"]
    if event == "fail in log":
        assert "ValueError: ('in the log', 'LibraryTimeout')" in server.log
    elif event not in ("fail in ack", "fail in cancel"):
        assert f"handler of event {event!r} in namespace {namespace!r} failed" in server.log
    for kind in () if event == "fail in cancel" else KINDS:
        # An ack's callback may still be waiting for the client's answer.
        server.wait_for_log(re.compile(re.escape(kind)), 10)


def test_failures_of_the_session_interface() -> None:
    with server_with(manage_session=False) as server:
        server.allow_traceback("")
        client = SioClient(EngineWebSocket.open(server.address, "/socket.io/"))
        client.connect()
        for event in ("fail in open", "fail in save"):
            for kind in KINDS:
                client.emit(event, kind, "")
            for _ in range(THREADS + 1):
                assert client.call("ping") == ["pong"]
            assert f"handler of event {event!r} in namespace '/' failed" in server.log
        client.engine.leave()


@pytest.mark.parametrize("how", ["def", "returned"])
def test_failures_of_callbacks(server: ServerProcess, client: SioClient, how: str) -> None:
    for kind in KINDS:
        client.emit("fail in callback", kind, how)
        question = client.recv()
        client.engine.send(f"43{question.id}[]")
    for _ in range(THREADS + 1):
        assert client.call("ping") == ["pong"]
    assert "ack callback in namespace '/' failed" in server.log


@pytest.mark.parametrize("how", ["def", "returned"])
def test_failures_while_connecting(engine: EngineWebSocket, how: str) -> None:
    client = SioClient(engine)
    for kind in KINDS:
        engine.send(connect_packet("/fails", {"kind": kind, "how": how}))
        assert client.recv_text() == f"44/fails,{REJECTED}"
    client.connect()
    assert client.call("ping") == ["pong"]


def test_failures_while_leaving(server: ServerProcess) -> None:
    for _ in range(THREADS + 2):
        client = SioClient(EngineWebSocket.open(server.address, "/socket.io/"))
        client.connect("/leaving")
        assert client.call("ping", namespace="/leaving") == ["pong"]
        client.engine.leave()


def test_clients_can_be_told() -> None:
    with server_with(ack_errors=True) as server:
        server.allow_traceback("")
        client = SioClient(EngineWebSocket.open(server.address, "/socket.io/"))
        client.connect()
        told = [{"error": "the handler of this event failed"}]
        for event, how in (("fail", "def"), ("fail", "returned"), ("fail in ack", "")):
            for kind in KINDS:
                assert client.call(event, kind, how) == told
        client.engine.leave()


def test_handlers_that_are_cancelled_at_the_end_are_no_failures() -> None:
    with server_with() as server:
        client = SioClient(EngineWebSocket.open(server.address, "/socket.io/"))
        client.connect()
        client.emit("sleep")
        assert client.call("ping") == ["pong"]
