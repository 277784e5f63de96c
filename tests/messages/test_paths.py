"""Paths that lead nowhere: of clients, of the client's file, of static files; and pages that have no server."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.exceptions import NotFound

from flask_socketio import SocketIO
from tests.kit.server import ServerProcess

from .conftest import Serve

POLL = "?EIO=4&transport=polling&t=abc"
GAME = "socketio = SocketIO(app, path='/game')"
ASKS = "a Socket.IO client asks at {!r}, and it is {} that is served: "
GIVE = "give the client that path, io({{path: {!r}}})"
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
PLAIN = "socketio = SocketIO(app)"


def ask(server: ServerProcess, *targets: str) -> str:
    """Ask each twice, for nothing; returns the log."""
    for target in (*targets, *targets):
        assert server.get(target).status == 404
    return server.log


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        (PLAIN, "/socketio/", ASKS.format("/socketio/", "'/socket.io/'") + GIVE.format("/socket.io/")),
        (PLAIN, "/socket.io", ASKS.format("/socket.io", "'/socket.io/'")),
        (PLAIN, "/x%0A%1B%5B1m/", ASKS.format("/x\n\x1b[1m/", "'/socket.io/'")),
        (GAME, "/socket.io/", ASKS.format("/socket.io/", "'/game/'") + GIVE.format("/game/")),
        (GAME + "\nSocketIO(app)", "/shop/", ASKS.format("/shop/", "'/socket.io/' or '/game/'")),
        (PLAIN, "/shop/socket.io/", ASKS.format("/shop/socket.io/", "'/socket.io/'")
         + "a proxy that has the application below '/shop' has to take that off"),
    ],
)  # fmt: skip
def test_a_client_at_another_path(serve: Serve, text: str, path: str, said: str) -> None:
    with serve(text) as server:
        assert ask(server, path + POLL).count(said) == 1


def test_paths_are_told_once_and_not_for_ever(serve: Serve) -> None:
    with serve(PLAIN) as server:
        log = ask(server, *(f"/{'x' * 1000}{number}/{POLL}" for number in range(50)))
        assert log.count("a Socket.IO client asks at") == 20
        assert max(map(len, log.splitlines())) < 600


def test_a_websocket_at_another_path(serve: Serve) -> None:
    with serve(PLAIN) as server:
        for _ in range(2):
            reply = server.get("/socketio/?EIO=4&transport=websocket", **HANDSHAKE)
            assert reply.status == 400
        said = "a Socket.IO client wants a WebSocket at '/socketio/', and it is '/socket.io/' that is served"
        assert server.log.count(said) == 1


def test_the_clients_file(serve: Serve) -> None:
    with serve(PLAIN) as server:
        log = ask(server, "/static/socket.io.min.js", "/socketio/socket.io.js")
    assert (
        "was asked for at '/static/socket.io.min.js': this server has it at '/socket.io/socket.io.min.js'"
        in log
    )
    assert (
        "was asked for at '/socketio/socket.io.js': this server has it at '/socket.io/socket.io.js'"
        in log
    )


STATIC = """
from flask import Blueprint
blueprint = Blueprint("shop", __name__, static_folder="pictures", url_prefix="/shop")
app.register_blueprint(blueprint)
socketio = SocketIO(app)

@app.get("/missing")
def missing():
    return "none", 404
"""


def test_a_static_file(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    with serve(STATIC) as server:
        log = ask(server, "/static/main.css", "/shop/pictures/a.png", "/missing", "/nothing")
    said = "the static file {!r} was not found: it was looked for in '{}'"
    assert [line for line in log.splitlines() if "was not found" in line] == [
        said.format("main.css", tmp_path / "static"),
        said.format("a.png", tmp_path / "pictures") + ", and there is no such folder",
    ]


def test_the_error_may_be_given_by_name() -> None:
    """As applications do that have answers of their own for it."""
    app = Flask(__name__, static_folder=None)
    SocketIO(app)

    @app.get("/gone/<int:filename>", endpoint="static")
    def gone(filename: int) -> Any:
        return app.handle_http_exception(e=NotFound())

    @app.errorhandler(404)
    def not_found(error: Exception) -> tuple[str, int]:
        return "nothing here", 404

    answer = app.test_client().get("/gone/5")
    assert (answer.status_code, answer.text) == (404, "nothing here")


def test_a_page_opened_from_a_file(serve: Serve) -> None:
    with serve(PLAIN) as server:
        connection = http.client.HTTPConnection(*server.address, timeout=5)
        connection.request("GET", f"/socket.io/{POLL}", headers={"Origin": "null"})
        assert connection.getresponse().status == 403
        host, port = server.address
        assert (
            "origin 'null' is not accepted: that is a page opened from a file (file://), or in a sandbox. "
            f"Have Flask serve the page, and open it at http://{host}:{port}/" in server.log
        )
