"""What docs/migrating.md says of code that imports socketio or engineio: each line is tried here."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import socketio as neighbour
from flask import Flask

from flask_socketio import Namespace, SocketIO
from tests.kit.engine import RawPolling
from tests.kit.neighbour import OrderedClient, PatientSimpleClient
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

APP = Path(__file__).with_name("neighbour_app.py")
GUNICORN = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--threads", "8"]
MODULE = "tests.ecosystem.neighbour_app:wsgi"
WAYS = ["WSGIApp", "Middleware", "another path", "alone", "around", "run", "gunicorn"]


@pytest.fixture(scope="module", params=WAYS)
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    if request.param == "gunicorn":
        server = ServerProcess([*GUNICORN, MODULE], {"HOW": "WSGIApp"}, request.param)
    else:
        server = ServerProcess([sys.executable, str(APP)], {"HOW": request.param}, request.param)
    with server:
        yield server


def connect(server: ServerProcess, transports: list[str], auth: Any = None) -> OrderedClient:
    path = "elsewhere" if server.lane == "another path" else "socket.io"
    client = OrderedClient(reconnection=False, request_timeout=30)
    client.connect(
        server.url, transports=transports, socketio_path=path, auth=auth, wait_timeout=30
    )
    return client


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
def test_its_wsgi_app_around_our_server(server: ServerProcess, transports: list[str]) -> None:
    client = connect(server, transports)
    greeted: list[str] = []
    client.on("greeted", greeted.append)
    path = "/elsewhere/" if server.lane == "another path" else "/socket.io/"
    assert client.call("hello", "Ada", timeout=30) == ["hello Ada", path]
    assert greeted == ["Ada"]
    assert client.transport() == transports[-1]
    client.disconnect()


def test_pages_behind_its_wsgi_app(server: ServerProcess) -> None:
    if server.lane == "alone":
        assert server.get("/").status == 404
    else:
        assert server.get("/").text == "a page"


def test_its_exceptions(server: ServerProcess) -> None:
    client = OrderedClient(reconnection=False, request_timeout=30)
    errors: list[Any] = []
    client.on("connect_error", errors.append)
    path = "elsewhere" if server.lane == "another path" else "socket.io"
    with pytest.raises(neighbour.exceptions.ConnectionError):
        client.connect(
            server.url, transports=["websocket"], socketio_path=path, auth={"refuse": True}
        )
    client.disconnect()
    assert errors == [{"message": "not you", "data": {"code": 7}}]
    client = connect(server, ["websocket"])
    client.on("silence", lambda: client.sleep(0.5))
    assert client.call("ask in vain", timeout=30) == "TimeoutError"
    client.disconnect()


def test_its_other_clients(server: ServerProcess) -> None:
    path = "elsewhere" if server.lane == "another path" else "socket.io"
    told = [f"/{path}/", "hello Ada"]
    with PatientSimpleClient() as simple:
        simple.connect(server.url, transports=["websocket"], socketio_path=path)
        assert sorted(simple.call("hello", "Ada", timeout=30)) == told
        assert simple.receive(timeout=30) == ["greeted", "Ada"]

    async def ask() -> Any:
        async with neighbour.AsyncSimpleClient() as client:
            await client.connect(
                server.url, transports=["websocket"], socketio_path=path, wait_timeout=30
            )
            return await client.call("hello", "Ada", timeout=30)

    assert sorted(asyncio.run(ask())) == told


def test_any_number_of_packets(server: ServerProcess) -> None:
    """Whatever Payload.max_decode_packets has been set to."""
    path = "/elsewhere/" if server.lane == "another path" else "/socket.io/"
    client = SioClient(RawPolling.open(server.address, path))
    client.connect()
    client.engine.send(*(f'42{number}["hello","Ada"]' for number in range(40)))
    acks = [packet for packet in (client.recv() for _ in range(80)) if packet.id is not None]
    assert sorted(packet.id for packet in acks if packet.id is not None) == list(range(40))
    client.engine.leave()


# -- in this process -------------------------------------------------------------------------------


def test_a_manager_is_taken_for_its_address(app: Flask) -> None:
    for manager, url in (
        (
            neighbour.RedisManager("redis://broker.example", channel="mine"),
            "redis://broker.example",
        ),
        (neighbour.KombuManager("amqp://broker.example", channel="mine"), "amqp://broker.example"),
    ):
        socketio = SocketIO(app, client_manager=manager)
        queue = socketio.server_options["client_manager"]
        assert (queue.url, queue.channel) == (url, "mine")
    with pytest.raises(ValueError, match="has no URL; use message_queue="):
        SocketIO(app, client_manager=neighbour.Manager())


def test_what_is_not_python_socketios(app: Flask) -> None:
    class Room(neighbour.Namespace):  # type: ignore[misc]
        pass

    socketio = SocketIO(app)
    assert not isinstance(socketio.server, neighbour.Server)
    assert not issubclass(Namespace, neighbour.Namespace)
    with pytest.raises(ValueError, match="Not a namespace instance"):
        socketio.on_namespace(Room("/room"))  # type: ignore[arg-type]
    for name in ("on", "shutdown"):
        assert not hasattr(socketio.server, name)


def test_its_asgi_app_is_not_for_our_server(app: Flask) -> None:
    scope = {"type": "http", "method": "GET", "path": "/socket.io/", "query_string": b"EIO=4"}
    asgi_app = neighbour.ASGIApp(SocketIO(app).server)
    with pytest.raises(TypeError):
        asyncio.run(asgi_app(scope, None, None))


def test_its_packet_classes_are_no_serializer(app: Flask) -> None:
    with pytest.raises(ValueError, match="serializer must be 'default' or 'msgpack'"):
        SocketIO(app, serializer=neighbour.packet.Packet)


def test_an_overridden_handle_event_is_not_asked(app: Flask) -> None:
    app.config["SECRET_KEY"] = "secret!"

    class Overriding(SocketIO):
        def _handle_event(self, *args: Any) -> str:
            return "overridden"

    socketio = Overriding(app)
    socketio.on_event("x", lambda: "the handler's")
    assert socketio.test_client(app).emit("x", callback=True) == "the handler's"


def test_a_server_that_has_no_application_yet() -> None:
    answer: Any = neighbour.WSGIApp(SocketIO().server)
    with pytest.raises(RuntimeError, match=r"call init_app\(app\)"):
        answer({"PATH_INFO": "/socket.io/"}, None)


@pytest.fixture
def app() -> Flask:
    return Flask("app")
