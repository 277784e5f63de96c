"""uvicorn as `run()` uses it."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import ssl
import sys
from types import FrameType
from typing import Any

import uvicorn

from ...base import descriptors
from ...base.told import Told
from ..asgi import EngineApp
from ..http.choice import Protocols, choose_protocols
from .listen import BACKLOG
from .notify import started
from .tls import look_for_http
from .worker import Worker

logger = logging.getLogger("flask_socketio.server")

_HTTP = "this port is for https://, not for http://"
#: Seconds that responses under way have when the server stops.
GRACE = 3
#: Seconds between looks whether Ctrl-C has been pressed once more.
_LOOK = 0.2


class Server(uvicorn.Server):
    """uvicorn's server, ended in our order: clients first, then what is left of HTTP."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: EngineApp,
        announcement: str,
        protocols: Protocols,
        worker: Worker | None,
    ) -> None:
        super().__init__(config)
        self._app = app
        self._protocols = protocols
        self._announcement = announcement
        self._worker = worker

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop):
            # asyncio accepts as many connections in one turn as may wait, before it asks us about the first of them.
            self.config.backlog = descriptors.at_once()
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)
        if self._worker is None:
            print(self._announcement, file=sys.stderr, flush=True)
            started()
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(self._worker.lifeline, self._orphaned)
        self._worker.ready()

    def _orphaned(self) -> None:
        """The supervisor has ended without a word."""
        asyncio.get_running_loop().remove_reader(self._worker.lifeline if self._worker else -1)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._drain()
        # A waiting poll is a response under way; uvicorn would wait for it.
        self._app.close_connections()
        self._protocols.stop(self.server_state.connections)
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        """Say goodbye to the clients in the time that they have for it, unless somebody is impatient."""
        draining = asyncio.ensure_future(self._app.drain())
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=_LOOK)
        draining.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends the server in good order, a second Ctrl-C at once. `run` returns either way."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True


def make_server(
    app: EngineApp,
    announcement: str,
    *,
    access_log: bool = False,
    tls: ssl.SSLContext | None = None,
    worker: Worker | None = None,
) -> Server:
    """A server for the application; its `run(sockets=[listener])` serves until it is stopped."""

    def found_http() -> None:
        app.engine.counters.refuse_http(_HTTP)
        told.warning("a request was refused: %s", _HTTP)

    def get_tls(*_: Any) -> ssl.SSLContext:
        assert tls is not None
        look_for_http(tls, found_http)
        return tls

    told = Told(logger)
    protocols = choose_protocols(access_log=access_log)
    app.on_started = lambda app: protocols.serve(app.lanes(), app.pages)
    config = uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType]
        http=protocols.http,
        ws=protocols.ws,
        ws_max_size=app.limits.max_payload,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=access_log,
        proxy_headers=False,  # ProxyFix is how Flask applications say whom they trust
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        backlog=BACKLOG,
        ssl_context_factory=get_tls if tls else None,
    )
    return Server(config, app, announcement, protocols, worker)
