"""What packages read of an instance, and what they override (section 2 of the API)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.test import Client

from flask_socketio import Namespace, SocketIO, emit, send


def handler(*args: Any) -> tuple[Any, ...]:
    return args


class Room(Namespace):
    def on_echo(self, value: Any) -> Any:
        self.emit("x", value)
        self.send(value)
        return value


def test_what_has_been_registered(app: Flask) -> None:
    socketio = SocketIO()
    assert socketio.handlers == []
    assert socketio.namespace_handlers == []
    assert socketio.exception_handlers == {}
    assert socketio.default_exception_handler is None
    room = Room("/room")
    socketio.on("a")(handler)
    socketio.on_event("b", handler, namespace="/n")
    socketio.event(handler)
    socketio.on("a", namespace="/n")(handler)
    socketio.on_namespace(room)
    for _ in range(2):
        found = [(event, inspect.unwrap(f), where) for event, f, where in socketio.handlers]
        assert found == [
            ("a", handler, "/"),
            ("b", handler, "/n"),
            ("handler", handler, "/"),
            ("a", handler, "/n"),
        ]
        assert [f.__name__ for _, f, _ in socketio.handlers] == ["handler"] * 4
        assert socketio.namespace_handlers == [room]
        socketio.init_app(app)


def test_error_handlers_are_seen_and_set(app: Flask, socketio: SocketIO) -> None:
    def on_error(error: Exception) -> str:
        return f"one: {error!r}"

    def on_other_error(error: Exception) -> str:
        return f"other: {error!r}"

    def fail() -> None:
        raise LookupError

    socketio.on_error("/n")(on_error)
    assert socketio.exception_handlers == {"/n": on_error}
    socketio.on_error_default(on_error)
    assert socketio.default_exception_handler is on_error
    for namespace in ("/", "/n"):
        socketio.on_event("fail", fail, namespace)
    client = socketio.test_client(app)
    client.connect("/n")
    socketio.default_exception_handler = on_other_error
    assert client.emit("fail", callback=True) == "other: LookupError()"
    assert client.emit("fail", namespace="/n", callback=True) == "one: LookupError()"
    del socketio.exception_handlers["/n"]
    assert client.emit("fail", namespace="/n", callback=True) == "other: LookupError()"


@pytest.mark.parametrize("path", ["socket.io", "/other"])
def test_the_middleware(app: Flask, path: str) -> None:
    @app.get("/")
    def page() -> str:
        return str(request.environ.get("seen by"))

    socketio = SocketIO(app, path=path)
    middleware = socketio.sockio_mw
    assert middleware.engineio_path == "/" + path.strip("/") + "/"
    assert middleware.flask_app is app
    assert middleware.engineio_app is socketio.server
    inner = middleware.wsgi_app

    def around(environ: dict[str, Any], start_response: Any) -> Any:
        environ["seen by"] = "what was put around it"
        return inner(environ, start_response)

    assert app.test_client().get("/").text == "None"
    middleware.wsgi_app = around
    assert app.test_client().get("/").text == "what was put around it"
    # It is also what some give to their WSGI server.
    assert Client(middleware).get("/").text == "what was put around it"
    assert Client(middleware).get(middleware.engineio_path).status_code == 400


def test_there_is_no_middleware_before_init_app() -> None:
    assert not hasattr(SocketIO(), "sockio_mw")


# -- overriding ------------------------------------------------------------------------------------


class Overriding(SocketIO):
    """Overrides what it can, in the ways in which the original may be overridden."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.seen: list[str] = []
        super().__init__(*args, **kwargs)

    def init_app(self, app: Any, **kwargs: Any) -> None:
        self.seen.append("init_app")
        super().init_app(app, **{"ping_timeout": 7, **kwargs})

    def on(self, message: str, namespace: str | None = None) -> Callable[[Any], Any]:
        self.seen.append(f"on {message}")
        return super().on(f"{message}!", namespace)

    def on_namespace(self, namespace_handler: Namespace) -> None:
        self.seen.append("on_namespace")
        super().on_namespace(namespace_handler)

    def emit(self, event: str, *args: Any, **kwargs: Any) -> None:
        self.seen.append(f"emit {event}")
        kwargs = {name: value for name, value in kwargs.items() if name in ("to", "namespace")}
        self.server.emit(event, {"wrapped": args}, **kwargs)

    def send(self, data: Any, *args: Any, **kwargs: Any) -> None:
        self.seen.append("send")
        super().send(data, *args, **kwargs)

    def close_room(self, room: Any, namespace: str | None = None) -> None:
        self.seen.append("close_room")
        self.server.close_room(room, namespace)

    def sleep(self, seconds: float = 0) -> None:
        self.seen.append("sleep")
        self.server.sleep(seconds)

    def start_background_task(self, target: Any, *args: Any, **kwargs: Any) -> Any:
        self.seen.append("start_background_task")
        return self.server.start_background_task(target, *args, **kwargs)


@pytest.mark.parametrize("early", [True, False])
def test_overridden_methods_are_called(app: Flask, early: bool) -> None:
    socketio = Overriding(app) if early else Overriding()

    @socketio.event
    def named() -> None:
        emit("x", 1)
        send("y")

    socketio.on_event("plain", lambda: "plain")
    socketio.on_namespace(Room("/room"))
    if not early:
        socketio.init_app(app)
    assert socketio.server_options["ping_timeout"] == 7
    client = socketio.test_client(app)
    assert client.emit("plain!", callback=True) == "plain"
    assert client.emit("plain", callback=True) is None
    client.emit("named!")
    assert [event["args"] for event in client.get_received()] == [
        [{"wrapped": [1]}],
        {"wrapped": ["y"]},
    ]
    client.connect("/room")
    assert client.emit("echo", 1, namespace="/room", callback=True) == 1
    socketio.close_room("a")
    socketio.sleep()
    socketio.start_background_task(lambda: None).join()
    before = ["init_app"] if early else []
    after = [] if early else ["init_app"]
    assert socketio.seen == [
        *before, "on named", "on plain", "on_namespace", *after,
        *(2 * ["emit x", "send", "emit message"]), "close_room", "sleep", "start_background_task",
    ]  # fmt: skip


def test_overridden_methods_may_call_each_other(app: Flask) -> None:
    class Prefixing(SocketIO):
        def on_event(self, message: str, handler: Any, namespace: str | None = None) -> None:
            self.on(f"prefix {message}", namespace)(handler)

    socketio = Prefixing(app)
    socketio.on_event("a", lambda: 1)
    assert socketio.test_client(app).emit("prefix a", callback=True) == 1
