"""The command lines of the pages that serve an app: each is started, and clients talk to it."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import socketio

from tests.docs import commands
from tests.docs.pages import ROOT
from tests.docs.test_pages import with_mark
from tests.kit.missing import skip_or_fail
from tests.kit.neighbour import PatientSimpleClient
from tests.kit.server import ServerProcess

APP = """
from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app)
asgi = socketio.asgi_app(app)

@socketio.on("add")
def add(a, b):
    return a + b
"""
DEPLOYMENT = ROOT / ".venv-deployment/bin"
#: Without it uvicorn's own WebSocket is not there.
WEBSOCKETS = ROOT / ".venv-deployment/websockets"
#: where each is told which port to listen on; hypercorn has no such variable
ANY_PORT = {
    "FLASK_RUN_PORT": "0",
    "FLASK_SOCKETIO_RUN_PORT": "0",
    "GUNICORN_CMD_ARGS": "--bind 127.0.0.1:0",
    "UVICORN_PORT": "0",
}
LINES = [
    pytest.param(block.page, line, id=f"{block.where} {line[0]}")
    for block in with_mark("serves")
    for line in commands.lines(block.text)
]


def argv(words: list[str]) -> list[str]:
    """The command, with the program's path and a port that is free."""
    line = re.sub(r"--port \d+", "--port 0", " ".join(words))
    program, *arguments = line.split(" ")
    if program == "hypercorn":
        arguments += ["--bind", "127.0.0.1:0"]
    # uvicorn's workers for gunicorn are there, and not among the tests' own tools.
    folders = [DEPLOYMENT] if "uvicorn_worker" in line else [Path(sys.executable).parent]
    found = shutil.which(program, path=os.pathsep.join(map(str, folders)))
    if found is None:
        skip_or_fail(f"{program} is not installed in {folders[0]}")
    return [found, *arguments]


@pytest.mark.parametrize(("page", "words"), LINES)
def test_clients_are_served(page: str, words: list[str], tmp_path: Path) -> None:
    if commands.packages(words) is not None:
        commands.check(words)
        return
    name = re.search(r"--app (\w+)|(\w+):(?:app|asgi)", " ".join(words))
    assert name is not None, "whose app?"
    (tmp_path / f"{name[1] or name[2]}.py").write_text(APP, encoding="utf-8")
    with ServerProcess(
        argv(words), {**ANY_PORT, "PYTHONPATH": f"{tmp_path}{os.pathsep}{WEBSOCKETS}"}
    ) as server:
        for transport in ("polling", "websocket"):
            assert answer(server.url, transport) == 3


def answer(url: str, transport: str) -> Any:
    """The one to 1 and 2. Some servers' workers do not listen yet when their parent says that they do."""
    end = time.monotonic() + 30
    while True:
        try:
            with PatientSimpleClient() as client:
                client.connect(url, transports=[transport])
                return client.call("add", (1, 2), timeout=30)
        except socketio.exceptions.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
