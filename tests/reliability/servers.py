"""How the servers are started that are attacked: ours in both lanes, and Flask-SocketIO as it runs by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.kit.server import ROOT, ServerProcess

APP = Path(__file__).with_name("app.py")
ORIGINAL_PYTHON = ROOT / ".venv-original/bin/python"
PATH = "/socket.io/"

#: Tracebacks that the app's own handlers cause, and uvicorn by text that is no UTF-8.
ALLOWED = ("rooms (max_rooms)", "not JSON serializable", "UnicodeDecodeError")

OURS, STANDARD, ORIGINAL = "ours", "ours, under uvicorn alone", "Flask-SocketIO"


def serve(which: str = OURS, app: Path = APP, **options: Any) -> ServerProcess:
    """A server that has not been started yet; `options` are those of SocketIO()."""
    env = {"OPTIONS": json.dumps(options)}
    if which == ORIGINAL:
        env["OPTIONS"] = json.dumps({**options, "async_mode": "threading"})
        server = ServerProcess([str(ORIGINAL_PYTHON), str(app)], env)
        server.allow_traceback("")  # any
        return server
    if which == STANDARD:
        env["SERVER"] = "asgi"
    server = ServerProcess.script(app, env)
    for text in ALLOWED:
        server.allow_traceback(text)
    return server
