"""The engine as an ASGI application: polling, and the answers to what is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any

import orjson

from ..protocol.errors import BAD_HANDSHAKE_METHOD, FORBIDDEN, HandshakeRefused
from .compression import compress
from .config import EngineConfig
from .cookie import session_cookie
from .engine import Engine
from .polling import Answer, ClientGone, PayloadTooLarge, PollingTransport, Receive
from .request import EngineRequest, Headers
from .session import Session, SessionState

Send = Callable[[Any], Awaitable[None]]

_PREFLIGHT = [
    (b"access-control-allow-methods", b"OPTIONS, GET, POST"),
    (b"access-control-max-age", b"600"),
]

#: Headers that an answer gets from us.
_OWN_HEADERS = {b"content-type", b"content-length", b"transfer-encoding", b"connection"}


class Answered(HandshakeRefused):
    """Somebody else has answered the handshake, an application's WSGI middleware; the client gets that answer."""

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        super().__init__(FORBIDDEN, f"a WSGI middleware answered it with status {status}")
        self.answer_status = status
        self.headers = headers
        self.body = body


async def serve_polling(
    engine: Engine, request: EngineRequest, receive: Receive, send: Send
) -> None:
    """Answer one HTTP request below the engine's path."""
    headers: Headers = []
    try:
        answer = await _answer(engine, request, receive)
        answer, headers = await _compressed(engine.config, request, answer)
    except HandshakeRefused as refusal:
        answer, headers = refusal_answer(refusal)
    except PayloadTooLarge:
        answer = (413, b"text/plain", b"")
        headers = [(b"connection", b"close")]  # the rest of the body is not worth reading
    except ClientGone:
        return
    await respond(send, answer, headers + request.response_headers)


async def _answer(engine: Engine, request: EngineRequest, receive: Receive) -> Answer:
    if request.method == "OPTIONS":
        return _preflight(engine, request)
    session = await engine.admit(request)
    if session is None:
        session = _open(engine, request)
    transport = session.transport
    assert isinstance(transport, PollingTransport)
    if request.method == "GET":
        answer = await transport.get(receive)
        if session.state is SessionState.CLOSED:
            engine.last_poll_answered(session)
        return answer
    if request.method == "POST":
        return await transport.post(request, receive)
    raise HandshakeRefused(BAD_HANDSHAKE_METHOD, request.method)


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


async def _compressed(
    config: EngineConfig, request: EngineRequest, answer: Answer
) -> tuple[Answer, Headers]:
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
    content_type = dict(refusal.headers).get(b"Content-Type", b"text/plain")
    return (refusal.answer_status, content_type, refusal.body), others


def own_headers_removed(headers: Headers) -> Headers:
    """What somebody else adds to an answer of ours."""
    return [item for item in headers if item[0].lower() not in _OWN_HEADERS]


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
