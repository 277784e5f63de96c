"""The servers under test, one process for each set of options, and clients that look after themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.conformance.servers import (
    ENGINE_PATH,
    HASTY,
    SOCKETIO_PATH,
    OpenClient,
    OpenEngine,
    RunApp,
    app_process,
    echo_process,
    open_session,
)
from tests.kit.engine import EngineClient, open_engine
from tests.kit.lane import LANES
from tests.kit.raw import OPENED
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient


@pytest.fixture(autouse=True)
def closed_sockets() -> Iterator[None]:
    """No test leaves a connection behind."""
    before = set(OPENED)
    yield
    for sock in OPENED - before:
        sock.close()
    OPENED.intersection_update(before)


@pytest.fixture(scope="session", params=list(LANES))
def lane(request: pytest.FixtureRequest) -> str:
    """The code that has to serve every WebSocket."""
    return str(request.param)


@pytest.fixture(params=["polling", "websocket", "upgraded"])
def transport(request: pytest.FixtureRequest) -> str:
    """How a client talks to the server."""
    return str(request.param)


@pytest.fixture(scope="session")
def echo(lane: str) -> Iterator[ServerProcess]:
    """The raw Engine.IO server, with a heartbeat that leaves the tests alone."""
    with echo_process(lane, 25, 20) as server:
        yield server


@pytest.fixture(scope="session")
def hasty_echo(lane: str) -> Iterator[ServerProcess]:
    """The raw Engine.IO server with a heartbeat of 300 ms and 200 ms."""
    with echo_process(lane, 0.3, 0.2) as server:
        yield server


@pytest.fixture(scope="session")
def app(lane: str) -> Iterator[ServerProcess]:
    """The Flask app with the defaults."""
    with app_process(lane) as server:
        yield server


@pytest.fixture(scope="session")
def hasty_app(lane: str) -> Iterator[ServerProcess]:
    """The Flask app with a heartbeat of 300 ms and 200 ms."""
    with app_process(lane, **HASTY) as server:
        yield server


@pytest.fixture(scope="module")
def run_app(lane: str) -> Iterator[RunApp]:
    """Start the Flask app with options of the test module's own; the same ones share a process."""
    servers: dict[str, ServerProcess] = {}
    with ExitStack() as stack:

        def run(**options: Any) -> ServerProcess:
            key = json.dumps(options, sort_keys=True)
            if key not in servers:
                servers[key] = stack.enter_context(app_process(lane, **options))
            return servers[key]

        yield run


@pytest.fixture
def open_echo(echo: ServerProcess, transport: str) -> Iterator[OpenEngine]:
    """Open sessions at the raw Engine.IO server; those that a test leaves open are closed."""
    clients: list[EngineClient] = []

    def open_client() -> EngineClient:
        clients.append(open_session(echo, transport, ENGINE_PATH))
        return clients[-1]

    yield open_client
    for client in clients:
        client.leave()


@pytest.fixture
def open_client(transport: str) -> Iterator[OpenClient]:
    """Open Socket.IO clients at a server; those that a test leaves open are closed."""
    clients: list[SioClient] = []

    def open_client(server: ServerProcess, way: str | None = None) -> SioClient:
        engine = open_session(server, way or transport, SOCKETIO_PATH)
        clients.append(SioClient(engine))
        return clients[-1]

    yield open_client
    for client in clients:
        client.engine.leave()


@pytest.fixture
def client(app: ServerProcess, open_client: OpenClient) -> SioClient:
    """A client of the app that has not joined a namespace."""
    return open_client(app)


@pytest.fixture(scope="module")
def bystander(app: ServerProcess) -> Iterator[SioClient]:
    """A client that stays connected all the time and must never notice what others do.

    It answers pings when it is looked at: not while a process has other modules' tests for a minute.
    """
    client = SioClient(open_engine(app, "websocket", SOCKETIO_PATH))
    client.join()
    yield client
    client.engine.leave()


@pytest.fixture
def unharmed(app: ServerProcess, bystander: SioClient) -> Iterator[None]:
    """After the test, the server lives and the bystander is served."""
    yield
    bystander.emit("message", "still", "here")
    bystander.expect("message-back", "still", "here")
    assert app.alive()
