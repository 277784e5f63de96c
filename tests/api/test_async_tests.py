"""`async def` handlers with the test client, also from tests that run in a loop themselves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from flask import Flask, g, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from flask_socketio import SocketIO, emit, request


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "secret!"
    return app


@pytest.fixture
def socketio(app: Flask) -> SocketIO:
    socketio = SocketIO(app)

    @socketio.on("connect", namespace="/closed")
    async def connect() -> bool:
        await asyncio.sleep(0)
        return False

    @socketio.on("async")
    async def handle(value: int) -> list[Any]:
        emit("seen", value)
        await asyncio.sleep(0)
        return [value, request.event["message"]]

    @socketio.on("returned")
    def give(value: int) -> Awaitable[list[Any]]:
        g.value = value
        session["count"] = session.get("count", 0) + 1

        async def rest() -> list[Any]:
            await asyncio.sleep(0)
            return [g.value, session["count"], request.event["message"]]

        return rest()

    @socketio.on("fail")
    async def fail() -> None:
        await asyncio.sleep(0)
        raise KeyError("of the handler")

    @socketio.on("plain")
    def where() -> int:
        return threading.get_ident()

    return socketio


def directly(test: Callable[[], None]) -> None:
    test()


def in_a_loop(test: Callable[[], None]) -> None:
    async def main() -> None:
        test()

    asyncio.run(main())


@pytest.mark.parametrize("run", [directly, in_a_loop])
def test_handlers_that_await(app: Flask, socketio: SocketIO, run: Any) -> None:
    def test() -> None:
        client = socketio.test_client(app)
        assert client.emit("async", 1, callback=True) == [1, "async"]
        assert [event["args"] for event in client.get_received()] == [[1]]
        for count in (1, 2):
            assert client.emit("returned", 5, callback=True) == [5, count, "returned"]
        with pytest.raises(KeyError, match="of the handler"):
            client.emit("fail")
        assert client.emit("plain", callback=True) == threading.get_ident()
        assert not socketio.test_client(app, "/closed").is_connected("/closed")

    run(test)


def test_ctrl_c_ends_the_test(app: Flask, socketio: SocketIO) -> None:
    @socketio.on("interrupt")
    def interrupt() -> None:
        raise KeyboardInterrupt

    client = socketio.test_client(app)
    with pytest.raises(KeyboardInterrupt):
        client.emit("interrupt")
    assert client.emit("plain", callback=True)


class SlowSessions(SecureCookieSessionInterface):
    """The first two that are opened are opened at the same time."""

    def __init__(self) -> None:
        self.barrier = threading.Barrier(2)

    def open_session(self, app: Flask, request: Any) -> SecureCookieSession | None:
        self.barrier.wait(10)
        return super().open_session(app, request)


def test_first_events_at_the_same_time_have_one_session(app: Flask, socketio: SocketIO) -> None:
    @socketio.on("write")
    def write(name: str) -> None:
        session[name] = 1

    socketio.on_event("read", lambda: dict(session))
    client = socketio.test_client(app)
    app.session_interface = SlowSessions()
    threads = [threading.Thread(target=client.emit, args=("write", name)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.emit("read", callback=True) == {"a": 1, "b": 1}


def test_first_clients_at_the_same_time_behind_a_decorator(app: Flask, socketio: SocketIO) -> None:
    barrier = threading.Barrier(2)
    connected: list[bool] = []

    def hiding(function: Callable[[], None]) -> Callable[..., None]:
        def wrapper(*args: Any) -> None:
            if args:
                barrier.wait(
                    10
                )  # both get the argument before either has shown that it is one too many
            return function(*args)

        return wrapper

    socketio.on_event("connect", hiding(lambda: None))

    def connect() -> None:
        connected.append(socketio.test_client(app).is_connected())

    threads = [threading.Thread(target=connect) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert connected == [True, True]


def test_a_session_that_cannot_be_copied_leaves_the_contexts(
    app: Flask, socketio: SocketIO
) -> None:
    class Unreadable(SecureCookieSession):
        def keys(self) -> Any:
            raise ConnectionError("no session store")

    class Interface(SecureCookieSessionInterface):
        session_class = Unreadable

    app.session_interface = Interface()
    torn_down: list[BaseException | None] = []
    client = socketio.test_client(app)
    app.teardown_request(torn_down.append)
    with pytest.raises(ConnectionError):
        client.emit("plain")
    assert [type(error) for error in torn_down] == [ConnectionError]
