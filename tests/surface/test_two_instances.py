"""Two `SocketIO` with different paths on one application: each has its own clients, however they are served."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_socketio import SocketIO, emit, join_room, rooms
from tests.kit.engine import EngineClient, EngineWebSocket, RawPolling, target
from tests.kit.raw import RawWebSocket, Refused, request
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

from .conftest import ORIGINAL

APP = Path(__file__).with_name("two_app.py")
PATHS = {"first": "/socket.io/", "second": "/other/"}
TRANSPORTS: dict[str, Any] = {"polling": RawPolling, "websocket": EngineWebSocket}
WAYS = ["first", "second", "werkzeug", "hypercorn first", "hypercorn second", "hypercorn both"]
OURS = pytest.mark.ours("two SocketIO on one application")


@pytest.fixture(scope="module", params=[way for way in WAYS if not (ORIGINAL and "corn" in way)])
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    with ServerProcess([sys.executable, str(APP), request.param], {"GUARDED": "1"}) as server:
        yield server


@pytest.fixture(params=TRANSPORTS)
def both(server: ServerProcess, request: pytest.FixtureRequest) -> Iterator[dict[str, SioClient]]:
    """A client of each."""
    clients: dict[str, SioClient] = {}
    for name, path in PATHS.items():
        engine: EngineClient = TRANSPORTS[request.param].open(server.address, path)
        clients[name] = SioClient(engine)
        clients[name].connect()
    yield clients
    for client in clients.values():
        client.engine.leave()


def test_each_serves_what_is_below_its_path(both: dict[str, SioClient]) -> None:
    for name, client in both.items():
        path = client.engine.path  # type: ignore[attr-defined]
        assert client.call("who")[0][:2] == [name, path]


@OURS
def test_functions_belong_to_the_one_that_called_the_handler(both: dict[str, SioClient]) -> None:
    for name, client in both.items():
        client.emit("functions", id=1)
        client.expect("said", name)
        client.expect("said", f"{name} to a room")
        client.expect("message", name)
        assert client.recv().data == [["kept"]]
        client.emit("elsewhere")
        client.expect("said", name)
        client.emit("callback")
        question = client.recv()
        assert question.data == ["question"]
        client.engine.send(f"43{question.id}[1]")
        client.expect("answered", [name, 1])
    both["first"].emit("leave")
    assert both["first"].recv_text() == "41"
    assert both["second"].call("who")[0][0] == "second"


@OURS
def test_tasks_and_views_emit_to_the_clients_of_one(
    server: ServerProcess, both: dict[str, SioClient]
) -> None:
    for name, client in both.items():
        client.emit("task")
        client.expect("from a task", name)
        assert server.get(f"/emit/{name}").text == name
        client.expect("from a view", name)
    assert all(client.engine.is_quiet() for client in both.values())


@OURS
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_middlewares_and_origins_of_either(server: ServerProcess, transport: str) -> None:
    for name, path in PATHS.items():
        own = {"Origin": f"http://{name}.example"}
        client = SioClient(TRANSPORTS[transport].open(server.address, path, own))
        client.connect()
        assert client.call("who") == [[name, path, "yes"]]
        client.engine.leave()
        headers = {"Origin": "http://neither.example"}
        if transport == "polling":
            reply = request(server.address, "GET", target(path, transport), headers=headers)
        else:
            with pytest.raises(Refused) as refused:
                RawWebSocket.connect(server.address, target(path, transport), headers)
            reply = refused.value.reply
        assert reply.status in (400, 403)


def test_pages_are_served_as_ever(server: ServerProcess) -> None:
    assert server.get("/").text == "a page"
    assert server.get("/nowhere").status == 404
    assert server.get("/otherwise").status == 404


@OURS
def test_an_upgrade(server: ServerProcess) -> None:
    for name, path in PATHS.items():
        polling = RawPolling.open(server.address, path)
        ws = RawWebSocket.connect(server.address, target(path, "websocket", polling.sid))
        ws.send("2probe")
        assert ws.recv() == "3probe"
        ws.send("5")
        client = SioClient(EngineWebSocket(ws, polling.handshake, server.address, path))
        client.connect()
        assert client.call("who")[0][0] == name
        client.engine.leave()


# -- with the test client --------------------------------------------------------------------------


def two(app: Flask) -> list[SocketIO]:
    instances = [SocketIO(app), SocketIO(app, path="other")]
    for number, socketio in enumerate(instances):

        @socketio.on("functions")
        def functions(number: int = number) -> list[Any]:
            join_room("all")
            emit("said", number, to="all")
            return sorted(rooms(), key=len)[:1]

    return instances


@OURS
def test_test_clients_of_either(app: Flask) -> None:
    clients = [socketio.test_client(app) for socketio in two(app)]
    for number, client in enumerate(clients):
        assert client.emit("functions", callback=True) == ["all"]
        assert [event["args"] for event in client.get_received()] == [[number]]


@OURS
def test_another_application_may_be_entered_in_a_handler(app: Flask) -> None:
    other = Flask("other")
    others = SocketIO(other)
    instances = two(app)

    def emit_elsewhere() -> None:
        with other.app_context():
            emit("said", "elsewhere", broadcast=True, namespace="/")

    for socketio in instances:
        socketio.on_event("elsewhere", emit_elsewhere)
    receiver = others.test_client(other)
    for socketio in instances:
        client = socketio.test_client(app)
        client.emit("elsewhere")
        assert client.get_received() == []
        assert [event["args"] for event in receiver.get_received()] == [["elsewhere"]]


def test_the_latest_is_what_views_use(app: Flask) -> None:
    first, second = two(app)
    assert app.extensions["socketio"] is second
    clients = [first.test_client(app), second.test_client(app)]
    with app.app_context():
        emit("said", 1, broadcast=True, namespace="/")
    assert [len(client.get_received()) for client in clients] == [0, 1]


@pytest.mark.skipif(ORIGINAL, reason="its middlewares are nested, one in the other")
def test_many_instances_one_after_the_other(app: Flask) -> None:
    """As in tests that make one for each test."""

    @app.get("/")
    def page() -> str:
        return "a page"

    for _ in range(sys.getrecursionlimit()):
        socketio = SocketIO(app)
    assert app.test_client().get("/").text == "a page"
    assert socketio.test_client(app).is_connected()
