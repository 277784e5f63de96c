"""A connection, from its first byte: heads, bodies, polling, WebSocket handshakes and frames.

The protocol class and the engine are those of production, the transport is in memory, sessions are called s0, s1 and so
on, and the application answers with what it was told. Oracle: nothing fails that is logged as an error or ends in the
loop; bytes that come one by one have the same answers as those that come at once; what comes request by request has
the same answers where every head is parsed; after the connection's end, nobody knows it any more.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import re
import socket
from functools import partial
from typing import Any, cast

import uvicorn

import flask_socketio.serving.http.protocol as protocol_module
from flask_socketio.engine.answers import Receive, Send, respond
from flask_socketio.engine.config import EngineConfig
from flask_socketio.engine.engine import Engine
from flask_socketio.engine.handshake import Handshake
from flask_socketio.engine.session import Session
from flask_socketio.protocol.engineio import binary_message, text_message
from flask_socketio.protocol.reasons import CloseReason
from flask_socketio.serving.asgi import EngineApp
from flask_socketio.serving.http.arrival import Arrival
from flask_socketio.serving.http.protocol import HttpProtocol
from flask_socketio.serving.pages import Pages

from .bounds import bounded

#: What a connection's descriptor and addresses are asked from.
NO_SOCKET = socket.socket()
CONFIG = EngineConfig(http_compression=False)
#: Turns of the loop in which something more is written, if anything is.
_TURNS, _MANY_TURNS = 12, 10_000

_REFUSED = re.compile(rb"HTTP/1\.1 (?:4\d\d|505) .*\r\nconnection: close\r\n\r\n", re.DOTALL)
#: Bytes that are parsed at once: so that short inputs, too, are parsed in slices; those of a whole request.
_SHORT, WHOLE = 64, 2048
#: Where a request may begin.
_BEGIN = re.compile(rb"(?=(?:GET|POST) /)")
_EARLY = b"a WebSocket handshake before the answer to another request"


class Echo:
    """A session's receiver, which sends everything back."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def on_text(self, text: str) -> None:
        self.session.send(text_message(text))

    def on_binary(self, data: bytes) -> None:
        self.session.send(binary_message(data))

    def on_close(self, reason: CloseReason) -> None: ...


class EchoApp(EngineApp):
    async def make_engine(self) -> Engine:
        return Engine(asyncio.get_running_loop(), CONFIG, Echo)

    async def other(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        said = [scope["method"], scope["path"], repr(scope["query_string"]), repr(body)]
        await respond(send, (200, b"application/json", json.dumps(said).encode()))


class Wire(asyncio.Transport):
    """A connection's transport, and what was written to it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Any) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "socket": NO_SOCKET})
        self.loop = loop
        self.protocol = protocol
        self.written = bytearray()
        self.closed = False
        self.paused = False

    def feed(self, data: bytes) -> None:
        while data and not self.closed:
            if not isinstance(self.protocol, asyncio.BufferedProtocol):
                self.protocol.data_received(data)
                return
            buffer = self.protocol.get_buffer(-1)
            size = min(len(buffer), len(data))
            buffer[:size], data = data[:size], data[size:]
            self.protocol.buffer_updated(size)

    def write(self, data: Any) -> None:
        if not self.closed:
            self.written += data

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.loop.call_soon(self.lose)

    abort = close

    def lose(self) -> None:
        self.protocol.connection_lost(None)

    def is_closing(self) -> bool:
        return self.closed

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def get_protocol(self) -> Any:
        return self.protocol

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Parsing(HttpProtocol):
    """Has every head parsed, also those that it knows."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._known = None


class Server:
    """What serves the connections, one at a time."""

    pages: Pages | None = None
    #: whether the last connection was ended by the server
    ended = False

    def __init__(self, protocol: type[HttpProtocol] = HttpProtocol, usual: int = _SHORT) -> None:
        self.base, self.usual = protocol, usual
        self.failures: list[str] = []
        self.loop = asyncio.new_event_loop()
        logging.getLogger("flask_socketio").addHandler(self.listener())
        logging.getLogger("uvicorn").addHandler(self.listener())
        logging.getLogger("flask_socketio").propagate = False
        self.loop.run_until_complete(self.start())
        self.loop.set_exception_handler(lambda loop, context: self.failures.append(repr(context)))

    def listener(self) -> logging.Handler:
        handler = logging.Handler(logging.ERROR)
        handler.emit = lambda record: self.failures.append(logging.Formatter().format(record))  # type: ignore[method-assign]
        return handler

    async def start(self) -> None:
        app = EchoApp(CONFIG)
        await app.start()
        self.engine = app.engine
        protocol_module.PIECE = _SHORT
        self.protocol: Any = type("Http", (self.base,), {})
        self.protocol.serve([app.lane], self.pages)
        self.protocol.usual = self.protocol._most = self.usual
        if self.base is not Parsing:
            its = {"http": self.protocol, "access_log": False}
            self.protocol = type("ArrivalAtHttp", (Arrival,), its)
        self.config = uvicorn.Config(
            cast(Any, app),
            http=self.protocol,
            ws=cast(Any, Handshake),
            log_config=None,
            access_log=False,
        )
        self.config.load()
        self.state = uvicorn.Server(self.config).server_state

    async def answers(self, *pieces: bytes) -> bytes:
        """What a client receives that sends these bytes, one after the other, and hangs up."""
        numbers = itertools.count()
        self.engine.admission.origin.sids = (f"s{number}" for number in numbers)
        protocol = self.protocol(
            config=self.config, server_state=self.state, app_state={}, _loop=self.loop
        )
        wire = Wire(self.loop, protocol)
        protocol.connection_made(wire)
        for piece in pieces:
            await self.fed(wire, piece)
        await self.quiet(wire)
        self.ended = wire.closed
        wire.close()
        for _ in range(_MANY_TURNS):
            await asyncio.sleep(0)
            # Requests that stand in line are answered all the same, and may open sessions.
            for session in list(self.engine.sessions.values()):
                session.close(CloseReason.TRANSPORT_CLOSE)
            if not (self.state.connections or self.state.tasks or self.engine.sessions):
                return bytes(wire.written)
        raise AssertionError((self.state.connections, self.state.tasks, self.engine.sessions))

    async def quiet(self, wire: Wire) -> None:
        """Wait until nothing more is written: requests in line are answered one after the other."""
        written = -1
        while len(wire.written) > written:
            written = len(wire.written)
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    async def fed(self, wire: Wire, piece: bytes) -> None:
        """As a transport does it: not while reading is paused."""
        for _ in range(_TURNS):
            if not wire.paused:
                break
            await asyncio.sleep(0)
        else:
            return
        wire.feed(piece)
        await asyncio.sleep(0)


server: Server | None = None
knowing: Server | None = None
parsing: Server | None = None


def check(data: bytes) -> None:
    global server, knowing, parsing
    server = server or Server()
    knowing, parsing = knowing or Server(usual=WHOLE), parsing or Server(Parsing, WHOLE)
    requests = [piece for piece in _BEGIN.split(data) if piece]
    known, parsed = run(knowing, *requests), run(parsing, *requests)
    assert (known, knowing.ended) == (parsed, parsing.ended), (known, parsed)
    at_once = bounded(partial(run, server), data)
    one_by_one = run(server, *(data[i : i + 1] for i in range(len(data))))
    if at_once != one_by_one:
        # A request that is refused, is so at once: what comes before it in the same piece may not be answered yet.
        answered, http, refused = at_once.rpartition(b"HTTP/1.1 ")
        assert one_by_one.startswith(answered), (at_once, one_by_one)
        assert _REFUSED.match(http + refused), (at_once, one_by_one)
        assert _EARLY in refused or one_by_one.endswith(refused), (at_once, one_by_one)


def run(server: Server, *pieces: bytes) -> bytes:
    """What a client receives, as far as it does not depend on the time."""
    written = server.loop.run_until_complete(server.answers(*pieces))
    assert not server.failures, server.failures
    assert not written or written.startswith(b"HTTP/1.1 "), written
    return re.sub(rb"\r\ndate: [^\r]*", b"", written)
