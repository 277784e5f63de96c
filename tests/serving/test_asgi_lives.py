"""ASGI applications of one Flask application, on one loop: who stops what, and what a second life finds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from flask import Flask

from flask_socketio import SocketIO
from flask_socketio.errors import NotServingError

CLIENT_FILE = "socket.io.min.js"


async def status(asgi: Any, path: str, query: bytes = b"EIO=4&transport=polling") -> int:
    """What a GET is answered with."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "root_path": "", "query_string": query,
        "headers": [], "http_version": "1.1", "scheme": "http",
    }  # fmt: skip
    await asgi(scope, receive, send)
    return sent[0]["status"]


def two() -> tuple[Any, Any]:
    """The ASGI applications of two instances, each of which serves the other as well."""
    app = Flask(__name__)
    one, other = (SocketIO(app, path=path).asgi_app(app) for path in ("one", "two"))
    return one, other


def test_who_serves_anothers_instance_does_not_stop_it() -> None:
    async def test() -> None:
        one, other = two()
        await one.start()
        await one.stop()
        await other.start()  # and with it the first
        await one.start()
        await one.drain()
        await one.stop()
        assert await status(other, "/one/") == 200
        await other.stop()

    asyncio.run(test())


def test_a_second_life_has_the_neighbours_of_now() -> None:
    async def test() -> None:
        one, _ = two()
        for _ in range(2):
            await one.start()
            assert await status(one, "/one/") == 200
            assert await status(one, "/two/") == 200
            await one.stop()

    asyncio.run(test())


def test_another_path_is_for_those_who_begin_to_serve() -> None:
    async def test() -> None:
        app = Flask(__name__)
        socketio = SocketIO(app)
        asgi: Any = socketio.asgi_app(app)
        await asgi.start()
        socketio.init_app(app, path="other")
        assert await status(asgi, "/socket.io/" + CLIENT_FILE, b"") == 200
        await asgi.stop()

    asyncio.run(test())


def test_who_asks_is_told_whether_it_has_not_begun_or_has_stopped() -> None:
    app = Flask(__name__)
    socketio = SocketIO(app)
    with pytest.raises(NotServingError, match="is not running yet"):
        socketio.server.rooms("nobody")

    async def live() -> None:
        served = socketio.asgi_app(app)
        await served.start()
        assert socketio.server.rooms("nobody") == []
        await served.stop()

    asyncio.run(live())
    with pytest.raises(NotServingError, match="has stopped"):
        socketio.server.rooms("nobody")
