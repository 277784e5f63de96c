"""Registering handlers, and what they run in (sections 3 to 5, 9 and 10 of the API)."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from flask import Flask, current_app, g, request, session

from flask_socketio import ConnectionRefusedError, Namespace, SocketIO, emit, join_room, rooms


def test_decorators_return_the_function_and_stack(app: Flask, socketio: SocketIO) -> None:
    @socketio.on("a")
    @socketio.on("b", namespace="/b")
    @socketio.event
    def plain(*args: Any) -> int:
        return len(args)

    assert plain(1, 2) == 2
    client = socketio.test_client(app)
    client.connect("/b")
    assert client.emit("a", 1, callback=True) == 1
    assert client.emit("b", 1, 2, namespace="/b", callback=True) == 2
    assert client.emit("plain", callback=True) == 0
    assert client.emit("b", callback=True) is None


def test_event_with_a_namespace_and_on_event(app: Flask, socketio: SocketIO) -> None:
    @socketio.event(namespace="/x")
    def named() -> str:
        return request.namespace  # type: ignore[attr-defined]

    assert socketio.on_event("plain", lambda: 1) is None  # type: ignore[func-returns-value]
    client = socketio.test_client(app, "/x")
    assert client.emit("named", namespace="/x", callback=True) == "/x"
    client.connect("/")
    assert client.emit("plain", callback=True) == 1


def test_the_last_registration_counts(app: Flask, socketio: SocketIO) -> None:
    socketio.on_event("a", lambda: 1)
    socketio.on_event("a", lambda: 2)
    assert socketio.test_client(app).emit("a", callback=True) == 2


def test_handlers_registered_before_init_app(app: Flask) -> None:
    socketio = SocketIO()
    socketio.on_event("a", lambda: 1)
    socketio.init_app(app)
    assert app.extensions["socketio"] is socketio
    assert socketio.test_client(app).emit("a", callback=True) == 1


def test_what_cannot_be_registered(socketio: SocketIO) -> None:
    with pytest.raises(ValueError, match="Not a namespace instance"):
        socketio.on_namespace(object())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="exception_handler must be callable"):
        socketio.on_error()(1)  # type: ignore[type-var]
    with pytest.raises(ValueError, match="exception_handler must be callable"):
        socketio.on_error_default(1)  # type: ignore[type-var]


def test_the_most_specific_handler_is_chosen(app: Flask, socketio: SocketIO) -> None:
    class Everything(Namespace):
        def on_one(self) -> str:
            return "class"

        def on_two(self) -> str:
            return "class"

    socketio.on_event("one", lambda: "function", "/")
    socketio.on_namespace(Everything("/"))
    socketio.on_event("three", lambda: "any namespace", "*")
    client = socketio.test_client(app)
    assert client.emit("one", callback=True) == "function"
    assert client.emit("two", callback=True) == "class"
    assert client.emit("three", callback=True) == "any namespace"
    socketio.on_event("*", lambda event, *args: [event, *args], "/")
    assert client.emit("one", callback=True) == "function"
    assert client.emit("four", 1, callback=True) == ["four", 1]


@pytest.mark.ours('on("*", namespace="*"): a catch-all of all namespaces')
def test_the_catch_all_of_all_namespaces(app: Flask, socketio: SocketIO) -> None:
    socketio.on_event("*", lambda event, *args: [event, *args, request.namespace], "*")  # type: ignore[attr-defined]
    client = socketio.test_client(app, "/any")
    assert client.emit("x", 1, namespace="/any", callback=True) == ["x", 1, "/any"]


def test_what_a_handler_runs_in(app: Flask, socketio: SocketIO) -> None:
    seen: list[Any] = []
    before: list[int] = []
    app.before_request(lambda: before.append(1))

    @socketio.on("look", namespace="/n")
    def look(*args: Any) -> None:
        seen.append(
            (
                current_app.name == app.name,
                request.path,
                request.method,
                request.args["a"],
                request.headers["X-Y"],
                request.event,  # type: ignore[attr-defined]
                request.namespace,  # type: ignore[attr-defined]
                len(request.sid),  # type: ignore[attr-defined]
                g.get("once"),
                session.get("count", 0),
            )
        )
        g.once = True
        session["count"] = session.get("count", 0) + 1

    client = socketio.test_client(app, "/n", query_string="a=1", headers={"X-Y": "z"})
    client.emit("look", 1, "two", namespace="/n")
    client.emit("look", namespace="/n")
    common = (True, "/socket.io", "GET", "1", "z")
    assert [(*item[:1], item[1].rstrip("/"), *item[2:5]) for item in seen] == [common, common]
    assert [item[5:] for item in seen] == [
        ({"message": "look", "args": (1, "two")}, "/n", 20, None, 0),
        ({"message": "look", "args": ()}, "/n", 20, None, 1),
    ]
    assert before == []


def test_the_events_of_a_connections_life(app: Flask, socketio: SocketIO) -> None:
    seen: list[Any] = []

    @socketio.on("connect")
    def connect(auth: Any) -> None:
        event = request.event  # type: ignore[attr-defined]
        seen.append((auth, event["message"], len(event["args"])))
        join_room("hall")

    @socketio.on("disconnect")
    def disconnect(reason: str) -> None:
        event = request.event  # type: ignore[attr-defined]
        seen.append((reason, event["message"], event["args"], len(rooms())))

    client = socketio.test_client(app, auth={"a": 1})
    client.disconnect()
    reason = socketio.reason.CLIENT_DISCONNECT
    assert seen == [({"a": 1}, "connect", 2), (reason, "disconnect", (reason,), 2)]


@pytest.mark.parametrize("kind", ["function", "class"])
def test_connect_and_disconnect_need_no_argument(app: Flask, socketio: SocketIO, kind: str) -> None:
    seen: list[str] = []

    class Plain(Namespace):
        def on_connect(self) -> None:
            seen.append("connect")

        def on_disconnect(self) -> None:
            seen.append("disconnect")

    if kind == "class":
        socketio.on_namespace(Plain("/"))
    else:
        socketio.on_event("connect", lambda: seen.append("connect"))
        socketio.on_event("disconnect", lambda: seen.append("disconnect"))
    socketio.test_client(app).disconnect()
    assert seen == ["connect", "disconnect"]


@pytest.mark.parametrize(
    "refuse",
    [
        lambda: False,
        lambda: _raise(ConnectionRefusedError("no")),
        lambda: _raise(ConnectionRefusedError()),
    ],
    ids=["False", "with a message", "without"],
)
def test_refused(app: Flask, socketio: SocketIO, refuse: Any) -> None:
    socketio.on_event("connect", refuse)
    assert not socketio.test_client(app).is_connected()


@pytest.mark.parametrize("value", [None, True, 0, "", []])
def test_accepted(app: Flask, socketio: SocketIO, value: Any) -> None:
    socketio.on_event("connect", lambda: value)
    assert socketio.test_client(app).is_connected()


@pytest.mark.ours("an error handler, or a class's error(), for a connect handler's exception")
def test_an_error_handler_lets_nobody_in(app: Flask, socketio: SocketIO) -> None:
    errors: list[str] = []
    socketio.on_error()(lambda error: errors.append(str(error)))
    socketio.on_event("connect", lambda: _raise(ValueError("broken")))
    assert not socketio.test_client(app).is_connected()
    assert errors == ["broken"]


@pytest.mark.ours("a TypeError in a connect or disconnect handler")
def test_no_handler_runs_twice(app: Flask, socketio: SocketIO) -> None:
    calls: list[Any] = []

    def connect(auth: Any = None) -> None:
        calls.append(auth)
        raise TypeError("of its own")

    socketio.on_event("connect", connect)
    with pytest.raises(TypeError, match="of its own"):
        socketio.test_client(app, auth={"a": 1})
    assert calls == [{"a": 1}]


def test_error_handlers(app: Flask, socketio: SocketIO) -> None:
    @socketio.on_error()
    def for_the_default_namespace(error: Exception) -> str:
        return f"{type(error).__name__} of {request.event['message']}"  # type: ignore[attr-defined]

    @socketio.on_error_default
    def for_others(error: Exception) -> str:
        return "default"

    for namespace in ("/", "/other"):
        socketio.on_event("fail", lambda: 1 / 0, namespace)
    client = socketio.test_client(app)
    client.connect("/other")
    assert client.emit("fail", callback=True) == "ZeroDivisionError of fail"
    assert client.emit("fail", namespace="/other", callback=True) == "default"


def test_an_exception_that_nobody_handles_reaches_the_test(app: Flask, socketio: SocketIO) -> None:
    socketio.on_event("fail", lambda: 1 / 0)
    client = socketio.test_client(app)
    with pytest.raises(ZeroDivisionError):
        client.emit("fail")
    assert client.is_connected()


def test_class_namespaces(app: Flask, socketio: SocketIO) -> None:
    class Game(Namespace):
        triggered: list[Any] = []  # noqa: RUF012

        def on_connect(self, auth: Any) -> None:
            self.token = auth["token"]

        def on_move(self, x: int, y: int) -> tuple[int, int, str]:
            return y, x, self.token

        def on_tell(self) -> None:
            self.emit("told", {"a": 1})
            self.send("text")
            emit("own", self.namespace)

        def on_fail(self) -> None:
            raise KeyError("x")

        def error(self, exc: Exception) -> str:
            return type(exc).__name__

        def trigger_event(self, event: str, *args: Any) -> Any:
            self.triggered.append((event, len(args)))
            return super().trigger_event(event, *args)

    game = Game("/game")
    socketio.on_namespace(game)
    assert (game.namespace, game.socketio, Namespace().namespace) == ("/game", socketio, "/")
    one = socketio.test_client(app, "/game", auth={"token": "t"})
    two = socketio.test_client(app, "/game", auth={"token": "t"})
    assert one.emit("move", 1, 2, namespace="/game", callback=True) == [2, 1, "t"]
    one.emit("tell", namespace="/game")
    assert [e["name"] for e in one.get_received("/game")] == ["told", "message", "own"]
    assert [e["name"] for e in two.get_received("/game")] == ["told", "message"]
    assert one.emit("fail", namespace="/game", callback=True) == "KeyError"
    assert Game.triggered == [("connect", 3), ("connect", 3), ("move", 3), ("tell", 1), ("fail", 1)]


def test_subclasses_of_the_extension_see_every_emit(app: Flask) -> None:
    class Recording(SocketIO):
        emitted: list[str] = []  # noqa: RUF012

        def emit(self, event: str, *args: Any, **kwargs: Any) -> None:
            self.emitted.append(event)
            super().emit(event, *args, **kwargs)

    socketio = Recording(app)
    socketio.on_event("a", lambda: emit("b"))
    socketio.test_client(app).emit("a")
    socketio.send("text")
    assert Recording.emitted == ["b", "message"]


def test_managed_sessions(app: Flask, socketio: SocketIO) -> None:
    def count() -> int:
        session["count"] = session.get("count", 0) + 1
        return session["count"]

    @app.get("/")
    def page() -> str:
        session["count"] = 10
        return ""

    socketio.on_event("count", count)
    socketio.on_event("count", count, "/b")
    web = app.test_client()
    web.get("/")
    client = socketio.test_client(app, flask_test_client=web)
    assert [client.emit("count", callback=True) for _ in range(2)] == [11, 12]
    other = socketio.test_client(app, flask_test_client=web)
    assert other.emit("count", callback=True) == 11
    environ = socketio.server.environ[client.eio_sid]
    assert environ["saved_session"] == {"count": 12}


@pytest.mark.ours("unknown arguments")
def test_unknown_options_are_warned_of(app: Flask) -> None:
    with pytest.warns(UserWarning, match="has no option 'pnig_interval'"):
        SocketIO(app, pnig_interval=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SocketIO(app, ping_interval=1, async_handlers=True, logger=False)


def _raise(error: Exception) -> None:
    raise error
