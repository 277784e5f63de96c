"""uvicorn's HTTP protocol, with three differences. uvicorn promises nobody that it stays as it is: see `choice.py`.

An answer's head and its body are one write. What is one piece anyway, polling requests of sessions and most pages, is
answered without a task, an event and ASGI's dicts. WebSockets are the fast lane's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from io import BytesIO
from typing import Any, TypeVarTuple, Unpack, cast
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ...base.counters import Counters
from ...base.told import Told
from ...engine.answers import header_lines
from ...engine.config import HttpLimits
from ...engine.engine import Engine
from ...engine.handshake import Handshake
from ...engine.picows import FastLane
from ...engine.request import EngineRequest, Headers, build_environ
from ...engine.timers import Deadlines
from ..pages import Pages
from .asgi_cycle import AsgiCycle
from .cycle import STATUS, DirectCycle
from .head import (
    BadHead,
    check_size,
    feed_without_upgrade,
    has_one_host,
    is_websocket,
    too_large,
)
from .page import DirectPage, environ_of
from .polling import DirectExchange

Ts = TypeVarTuple("Ts")

logger = logging.getLogger("flask_socketio.server")

#: Seconds for which a connection without a request is kept.
_KEEP_ALIVE = 5.0
#: Bytes that are not kept until the end of the loop's turn: the transport has to notice that the client does not read.
_MUCH = 64 * 1024
#: Seconds in which a client that was refused may read why.
_LINGER = 2.0


class HttpProtocol(HttpToolsProtocol):
    """One connection, until it becomes a WebSocket. Subclassed per server, for uvicorn passes nothing of ours to it."""

    #: set when the engines have been made, before the first connection: the lane of each path, the longest path first
    lanes: dict[bytes, FastLane]
    paths: tuple[bytes, ...]
    #: what is answered to requests that are not below an engine's path, if that is known
    pages: Pages | None
    _common: tuple[Headers, bytes] = ([], b"")
    limits: HttpLimits
    counters: Counters
    told: Told
    #: connections that wait for another request, and are closed if none comes
    idle: Deadlines[Any]

    @classmethod
    def serve(cls, lanes: Sequence[FastLane], pages: Pages | None) -> None:
        """Be the way to their engines, which have one loop, and to pages."""
        found = {lane.engine.config.path.encode(): lane for lane in lanes}
        cls.paths = tuple(sorted(found, key=len, reverse=True))
        cls.lanes = {path: found[path] for path in cls.paths}
        cls.pages = pages
        engine = lanes[0].engine
        cls.limits, cls.counters = engine.config.http, engine.counters
        cls.told = Told(logger, engine.loop)
        cls.idle = Deadlines(engine.loop, _KEEP_ALIVE, cls.timeout_keep_alive_handler)

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self.transport: Any = _JoiningTransport(self.loop, transport)
        self.cycle: Any
        self.parser: Any
        self._asgi: Any = self.app  # pyright: ignore[reportUnknownMemberType]
        self._environ: dict[str, Any] | None = None
        self.url = b""
        #: bytes since something was found in them, a head or a piece of a body
        self._pending = 0
        #: what is wrong with the head that is being read
        self._verdict: BadHead | None = None
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

    def _become_websocket(self, early: bytes) -> None:
        """The connection is a WebSocket's from now on; `early` has come behind the request."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._refuse(BadHead(400, "a WebSocket handshake before the answer to another request"))
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
        size = self.limits.max_header_size
        if self.transport.ended:
            return
        if 0 < size < len(data) and self._reading is None:
            # A head is read in pieces: one with too many fields does not hold up others.
            if self._feed(data[:size], data[size:]):
                self._feed(data[size:])
        else:
            self._feed(data)
        if self.cycle is not None and self.cycle.response_complete:
            self.idle.add(self)  # also where what came was no new request

    def _feed(self, data: bytes, behind: bytes = b"") -> bool:
        """Have the parser read; returns whether it goes on with what is behind."""
        self._pending += len(data)
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :] + behind)
            return False
        except HttpParserError:
            self._refuse(self._verdict or BadHead(400, "invalid request"))
            return False
        if self._pending > self.limits.max_header_size > 0:
            self._refuse(too_large(self.url, self.limits))
            return False
        return True

    def _upgrade(self, behind: bytes) -> None:
        """The client wants another protocol, and has been read up to the end of its request's head."""
        old = self.parser
        if is_websocket(old.get_method(), self.headers):
            self._become_websocket(behind)
        elif old.get_method() == b"CONNECT":
            self._refuse(BadHead(400, "invalid request"))
        else:  # there is none that we know: it is a request like any other
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            feed_without_upgrade(self.parser, old, self.url, self.headers)
            self._feed(behind)

    def _refuse(self, verdict: BadHead) -> None:
        """Answer in place of whoever would, and close."""
        self.counters.refuse_http(verdict.reason)
        self.told.warning("a request was refused: %s", verdict.reason, kind=verdict.reason)
        text = verdict.reason.encode()
        self.transport.end(
            b"%b%b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS[verdict.status], self.common_lines(), len(text), text)
        )

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
        self._verdict = None
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        limits = self.limits
        if self._pending > limits.max_header_size or len(self.headers) > limits.max_header_fields:
            self._check(check_size, self.url, self.headers, limits)
        self._pending = 0
        direct = self._reading = self._direct_cycle()
        if direct is not None:
            self.cycle = self._direct = direct
            self._guard(direct.begin)
        else:
            self._begin_asgi()

    def _check(self, check: Callable[[Unpack[Ts]], None], *args: *Ts) -> None:
        """What a check raises goes through the parser, which would say that the request is invalid."""
        try:
            check(*args)
        except BadHead as verdict:
            self._verdict = verdict
            raise

    def _begin_asgi(self) -> None:
        """Let an ASGI application answer, unless the connection becomes another protocol's."""
        parser, headers, url, expects = (
            self.parser,
            self.headers,
            self.url,
            self.expect_100_continue,
        )
        method, version = parser.get_method(), parser.get_http_version()
        self._check(_check_host, version, headers)
        super().on_message_begin()  # makes the scope
        self.url, self.expect_100_continue = url, expects
        self.scope["headers"] = self.headers = headers
        self.scope["method"] = method.decode()
        self.scope["http_version"] = version
        if parser.should_upgrade():
            return  # `_upgrade` follows
        parsed = parse_url(url)
        self.scope["path"] = unquote(parsed.path.decode())
        self.scope["raw_path"] = parsed.path
        self.scope["query_string"] = parsed.query or b""
        before, app = self.cycle, self._asgi
        self.cycle = self.make_cycle(
            cast(Any, self.scope), keep_alive=version != "1.0" and parser.should_keep_alive()
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, app)
        else:  # it waits for the answer to another request
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, app))

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
            or not has_one_host(self.headers)
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
        self._pending = 0
        if self._reading is not None:
            self._guard(self._reading.body_arrived, body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._pending = 0
        direct, self._reading = self._reading, None
        if direct is not None:
            self._guard(direct.body_complete)
        elif not self.parser.should_upgrade():
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
        scope = {"type": "http", "method": method}
        cycle = self.make_cycle(scope, keep_alive=direct.keep_alive)
        cycle.more_body = False
        cycle.disconnected = direct.disconnected
        if self._direct is direct:
            self._direct = cycle
        if self.cycle is direct:  # else it is the next request's already, which waits
            self.cycle = cycle
        self._start_asgi_task(cycle, app)

    def make_cycle(self, scope: dict[str, Any], *, keep_alive: bool) -> RequestResponseCycle:
        """What answers by ASGI. Where the request has been read already, nobody needs more of its scope."""
        return AsgiCycle(
            scope=cast(Any, scope),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log and "path" in scope,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )

    @staticmethod
    def stop(connections: Collection[object]) -> None:
        """The server stops: what is not answered yet has to be a task, for uvicorn to wait for."""
        for connection in connections:
            if isinstance(connection, HttpProtocol) and isinstance(connection._direct, DirectPage):
                connection._direct.hand_over()


def _check_host(version: str, headers: Headers) -> None:
    if version == "1.1" and not has_one_host(headers):
        raise BadHead(400, "not one Host")


class _JoiningTransport:
    """Writes what one turn of the loop produces at once."""

    __slots__ = ("_loop", "_out", "_size", "ended", "raw")

    def __init__(self, loop: asyncio.AbstractEventLoop, raw: asyncio.Transport) -> None:
        self._loop = loop
        self._out: list[bytes] = []
        self._size = 0
        self.raw = raw
        #: the last word has been said
        self.ended = False

    def write(self, data: bytes) -> None:
        if self.ended:
            return
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
        if not self.is_closing():
            self.raw.write(data)

    def end(self, data: bytes) -> None:
        """Write something and say that nothing follows.

        What still comes is read away for a moment: to close with unread data would reset the connection, and what was
        written could be lost with it.
        """
        if self.is_closing():
            return
        self.write_now(data)
        self.ended = True
        if self.raw.can_write_eof():
            self.raw.write_eof()
            self._loop.call_later(_LINGER, self.raw.close)
        else:  # TLS, which says goodbye by itself
            self.raw.close()

    def is_closing(self) -> bool:
        return self.ended or self.raw.is_closing()

    def close(self) -> None:
        self.flush()
        self.raw.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)
