"""uvicorn's HTTP protocol, with three differences. uvicorn promises nobody that it stays as it is: see `choice.py`.

An answer's head and its body are one write. What is one piece anyway, polling requests of sessions and most pages, is
answered without a task, an event and ASGI's dicts. WebSockets are the fast lane's.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Collection, Sequence
from operator import itemgetter
from typing import Any, Protocol, TypeVarTuple, Unpack, cast
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ...base.counters import Counters
from ...base.told import Told
from ...engine.answers import header_lines
from ...engine.config import HttpLimits
from ...engine.engine import Engine
from ...engine.handshake import Handshake
from ...engine.picows import FastLane, Register
from ...engine.request import EngineRequest, Headers, add_headers
from ...engine.timers import Sweep
from ..pages import Pages
from .cycle import STATUS, DirectCycle
from .ends import Ends
from .head import (
    BadHead,
    check_size,
    check_version,
    is_websocket,
    no_request,
    too_large,
    without_upgrade,
)
from .inflow import PIECE, Inflow
from .known import Known, KnownHeads, Line, target_of
from .page import DirectPage, environ_of
from .places import Places
from .polling import DirectExchange
from .transport import JoiningTransport
from .upgrades import KnownUpgrades, Upgrade
from .watch import Waits, Watch, period

Ts = TypeVarTuple("Ts")

logger = logging.getLogger("flask_socketio.server")

_NAME = itemgetter(0)
#: What is being read of a request.
_NOTHING, _HEAD, _BODY = range(3)
#: Seconds that a new connection has for its request when the server stops.
LAST_CHANCE = 0.3
#: A reason to end a connection that need not be told.
_USUAL = (Waits.FIRST, Waits.NEXT)


class Watched(Protocol):
    """A connection that may have to be ended."""

    def look(self, seconds: float) -> bool:
        """Called once in so many seconds, while it is watched; returns whether it still has to be."""
        ...


def _look(connection: Watched, seconds: float) -> bool:
    return connection.look(seconds)


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
    #: bytes and fields in a head, at most
    max_size = max_fields = sys.maxsize
    #: what a client has sent at once, if it was more than is usual
    _inflow: Inflow | None = None
    #: bytes since something was found in them that are parsed as they come; the usual number
    _most = usual = PIECE
    #: bytes of bodies that have come, and of those that came before the one that is being read
    _got = _got_before = 0
    #: bytes since something was found in them, a head or a piece of a body
    _pending = 0
    _phase = _NOTHING
    url = b""
    #: what is wrong with the head that is being read
    _verdict: BadHead | None = None
    #: what is answered when all others are
    _last_word: BadHead | None = None
    #: whose request is being read, if it is answered without ASGI
    _reading: DirectCycle | None = None
    #: what was last answered so, or is still to be; others may stand in line behind it
    _direct: DirectCycle | RequestResponseCycle | None = None
    _watch: Watch | None = None
    _ends: Ends
    _environ: dict[str, Any] | None = None
    cycle: Any
    parser: Any
    #: connections that may have to be ended, because the client is too slow; others may be among them for a moment
    watched: set[Watched]
    places: Places
    upgrades: KnownUpgrades
    #: what the connection has become, until it is known which data that was
    _upgrade_made: Upgrade | None = None

    @classmethod
    def serve(cls, lanes: Sequence[FastLane], pages: Pages | None) -> None:
        """Be the way to their engines, which have one loop, and to pages."""
        found = {lane.engine.config.path.encode(): lane for lane in lanes}
        cls.paths = tuple(sorted(found, key=len, reverse=True))
        cls.lanes = {path: found[path] for path in cls.paths}
        cls.pages = pages
        engine = lanes[0].engine
        cls.limits, cls.counters = engine.config.http, engine.counters
        cls.max_size = cls.limits.max_header_size or sys.maxsize
        cls._most = cls.usual = min(PIECE, cls.max_size)
        cls.max_fields = cls.limits.max_header_fields or sys.maxsize
        cls.told = Told(logger, engine.loop)
        cls.upgrades = KnownUpgrades()
        cls.places = places = Places(cls.limits, cls.counters, cls.told)
        Sweep(engine.loop, 1.0, Places.look).items.add(places)
        engine.loop.set_exception_handler(places.on_loop_error)
        cls.watched = Sweep[Watched](engine.loop, period(cls.limits), _look).items

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        connections = self.places.take(self.connections, transport)
        if connections is not None:
            self.begin(transport, connections)

    def begin(self, transport: asyncio.Transport, connections: Register) -> None:
        """Serve a connection that has a place."""
        self.connections: Any = connections
        connections.add(self)
        self.flow: Any = FlowControl(transport)
        self._ends = ends = Ends.of(transport)
        self.scheme, self.server, self.client = cast(Any, ends)
        self.transport: Any = JoiningTransport(self.loop, transport)
        self._asgi: Any = self.app  # pyright: ignore[reportUnknownMemberType]
        self.watched.add(self)
        #: None: all heads are parsed, from now on
        self._known = None if self.access_log else KnownHeads()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose()
        super().connection_lost(exc)
        self.watched.discard(self)
        # They have this protocol: no circle of references.
        self._reading = self._direct = self._known = None
        if self._inflow is not None:
            self._inflow.close()
            self._inflow = None
        if isinstance(self.cycle, DirectCycle):
            self.cycle = None

    def _lose(self) -> None:
        """Nobody waits for what is not answered yet."""
        for open_ in (self._direct, self.cycle):
            if open_ is not None and not (open_.response_complete or open_.disconnected):
                open_.disconnected = True
                open_.message_event.set()
                if isinstance(open_, DirectCycle):
                    open_.lost()

    def shutdown(self) -> None:
        """Called by uvicorn when it stops: end as soon as nothing is to be answered any more."""
        if self.cycle is None:  # a request may be on its way
            self.loop.call_later(LAST_CHANCE, self.end)
        else:
            super().shutdown()

    def end(self) -> None:
        """It is time: what is not answered yet is the last."""
        if self.parser is not None:  # else it is a WebSocket's connection by now
            super().shutdown()

    def _become_websocket(self, early: bytes) -> None:
        """The connection is a WebSocket's from now on; `early` has come behind the request."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._refuse(BadHead(400, "a WebSocket handshake before the answer to another request"))
            return
        if self._inflow is not None:
            early += self._inflow.close()
            self._inflow = None
        self.transport.flush()
        request, environ = self._websocket_request()
        lane = self._lane_of(request.path)
        handshake = Handshake(lane, self._let_go(), early)
        handshake.take(self.transport.raw, request)
        if handshake.can_be_repeated and environ is not None and not early:
            base = self._environ_base()
            own = {name: value for name, value in environ.items() if base.get(name) is not value}
            lines = header_lines(request.response_headers)
            self._upgrade_made = Upgrade(request, own, lane, lines)

    def _let_go(self) -> Any:
        """The connection is not HTTP's any more; returns where it is to be registered."""
        self.watched.discard(self)
        self.connections.discard(self)
        # They have this protocol: no circle of references.
        self.parser = self.cycle = self._direct = None
        self._phase = _NOTHING
        return self.connections

    def _websocket_request(self) -> tuple[EngineRequest, dict[str, Any] | None]:
        """Made without uvicorn's scope, of which hardly anything is asked for.

        And a copy of its environ, before others put something into that; None where it is not as simple as nearly all
        are.
        """
        parser, url = self.parser, self.url
        raw_path, _, query = url.partition(b"?")
        method, version = parser.get_method(), parser.get_http_version()
        scope = {
            "type": "websocket",
            "http_version": version,
            "method": method.decode(),
            "scheme": "wss" if self.scheme == "https" else "ws",
            "path": unquote(raw_path.decode("latin-1")),
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
            "server": self.server,
            "client": self.client,
        }
        request, environ = EngineRequest(scope), None
        if version == "1.1":
            environ = environ_of(self._environ_with(self.headers), method, url)
            if environ is not None:
                request.environ = environ.copy()
        return request, environ

    def _lane_of(self, path: str) -> FastLane:
        """Whose handshake it is; where it is nobody's, whichever refuses it."""
        raw_path = path.encode()
        found = next(filter(raw_path.startswith, self.paths), self.paths[0])
        return self.lanes[found]

    def data_received(self, data: bytes) -> None:
        pending = self._pending + len(data)
        if pending > self._most:
            self._set_aside(data)
            return
        known = self._known
        if known is None or self._phase or self._pending:
            self._pending = pending
            self._parse_at_once(data)
        elif not self._read_known(known, data):
            self._pending = pending
            self._parse_at_once(data)
            self._learn(known, data)

    def _learn(self, known: KnownHeads, data: bytes) -> None:
        """Keep what the parser has found in data that it was given between two requests."""
        made = self._upgrade_made
        if made is not None:
            self._upgrade_made = None
            self.upgrades.learn(data, made)
        elif self._known is known and self._phase == _NOTHING and self._is_answered_directly():
            self._known = known if known.learn(data, self.headers) else None

    def _is_answered_directly(self) -> bool:
        return self.cycle is self._direct is not None

    def _parse_at_once(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            # Dealt with outside: it is not the cause of what may fail there. Its traceback would be a circle.
            found = error.with_traceback(None)
        else:
            if self._phase:
                self.watched.add(self)
            return
        self._stop_parsing(found, data)
        if self._phase:
            self.watched.add(self)

    def _read_known(self, heads: KnownHeads, data: bytes) -> bool:
        """Answer a request without parsing it. Nothing has happened where that cannot be."""
        found = heads.read(data)
        if found is None or self._is_busy():
            return False
        line, known, body = found
        ticket = known.ticket(line)
        direct = ticket.admit(self) if ticket is not None else None
        if direct is None:
            return self._answer_known(line, known, body)
        self.cycle = self._direct = direct
        self._guard(direct.take, body)
        return True

    def _answer_known(self, line: Line, known: Known, body: bytes) -> bool:
        """Answer a request of which the fields are known, and not what is to be found about it."""
        url = target_of(line)
        fields = known.fields(line)
        direct = self._direct_cycle(line[1], url, fields, keep_alive=True, known=known)
        if direct is None:
            return False
        self.url = url
        self.expect_100_continue = False
        self.cycle = self._direct = direct
        self._guard(direct.take, body)
        if isinstance(direct, DirectExchange):
            known.keep(line, direct.ticket)
        return True

    def _set_aside(self, data: bytes, *, first: bool = False) -> None:
        """Have it parsed in slices: it is much, or something waits that has come before."""
        inflow = self._inflow
        if inflow is None:
            inflow = self._inflow = Inflow(self)
        inflow.add(data, first=first)
        self._most = -1 if inflow.waits or self.pipeline else self.usual

    def room(self) -> int:
        """How much may be parsed at once of what has been set aside: a piece, or what is certainly one body."""
        if self._phase == _BODY:
            size = dict(self.headers).get(b"content-length", b"0")
            return max(PIECE, int(size) - (self._got - self._got_before))
        return PIECE

    def parse(self, piece: bytes) -> None:
        """Parse a piece of what has been set aside."""
        self._pending += len(piece)
        found = None
        try:
            self.parser.feed_data(piece)
        except (HttpParserError, HttpParserUpgrade) as error:
            found = error.with_traceback(None)
        if found is not None:
            self._stop_parsing(found, piece)
        elif self._pending > self.max_size:
            self._refuse(too_large(self.url, self.limits))
        if self._phase:
            self.watched.add(self)

    def _stop_parsing(self, found: HttpParserError | HttpParserUpgrade, data: bytes) -> None:
        """What comes is no HTTP, or not what we take, or becomes something else."""
        if isinstance(found, HttpParserUpgrade):
            self._upgrade(data[found.args[0] :])
        else:
            self._refuse(self._verdict or no_request(data))

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
            self._set_aside(without_upgrade(old, self.url, self.headers) + behind, first=True)

    def _refuse(self, verdict: BadHead) -> None:
        """Answer in place of whoever would, behind the answers to earlier requests, and close."""
        self.parser, self._known = _DEAF, None
        self._count(verdict.reason)
        if self._leave_to_earlier():
            self._last_word = verdict
        else:
            self._say(verdict)

    def _leave_to_earlier(self) -> bool:
        """Whether requests before the one that is being read are to be answered still; that one is not any more."""
        if self._phase != _BODY:
            return self.cycle is not None and not self.cycle.response_complete
        if not self.pipeline:
            return False
        self.pipeline.popleft()
        return True

    def _say(self, verdict: BadHead) -> None:
        text = verdict.reason.encode()
        self.transport.end(
            b"%b%b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
            % (STATUS[verdict.status], self.common_lines(), len(text), text)
        )

    def _count(self, reason: str) -> None:
        self.counters.refuse_http(reason)
        self.told.warning("a request was refused: %s", reason, kind=reason)

    def look(self, seconds: float) -> bool:
        """Called once in so many seconds, while it is watched; returns whether it still has to be."""
        if self.parser is None or (self.transport.is_closing() and not self.transport.waiting):
            return False
        waits, done = self._waits()
        if self._watch is None:
            self._watch = Watch()
        if self._watch.is_over(waits, done, self.limits, seconds):
            self._give_up(waits)
            return waits is not Waits.READER
        return waits is not Waits.NOT or not isinstance(self.cycle, DirectCycle)

    def _waits(self) -> tuple[Waits, int]:
        """For what of the client's, and the bytes of it that have come or have been read."""
        transport, cycle = self.transport, self.cycle
        if waiting := transport.waiting:
            return Waits.READER, transport.written - waiting
        if self._inflow is not None and self._inflow.waits:
            return Waits.NOT, 0
        if self._phase == _BODY:
            pauses = self.flow.read_paused or getattr(cycle, "waiting_for_100_continue", False)
            return (Waits.NOT if pauses else Waits.BODY), self._got
        if cycle is not None and not cycle.response_complete:
            return Waits.NOT, 0
        if self._phase == _HEAD:
            return Waits.HEAD, 0
        return (Waits.FIRST if cycle is None else Waits.NEXT), 0

    def _give_up(self, waits: Waits) -> None:
        """The client is too slow."""
        started = getattr(self.cycle, "response_started", False)
        if waits in _USUAL:
            self.transport.close()
        elif waits is Waits.READER or (started and not self.cycle.response_complete):
            self._count(waits.value)
            self.transport.raw.abort()
        else:
            self._refuse(BadHead(408, waits.value))
            if self._last_word is None:
                self._lose()

    def on_response_complete(self) -> None:
        self._watch = None
        self.watched.add(self)
        if self.pipeline or self.transport.raw.is_closing():
            super().on_response_complete()
        elif self._last_word is not None:
            self._say(self._last_word)
        else:
            # The same, but for uvicorn's timer for each connection, set and cancelled with every request.
            self.server_state.total_requests += 1
            if self.flow.read_paused:
                self.flow.resume_reading()

    # -- requests that are answered without ASGI -------------------------------------------------

    def on_message_begin(self) -> None:
        self._phase = _HEAD
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        if self._pending > self.max_size or len(self.headers) > self.max_fields:
            self._verdict = check_size(self.url, self.headers, self.limits)
            if self._verdict is not None:
                raise self._verdict  # to the parser, which would say that the request is invalid
        self._pending = 0
        self._got_before = self._got
        self._phase = _BODY
        direct = self._reading = self._parsed_cycle()
        if direct is not None:
            self.cycle = self._direct = direct
            self._guard(direct.begin)
        else:
            self._begin_asgi()

    def _begin_asgi(self) -> None:
        """Let an ASGI application answer, unless the connection becomes another protocol's."""
        parser, headers, url, expects = (
            self.parser,
            self.headers,
            self.url,
            self.expect_100_continue,
        )
        version = parser.get_http_version()
        self._verdict = check_version(version, [*map(_NAME, headers)])
        if self._verdict is not None:
            self._phase = _HEAD
            raise self._verdict
        if parser.should_upgrade():
            return  # `_upgrade` follows
        super().on_message_begin()  # makes the scope
        self.url, self.headers, self.expect_100_continue = url, headers, expects
        scope: Any = self.scope
        scope["headers"], scope["method"] = headers, parser.get_method().decode()
        scope["http_version"] = version
        parsed = parse_url(url)
        scope["path"], scope["raw_path"] = unquote(parsed.path.decode()), parsed.path
        scope["query_string"] = parsed.query or b""
        self.headers = []  # what follows the body are nobody's headers
        keep_alive = version != "1.0" and parser.should_keep_alive()
        before, self.cycle = self.cycle, self.make_cycle(scope, keep_alive=keep_alive)
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self._asgi)
        else:  # it waits for the answer to another request
            self.flow.pause_reading()
            self._most = -1
            self.pipeline.appendleft((self.cycle, self._asgi))

    def _parsed_cycle(self) -> DirectCycle | None:
        """What answers the request; None where something is uvicorn's: a log, an upgrade, an old version, a queue."""
        parser = self.parser
        if (
            self.access_log
            or self.expect_100_continue
            or parser.should_upgrade()
            or parser.get_http_version() != "1.1"
            or self._is_busy()
            or [*map(_NAME, self.headers)].count(b"host") != 1
        ):
            return None
        return self._direct_cycle(
            parser.get_method(), self.url, self.headers, keep_alive=parser.should_keep_alive()
        )

    def _is_busy(self) -> bool:
        """Whether an answer has to wait."""
        cycle = self.cycle
        return (cycle is not None and not cycle.response_complete) or self.flow.write_paused

    def _direct_cycle(
        self,
        method: bytes,
        url: bytes,
        headers: Headers,
        *,
        keep_alive: bool,
        known: Known | None = None,
    ) -> DirectCycle | None:
        path, _, query = url.partition(b"?")
        lane = self.lanes.get(path)
        if lane is not None:
            return self._polling_cycle(lane.engine, method, query, headers, keep_alive=keep_alive)
        if self.pages is None or method == b"HEAD" or path.startswith(self.paths):
            return None
        make = self._environ_with
        begun = make(headers) if known is None else known.environ(make, headers)
        environ = environ_of(begun, method, url)
        if environ is None:
            return None
        return DirectPage(self, self.pages, environ, keep_alive=keep_alive)

    def _polling_cycle(
        self, engine: Engine, method: bytes, query: bytes, headers: Headers, *, keep_alive: bool
    ) -> DirectExchange | None:
        if method not in (b"GET", b"POST") or b"sid=" not in query or b"#" in query:
            return None
        scope = {
            "type": "http",
            "method": method.decode(),
            "query_string": query,
            "headers": headers,
        }
        request = EngineRequest(scope)
        if request.query.sid is None:
            return None
        return DirectExchange(self, engine, request, keep_alive=keep_alive)

    def on_body(self, body: bytes) -> None:
        self._pending = 0
        self._got += len(body)
        if self._reading is not None:
            self._guard(self._reading.body_arrived, body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._phase = _NOTHING
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

    def _environ_with(self, headers: Headers) -> dict[str, Any]:
        """What the WSGI environ of a request with these fields has of them and of the connection."""
        environ = self._environ_base().copy()
        add_headers(environ, headers)
        return environ

    def _environ_base(self) -> dict[str, Any]:
        """What the WSGI environs of all requests of this connection have in common."""
        if self._environ is None:
            self._environ = self._ends.environ()
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
        self.watched.add(self)

    def make_cycle(self, scope: dict[str, Any], *, keep_alive: bool) -> RequestResponseCycle:
        """What answers by ASGI. Where the request has been read already, nobody needs more of its scope."""
        return AsgiCycle(
            scope=cast(Any, scope),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
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


class _Deaf:
    """The parser of a connection that has been given up."""

    def feed_data(self, data: bytes) -> None:
        """Read it away."""


_DEAF = _Deaf()


class AsgiCycle(RequestResponseCycle):
    """uvicorn's way of answering by ASGI, with what it leaves to applications done for them."""

    #: the answer ends with the connection: an HTTP/1.0 client knows no chunks
    _ends_with_connection = False

    async def send(self, message: Any) -> None:
        if not self.response_started:
            names = dict(message.get("headers", ()))
            if b"date" in names or self.scope.get("http_version") == "1.0":
                self._begin(names)
        elif self._ends_with_connection:
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)

    def _begin(self, names: dict[bytes, bytes]) -> None:
        if b"date" in names:
            self.default_headers = [
                header for header in self.default_headers if header[0] != b"date"
            ]
        if self.scope.get("http_version") == "1.0" and b"content-length" not in names:
            self.chunked_encoding = False
            self._ends_with_connection = True
