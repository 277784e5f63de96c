"""For what pages have in `then` comments: the program itself, served to real clients."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

from flask_socketio import SocketIO
from tests.kit.ports import free_port


def serve(app: Any, socketio: SocketIO, **arguments: Any) -> str:
    """Serve on a free port until the process ends; returns the URL, without a slash at its end."""
    port = free_port()
    arguments = {"host": "127.0.0.1", "port": port, **arguments}
    threading.Thread(target=socketio.run, args=(app,), kwargs=arguments, daemon=True).start()
    _wait(port)
    return f"http://127.0.0.1:{port}"


def _wait(port: int, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
