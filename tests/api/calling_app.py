"""Handlers that end in every way there is. OPTIONS in the environment: more arguments for `SocketIO`, as JSON."""

import asyncio
import functools
import json
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Generator
from contextvars import ContextVar
from typing import Any

from flask import Flask, Response, g, request, session
from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

from flask_socketio import ConnectionRefusedError, Namespace, SocketIO, emit

app = Flask(__name__)
app.config["SECRET_KEY"] = "only a test"
socketio = SocketIO(app, **json.loads(os.environ.get("OPTIONS", "{}")))
#: what teardown functions were told, by event
torn_down: dict[str, int] = {}
note: ContextVar[str] = ContextVar("note", default="nothing")


class LibraryTimeout(BaseException):
    """As gevent's and eventlet's."""


class Unprintable(Exception):
    def __str__(self) -> str:
        raise SystemExit("an error in __str__")

    __repr__ = __str__


KINDS: dict[str, type[BaseException]] = {
    "KeyboardInterrupt": KeyboardInterrupt,
    "SystemExit": SystemExit,
    "GeneratorExit": GeneratorExit,
    "CancelledError": asyncio.CancelledError,
    "LibraryTimeout": LibraryTimeout,
    "StopIteration": StopIteration,
    "RecursionError": RecursionError,
    "Unprintable": Unprintable,
}


def wraps(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


class Later:
    """Can be awaited, and is neither a coroutine nor a future."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, None, Any]:
        yield from asyncio.sleep(0.01).__await__()
        return self.value


async def give(value: Any) -> Any:
    await asyncio.sleep(0.01)
    return value


async def give_coroutine(value: Any) -> Any:
    return give(value)


AWAITABLES: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "coroutine": give,
    "object": Later,
    "nested": give_coroutine,
}


@app.get("/torn-down/<event>")
def get_torn_down(event: str) -> list[int]:
    return [torn_down.get(event, 0)]


@app.teardown_request
def count(error: BaseException | None) -> None:
    event = getattr(request, "event", None)
    if event is not None:
        torn_down[event["message"] or "callback"] = torn_down.get(event["message"], 0) + 1
        if event["message"] == "fail in teardown":
            raise KINDS[event["args"][0]]


class Sessions(SecureCookieSessionInterface):
    """A store that fails; with manage_session=False it is asked at every event."""

    def fail(self, event: str) -> None:
        found = getattr(request, "event", None)
        if found is not None and found["message"] == event:
            raise KINDS[found["args"][0]]

    def open_session(self, app: Flask, request: Any) -> SecureCookieSession | None:
        self.fail("fail in open")
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        self.fail("fail in save")


app.session_interface = Sessions()


@socketio.on("fail in open")
@socketio.on("fail in save")
def write(kind: str, how: str) -> None:
    session["written"] = True


# Connecting


@socketio.on("connect", namespace="/wrapped")
@wraps
async def connect_wrapped(auth: Any) -> bool:
    await asyncio.sleep(0.01)
    return bool(auth)


@socketio.on("connect", namespace="/bare")
@wraps
async def connect_bare() -> bool:
    return False


@socketio.on("connect", namespace="/raising")
@wraps
async def connect_raising() -> None:
    raise ConnectionRefusedError("members only", object())


class Own(Namespace):
    def trigger_event(self, event: str, *args: Any) -> Any:
        return super().trigger_event(event, *args)

    async def on_connect(self, auth: Any) -> bool:
        await asyncio.sleep(0.01)
        return bool(auth)

    async def on_echo(self, value: Any) -> Any:
        return await give(value)

    @wraps
    async def on_wrapped(self, value: Any) -> Any:
        return await give(value)


class AllAsync(Namespace):
    async def trigger_event(self, event: str, *args: Any) -> Any:
        await asyncio.sleep(0.01)
        return event != "connect" or bool(args[-1])


socketio.on_namespace(Own("/own"))
socketio.on_namespace(AllAsync("/all-async"))


@socketio.on("connect", namespace="/fails")
def connect_fails(auth: dict[str, str]) -> Any:
    if auth["how"] == "def":
        raise KINDS[auth["kind"]]
    return raise_later(auth["kind"])


# Events


async def raise_later(kind: str) -> None:
    await asyncio.sleep(0)
    raise KINDS[kind]


@socketio.on("return")
def give_awaitable(how: str, value: Any) -> Awaitable[Any]:
    return AWAITABLES[how](value)


@socketio.on("contexts")
def look_twice() -> Awaitable[Any]:
    """What was there before the first suspension is there afterwards."""
    g.value = "of the def part"
    session["count"] = session.get("count", 0) + 1
    before = note.get()
    note.set("of this event")
    emit("order", 1)
    thread = threading.get_ident()

    async def rest() -> list[Any]:
        emit("order", 2)
        await asyncio.sleep(0.01)
        emit("order", 3)
        on_loop = threading.get_ident() != thread and asyncio.get_running_loop() is not None
        found = [g.value, session["count"], request.event["message"], len(request.sid)]
        return [before, note.get(), *found, on_loop]

    return rest()


@socketio.on("fail")
def fail(kind: str, how: str) -> Any:
    if how == "def":
        raise KINDS[kind]
    return raise_later(kind)


@socketio.on("fail async")
async def fail_async(kind: str, how: str) -> None:
    if how == "later":
        await asyncio.sleep(0)
    raise KINDS[kind]


@socketio.on("fail in cancel")
async def fail_in_cancel(kind: str, how: str) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(1)


@socketio.on("fail in error handler", namespace="/errors")
def fail_to_be_handled(kind: str, how: str) -> None:
    raise ValueError(kind, how)


@socketio.on_error("/errors")
def on_error(error: Exception) -> Any:
    kind, how = error.args
    if how == "def":
        raise KINDS[kind]
    return raise_later(kind)


@socketio.on("handled", namespace="/async-errors")
def handled() -> None:
    raise KeyError("handled")


@socketio.on_error("/async-errors")
async def on_error_async(error: Exception) -> str:
    await asyncio.sleep(0.01)
    return f"{error!r} in {request.event['message']}"


class WithError(Namespace):
    async def on_fail(self) -> None:
        raise KeyError("of the class")

    async def error(self, error: Exception) -> str:
        await asyncio.sleep(0.01)
        return repr(error)


socketio.on_namespace(WithError("/class-errors"))


@socketio.on("fail in teardown")
def fail_in_teardown(kind: str, how: str) -> None: ...


class Encoded:
    def __init__(self, kind: str) -> None:
        self.kind = kind


class Provider(DefaultJSONProvider):
    @staticmethod
    def default(value: Any) -> Any:
        if isinstance(value, Encoded):
            raise KINDS[value.kind]
        return DefaultJSONProvider.default(value)


app.json = Provider(app)


@socketio.on("fail in ack")
def fail_in_ack(kind: str, how: str) -> Encoded:
    return Encoded(kind)


class Breaking(logging.Handler):
    """A handler of the application's that fails itself."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, ValueError) and error.args and error.args[0] == "in the log":
            raise KINDS[error.args[1]]


logging.getLogger("flask_socketio.server").addHandler(Breaking())
logging.getLogger("flask_socketio.server").addHandler(logging.StreamHandler())


@socketio.on("fail in log")
def fail_in_log(kind: str, how: str) -> None:
    raise ValueError("in the log", kind)


# Callbacks


@socketio.on("ask")
def ask() -> None:
    async def answered(value: Any) -> None:
        await asyncio.sleep(0.01)
        emit("answered", [value, request.event["message"]])

    emit("question", callback=answered)


@socketio.on("fail in callback")
def fail_in_callback(kind: str, how: str) -> None:
    def answered(*args: Any) -> Any:
        if how == "def":
            raise KINDS[kind]
        return raise_later(kind)

    emit("question", callback=answered)


@socketio.on("disconnect", namespace="/leaving")
def leave(reason: str) -> None:
    raise LibraryTimeout


@socketio.on("ping", namespace="/leaving")
@socketio.on("ping", namespace="/errors")
@socketio.on("ping")
def ping(*args: Any) -> str:
    return "pong"


@socketio.on("sleep")
async def sleep() -> None:
    await asyncio.sleep(60)


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ.get("PORT", "0")))
