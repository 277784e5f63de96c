"""Calling handlers: decorators between them and us, which of several is called, registrations that miss something."""

from __future__ import annotations

import builtins
import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, Response, copy_current_request_context, redirect, request

from flask_socketio import ConnectionRefusedError, Namespace, SocketIO

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]


# Decorators around connect and disconnect handlers. `seen` gets what ran, in this order.


def plain(function: Function) -> Function:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def wraps(function: Function) -> Function:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def two_layers(function: Function) -> Function:
    return plain(wraps(plain(function)))


def in_a_block(function: Function) -> Function:
    def wrapper(*args: Any) -> Any:
        with contextlib.ExitStack():
            try:
                return function(*args)
            finally:
                request.sid  # type: ignore[attr-defined]  # noqa: B018

    return wrapper


class Decorating:
    def __init__(self, function: Function) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


def context_decorator(function: Function) -> Function:
    @contextlib.contextmanager
    def block() -> Iterator[None]:
        yield

    return block()(function)


def keeps_the_context(function: Function) -> Function:
    return lambda *args: copy_current_request_context(function)(*args)


def cached(function: Function) -> Function:
    return functools.lru_cache(maxsize=0)(function)


def with_a_list(function: Function) -> Function:
    """Known only from what functools.wraps says to be a wrapper that passes something on."""

    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        values = list(args)
        return function(*values)

    return wrapper


HIDING: list[Decorator] = [
    plain,
    wraps,
    two_layers,
    in_a_block,
    Decorating,
    context_decorator,
    keeps_the_context,
    cached,
    with_a_list,
    lambda function: functools.partial(plain(function)),
]


@pytest.mark.parametrize("decorate", HIDING, ids=lambda item: item.__name__)
@pytest.mark.parametrize("auth", [None, {"a": 1}])
def test_decorators_that_hide_the_signature(
    app: Flask, socketio: SocketIO, decorate: Decorator, auth: Any
) -> None:
    seen: list[Any] = []

    def connect() -> None:
        seen.append("connect")

    def disconnect() -> None:
        seen.append("disconnect")

    socketio.on_event("connect", decorate(connect))
    socketio.on_event("disconnect", decorate(disconnect))
    for _ in range(3):
        socketio.test_client(app, auth=auth).disconnect()
    assert seen == ["connect", "disconnect"] * 3


@pytest.mark.parametrize("decorate", HIDING, ids=lambda item: item.__name__)
def test_decorated_handlers_get_what_they_take(
    app: Flask, socketio: SocketIO, decorate: Decorator
) -> None:
    seen: list[Any] = []

    def connect(auth: Any) -> None:
        seen.append(auth)

    def disconnect(reason: str) -> None:
        seen.append(reason)

    socketio.on_event("connect", decorate(connect))
    socketio.on_event("disconnect", decorate(disconnect))
    for _ in range(2):
        socketio.test_client(app, auth={"a": 1}).disconnect()
    assert seen == [{"a": 1}, "client disconnect"] * 2


@pytest.mark.parametrize("decorate", [plain, wraps, two_layers], ids=lambda item: item.__name__)
@pytest.mark.parametrize("own_trigger", [False, True])
def test_decorated_methods(
    app: Flask, socketio: SocketIO, decorate: Decorator, own_trigger: bool
) -> None:
    seen: list[Any] = []

    class Plain(Namespace):
        @decorate
        def on_connect(self) -> None:
            seen.append("connect")

        @decorate
        def on_disconnect(self) -> None:
            seen.append("disconnect")

    class Own(Plain):
        def trigger_event(self, event: str, *args: Any) -> Any:
            return super().trigger_event(event, *args)

    socketio.on_namespace((Own if own_trigger else Plain)("/"))
    for _ in range(2):
        socketio.test_client(app, auth={"a": 1}).disconnect()
    assert seen == ["connect", "disconnect"] * 2


@pytest.mark.parametrize("wrap", [functools.wraps, lambda function: lambda wrapper: wrapper])
def test_a_decorator_that_adds_an_argument(app: Flask, socketio: SocketIO, wrap: Any) -> None:
    seen: list[Any] = []

    def with_database(function: Function) -> Function:
        @wrap(function)
        def wrapper(*args: Any) -> Any:
            return function("database", *args)

        return wrapper

    @socketio.on("connect")
    @with_database
    def connect(database: str) -> None:
        seen.append(database)

    @socketio.on("connect", namespace="/auth")
    @with_database
    def connect_with_auth(database: str, auth: Any) -> None:
        seen.append((database, auth))

    socketio.test_client(app, auth={"a": 1})
    socketio.test_client(app, "/auth", auth={"a": 1})
    assert seen == ["database", ("database", {"a": 1})]


@pytest.mark.parametrize("kind", ["named", "any"])
def test_a_decorator_that_takes_the_argument(app: Flask, socketio: SocketIO, kind: str) -> None:
    """What it wraps takes none, which says nothing about itself."""

    def token_required(function: Function) -> Function:
        @functools.wraps(function)
        def named(auth: Any) -> Any:
            return function() if auth == {"token": 1} else False

        @functools.wraps(function)
        def any_number(*args: Any) -> Any:
            return function() if args and args[0] == {"token": 1} else False

        return named if kind == "named" else any_number

    socketio.on_event("connect", token_required(lambda: None))
    assert socketio.test_client(app, auth={"token": 1}).is_connected()
    assert not socketio.test_client(app, auth={"token": 2}).is_connected()


def helper() -> None: ...


def bodies(ran: list[str]) -> dict[str, Function]:
    """Handlers that fail with a TypeError after they have begun."""

    def calls_with_too_many(*args: Any) -> None:
        ran.append("body")
        values = (1, 2)
        helper(*values)  # type: ignore[call-arg]

    def calls_with_one_too_many(*args: Any) -> None:
        ran.append("body")
        helper(args)  # type: ignore[call-arg]

    def passes_on_to_c(*args: Any) -> None:
        ran.append("body")
        sum(*args)  # of what is no number

    def says_so(*args: Any) -> None:
        ran.append("body")
        raise TypeError("says_so() takes 0 positional arguments but 1 was given")

    def with_a_signature(auth: Any) -> None:
        ran.append("body")
        values = (auth,)
        helper(*values)  # type: ignore[call-arg]

    def without_arguments() -> None:
        ran.append("body")
        without_arguments(1)  # type: ignore[call-arg]

    def calls_itself(auth: Any = None) -> None:
        ran.append("body")
        calls_itself(auth, auth)  # type: ignore[call-arg]

    found = locals()
    return {name: body for name, body in found.items() if callable(body)}


@pytest.mark.ours("a TypeError in a connect or disconnect handler")
@pytest.mark.parametrize("decorate", [lambda body: body, plain, wraps, with_a_list])
@pytest.mark.parametrize("name", bodies([]))
def test_a_body_that_has_begun_never_runs_again(
    app: Flask, socketio: SocketIO, decorate: Decorator, name: str
) -> None:
    ran: list[str] = []
    socketio.on_event("connect", decorate(bodies(ran)[name]))
    with pytest.raises(TypeError):
        socketio.test_client(app, auth={"a": 1})
    assert ran == ["body"]


@pytest.mark.ours("a TypeError in a connect or disconnect handler")
@pytest.mark.parametrize("kind", ["function", "method", "trigger"])
def test_what_a_decorator_wraps_is_remembered(app: Flask, socketio: SocketIO, kind: str) -> None:
    given: list[int] = []

    def counting(function: Function) -> Function:
        def wrapper(*args: Any) -> Any:
            given.append(len(args))
            return function(*args)

        return wrapper

    class Plain(Namespace):
        @counting
        def on_connect(self) -> None: ...

    class Own(Namespace):
        @counting
        def trigger_event(self, event: str, *args: Any) -> Any:
            return getattr(self, event)(*args[2:])

        def connect(self) -> None: ...

    if kind == "function":
        socketio.on_event("connect", counting(lambda: None))
    else:
        socketio.on_namespace((Plain if kind == "method" else Own)("/"))
    for _ in range(3):
        assert socketio.test_client(app, auth={"a": 1}).is_connected()
    few = {"function": 0, "method": 1, "trigger": 4}[kind]
    assert given == [few + 1, few, few, few]


def test_a_refusal_behind_a_decorator_refuses(app: Flask, socketio: SocketIO) -> None:
    @socketio.on("connect")
    @plain
    def connect() -> None:
        raise ConnectionRefusedError("members only")

    for _ in range(2):
        assert not socketio.test_client(app).is_connected()


# What a handler raises


def test_an_error_handler_gets_a_refused_connection_of_the_handlers_own(
    app: Flask, socketio: SocketIO
) -> None:
    """The builtin ConnectionRefusedError, of a database that is down say, is an error like others in an event."""
    errors: list[str] = []

    @socketio.on("fail")
    def fail() -> None:
        raise ConnectionResetError if not errors else builtins.ConnectionRefusedError

    @socketio.on_error()
    def on_error(error: Exception) -> None:
        errors.append(type(error).__name__)

    client = socketio.test_client(app)
    client.emit("fail")
    client.emit("fail")
    assert errors == ["ConnectionResetError", "ConnectionRefusedError"]


class LibraryTimeout(BaseException):
    """As gevent's and eventlet's."""


@pytest.mark.parametrize("kind", [LibraryTimeout, SystemExit, GeneratorExit])
def test_what_is_no_exception_reaches_the_test(
    app: Flask, socketio: SocketIO, kind: type[BaseException]
) -> None:
    errors: list[BaseException] = []

    @socketio.on("fail")
    def fail() -> None:
        raise kind

    socketio.on_error_default(errors.append)
    socketio.on_event("ping", lambda: "pong")
    client = socketio.test_client(app)
    with pytest.raises(kind):
        client.emit("fail")
    assert errors == []
    assert client.emit("ping", callback=True) == "pong"


# What a connect handler returns


VIEWS_ANSWERS: dict[str, Callable[[], Any]] = {
    "redirect": lambda: redirect("/login"),
    "response": lambda: Response("no", 401),
    "with a status": lambda: (Response("no"), 401),
}


@pytest.mark.ours("a connect handler that returns a Response (a decorator made for views)")
@pytest.mark.parametrize("kind", VIEWS_ANSWERS)
def test_the_answer_of_a_view_refuses(
    app: Flask, socketio: SocketIO, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    def login_required(function: Function) -> Function:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return VIEWS_ANSWERS[kind]()

        return wrapper

    @socketio.on("connect")
    @login_required
    def connect() -> None:
        raise AssertionError

    assert not socketio.test_client(app).is_connected()
    (record,) = caplog.records
    assert "its connect handler returned" in record.getMessage()
    assert "Response" in record.getMessage()


@pytest.mark.parametrize("value", ["", 0, (), ("no", 401), {}, {"error": "no"}, [False]])
def test_whatever_else_a_connect_handler_returns_accepts(
    app: Flask, socketio: SocketIO, value: Any
) -> None:
    socketio.on_event("connect", lambda: value)
    assert socketio.test_client(app).is_connected()


# Which handler is called


@pytest.mark.ours("a catch-all function beside a class-based namespace")
def test_a_method_wins_over_a_catch_all_function(app: Flask, socketio: SocketIO) -> None:
    class Some(Namespace):
        def on_known(self) -> str:
            return "method"

    class Own(Namespace):
        def on_known(self) -> str:
            return "method"

        def trigger_event(self, event: str, *args: Any) -> Any:
            return super().trigger_event(event, *args) or f"trigger {event}"

    socketio.on_namespace(Some("/a"))
    socketio.on_namespace(Own("/b"))
    for namespace in ("/a", "*"):
        socketio.on_event("*", lambda event, *args: f"any {request.namespace}", namespace)  # type: ignore[attr-defined]
    client = socketio.test_client(app, "/a")
    client.connect("/b")
    client.connect("/c")

    def ask(event: str, namespace: str) -> Any:
        return client.emit(event, namespace=namespace, callback=True)

    for _ in range(2):
        assert [ask("known", name) for name in ("/a", "/b")] == ["method", "method"]
        assert [ask("other", name) for name in ("/a", "/c")] == ["any /a", "any /c"]
        assert ask("other", "/b") == "trigger other"
    socketio.on_event("*", lambda event, *args: "any", "/b")
    socketio.on_event("known", lambda: "function", "/b")
    assert [ask(event, "/b") for event in ("known", "other")] == ["function", "any"]


@pytest.mark.ours("an event that a client names *")
@pytest.mark.parametrize("namespace", ["/", "*"])
def test_an_event_named_as_the_catch_all(app: Flask, socketio: SocketIO, namespace: str) -> None:
    socketio.on_event("*", lambda event, *args: [event, *args], namespace)
    client = socketio.test_client(app)
    assert client.emit("*", 1, callback=True) == ["*", 1]
    assert client.emit("*", callback=True) == ["*"]


# Namespaces without their slash


@pytest.mark.ours('a namespace without its slash: on("x", namespace="chat")')
def test_a_namespace_without_its_slash(app: Flask, socketio: SocketIO) -> None:
    class Game(Namespace):
        def on_move(self) -> list[str]:
            self.emit("moved", namespace="game")
            self.enter_room(request.sid, "board", "game")  # type: ignore[attr-defined]
            return [self.namespace, *self.rooms(request.sid, "game")[1:]]  # type: ignore[attr-defined]

    socketio.on_namespace(Game("game"))

    @socketio.on("x", namespace="chat")
    def x() -> str:
        socketio.emit("told", namespace="chat")
        return request.namespace  # type: ignore[attr-defined]

    @socketio.on_error("chat")
    def on_error(error: Exception) -> str:
        return repr(error)

    @socketio.event("chat")
    def fail() -> None:
        raise KeyError(1)

    client = socketio.test_client(app, "chat")
    client.connect("game")
    assert client.is_connected("/chat")
    assert client.emit("x", namespace="chat", callback=True) == "/chat"
    assert client.emit("fail", namespace="/chat", callback=True) == "KeyError(1)"
    assert client.emit("move", namespace="game", callback=True) == ["/game", "board"]
    assert client.get_received("chat") == [{"name": "told", "args": [], "namespace": "/chat"}]
    assert [event["name"] for event in client.get_received("/game")] == ["moved"]
    client.disconnect("chat")
    assert not client.is_connected("/chat")


@pytest.mark.ours('a namespace without its slash: on("x", namespace="chat")')
@pytest.mark.parametrize("option", ["chat", ["chat"], ["/chat"], "/chat", "*", ["*"]])
def test_the_option_namespaces(app: Flask, option: Any) -> None:
    socketio = SocketIO(app, namespaces=option)
    assert socketio.test_client(app, "/chat").is_connected("chat")


@pytest.mark.ours('a namespace without its slash: on("x", namespace="chat")')
def test_what_is_no_namespace(app: Flask, socketio: SocketIO) -> None:
    for call in (
        lambda: socketio.on_event("x", print, 5),  # type: ignore[arg-type]
        lambda: socketio.emit("x", namespace=5),  # type: ignore[arg-type]
        lambda: Namespace(5),  # type: ignore[arg-type]
        lambda: socketio.on_error(5),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match="a namespace is a str such as '/chat', not 5"):
            call()


# Registrations that miss something


def test_event_takes_a_namespace(app: Flask, socketio: SocketIO) -> None:
    @socketio.event("/chat")
    def news() -> str:
        return "in chat"

    client = socketio.test_client(app, "/chat")
    assert client.emit("news", namespace="/chat", callback=True) == "in chat"


@pytest.mark.ours("@socketio.on without parentheses, on(None), and the like")
def test_registrations_that_miss_something(socketio: SocketIO) -> None:
    def handler() -> None: ...

    with pytest.raises(TypeError, match=r"@socketio.on\('my_event'\), or @socketio.event"):
        socketio.on(handler)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"@socketio.on\('my_event'\), or @socketio.event"):
        socketio.on_event(handler, "x")  # type: ignore[arg-type]
    for name in (None, 123, b"x"):
        with pytest.raises(TypeError, match=r"an event's name is a str, not .*@socketio.on\("):
            socketio.on(name)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be callable, not str"):
        socketio.on_event("x", "handler")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"@socketio.on_error\(\)"):
        socketio.on_error(handler)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"has none: socketio.on_event\('my_event', handler\)"):
        socketio.event(functools.partial(handler))


@pytest.mark.ours("start_background_task(work()): a result instead of a function")
def test_a_background_task_that_is_no_function(socketio: SocketIO) -> None:
    with pytest.raises(TypeError, match=r"start_background_task\(work, 1, 2\).*: 5"):
        socketio.start_background_task(5)  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match=r"start_background_task\(work, 1, 2\).*: None"):
        socketio.start_background_task(None).join()  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        socketio.start_background_task(lambda *args: None, 1, 2).join()
