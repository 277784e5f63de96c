"""uvicorn's HTTP protocol, with three differences. uvicorn promises nobody that it stays as it is: see `choice.py`.

An answer's head and its body are one write. What is one piece anyway, polling requests of sessions and most pages, is
answered without a task, an event and ASGI's dicts. WebSockets are the fast lane's.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Collection, Sequence
from io import BytesIO
from typing import Any, TypeVarTuple, Unpack, cast
from urllib.parse import unquote

from httptools import HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ...engine.answers import header_lines
from ...engine.engine import Engine
from ...engine.handshake import Handshake
from ...engine.picows import FastLane
from ...engine.request import EngineRequest, Headers, build_environ
from ...engine.timers import Deadlines
from ..pages import Pages
from .cycle import DirectCycle
from .page import DirectPage, environ_of
from .polling import DirectExchange

Ts = TypeVarTuple("Ts")

logger = logging.getLogger("flask_socketio.server")

#: Seconds for which a connection without a request is kept.
_KEEP_ALIVE = 5.0
#: Bytes that are not kept until the end of the loop's turn: the transport has to notice that the client does not read.
_MUCH = 64 * 1024


class HttpProtocol(HttpToolsProtocol):
    """One connection, until it becomes a WebSocket. Subclassed per server, for uvicorn passes nothing of ours to it."""

    #: set when the engines have been made, before the first connection: the lane of each path, the longest path first
    lanes: dict[bytes, FastLane]
    paths: tuple[bytes, ...]
    #: what is answered to requests that are not below an engine's path, if that is known
    pages: Pages | None
    _common: tuple[Headers, bytes] = ([], b"")
    #: where in the bytes that have just been received a WebSocket handshake ends
    _head_end: int | None = None
    #: connections that wait for another request, and are closed if none comes
    idle: Deadlines[Any]

    @classmethod
    def serve(cls, lanes: Sequence[FastLane], pages: Pages | None) -> None:
        """Be the way to their engines, which have one loop, and to pages."""
        found = {lane.engine.config.path.encode(): lane for lane in lanes}
        cls.paths = tuple(sorted(found, key=len, reverse=True))
        cls.lanes = {path: found[path] for path in cls.paths}
        cls.pages = pages
        cls.idle = Deadlines(lanes[0].engine.loop, _KEEP_ALIVE, cls.timeout_keep_alive_handler)

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self.transport: Any = _JoiningTransport(self.loop, transport)
        self.cycle: Any
        self.parser: Any
        self._environ: dict[str, Any] | None = None
        #: whose request is being read, if it is answered without ASGI
        self._reading: DirectCycle | None = None
        #: what was last answered so, or is still to be; others may stand in line behind it
        self._direct: DirectCycle | RequestResponseCycle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.idle.discard(self)
        direct = self._direct
        if direct is not None and not direct.response_complete:
            direct.disconnected = True
            direct.message_event.set()
            if isinstance(direct, DirectCycle):
                direct.lost()
        # They have this protocol: no circle of references.
        self._reading = self._direct = None
        if isinstance(self.cycle, DirectCycle):
            self.cycle = None

    def handle_websocket_upgrade(self) -> None:
        """Called by uvicorn while it handles what its parser raised, which says where the request's head ends."""
        upgrade = sys.exception()
        self._head_end = upgrade.args[0] if isinstance(upgrade, HttpParserUpgrade) else sys.maxsize

    def _become_websocket(self, early: bytes) -> None:
        """The connection is a WebSocket's from now on; `early` has come behind the request."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.send_400_response("A WebSocket handshake before the answer to another request.")
            return
        self.idle.discard(self)
        self.transport.flush()
        transport = self.transport.raw
        raw_path, _, query = self.url.partition(b"?")
        path = unquote(raw_path.decode("latin-1"))
        scope = {
            **self.scope,
            "type": "websocket",
            "scheme": "wss" if self.scheme == "https" else "ws",
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
        }
        self.connections.discard(self)
        handshake = Handshake(self._lane_of(path), self.connections, early)
        transport.set_protocol(handshake)
        handshake.connection_made(transport)
        handshake.begin(EngineRequest(scope))
        # They have this protocol: no circle of references.
        self.parser = self.cycle = self._direct = None

    def _lane_of(self, path: str) -> FastLane:
        """Whose handshake it is; where it is nobody's, whichever refuses it."""
        found = [path_ for path_ in self.paths if path.startswith(path_.decode())]
        return self.lanes[found[0] if found else self.paths[0]]

    def data_received(self, data: bytes) -> None:
        self.idle.discard(self)
        super().data_received(data)
        if self._head_end is not None:
            self._become_websocket(data[self._head_end :])
        elif self.cycle is not None and self.cycle.response_complete:
            self.idle.add(self)  # also where what came was no new request

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
        else:
            # The same, but for uvicorn's timer for each connection, set and cancelled with every request.
            self.server_state.total_requests += 1
            self.flow.resume_reading()
            self.idle.add(self)

    # -- requests that are answered without ASGI -------------------------------------------------

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        direct = self._reading = self._direct_cycle()
        if direct is not None:
            self.cycle = self._direct = direct
            self._guard(direct.begin)
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()  # makes the scope
        self.url, self.expect_100_continue = url, expects
        self.scope["headers"] = self.headers = headers
        super().on_headers_complete()

    def _direct_cycle(self) -> DirectCycle | None:
        """What answers the request; None where something is uvicorn's: a log, an upgrade, an old version, a queue."""
        parser = self.parser
        if (
            self.access_log
            or self.expect_100_continue
            or parser.should_upgrade()
            or parser.get_http_version() != "1.1"
            or (self.cycle is not None and not self.cycle.response_complete)
            or self.flow.write_paused
        ):
            return None
        method = parser.get_method()
        path, _, query = self.url.partition(b"?")
        lane = self.lanes.get(path)
        if lane is not None:
            return self._polling_cycle(lane.engine, method, query)
        if self.pages is None or method == b"HEAD" or path.startswith(self.paths):
            return None
        environ = environ_of(self, method, self.url)
        if environ is None:
            return None
        return DirectPage(self, self.pages, environ, keep_alive=parser.should_keep_alive())

    def _polling_cycle(self, engine: Engine, method: bytes, query: bytes) -> DirectExchange | None:
        if method not in (b"GET", b"POST") or b"sid=" not in query:
            return None
        scope = {
            "type": "http",
            "method": method.decode(),
            "query_string": query,
            "headers": self.headers,
        }
        request = EngineRequest(scope)
        if request.query.sid is None:
            return None
        return DirectExchange(self, engine, request, keep_alive=self.parser.should_keep_alive())

    def on_body(self, body: bytes) -> None:
        if self._reading is not None:
            self._guard(self._reading.body_arrived, body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        direct, self._reading = self._reading, None
        if direct is not None:
            self._guard(direct.body_complete)
        else:
            super().on_message_complete()

    def _guard(self, step: Callable[[Unpack[Ts]], None], *args: *Ts) -> None:
        """Do a step of an answer. If it fails, the parser would call the request invalid and say nothing else."""
        try:
            step(*args)
        except Exception:
            logger.exception("a request failed")
            self._reading = None
            if isinstance(self._direct, DirectCycle):
                self._direct.fail()

    def environ_base(self) -> dict[str, Any]:
        """What the WSGI environs of all requests of this connection have in common."""
        if self._environ is None:
            scope: dict[str, Any] = {
                "path": "", "query_string": b"", "headers": [],
                "scheme": self.scheme, "server": self.server, "client": self.client,
            }  # fmt: skip
            self._environ = build_environ(scope, BytesIO())
        return self._environ

    def common_lines(self) -> bytes:
        """uvicorn's own headers as lines; they change once a second."""
        headers = self.server_state.default_headers
        if headers is not self._common[0]:
            type(self)._common = headers, header_lines(headers)
        return self._common[1]

    def go_on(self, direct: DirectCycle, method: str, app: Any) -> None:
        """Have an ASGI application answer a request that has been read already, even if the client has gone."""
        cycle = self.make_cycle(method, keep_alive=direct.keep_alive)
        cycle.more_body = False
        cycle.disconnected = direct.disconnected
        if self._direct is direct:
            self._direct = cycle
        if self.cycle is direct:  # else it is the next request's already, which waits
            self.cycle = cycle
        self._start_asgi_task(cycle, app)

    def make_cycle(self, method: str, *, keep_alive: bool) -> RequestResponseCycle:
        """What uvicorn would have made for a request that has been read already."""
        return RequestResponseCycle(
            scope=cast(Any, {"type": "http", "method": method}),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )

    @staticmethod
    def stop(connections: Collection[object]) -> None:
        """The server stops: what is not answered yet has to be a task, for uvicorn to wait for."""
        for connection in connections:
            if isinstance(connection, HttpProtocol) and isinstance(connection._direct, DirectPage):
                connection._direct.hand_over()


class _JoiningTransport:
    """Writes what one turn of the loop produces at once."""

    __slots__ = ("_loop", "_out", "_size", "raw")

    def __init__(self, loop: asyncio.AbstractEventLoop, raw: asyncio.Transport) -> None:
        self._loop = loop
        self._out: list[bytes] = []
        self._size = 0
        self.raw = raw

    def write(self, data: bytes) -> None:
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(data)
        self._size += len(data)
        if self._size > _MUCH:
            self.flush()

    def flush(self) -> None:
        data = b"".join(self._out)
        self._out.clear()
        self._size = 0
        if data and not self.raw.is_closing():
            self.raw.write(data)

    def write_now(self, data: bytes) -> None:
        """Write what is one piece already."""
        if self._out:
            self.flush()
        if not self.raw.is_closing():
            self.raw.write(data)

    def is_closing(self) -> bool:
        return self.raw.is_closing()

    def close(self) -> None:
        self.flush()
        self.raw.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)
