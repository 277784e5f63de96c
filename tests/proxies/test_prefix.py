"""An app below a prefix, with the lines of nginx and of the app that docs/deploying/prefix.md has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import block
from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.ports import free_port
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

from .fronts import Proxy, nginx_with, program_of

PAGE = "docs/deploying/prefix.md"
APP = """
from flask import Flask, url_for
from flask_socketio import SocketIO, request
import os

app = Flask(__name__)
{}

@app.get("/page")
def page():
    return url_for("page", _external=True)

@socketio.on("ask")
def answer():
    return request.script_root

socketio.run(app, port=int(os.environ["PORT"]))
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[ServerProcess]:
    path = tmp_path / "app.py"
    path.write_text(APP.format(block(PAGE, "x_prefix=1")))
    with ServerProcess.script(path) as app:
        yield app


class Nginx(Proxy):
    def __init__(self, folder: Path, target: str) -> None:
        self.ports = free_port(), 0
        lines = block(PAGE, "location /shop/ {").replace("127.0.0.1:5000", target)
        (folder / "app.conf").write_text(
            f"server {{ listen 127.0.0.1:{self.ports[0]};\n{lines}\n}}\n"
        )
        super().__init__([program_of("nginx"), *nginx_with(folder)])


def test_below_a_prefix(app: ServerProcess, tmp_path: Path) -> None:
    (told,) = [line for line in block(PAGE, "io({").splitlines() if "path:" in line]
    path = told.split('"')[1]
    with Nginx(tmp_path, "{}:{}".format(*app.address)) as front:
        assert front.get("/shop/page").text == f"{front.url}/shop/page"
        assert front.get(f"{path}socket.io.min.js").status == 200
        for kind in (RawPolling, EngineWebSocket):
            client = SioClient(kind.open(front.address, path, {"Origin": front.url}))
            client.connect()
            assert client.call("ask") == ["/shop"]
            client.engine.leave()


def test_a_prefix_that_is_left_on(app: ServerProcess) -> None:
    reply = app.get("/shop/socket.io/?EIO=4&transport=polling")
    assert reply.status == 404
    assert "a proxy that has the application below '/shop' has to take that off" in app.log
