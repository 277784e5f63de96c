"""The WebSocket handshake of the fast lane.

We answer it ourselves, because picows would refuse what Firefox sends and could not wait for an answer, and then give
the connection to the lane.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast

from ..protocol import rfc6455 as ws
from ..protocol.errors import BAD_REQUEST, HandshakeRefused
from .answers import HttpAnswer, header_lines, refusal_answer
from .picows import FastLane, FastWebSocket
from .request import EngineRequest, Headers
from .session import Session

logger = logging.getLogger("flask_socketio.engine")


class Handshake(asyncio.Protocol):
    """Owns a connection from its request to the answer.

    `accepted`: a server has given the answer already, so whoever is refused gets a close frame.
    """

    def __init__(
        self,
        lane: FastLane,
        connections: set[Any],
        early: bytes = b"",
        *,
        accepted: bool = False,
    ) -> None:
        self._lane = lane
        self._accepted = accepted
        #: what has to be closed when the server stops
        self._connections = connections
        #: what has come behind the request: the connection's first frames
        self._early = early
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def begin(self, request: EngineRequest) -> None:
        """Answer the request, at once if nobody has to be asked."""
        engine = self._lane.engine
        with self._refusing():
            accept = self._check(request)
            if engine.has_to_wait(request):
                self._transport.pause_reading()
                self._task = engine.loop.create_task(self._negotiate(request, accept))
            else:
                self._accept(request, accept, engine.admit_at_once(request))

    @contextmanager
    def _refusing(self) -> Generator[None, None, None]:
        """Answer what goes wrong: the client's fault, or the server's."""
        try:
            yield
        except HandshakeRefused as refusal:
            self._refuse(*refusal_answer(refusal))
        except Exception:
            logger.exception("a WebSocket handshake failed")
            self._refuse((HTTPStatus.INTERNAL_SERVER_ERROR, b"text/plain", b""), [])

    def data_received(self, data: bytes) -> None:
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._task is not None:
            self._task.cancel()

    def shutdown(self) -> None:
        """Called by uvicorn when it stops."""
        self._transport.close()

    async def _negotiate(self, request: EngineRequest, accept: bytes) -> None:
        with self._refusing():
            self._accept(request, accept, await self._lane.engine.admit(request))

    def _accept(self, request: EngineRequest, accept: bytes, session: Session | None) -> None:
        if not self._accepted:
            self._transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: %b%b\r\n\r\n"
                % (accept, header_lines(request.response_headers))
            )
        self._connections.discard(self)
        connection = FastWebSocket(self._lane, self._transport, self._connections)
        connection.transport = self._lane.engine.open_websocket(request, session, connection)
        connection.start(self._early)

    def _check(self, request: EngineRequest) -> bytes:
        if not request.path.startswith(self._lane.engine.config.path):
            raise HandshakeRefused(BAD_REQUEST, f"no WebSocket at {request.path[:64]!r}")
        try:
            return ws.accept_token(request.headers).encode()
        except ValueError as error:
            raise HandshakeRefused(BAD_REQUEST, str(error)) from None

    def _refuse(self, answer: HttpAnswer, headers: Headers) -> None:
        status, content_type, body = answer
        phrase = HTTPStatus(status).phrase.encode()
        if self._accepted:
            self._transport.write(
                ws.encode_close(ws.POLICY_VIOLATION, ws.cut_reason(body.decode()))
            )
        else:
            self._transport.write(
                b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close%b\r\n\r\n%b"
                % (status, phrase, content_type, len(body), header_lines(headers), body)
            )
        self._transport.close()
