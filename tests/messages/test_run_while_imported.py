"""`socketio.run(app)` as a statement of a module that another server imports: that server serves, on its port."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.kit.server import ServerProcess

from .conftest import connect

APP = """
from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app)
asgi = socketio.asgi_app(app)

@socketio.on("ask")
def answer():
    return "answer"

socketio.run(app, port=1)
"""
SAID = "socketio.run() was called while {} imports the application, and does nothing"
SERVERS = {
    "flask": (["flask", "--app", "app", "run", "--port", "0"], "flask"),
    "gunicorn": (["gunicorn", "--threads", "9", "-b", "127.0.0.1:0", "app:app"], "gunicorn"),
    "uvicorn": (["uvicorn", "--port", "0", "app:asgi"], "uvicorn"),
    "uvicorn.run": (["uvicorn_run"], "uvicorn"),
}


@pytest.mark.parametrize("name", SERVERS)
def test_the_other_server_serves(tmp_path: Path, name: str) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "uvicorn_run.py").write_text("import uvicorn\nuvicorn.run('app:asgi', port=0)\n")
    (command, *arguments), server_name = SERVERS[name]
    argv = [sys.executable, "-m", command, *arguments]
    env = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    with ServerProcess(argv, env) as server:
        client = connect(server)
        assert client.call("ask") == ["answer"]
        client.engine.leave()
        assert server.log.count(SAID.format(server_name)) == 1


def test_a_command_of_the_application(tmp_path: Path) -> None:
    """`flask serve`, which the application has made, is meant to serve."""
    run = "socketio.run(app, port={})"
    text = APP.replace(run.format(1), f"@app.cli.command()\ndef serve():\n    {run.format(0)}\n")
    (tmp_path / "app.py").write_text(text)
    env = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    with ServerProcess([sys.executable, "-m", "flask", "--app", "app", "serve"], env) as server:
        client = connect(server)
        assert client.call("ask") == ["answer"]
        client.engine.leave()


def test_a_module_that_serves_when_imported(tmp_path: Path) -> None:
    """`python main.py`, which imports the application to run it, as some do."""
    (tmp_path / "app.py").write_text(APP.replace("port=1", "port=0"))
    (tmp_path / "main.py").write_text("import app\n")
    with ServerProcess.script(tmp_path / "main.py") as server:
        client = connect(server)
        assert client.call("ask") == ["answer"]
        client.engine.leave()
