"""The app, served in every way there is: each kind of server has to behave alike."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("app.py")
SCRIPTS = Path(sysconfig.get_path("scripts"))

# The class that serves WebSockets, and the command line.
KINDS: dict[str, tuple[str, list[str]]] = {
    "run": ("FastWebSocket", [sys.executable, str(APP)]),
    "flask run": ("FastWebSocket", ["flask", "--app", "tests.clients.app", "run", "--port", "0"]),
    "gunicorn": (
        "FastWebSocket",
        ["gunicorn", "--threads", "50", "--bind", "127.0.0.1:0", "tests.clients.app:app"],
    ),
    "uvicorn": ("AsgiWebSocket", ["uvicorn", "--port", "0", "tests.clients.app:asgi"]),
    "hypercorn": (
        "AsgiWebSocket",
        ["hypercorn", "--bind", "127.0.0.1:0", "tests.clients.app:asgi"],
    ),
}


def serve(kind: str, *options: str) -> ServerProcess:
    """A server of this kind that has not been started yet."""
    lane, (program, *arguments) = KINDS[kind]
    return ServerProcess([str(SCRIPTS / program), *arguments, *options], lane=lane)
