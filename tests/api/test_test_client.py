"""The test client, as an application's own unit tests use it."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, request, session

from flask_socketio import (
    ConnectionRefusedError,
    SocketIO,
    SocketIOTestClient,
    emit,
    join_room,
    rooms,
    send,
)

app = Flask(__name__)
app.config["SECRET_KEY"] = "only a test"
socketio = SocketIO(app)
left: list[Any] = []


@app.get("/login")
def login() -> str:
    session["user"] = "somebody"
    return "in"


@app.get("/announce")
def announce() -> str:
    socketio.emit("announced", {"by": "a view"})
    return "done"


@socketio.on("connect")
def connect(auth: Any) -> bool | None:
    if auth == {"token": "wrong"}:
        raise ConnectionRefusedError("wrong token")
    if auth == {"token": "none"}:
        return False
    if auth == {"token": "broken"}:
        raise ZeroDivisionError
    emit("hello", [request.args.get("q"), request.headers.get("X-Test"), session.get("user")])
    return None


@socketio.on("disconnect")
def disconnected(reason: str) -> None:
    left.append((request.sid, reason))


@socketio.on("echo")
def echo(*args: Any) -> tuple[Any, ...]:
    emit("echoed", args)
    return args


@socketio.on("return")
def give(value: Any) -> Any:
    return value


@socketio.on("fail")
def fail() -> None:
    raise KeyError("of the handler")


@socketio.on("join")
def join(room: str) -> list[str]:
    join_room(room)
    return [str(name) for name in rooms()]


@socketio.on("tell")
def tell(room: str, text: str) -> None:
    emit("told", text, to=room)
    send(text, to=room, include_self=False)


@socketio.on("later")
async def later(value: int) -> int:
    emit("soon", value)
    return value + 1


@socketio.on("work")
def work() -> None:
    socketio.start_background_task(lambda: socketio.emit("worked", 1)).join()


@socketio.on("count", namespace="/other")
def count() -> int:
    session["count"] = session.get("count", 0) + 1
    return session["count"]


@pytest.fixture
def client() -> Iterator[SocketIOTestClient]:
    client = socketio.test_client(app)
    client.get_received()
    yield client
    if client.is_connected():
        client.disconnect()


def test_events_and_acks(client: SocketIOTestClient) -> None:
    assert client.emit("echo", 1, {"b": b"2"}, callback=True) == [1, {"b": b"2"}]
    assert client.get_received() == [{"name": "echoed", "args": [1, {"b": b"2"}], "namespace": "/"}]
    assert client.get_received() == []
    assert client.emit("return", "one", callback=True) == "one"
    assert client.emit("return", None, callback=True) == []
    assert client.emit("nobody", callback=True) is None
    assert client.emit("return", 1) is None


def test_json_goes_there_and_back(client: SocketIOTestClient) -> None:
    assert client.emit("return", {1: (2, 3)}, callback=True) == {"1": [2, 3]}
    with pytest.raises(TypeError, match="not JSON serializable"):
        client.emit("return", object())


def test_what_handlers_raise_comes_out_of_the_call(client: SocketIOTestClient) -> None:
    with pytest.raises(KeyError, match="of the handler"):
        client.emit("fail")
    assert client.emit("return", "still there", callback=True) == "still there"


@pytest.mark.parametrize("token", ["wrong", "none"])
def test_a_refused_client_is_not_connected(token: str) -> None:
    client = socketio.test_client(app, auth={"token": token})
    assert not client.is_connected()
    with pytest.raises(RuntimeError, match="not connected"):
        client.get_received()
    with pytest.raises(RuntimeError, match="not connected"):
        client.emit("return", 1)


def test_a_connect_handler_that_fails() -> None:
    with pytest.raises(ZeroDivisionError):
        socketio.test_client(app, auth={"token": "broken"})


def test_query_string_headers_and_cookies() -> None:
    browser = app.test_client()
    browser.get("/login")
    client = socketio.test_client(
        app, query_string="?q=1", headers={"X-Test": "t"}, flask_test_client=browser
    )
    assert client.get_received()[0]["args"] == [["1", "t", "somebody"]]


def test_clients_share_rooms_and_what_the_app_emits(client: SocketIOTestClient) -> None:
    other = socketio.test_client(app)
    other.get_received()
    assert len(client.emit("join", "r", callback=True)) == 2
    other.emit("join", "r")
    client.emit("tell", "r", "hi")
    assert client.get_received() == [{"name": "told", "args": ["hi"], "namespace": "/"}]
    assert other.get_received() == [
        {"name": "told", "args": ["hi"], "namespace": "/"},
        {"name": "message", "args": "hi", "namespace": "/"},
    ]
    app.test_client().get("/announce")
    for each in (client, other):
        assert [event["name"] for event in each.get_received()] == ["announced"]
    other.disconnect()
    socketio.emit("after", to="r")
    assert [event["name"] for event in client.get_received()] == ["after"]


def test_async_handlers_and_background_tasks(client: SocketIOTestClient) -> None:
    assert client.emit("later", 1, callback=True) == 2
    client.emit("work")
    assert [event["name"] for event in client.get_received()] == ["soon", "worked"]


def test_namespaces_and_the_session(client: SocketIOTestClient) -> None:
    assert not client.is_connected("/other")
    client.connect("/other")
    assert client.is_connected("/other")
    assert [client.emit("count", namespace="/other", callback=True) for _ in range(2)] == [1, 2]
    client.disconnect("/other")
    assert client.is_connected() and not client.is_connected("/other")


def test_disconnecting_runs_the_handler(client: SocketIOTestClient) -> None:
    left.clear()
    client.disconnect()
    assert [reason for _, reason in left] == ["client disconnect"]
    with pytest.raises(RuntimeError, match="not connected"):
        client.disconnect()


def test_send(client: SocketIOTestClient) -> None:
    seen: list[Any] = []
    socketio.on_event("json", seen.append)
    client.send({"a": 1}, json=True)
    assert seen == [{"a": 1}]
