"""docs/migrating.md: the program for Flask-SocketIO runs as it is, and the one that remains of it without a warning."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.docs.pages import block
from tests.kit.neighbour import PatientSimpleClient
from tests.kit.server import ServerProcess

PAGE = "docs/migrating.md"
WAIT = 10


def run(program: str, folder: Path) -> str:
    """Serve a program to a client; returns its log."""
    path = folder / "app.py"
    path.write_text(program.replace("port=5000", "port=0"), encoding="utf-8")
    with ServerProcess(
        [sys.executable, "-W", "default::UserWarning", str(path)], fresh=True
    ) as server:
        with PatientSimpleClient() as client:
            client.connect(server.url, transports=["websocket"])
            client.emit("add", (2, 3))
            assert client.receive(timeout=WAIT) == ["sum", 5]
        return server.log


def test_the_old_program_runs(tmp_path: Path) -> None:
    log = run(block(PAGE, "monkey_patch()\n"), tmp_path)
    for name in ("async_mode", "monitor_clients", "allow_unsafe_werkzeug"):
        assert f"{name}= can be deleted" in log
    assert "green threads of eventlet" in log


def test_the_new_program_has_no_warnings(tmp_path: Path) -> None:
    log = run(block(PAGE, "socketio.run(app, port=5000)\n"), tmp_path)
    assert "Warning" not in log and "green" not in log
