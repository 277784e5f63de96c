"""`socketio.run(app)`: uvicorn, a start-up line that says which address to open, and a clean end."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from flask import Flask

from .asgi import DuplexApp, EngineApp

if TYPE_CHECKING:
    from ..extension import SocketIO

#: Seconds that responses under way have when the server stops.
_GRACE = 3

_BACKLOG = 2048

#: Seconds after which a thread that computes lets another run. With Python's default of 0.005 the loop waits 1-2 s for
#: its turns while a handler burns CPU and others come and go, with this one some 20 ms.
_SWITCH_INTERVAL = 0.0005


class Server(uvicorn.Server):
    """uvicorn's server, ended in our order: clients first, then what is left of HTTP."""

    def __init__(self, config: uvicorn.Config, app: EngineApp, announcement: str) -> None:
        super().__init__(config)
        self._app = app
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._announcement, file=sys.stderr, flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A waiting poll is a response under way; uvicorn would wait for it.
        self._app.close_connections()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends the server in good order, a second Ctrl-C at once. `run` returns either way."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True


def make_server(
    app: EngineApp, listener: socket.socket, announcement: str, *, access_log: bool
) -> Server:
    """A server for the application; its `run(sockets=[listener])` serves until it is stopped."""
    config = uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType]
        http="httptools",
        ws=app.websocket_class,
        lifespan="on",
        log_config=None,
        access_log=access_log,
        proxy_headers=False,  # ProxyFix is how Flask applications say whom they trust
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        backlog=_BACKLOG,
    )
    return Server(config, app, announcement)


def run_app(
    socketio: SocketIO,
    app: Flask,
    host: str | None = None,
    port: int | None = None,
    *,
    debug: bool | None = None,
    log_output: bool | None = None,
    **kwargs: Any,
) -> None:
    """Serve until stopped. Port 0 takes a free one; the start-up line names it.

    Sets the process's `sys.setswitchinterval` to 0.5 ms unless it is shorter already.
    """
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_INTERVAL))
    if debug is not None:
        app.debug = debug
    access_log = app.debug if log_output is None else log_output
    if access_log:
        _show_requests()
    host = host or "127.0.0.1"
    listener = listen(host, _default_port(app) if port is None else port)
    server = make_server(
        DuplexApp(socketio, app), listener, announcement(host, listener), access_log=access_log
    )
    socketio.wsgi_server = server
    try:
        server.run(sockets=[listener])
    finally:
        socketio.wsgi_server = None


def _default_port(app: Flask) -> int:
    name: str = cast("dict[str, Any]", app.config).get("SERVER_NAME") or ""
    _, _, port = name.rpartition(":")
    return int(port) if port.isdigit() else 5000


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def announcement(host: str, listener: socket.socket) -> str:
    """The start-up line: which address to open."""
    name = f"[{host}]" if ":" in host else host
    return f" * Running on http://{name}:{listener.getsockname()[1]}/ (Press CTRL+C to quit)"


def _show_requests() -> None:
    access = logging.getLogger("uvicorn.access")
    access.setLevel(logging.INFO)
    if not access.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        access.addHandler(handler)
