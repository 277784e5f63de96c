"""The WebSocket handshake of the fast lane.

We answer it ourselves, because picows would refuse what Firefox sends and could not wait for an answer, and then give
the connection to the lane.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from ..protocol import rfc6455 as ws
from ..protocol.errors import BAD_REQUEST, HandshakeRefused
from .answers import HttpAnswer, header_lines, refusal_answer
from .picows import FastLane, FastWebSocket, Register
from .polling import Responder
from .request import EngineRequest
from .session import Session

logger = logging.getLogger("flask_socketio.engine")

_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b%b\r\n\r\n"
)


class Handshake(asyncio.Protocol):
    """Owns a connection from its request to the answer.

    `accepted`: a server has given the answer already, so whoever is refused gets a close frame.
    """

    def __init__(
        self,
        lane: FastLane,
        connections: Register,
        early: bytes = b"",
        *,
        accepted: bool = False,
    ) -> None:
        self._lane = lane
        self._accepted = accepted
        #: what has to be closed when the server stops
        self._connections = connections
        #: who answers in place of a session, if somebody else does
        self._responder: Responder | None = None
        #: what has come behind the request: the connection's first frames
        self._early = early
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport
        #: it has become a WebSocket, and so do others that say the same: see `again`
        self.can_be_repeated = False

    @classmethod
    async def adopt(
        cls,
        lane: FastLane,
        connection: socket.socket,
        request: EngineRequest,
        early: bytes = b"",
        *,
        accepted: bool = False,
    ) -> None:
        """Answer a request that somebody else has read, a WSGI server or another process.

        `connection` is made of its connection's descriptor, ours from now on, and does not block.
        """
        handshake = cls(lane, set[Any](), early, accepted=accepted)
        await lane.engine.loop.connect_accepted_socket(lambda: handshake, connection)
        handshake.begin(request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def take(self, transport: asyncio.Transport, request: EngineRequest) -> None:
        """Answer a request that has been read from a connection, of which it is the last."""
        self._transport = transport
        self.begin(request)

    def begin(self, request: EngineRequest) -> None:
        """Answer the request, at once if nobody has to be asked."""
        self.request = request
        admission = self._lane.engine.admission
        try:
            admission.check_head(request)
            accept = self._check(request)
            if admission.has_to_wait(request):
                self._stay()
                self._transport.pause_reading()
                self._task = self._lane.engine.loop.create_task(self._negotiate(accept))
            else:
                found = admission.admit_at_once(request)
                self._go_on(accept, found)
                self.can_be_repeated = found is None and admission.origins.are_fixed
        except Exception as error:  # noqa: BLE001 - logged, where it is none of the client's
            self._fail(error)

    def again(
        self, transport: asyncio.Transport, request: EngineRequest, key: bytes, lines: bytes
    ) -> None:
        """As `take`, for a request that differs in this key from one that was let in, whose answer had these lines."""
        self._transport = transport
        self.request = request
        admission = self._lane.engine.admission
        try:
            if admission.has_to_wait(request):
                self.begin(request)
            else:
                admission.admit_again(request)
                self._become_websocket(ws.accept_value(key), lines, None)
        except Exception as error:  # noqa: BLE001 - logged, where it is none of the client's
            self._fail(error)

    def _stay(self) -> None:
        """Be the connection's protocol, as it does not become a WebSocket at once."""
        if self._transport.get_protocol() is not self:
            self._transport.set_protocol(self)
            self.connection_made(self._transport)

    def _fail(self, error: Exception) -> None:
        """Answer what has gone wrong: the client's fault, or the server's."""
        if isinstance(error, HandshakeRefused):
            self.refuse(error)
        else:
            logger.error("a WebSocket handshake failed", exc_info=error)
            self.answer((HTTPStatus.INTERNAL_SERVER_ERROR, b"text/plain", b""))

    def data_received(self, data: bytes) -> None:
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._task is not None:
            self._task.cancel()
        if self._responder is not None:
            self._responder.lost(self)

    def shutdown(self) -> None:
        """Called by uvicorn when it stops."""
        self._transport.close()

    async def _negotiate(self, accept: bytes) -> None:
        try:
            self._go_on(accept, await self._lane.engine.admission.admit(self.request))
        except Exception as error:  # noqa: BLE001
            self._fail(error)

    def _go_on(self, accept: bytes, found: Session | Responder | None) -> None:
        """Become a WebSocket, unless somebody else answers for the session."""
        if found is not None and not isinstance(found, Session):
            self._leave_to(found)
            return
        self._become_websocket(accept, header_lines(self.request.response_headers), found)

    def _become_websocket(self, accept: bytes, lines: bytes, session: Session | None) -> None:
        head = b"" if self._accepted else _SWITCHING % (accept, lines)
        self._connections.discard(self)
        connection = FastWebSocket(self._lane, self._transport, self._connections, head)
        connection.transport = self._lane.engine.open_websocket(self.request, session, connection)
        connection.start(self._early)

    def _leave_to(self, responder: Responder) -> None:
        self._stay()
        self._transport.pause_reading()
        self._responder = responder
        responder.begin(self)

    def _check(self, request: EngineRequest) -> bytes:
        if not request.path.startswith(self._lane.engine.config.path):
            raise self._lane.engine.admission.not_ours(request)
        try:
            field = request.environ.get  # which is made anyway, but for an upgrade
            fields = {
                "upgrade": field("HTTP_UPGRADE", ""),
                "connection": field("HTTP_CONNECTION", ""),
                "sec-websocket-version": field("HTTP_SEC_WEBSOCKET_VERSION", ""),
                "sec-websocket-key": field("HTTP_SEC_WEBSOCKET_KEY", ""),
            }
            return ws.accept_token(fields).encode()
        except ValueError as error:
            raise HandshakeRefused(BAD_REQUEST, str(error)) from None

    # -- for a responder that takes the connection -------------------------------------------------

    @property
    def transport(self) -> asyncio.Transport:
        """Nothing is read from it at the moment."""
        return self._transport

    @property
    def early(self) -> bytes:
        """What has come behind the request."""
        return self._early

    def give_to(self, protocol: Any) -> Callable[[], object]:
        """The connection is somebody else's from now on, who ends it when the server stops.

        Returns what is to be called when it has ended.
        """
        self._responder = None
        self._connections.discard(self)
        self._connections.add(protocol)
        return partial(self._connections.discard, protocol)

    def let_go(self) -> None:
        """The connection is another process's, which has a descriptor of its own for it."""
        self._responder = None
        self._transport.abort()

    def refuse(self, refusal: HandshakeRefused) -> None:
        self.answer(*refusal_answer(refusal))

    def answer(self, answer: HttpAnswer, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Answer in place of a WebSocket, and close."""
        self._responder = None
        self._stay()
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
