"""An ASGI server that does not tell when it begins: the first request starts what it is for, or the next one does."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from tests.kit.broker import Valkey
from tests.kit.raw import Reply, request
from tests.kit.server import ServerProcess

APP = """
import os
import uvicorn
from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
options = {"message_queue": os.environ["QUEUE"], "cluster_address": os.environ["TAKEN"], "cluster_key": "k" * 32}
first, second = ({}, options) if os.environ["FAILS"] == "second" else (options, {})
socketio = SocketIO(app, **first)
other = SocketIO(app, path="/other", **second)
application = socketio.asgi_app(app)
uvicorn.run(application, port=int(os.environ["PORT"]), lifespan="off")
"""
PATHS = ["/socket.io/", "/other/"]


@pytest.mark.parametrize("fails", ["first", "second"])
def test_a_start_that_failed_is_no_start(fails: str, tmp_path: Path) -> None:
    """None of several instances is served as if it were alone, and all are as soon as it works."""
    queue = Valkey(tmp_path)
    queue.start()
    taken = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{taken.getsockname()[1]}"
    env = {"QUEUE": queue.url, "TAKEN": address, "FAILS": fails}
    with taken, ServerProcess([sys.executable, "-c", APP], env) as server:
        server.allow_traceback("AddressError")
        for path in 2 * PATHS:
            assert polled(server, path).status == 500
        assert server.log.count("Address already in use") >= 4
        taken.close()
        for path in PATHS:
            assert polled(server, path).status == 200
            assert polled(server, path).body.startswith(b'0{"sid":')
    queue.end()


def polled(server: ServerProcess, path: str) -> Reply:
    return request(server.address, "GET", f"{path}?EIO=4&transport=polling")
