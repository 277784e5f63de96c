"""The engine as an ASGI application: polling, and the answers to what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any

import orjson

from ..protocol.errors import FORBIDDEN, HandshakeRefused
from .compression import compress
from .config import EngineConfig
from .cookie import session_cookie
from .engine import Engine
from .polling import Answer, PollingTransport, is_too_large
from .request import EngineRequest, Headers
from .session import Session

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_PREFLIGHT = [
    (b"access-control-allow-methods", b"OPTIONS, GET, POST"),
    (b"access-control-max-age", b"600"),
]

#: Headers that an answer gets from us.
_OWN_HEADERS = {b"content-type", b"content-length", b"transfer-encoding", b"connection"}


class Answered(HandshakeRefused):
    """Somebody else has answered the handshake, an application's WSGI middleware; the client gets that answer.

    The names of its headers are lower-case.
    """

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        super().__init__(FORBIDDEN, f"a WSGI middleware answered it with status {status}")
        self.answer_status = status
        self.headers = headers
        self.body = body


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


async def _answer(engine: Engine, request: EngineRequest, receive: Receive) -> Answer | None:
    if request.method == "OPTIONS":
        return _preflight(engine, request)
    session = await engine.admit(request)
    if session is None:
        session = _open(engine, request)
    assert isinstance(session.transport, PollingTransport)
    return await _AsgiExchange(engine, request).run(session.transport, receive)


class _AsgiExchange:
    """A request of a session that some ASGI server brings."""

    def __init__(self, engine: Engine, request: EngineRequest) -> None:
        self.request = request
        self._loop = engine.loop
        self._answer: asyncio.Future[Answer | None] = engine.loop.create_future()

    def answer(self, answer: Answer | None) -> None:
        if not self._answer.done():
            self._answer.set_result(answer)

    def refuse(self, refusal: HandshakeRefused) -> None:
        self.answer(refusal_answer(refusal)[0])

    async def run(self, transport: PollingTransport, receive: Receive) -> Answer | None:
        """Returns the answer, or None if the client has hung up before."""
        transport.begin(self)
        if self._answer.done():
            return self._answer.result()
        feeder = self._loop.create_task(self._feed(transport, receive))
        try:
            return await self._answer
        except asyncio.CancelledError:  # the server is stopping
            transport.lost(self)
            raise
        finally:
            feeder.cancel()

    async def _feed(self, transport: PollingTransport, receive: Receive) -> None:
        try:
            while (message := await receive())["type"] != "http.disconnect":
                transport.body_arrived(self, message.get("body", b""))
                if not message.get("more_body", False):
                    transport.body_complete(self)
            transport.lost(self)
        finally:
            self.answer(None)


def _open(engine: Engine, request: EngineRequest) -> Session:
    session = engine.open_polling(request.environ)
    if cookie := session_cookie(engine.config.cookie, session.sid):
        request.response_headers.append((b"set-cookie", cookie))
    return session


def _preflight(engine: Engine, request: EngineRequest) -> Answer:
    origin = request.headers.get("origin")
    if engine.origins.allows(request.environ, origin):
        request.response_headers += engine.origins.response_headers(origin) + _PREFLIGHT
        if asked := request.headers.get("access-control-request-headers"):
            name = b"access-control-allow-headers"
            request.response_headers.append((name, asked.encode("latin-1")))
    return 204, b"text/plain", b""


async def compressed(
    config: EngineConfig, request: EngineRequest, answer: Answer
) -> tuple[Answer, Headers]:
    """The answer as the request wants it, and the headers that say so."""
    status, content_type, body = answer
    if config.http_compression and len(body) >= config.compression_threshold:
        coding = await compress(body, request.headers.get("accept-encoding", ""))
        if coding is not None:
            return (status, content_type, coding[0]), [(b"content-encoding", coding[1])]
    return answer, []


def refusal_answer(refusal: HandshakeRefused) -> tuple[Answer, Headers]:
    """The reference server's JSON for a refused request; also a WebSocket handshake is refused with it."""
    if not isinstance(refusal, Answered):
        body = orjson.dumps({"code": refusal.code, "message": refusal.message})
        return (refusal.status, b"application/json", body), []
    others = own_headers_removed(refusal.headers)
    content_type = next(
        (value for name, value in refusal.headers if name == b"content-type"), b"text/plain"
    )
    return (refusal.answer_status, content_type, refusal.body), others


def own_headers_removed(headers: Headers) -> Headers:
    """What somebody else adds to an answer of ours."""
    return [item for item in headers if item[0] not in _OWN_HEADERS]


async def respond(
    send: Send, answer: Answer, headers: Iterable[tuple[bytes, bytes]] = (), prefix: str = "http"
) -> None:
    """Send an answer of the engine; no cache may keep it."""
    status, content_type, body = answer
    start: Headers = [(b"cache-control", b"no-store")]
    if status != HTTPStatus.NO_CONTENT:
        start += [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send(
        {
            "type": f"{prefix}.response.start",
            "status": int(status),
            "headers": [*start, *headers],
        }
    )
    await send({"type": f"{prefix}.response.body", "body": body})


def header_lines(headers: Headers) -> bytes:
    """Headers on the wire (RFC 9112, 5), each after a line's end."""
    return b"".join([b"\r\n%b: %b" % header for header in headers])
