"""The engine through ASGI's messages, under whatever server speaks them: polling, and the standard WebSocket lane.

UTF-8, fragments, reserved bits and close frames are that server's to check here; what it may send us is whole messages.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from ..protocol import rfc6455 as ws
from ..protocol.errors import HandshakeRefused
from ..protocol.message import Message
from ..protocol.reasons import CloseReason
from .answers import HttpAnswer, Receive, Send, compressed, refusal_answer, respond
from .cookie import session_cookie
from .engine import Engine
from .link import WebSocketLink
from .outbox import Outbox
from .polling import Responder, is_too_large, responder_of
from .request import EngineRequest
from .session import Session
from .slices import Slice
from .websocket import DRAIN_TIME, WebSocketTransport

_PREFLIGHT = [
    (b"access-control-allow-methods", b"OPTIONS, GET, POST"),
    (b"access-control-max-age", b"600"),
]

#: Serves an accepted connection, or returns why it is not.
Serve = Callable[[Receive, Send], Awaitable[HttpAnswer | None]]

_DISCONNECT = {"http.disconnect", "websocket.disconnect"}

#: What the server says of a connection that it failed itself.
_FAILURES = {ws.PROTOCOL_ERROR, ws.INVALID_TEXT, ws.MESSAGE_TOO_BIG}

logger = logging.getLogger("flask_socketio.engine")


# -- polling ---------------------------------------------------------------------------------------


async def serve_polling(
    engine: Engine, request: EngineRequest, receive: Receive, send: Send
) -> None:
    """Answer one HTTP request below the engine's path."""
    try:
        answer = await _answer(engine, request, receive)
    except HandshakeRefused as refusal:
        answer, headers = refusal_answer(refusal)
    else:
        if answer is None:
            return  # the client hung up before it was answered
        answer, headers = await compressed(engine.config, request, answer)
        if is_too_large(answer):
            headers.append((b"connection", b"close"))
    await respond(send, answer, headers + request.response_headers)


async def _answer(engine: Engine, request: EngineRequest, receive: Receive) -> HttpAnswer | None:
    engine.admission.check_head(request)
    if request.method == "OPTIONS":
        await engine.admission.admit_stranger(request)
        return _preflight(engine, request)
    found = await engine.admission.admit(request)
    if found is None:
        found = _open(engine, request)
    return await _AsgiExchange(engine, request).run(responder_of(found), receive)


class _AsgiExchange:
    """A request of a session that some ASGI server brings."""

    def __init__(self, engine: Engine, request: EngineRequest) -> None:
        self.request = request
        self._loop = engine.loop
        self._answer: asyncio.Future[HttpAnswer | None] = engine.loop.create_future()

    def answer(self, answer: HttpAnswer | None) -> None:
        if not self._answer.done():
            self._answer.set_result(answer)

    def refuse(self, refusal: HandshakeRefused) -> None:
        self.answer(refusal_answer(refusal)[0])

    async def run(self, responder: Responder, receive: Receive) -> HttpAnswer | None:
        """Returns the answer, or None if the client has hung up before."""
        responder.begin(self)
        if self._answer.done():
            return self._answer.result()
        feeder = self._loop.create_task(self._feed(responder, receive))
        try:
            return await self._answer
        except asyncio.CancelledError:  # the server is stopping
            responder.lost(self)
            raise
        finally:
            feeder.cancel()

    async def _feed(self, responder: Responder, receive: Receive) -> None:
        try:
            while (message := await receive())["type"] not in _DISCONNECT:
                responder.body_arrived(self, message.get("body", b""))
                if not message.get("more_body", False):
                    responder.body_complete(self)
            responder.lost(self)
        finally:
            self.answer(None)


def _open(engine: Engine, request: EngineRequest) -> Session:
    session = engine.open_polling(request)
    if cookie := session_cookie(engine.config.cookie, session.sid):
        request.response_headers.append((b"set-cookie", cookie))
    return session


def _preflight(engine: Engine, request: EngineRequest) -> HttpAnswer:
    origin = request.headers.get("origin")
    if engine.admission.origins.allows(request.environ, origin):
        request.response_headers += engine.admission.origins.response_headers(origin) + _PREFLIGHT
        if asked := request.headers.get("access-control-request-headers"):
            name = b"access-control-allow-headers"
            request.response_headers.append((name, asked.encode("latin-1")))
    return 204, b"text/plain", b""


# -- WebSocket -------------------------------------------------------------------------------------


async def serve_websocket(
    engine: Engine, scope: dict[str, Any], receive: Receive, send: Send
) -> None:
    """Answer a WebSocket handshake below the engine's path, and serve the connection until it ends."""
    await receive()  # websocket.connect
    request = EngineRequest(scope)
    try:
        engine.admission.check_head(request)
        found = await engine.admission.admit(request)
    except HandshakeRefused as refusal:
        await refuse_websocket(scope, send, refusal)
        return
    if found is not None and not isinstance(found, Session):
        await AsgiHandshake(engine, request).run(found, receive, send)
        return
    await send({"type": "websocket.accept", "headers": request.response_headers})
    connection = AsgiWebSocket(engine, receive, send)
    connection.transport = engine.open_websocket(request, found, connection)
    await connection.serve()


class AsgiHandshake:
    """A WebSocket handshake of somebody else's session, for a responder that serves the connection or refuses it."""

    def __init__(self, engine: Engine, request: EngineRequest) -> None:
        self.request = request
        self._decided: asyncio.Future[HttpAnswer | Serve] = engine.loop.create_future()

    def answer(self, answer: HttpAnswer) -> None:
        self._decide(answer)

    def refuse(self, refusal: HandshakeRefused) -> None:
        self._decide(refusal_answer(refusal)[0])

    def leave_to(self, serve: Serve) -> None:
        """That function serves the connection; where it returns an answer, the handshake is refused with it."""
        self._decide(serve)

    def _decide(self, what: HttpAnswer | Serve) -> None:
        if not self._decided.done():
            self._decided.set_result(what)

    async def run(self, responder: Responder, receive: Receive, send: Send) -> None:
        responder.begin(self)
        decided = await self._decided
        answer = await decided(receive, send) if callable(decided) else decided
        if answer is not None:
            await _answer_websocket(self.request.scope, send, answer)


async def refuse_websocket(scope: dict[str, Any], send: Send, refusal: HandshakeRefused) -> None:
    """Refuse a handshake."""
    await _answer_websocket(scope, send, *refusal_answer(refusal))


async def _answer_websocket(
    scope: dict[str, Any],
    send: Send,
    answer: HttpAnswer,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Answer in place of a WebSocket: with status and body where the server can, else it answers a bare 403."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close"})
        return
    await respond(send, answer, headers, prefix="websocket.http")


class AsgiWebSocket(WebSocketLink):
    """One connection: a coroutine that receives, and a task that sends while there is something to send."""

    carrier = "AsgiWebSocket"

    def __init__(self, engine: Engine, receive: Receive, send: Send) -> None:
        self._engine = engine
        self._limits = engine.config.limits
        self._receive = receive
        self._send = send
        self._out: Outbox[Message] = Outbox(engine.queueing)
        self._sender: asyncio.Task[None] | None = None
        self._server: asyncio.Task[Any] | None = None
        self._readable: asyncio.Future[None] | None = None
        self._close: dict[str, Any] | None = None
        self._patience = 0.0
        self.received = self.sent = 0
        self.transport: WebSocketTransport

    # -- in ------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Receive until the connection is gone."""
        task = self._server = asyncio.current_task()
        assert task is not None
        reason = CloseReason.TRANSPORT_CLOSE
        share = Slice()
        try:
            while True:
                if self._readable is not None:
                    await self._readable
                if share.is_over():  # what the server has already, it hands over without a pause
                    await asyncio.sleep(0)
                    share = Slice()
                event = await self._receive()
                if event["type"] == "websocket.disconnect":
                    if event.get("code") in _FAILURES:
                        reason = CloseReason.TRANSPORT_ERROR
                    return
                if self._close is None:
                    self._take(event)
                del event  # nothing of a large message is kept while waiting for the next
        except asyncio.CancelledError:
            if self._close is None:  # not our own, the server is being torn down
                raise
            task.uncancel()
        finally:
            self._server = None
            self._close = self._close or {}
            self.transport.lost(reason)
            del self.transport  # which has this link: no circle of references

    def _take(self, event: dict[str, Any]) -> None:
        data: bytes | None = event.get("bytes")
        message: str | bytes = event["text"] if data is None else data
        if _exceeds(message, limit := self._limits.max_payload):
            error = ws.too_big(limit)
            self.transport.protocol_error(error, error.code)
        elif isinstance(message, str):
            self.received += len(message.encode())
            self.transport.receive_text(message)
        else:
            self.received += len(message)
            self.transport.receive_binary(message)

    def pause_reading(self) -> None:
        if self._readable is None:
            self._readable = self._engine.loop.create_future()

    def resume_reading(self) -> None:
        if self._readable is not None:
            if not self._readable.done():  # the server may have cancelled who waits for it
                self._readable.set_result(None)
            self._readable = None

    # -- out -----------------------------------------------------------------------------------

    def write(self, message: Message) -> None:
        if self._close is not None:
            return
        if not self._out.add(message):
            self._engine.loop.call_soon(self.transport.overflow)
        self._start_sender()

    def close(self, code: int, reason: str, *, await_answer: bool) -> None:
        if self._close is not None:
            return
        self._close = {"type": "websocket.close", "code": code, "reason": ws.cut_reason(reason)}
        self._patience = self._limits.close_timeout if await_answer else DRAIN_TIME
        self.resume_reading()
        self._start_sender()
        # From here on: also a client that does not read cannot hold the connection for longer.
        self._engine.loop.call_later(self._limits.close_timeout, self._leave)

    def _start_sender(self) -> None:
        if self._sender is None:
            self._sender = self._engine.loop.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._out.items:
                for message in self._out.take():
                    self.sent += sum(map(len, (message.text or b"", *message.binary)))
                    for event in _events(message):
                        await self._send(event)
            if self._close:
                await self._send(self._close)
                self._engine.loop.call_later(self._patience, self._leave)
        except Exception as error:  # noqa: BLE001 - each server has its own way to say that the client is gone
            logger.debug("WebSocket: not sent: %r", error)
            self._leave()
        finally:
            self._sender = None

    def _leave(self) -> None:
        """End `serve`, and with it the connection."""
        if self._server is not None:
            self._close = self._close or {}
            self._server.cancel()
        elif self._sender is not None:
            self._sender.cancel()


def _exceeds(message: str | bytes, limit: int) -> bool:
    """Whether the message has more bytes than that."""
    if isinstance(message, str) and len(message) <= limit < len(message) * 4:
        return len(message.encode()) > limit
    return len(message) > limit


def _events(message: Message) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    if message.text is not None:
        events.append({"type": "websocket.send", "text": message.text.decode()})
    events += [{"type": "websocket.send", "bytes": data} for data in message.binary]
    return events
