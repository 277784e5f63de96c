"""Applications with a mistake in them, run as their authors would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tests.kit.engine import EngineWebSocket
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

_BEGIN = """
import os
from flask import Flask
from flask_socketio import Namespace, SocketIO, emit

app = Flask(__name__)
"""
_END = """
if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
"""
Serve = Callable[[str], ServerProcess]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """The application's file, which has its imports, `app`, what is given, and `socketio.run()`."""

    def write(text: str) -> Path:
        path = tmp_path / "app.py"
        path.write_text(_BEGIN + dedent(text) + _END)
        return path

    return write


@pytest.fixture
def serve(write: Callable[[str], Path]) -> Serve:
    """Such an application's server, to be entered."""
    return lambda text: ServerProcess.script(write(text))


def connect(server: ServerProcess) -> SioClient:
    """A client that has joined the namespace `/`."""
    client = SioClient(EngineWebSocket.open(server.address, "/socket.io/"))
    client.connect()
    return client
