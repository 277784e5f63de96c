"""Under a WSGI server of which little can be had: no socket, one thread; and the app called as an ASGI application."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client, EnvironBuilder

from flask_socketio import SocketIO
from flask_socketio.base import changed

HANDSHAKE = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


class Rig:
    """An application as a WSGI server with one thread calls it."""

    def __init__(self) -> None:
        self.app = Flask(__name__)
        self.socketio = SocketIO(self.app, connect_timeout=3600)
        self.client = Client(self.app)

    def open(self) -> str:
        """A session; returns the target of its polls."""
        sid = self.client.get(HANDSHAKE, multithread=True).text.split('"')[3]
        return f"{HANDSHAKE}&sid={sid}"


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    live = rig.socketio._life.live
    if live is not None:
        live.inbox.ask(live.close_connections)


def test_websocket_is_refused_with_one_line_for_all_attempts(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    target = "/socket.io/?EIO=4&transport=websocket"
    for _ in range(3):
        answer = rig.client.get(target, headers=WEBSOCKET, multithread=True)
        assert answer.status_code == 400
        assert answer.get_json(force=True)["code"] == 3
    lines = [line for line in caplog.messages if "gunicorn --threads 100" in line]
    assert len(lines) == 1


def test_what_stands_where_servers_keep_their_sockets_may_be_anything(rig: Rig) -> None:
    """A private name that has changed its meaning costs the WebSocket, nothing else."""
    strange: list[dict[str, Any]] = [
        {"gunicorn.socket": object()},
        {"werkzeug.socket": None},
        {"wsgi.websocket": object()},
        {"eventlet.input": object()},
        {"wsgi.input": object()},
    ]
    target = "/socket.io/?EIO=4&transport=websocket"
    for overrides in strange:
        answer = rig.client.get(target, headers=WEBSOCKET, environ_overrides=overrides)
        assert answer.status_code == 400, overrides


def test_a_poll_holds_the_only_thread_for_a_moment(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    target = rig.open()
    for _ in range(3):
        begun = time.monotonic()
        answer = rig.client.get(target, multithread=False)
        assert time.monotonic() - begun < 10  # and not the ping interval of 25 s
        assert (answer.status_code, answer.text) == (200, "6")
    assert len([line for line in caplog.messages if "one thread" in line]) == 1


def test_a_poll_in_a_pool_waits_until_there_is_something(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    target = rig.open()
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(lambda: rig.client.get(target, multithread=True).text)
        time.sleep(1.5)
        assert not poll.done()
        rig.client.post(target, data="40", multithread=True)
        assert poll.result(10).startswith("40{")
    assert "polls hold threads" not in caplog.text


def test_a_poll_in_a_pool_makes_room(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Another request waits for the thread. Once is no reason for a line: tests/deployment/test_threads.py."""
    target = rig.open()
    with ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            poll = pool.submit(lambda: rig.client.get(target, multithread=True).text)
            other = pool.submit(lambda: rig.client.get("/", multithread=True).status_code)
            assert poll.result(10) == "6"
            assert other.result(10) == 404
    assert "polls hold threads" not in caplog.text


def test_a_poll_in_an_unknown_thread_waits_for_a_second(rig: Rig) -> None:
    target = rig.open()
    begun = time.monotonic()
    assert rig.client.get(target, multithread=True).text == "6"
    assert 0.9 < time.monotonic() - begun < 10


def test_a_pool_that_python_does_not_show(
    rig: Rig, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says so, and polls end by themselves."""
    monkeypatch.setattr(concurrent.futures, "thread", SimpleNamespace())
    monkeypatch.setattr(changed, "_said", set[str]())
    target = rig.open()
    with ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            poll = pool.submit(lambda: rig.client.get(target, multithread=True).text)
            assert poll.result(10) == "6"
    assert (
        caplog.text.count("Python 3") == caplog.text.count("is not as Flask-Duplex knows it") == 1
    )


# -- the app as an ASGI application ----------------------------------------------------------------


async def ask(call: Any, path: str) -> tuple[int, bytes]:
    """The answer of an ASGI application to a GET."""
    sent: list[dict[str, Any]] = []
    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        return requests.pop() if requests else await asyncio.get_running_loop().create_future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "query_string": b"EIO=4&transport=polling",
        "headers": [], "http_version": "1.1", "scheme": "http",
    }  # fmt: skip
    await call(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


class OwnFlask(Flask):
    """An application class with a call of its own."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        environ["seen"] = True
        return super().__call__(environ, start_response)


@pytest.mark.parametrize("kind", [Flask, OwnFlask])
@pytest.mark.parametrize("asgi2", [True, False])
def test_the_app_serves_as_an_asgi_application(kind: type[Flask], asgi2: bool) -> None:
    app: Any = kind(__name__)
    SocketIO(app)
    app.add_url_rule("/page", view_func=lambda: "a page")

    async def call(scope: Any, receive: Any, send: Any) -> None:
        await (app(scope)(receive, send) if asgi2 else app(scope, receive, send))

    async def test() -> None:
        assert await ask(call, "/page") == (200, b"a page")
        status, body = await ask(call, "/socket.io/")
        assert status == 200 and body.startswith(b'0{"sid"')

    asyncio.run(test())


def test_the_asgi_application_is_the_one_that_a_subclass_makes() -> None:
    class OwnSocketIO(SocketIO):
        def asgi_app(self, app: Flask) -> Any:
            async def teapot(scope: Any, receive: Any, send: Any) -> None:
                await send({"type": "http.response.start", "status": 418})
                await send({"type": "http.response.body", "body": b"own"})

            return teapot

    app: Any = Flask(__name__)
    OwnSocketIO(app)
    assert asyncio.run(ask(app, "/page")) == (418, b"own")


def test_as_a_wsgi_application_it_is_what_it_was() -> None:
    app = OwnFlask(__name__)
    SocketIO(app)
    SocketIO(app)
    app.add_url_rule("/", view_func=lambda: "a page")
    environ = EnvironBuilder(path="/").get_environ()
    heads: list[Any] = []
    assert b"".join(app(environ, lambda *head: heads.append(head))) == b"a page"
    assert environ["seen"] and heads[0][0] == "200 OK"
    assert isinstance(app, OwnFlask) and type(app).__name__ == "OwnFlask"
    assert not inspect.iscoroutinefunction(app.__call__)
    with pytest.raises(TypeError):
        app()  # uvicorn tries whether it is a factory
