"""`json=`, `serializer=`, `app.json` and `ack_errors=`."""

import enum
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from queue import Queue
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import flask.json
import orjson
import pytest
from flask import Flask
from flask.json.provider import DefaultJSONProvider, JSONProvider
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from flask_socketio import SocketIO, SocketIOTestClient
from flask_socketio.handling.codec import JsonModule
from flask_socketio.protocol.errors import SocketProtocolError
from tests.kit.neighbour import OrderedClient
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("codec_app.py")
VALUES: list[Any] = [
    None,
    1,
    -1.5,
    "ü€😀",
    [1, [2]],
    {"a": {"b": [True]}},
    b"\0\xff",
    {"x": [b"1", b"2"]},
]


def serve(**options: Any) -> ServerProcess:
    return ServerProcess.script(APP, {"OPTIONS": json.dumps(options)})


@pytest.fixture(scope="module")
def msgpack_server() -> Iterator[ServerProcess]:
    with serve(serializer="msgpack") as server:
        yield server


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_msgpack(msgpack_server: ServerProcess, transport: str) -> None:
    received: Queue[Any] = Queue()
    client = OrderedClient(serializer="msgpack")
    client.on("echoed", lambda *args: received.put(args))
    client.on("told", received.put)
    client.connect(msgpack_server.url, transports=[transport])
    for value in VALUES:
        assert client.call("echo", (value, "and"), timeout=10) == (value, "and")
        assert received.get(timeout=10) == (value, "and")
    assert msgpack_server.get_json("/tell") is True
    assert received.get(timeout=10) == {"blob": b"\0\1"}
    client.disconnect()


def test_a_client_without_msgpack_is_told_in_the_log(msgpack_server: ServerProcess) -> None:
    url = msgpack_server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    with connect(url) as websocket:
        websocket.recv(timeout=10)
        websocket.send("40")
        with pytest.raises(ConnectionClosedError) as closed:
            websocket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1002
    msgpack_server.wait_for_log(re.compile("the client needs the same parser"), 10)


def test_msgpack_refuses_what_is_no_packet() -> None:
    import msgpack

    from flask_socketio.protocol.errors import SocketProtocolError
    from flask_socketio.protocol.msgpack import MsgpackCodec

    decoder = MsgpackCodec().decoder(10)
    good = {"type": 2, "nsp": "/", "data": ["a"]}
    decoded = decoder.feed_binary(msgpack.packb(good))
    assert decoded is not None
    assert decoded.data == ["a"]
    for bad in (
        [],
        1,
        {},
        {**good, "type": 5},
        {**good, "type": True},
        {**good, "nsp": 1},
        {**good, "id": "1"},
        {**good, "data": []},
        {**good, "data": ["connect"]},
        {**good, "data": [1]},
        {**good, "type": 3},
    ):
        with pytest.raises(SocketProtocolError):
            decoder.feed_binary(msgpack.packb(bad))
    for garbage in (
        b"",
        b"\xc1",
        msgpack.packb(good)[:-1],
        msgpack.packb(good) + b"\0",
        b"\x91" * 5000,
    ):
        with pytest.raises(SocketProtocolError):
            decoder.feed_binary(garbage)


def make(app: Flask, **options: Any) -> tuple[SocketIO, SocketIOTestClient]:
    socketio = SocketIO(app, **options)
    socketio.on("echo")(lambda *args: args)
    return socketio, socketio.test_client(app)


def received_of(app: Flask, value: Any, **options: Any) -> Any:
    socketio, client = make(app, **options)
    socketio.emit("value", value)
    return client.get_received()[0]["args"][0]


AT = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [AT, Decimal("1.50"), UUID(int=7), {"deep": [AT]}],
    ids=["datetime", "Decimal", "UUID", "nested"],
)
def test_what_jsonify_knows_is_emitted_in_the_same_form(value: Any) -> None:
    app = Flask(__name__)
    with app.app_context():
        expected = json.loads(flask.json.dumps(value))
    assert received_of(app, value) == expected
    assert received_of(app, value, json=flask.json) == expected


class Color(enum.Enum):
    RED = "#f00"
    BLUE = "#00f"


class Shape(enum.Enum):
    ROUND = "o"


@pytest.mark.parametrize("company", [[], [b"1"], [2**64], [{1: 2}], [Decimal("1.5")]], ids=str)
def test_a_provider_with_its_own_forms_of_what_orjson_knows(company: list[Any]) -> None:
    """As `jsonify`, whichever encoder the rest of the payload needs."""

    class Provider(DefaultJSONProvider):
        @staticmethod
        def default(o: Any) -> Any:
            if isinstance(o, Color):
                return o.name
            return o.hex if isinstance(o, UUID) else DefaultJSONProvider.default(o)

    app = Flask(__name__)
    app.json = Provider(app)
    received = received_of(app, [Color.RED, {"a": UUID(int=7)}, Shape.ROUND, company])
    assert received[:3] == ["RED", {"a": UUID(int=7).hex}, "o"]


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents


def test_a_provider_with_its_own_default() -> None:
    class Provider(DefaultJSONProvider):
        @staticmethod
        def default(o: Any) -> Any:
            return (
                f"{o.cents / 100:.2f}" if isinstance(o, Money) else DefaultJSONProvider.default(o)
            )

    app = Flask(__name__)
    socketio, client = make(app)
    with pytest.raises(TypeError, match="Money"):
        socketio.emit("value", Money(150))
    app.json = Provider(app)  # also after the extension was made
    socketio.emit("value", {"price": Money(150), "blob": b"1"})
    assert client.get_received()[0]["args"] == [{"price": "1.50", "blob": b"1"}]


def test_a_provider_with_its_own_dumps_and_loads() -> None:
    class Provider(JSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return json.dumps(obj, **kwargs).replace("apple", "pear")

        def loads(self, s: str | bytes, **kwargs: Any) -> Any:
            return json.loads(s, parse_float=Decimal, **kwargs)

    app = Flask(__name__)
    app.json = Provider(app)
    seen: list[Any] = []
    socketio, client = make(app)
    socketio.on("see")(seen.append)
    client.emit("see", 1.5)
    socketio.emit("value", "an apple", b"1")
    assert seen == [Decimal("1.5")]
    assert client.get_received()[0]["args"] == ["an pear", b"1"]


@pytest.mark.parametrize("module", [json, orjson], ids=["json", "orjson"])
def test_a_module(module: Any) -> None:
    assert received_of(Flask(__name__), [1, {"a": b"2"}, "ü"], json=module) == [1, {"a": b"2"}, "ü"]


@pytest.mark.parametrize("value", [float("nan"), [float("-inf")], {"NaN": [float("nan")]}])
def test_what_a_module_writes_is_json(value: Any) -> None:
    """The standard library writes tokens for these which a JavaScript client does not survive."""
    socketio, client = make(Flask(__name__), json=json)
    with pytest.raises(TypeError, match="not JSON"):
        socketio.emit("value", value)
    socketio.emit("value", ["NaN", {"Infinity": 1}])
    assert client.get_received()[0]["args"] == [["NaN", {"Infinity": 1}]]


def test_what_looks_like_an_attachment_is_none_for_a_module_either() -> None:
    socketio, _ = make(Flask(__name__), json=json)
    with pytest.raises(TypeError, match="_placeholder"):
        socketio.emit("value", [b"1", {"_placeholder": True, "num": 0}])


@pytest.mark.parametrize("text", ["9" * 5000, "[" * 100_000, "{", '"\\x"'], ids=len)
def test_what_a_module_does_not_read_is_the_clients_mistake(text: str) -> None:
    with pytest.raises(SocketProtocolError):
        JsonModule(json).loads(text)


def test_a_module_of_the_applications() -> None:
    calls: list[str] = []

    def dumps(value: Any, **options: Any) -> str:
        calls.append("dumps")
        return json.dumps(value, **options)

    def loads(text: str) -> Any:
        calls.append("loads")
        return json.loads(text)

    app = Flask(__name__)
    _, client = make(app, json=SimpleNamespace(dumps=dumps, loads=loads))
    calls.clear()
    assert client.emit("echo", [1], callback=True) == [1]
    assert calls == ["dumps", "loads"] * 2
    with pytest.raises(TypeError, match="not JSON serializable"):
        client.emit("echo", object())


def test_what_is_not_a_module() -> None:
    with pytest.raises(ValueError, match=r"has no dumps\(\)"):
        SocketIO(Flask(__name__), json="json")
    with pytest.raises(ValueError, match="serializer must be 'default' or 'msgpack', not 'pickle'"):
        SocketIO(Flask(__name__), serializer="pickle")


def test_what_the_module_refuses_closes_the_connection() -> None:
    def loads(text: str) -> Any:
        raise KeyError("no")

    app = Flask(__name__)
    with pytest.raises(RuntimeError, match="would close"):
        SocketIO(app, json=SimpleNamespace(dumps=json.dumps, loads=loads)).test_client(app, auth={})


def test_ack_errors() -> None:
    with serve(ack_errors=True) as server:
        server.allow_traceback("an error of nobody's")
        client = OrderedClient()
        client.connect(server.url, transports=["websocket"])
        failed = {"error": "the handler of this event failed"}
        assert client.call("fails", timeout=10) == failed
        assert client.call("unanswerable", timeout=10) == failed
        assert client.call("nobody's", timeout=10) == {"error": "no handler for this event"}
        assert client.call("echo", 1, timeout=10) == 1
        client.disconnect()
