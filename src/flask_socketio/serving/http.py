"""uvicorn's HTTP protocol, with three differences.

An answer's head and its body are one write. A polling request of a session, of which there is one per message and
more, is answered without a task, an event and ASGI's dicts. WebSockets are the fast lane's.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ..engine.engine import Engine
from ..engine.fastlane import FastLane
from ..engine.handshake import Handshake
from ..engine.http import compressed, header_lines, refusal_answer
from ..engine.polling import TOO_LARGE, Answer, PollingTransport
from ..engine.request import EngineRequest, Headers
from ..engine.timers import DelayQueue
from ..protocol.errors import HandshakeRefused

#: Seconds for which a connection without a request is kept.
_KEEP_ALIVE = 5.0
#: Bytes that are not kept until the end of the loop's turn: the transport has to notice that the client does not read.
_MUCH = 64 * 1024


class HttpProtocol(HttpToolsProtocol):
    """One connection, until it becomes a WebSocket. Subclassed per server, for uvicorn passes nothing of ours to it."""

    #: set when the engine has been made, before the first connection
    engine: Engine
    lane: FastLane
    path: bytes
    _common: tuple[Headers, bytes] = ([], b"")
    #: connections that wait for another request, and are closed if none comes
    idle: DelayQueue[Any]

    @classmethod
    def serve(cls, engine: Engine, lane: FastLane) -> None:
        """Be the way to this engine."""
        cls.engine = engine
        cls.lane = lane
        cls.path = engine.config.path.encode()
        cls.idle = DelayQueue(engine.loop, _KEEP_ALIVE, cls.timeout_keep_alive_handler)

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self.transport: Any = _JoiningTransport(self.loop, transport)
        self.cycle: Any
        self.parser: Any

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.idle.discard(self)
        if type(self.cycle) is DirectExchange:
            self.cycle.lost()
            self.cycle = None  # which has this protocol: no circle of references

    def handle_websocket_upgrade(self) -> None:
        """The connection is a WebSocket's from now on."""
        self.transport.flush()
        transport = self.transport.raw
        path, _, query = self.url.partition(b"?")
        scope = {
            **self.scope,
            "type": "websocket",
            "scheme": "wss" if self.scheme == "https" else "ws",
            "path": unquote(path.decode("latin-1")),
            "raw_path": path,
            "query_string": query,
        }
        self.connections.discard(self)
        handshake = Handshake(self.lane, self.connections)
        transport.set_protocol(handshake)
        handshake.connection_made(transport)
        handshake.begin(EngineRequest(scope))
        self.parser = None  # which has this protocol: no circle of references

    def data_received(self, data: bytes) -> None:
        self.idle.discard(self)
        super().data_received(data)

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
        else:
            # The same, but for uvicorn's timer for each connection, set and cancelled with every request.
            self.server_state.total_requests += 1
            self.flow.resume_reading()
            self.idle.add(self)

    # -- requests of a polling session ---------------------------------------------------------

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        path, _, query = self.url.partition(b"?")
        if path == self.path and b"sid=" in query and self._is_plain():
            method = "GET" if self.parser.get_method() == b"GET" else "POST"
            self._begin(method, query)
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()  # makes the scope
        self.url, self.expect_100_continue = url, expects
        self.scope["headers"] = self.headers = headers
        super().on_headers_complete()

    def _is_plain(self) -> bool:
        """Whether nothing is asked for that uvicorn would have to see to."""
        parser = self.parser
        return (
            parser.get_method() in (b"GET", b"POST")
            and (self.cycle is None or self.cycle.response_complete)
            and not (self.access_log or self.expect_100_continue or parser.should_upgrade())
        )

    def _begin(self, method: str, query: bytes) -> None:
        parser = self.parser
        scope = {"type": "http", "method": method, "query_string": query, "headers": self.headers}
        keep_alive = parser.get_http_version() != "1.0" and parser.should_keep_alive()
        exchange = self.cycle = DirectExchange(self, EngineRequest(scope), keep_alive)
        exchange.begin(self.engine)

    @classmethod
    def common_headers(cls, headers: Headers) -> bytes:
        """uvicorn's own headers as lines; they change once a second."""
        if headers is not cls._common[0]:
            cls._common = headers, header_lines(headers)
        return cls._common[1]

    def on_body(self, body: bytes) -> None:
        if type(self.cycle) is DirectExchange:
            self.cycle.body_arrived(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if type(self.cycle) is DirectExchange:
            self.cycle.body_complete()
        else:
            super().on_message_complete()


class DirectExchange:
    """A request of a polling session. Takes the place of uvicorn's `cycle`, whose names it has therefore."""

    __slots__ = (
        "_polling",
        "_protocol",
        "disconnected",
        "keep_alive",
        "message_event",
        "request",
        "response_complete",
    )

    def __init__(self, protocol: HttpProtocol, request: EngineRequest, keep_alive: bool) -> None:
        self._protocol = protocol
        self._polling: PollingTransport | None = None
        self.request = request
        self.keep_alive = keep_alive
        self.response_complete = False
        self.disconnected = False
        self.message_event = _NOBODY_WAITS

    # -- from the connection -------------------------------------------------------------------

    def begin(self, engine: Engine) -> None:
        """Find the request's session, and pass it there."""
        try:
            session = engine.admit_at_once(self.request)
        except HandshakeRefused as refusal:
            self.refuse(refusal)
            return
        assert session is not None
        transport = session.transport
        assert isinstance(transport, PollingTransport)
        self._polling = transport
        transport.begin(self)

    def body_arrived(self, data: bytes) -> None:
        if self._polling is not None:
            self._polling.body_arrived(self, data)

    def body_complete(self) -> None:
        if self._polling is not None:
            self._polling.body_complete(self)

    def lost(self) -> None:
        if self._polling is not None and not self.response_complete:
            self._polling.lost(self)

    # -- from the session ----------------------------------------------------------------------

    def answer(self, answer: Answer) -> None:
        config = self._protocol.engine.config
        if config.http_compression and len(answer[2]) >= config.compression_threshold:
            self._protocol.loop.create_task(self._compress(answer))
        else:
            self._respond(answer, self.request.response_headers)

    def refuse(self, refusal: HandshakeRefused) -> None:
        self._respond(refusal_answer(refusal)[0], self.request.response_headers)

    async def _compress(self, answer: Answer) -> None:
        request = self.request
        answer, headers = await compressed(self._protocol.engine.config, request, answer)
        self._respond(answer, headers + request.response_headers)

    def _respond(self, answer: Answer, headers: Headers) -> None:
        protocol = self._protocol
        self.response_complete = True
        if self.disconnected:
            return
        status, content_type, body = answer
        if answer is TOO_LARGE:
            self.keep_alive = False
        if not self.keep_alive:
            headers = [*headers, (b"connection", b"close")]
        protocol.transport.write(
            b"%bcache-control: no-store\r\ncontent-type: %b\r\ncontent-length: %d%b%b\r\n\r\n%b"
            % (
                STATUS_LINE[status],
                content_type,
                len(body),
                protocol.common_headers(protocol.server_state.default_headers),
                header_lines(headers) if headers else b"",
                body,
            )
        )
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()


class _Nobody:
    """In place of the event that uvicorn sets when a body or a disconnect has come."""

    def set(self) -> None: ...


_NOBODY_WAITS = _Nobody()


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

    def close(self) -> None:
        self.flush()
        self.raw.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)
