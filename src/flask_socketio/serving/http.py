"""uvicorn's HTTP protocol, with two differences.

An answer's head and its body are one write; and a polling request of a session, of which there is one per message and
more, is answered without a task, an event and ASGI's dicts.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ..engine.engine import Engine
from ..engine.http import compressed, header_lines, refusal_answer
from ..engine.polling import TOO_LARGE, Answer, PollingTransport
from ..engine.request import EngineRequest, Headers
from ..protocol.errors import HandshakeRefused

#: Bytes that are not kept until the end of the loop's turn: the transport has to notice that the client does not read.
_MUCH = 64 * 1024


class HttpProtocol(HttpToolsProtocol):
    """One connection, until it becomes a WebSocket. Subclassed per server, for uvicorn passes nothing of ours to it."""

    #: set when the engine has been made, before the first connection
    engine: Engine

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self.transport: Any = _JoiningTransport(self.loop, transport)
        self.cycle: Any
        self.parser: Any

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if type(self.cycle) is DirectExchange:
            self.cycle.lost()
            self.cycle = None  # which has this protocol: no circle of references

    def handle_websocket_upgrade(self) -> None:
        self.transport.flush()
        self.transport = self.transport.raw
        super().handle_websocket_upgrade()
        self.parser = None  # which has this protocol: no circle of references

    # -- requests of a polling session ---------------------------------------------------------

    def on_headers_complete(self) -> None:
        path, _, query = self.url.partition(b"?")
        busy = self.cycle is not None and not self.cycle.response_complete
        if path == self.engine.config.path.encode() and b"sid=" in query and not busy:
            method = self.parser.get_method()
            # Whoever wants requests logged, an upgrade or a "100 Continue", is uvicorn's.
            special = self.access_log or self.expect_100_continue or self.parser.should_upgrade()
            if method in (b"GET", b"POST") and not special:
                scope: Any = self.scope
                scope["method"] = method.decode()
                scope["path"], scope["query_string"] = path.decode(), query
                self._begin(EngineRequest(scope))
                return
        super().on_headers_complete()

    def _begin(self, request: EngineRequest) -> None:
        parser = self.parser
        keep_alive = parser.get_http_version() != "1.0" and parser.should_keep_alive()
        exchange = self.cycle = DirectExchange(self, request, keep_alive)
        exchange.begin(self.engine)

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
            transport = engine.session_of(self.request).transport
        except HandshakeRefused as refusal:
            self.refuse(refusal)
            return
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
        lines = header_lines(protocol.server_state.default_headers + headers)
        protocol.transport.write(
            b"%bcache-control: no-store\r\ncontent-type: %b\r\ncontent-length: %d%b\r\n\r\n%b"
            % (STATUS_LINE[status], content_type, len(body), lines, body)
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
