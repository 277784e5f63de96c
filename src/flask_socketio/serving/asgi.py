"""An engine, and with it Flask's pages, as an ASGI application."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any

from flask import Flask
from werkzeug.debug import DebuggedApplication

from ..app.legacy import about_lost_green_threads
from ..base.green import attached
from ..base.real import patched_by
from ..dispatch.views import ViewThreads
from ..engine.answers import Receive, Send, refusal_answer, respond
from ..engine.asgi import refuse_websocket, serve_polling, serve_websocket
from ..engine.config import EngineConfig, HttpLimits
from ..engine.engine import Engine
from ..engine.picows import FastLane
from ..engine.request import EngineRequest, path_of
from ..protocol.errors import BAD_REQUEST, HandshakeRefused
from ..relay.found import find_folder
from ..relay.machines import AddressError
from ..runtime.life import Life
from ..runtime.live import Live
from .below import answer_below
from .innermost import Innermost
from .pages import Pages, WsgiApp
from .wsgi_pass import WsgiPass

logger = logging.getLogger("flask_socketio.server")

_NO_WEBSOCKET = (
    "this ASGI server knows no WebSocket and hands the handshake on as a plain request, so clients stay with polling. "
    "For uvicorn: pip install websockets"
)
_NO_BOUND = (
    "max_connections and max_connections_per_address do not hold here, only under socketio.run(): it is another server "
    "that accepts connections; look for such limits among its own options"
)
#: In the environ of a request whose exception the log has explained already.
TOLD = "flask_duplex.told"
#: Views that run at the same time; a page more waits.
_MAX_VIEWS = 200
#: Handshakes that are in WSGI middlewares at the same time: views that wait for slow clients do not hold them up.
_MAX_PASSES = 50


class EngineApp:
    """Serves one engine; a subclass makes it, and answers what is not the engine's."""

    #: set when it has been started
    engine: Engine
    lane: FastLane
    #: what is not below an engine's path; None where that is not Flask's
    pages: Pages | None = None
    _starting: asyncio.Task[None] | None = None
    _has_started = False

    def __init__(self, config: EngineConfig) -> None:
        self.path = config.path
        self.limits = config.limits
        #: called when it has been started, before there is a connection
        self.on_started: Callable[[EngineApp], object] | None = None

    async def start(self) -> None:
        """Called on the loop that will serve."""
        await self.make()
        self._has_started = True

    async def make(self) -> None:
        """What it consists of."""
        self.engine = await self.make_engine()
        self.lane = self.make_lane()

    async def make_engine(self) -> Engine:
        """Called on the loop that will serve."""
        raise NotImplementedError

    def make_lane(self) -> FastLane:
        return FastLane(self.engine)

    def lanes(self) -> list[FastLane]:
        """Of all engines that are served."""
        return [self.lane]

    async def stop(self) -> None:
        """The counterpart of start."""
        self.close_connections()

    async def drain(self) -> None:
        """Let in nobody more, and say goodbye to the clients over `drain_time`."""
        await self.engine.drain(self.limits.drain_time)

    def close_connections(self) -> None:
        """Say goodbye to every client."""
        self.engine.close()

    def find(self, path: str) -> EngineApp | None:
        """Who serves what is below a path."""
        return self if path.startswith(self.path) else None

    async def other(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request that is not below the engine's path."""
        answer, headers = refusal_answer(HandshakeRefused(BAD_REQUEST, "not below the path"))
        await respond(send, answer, headers)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if not self._has_started:  # a server without lifespan
            await self._start_late()
        found = self.find(path_of(scope))
        if scope["type"] == "websocket":
            if found is not None:
                await serve_websocket(found.engine, scope, receive, send)
            else:
                await receive()
                refusal = self.engine.admission.not_ours(EngineRequest(scope))
                await refuse_websocket(scope, send, refusal)
        elif found is not None:
            await found.below_path(EngineRequest(scope), receive, send)
        else:
            await self.other(scope, receive, send)

    async def _start_late(self) -> None:
        """Start once for all requests that wait for it; not in the context of the first one, which all would be in."""
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start_or_stop(), context=Context())
        await asyncio.shield(self._starting)

    async def _start_or_stop(self) -> None:
        """What fails is tried again, from the beginning, with the next request."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise

    async def below_path(self, request: EngineRequest, receive: Receive, send: Send) -> None:
        """Answer a request below the engine's path."""
        await serve_polling(self.engine, request, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except (
            ImportError,
            AddressError,
        ) as error:  # of a library, or an address, that an option names
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        if self.on_started is not None:
            self.on_started(self)
        await send({"type": "lifespan.startup.complete"})
        try:
            await receive()
        except asyncio.CancelledError:  # the server ends at once: Ctrl-C has been pressed twice
            return
        await self.drain()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


class DuplexApp(EngineApp):
    """Socket.IO and the client's files below the path, Flask's pages everywhere else.

    What the application's other instances of SocketIO have below their paths is served on the same loop, unless this
    one is `alone`.
    """

    #: set when it has been started
    live: Live

    def __init__(self, life: Life, app: Flask, *, alone: bool = False) -> None:
        super().__init__(life.options.engine)
        self._life = life
        self._app = app
        self._alone = alone
        #: those that are started together with this one
        self._neighbours: dict[Life, DuplexApp] = {}
        #: whether it is for this one to stop what it serves
        self._owns = False
        self._has_hinted = False

    async def make(self) -> None:
        life = self._life
        if self.on_started is None and life.folder is None:  # else run() knows
            life.folder = find_folder(life.options.workers_dir)
        await super().make()
        if self.on_started is None and not self._alone:
            say_what_has_no_bound(self._life.options.engine.http)
        others = [] if self._alone else Innermost.of(self._app).neighbours(self._life)
        for life in others:
            if life.live is None:
                life.folder = self._life.folder
                neighbour = self._neighbours[life] = DuplexApp(life, self._app, alone=True)
                await neighbour.start()

    async def make_engine(self) -> Engine:
        library = patched_by()
        if library and attached() is None:
            logger.warning("%s", about_lost_green_threads(library))
        loop = asyncio.get_running_loop()
        wsgi_pass = WsgiPass(self._app)
        live = self._life.live
        if live is None or live.pid != os.getpid() or live.loop is not loop:
            live = self._life.serve(self._app, [wsgi_pass])
            self._owns = True
        self.live = live  # another's, where this is the neighbour of another instance
        if self._owns:
            await live.join_others()
        wsgi_pass.threads = ViewThreads(loop, live.inbox, _MAX_PASSES)
        threads = ViewThreads(loop, live.inbox, _MAX_VIEWS)
        self.pages = Pages(_with_debugger(self._app) if self._app.debug else self._app, threads)
        return live.engine

    def make_lane(self) -> FastLane:
        return self.live.lane

    def lanes(self) -> list[FastLane]:
        return [self.lane, *(neighbour.lane for neighbour in self._neighbours.values())]

    async def drain(self) -> None:
        own = [super().drain()] if self._owns else []
        await asyncio.gather(*own, *(neighbour.drain() for neighbour in self._neighbours.values()))

    def close_connections(self) -> None:
        if self._owns:
            self.live.close_connections()
        for neighbour in self._neighbours.values():
            neighbour.close_connections()

    async def stop(self) -> None:
        self.close_connections()
        for neighbour in self._neighbours.values():
            await neighbour.stop()
        if self._owns and self._life.live is self.live:
            await self.live.stop()
            self._life.stopped()
        self._owns = False

    def find(self, path: str) -> EngineApp | None:
        found = [app for app in (self, *self._neighbours.values()) if path.startswith(app.path)]
        return max(found, key=lambda app: len(app.path), default=None)

    async def other(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        assert self.pages is not None
        await self.pages(scope, receive, send)

    async def below_path(self, request: EngineRequest, receive: Receive, send: Send) -> None:
        if not self._has_hinted and (request.header(b"upgrade") or "").lower() == "websocket":
            self._has_hinted = True
            logger.warning("%s", _NO_WEBSOCKET)
        await answer_below(self.live, self._life.options, request, receive, send)


def say_what_has_no_bound(limits: HttpLimits) -> None:
    """To be called where connections are accepted by a server that does not ask us."""
    if limits.bounds_connections:
        logger.warning("%s", _NO_BOUND)


def _with_debugger(app: Flask) -> WsgiApp:
    """The application with Werkzeug's debugger on the pages that fail."""
    debugger: Any = DebuggedApplication(app, evalex=True)

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.errors"] = _Untold(environ)
        return debugger(environ, start_response)

    return call


class _Untold:
    """What the debugger writes tracebacks to, without those of exceptions that the log has explained."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ
        self._errors = environ["wsgi.errors"]

    def write(self, text: str) -> None:
        if not self._environ.get(TOLD):
            self._errors.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._errors, name)
