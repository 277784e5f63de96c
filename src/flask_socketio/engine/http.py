"""The engine as an ASGI application: polling, and the answers to what is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import orjson

from ..protocol.errors import BAD_HANDSHAKE_METHOD, HandshakeRefused
from .engine import Engine
from .polling import Answer, ClientGone, PayloadTooLarge, PollingTransport, Receive
from .request import EngineRequest, Headers
from .session import SessionState

Send = Callable[[Any], Awaitable[None]]

_PREFLIGHT = [
    (b"access-control-allow-methods", b"OPTIONS, GET, POST"),
    (b"access-control-max-age", b"600"),
]


async def serve_polling(
    engine: Engine, scope: dict[str, Any], receive: Receive, send: Send
) -> None:
    """Answer one HTTP request below the engine's path."""
    request = EngineRequest(scope)
    headers: Headers = []
    try:
        if request.method == "OPTIONS":
            headers, answer = _preflight(engine, request)
        else:
            answer = await _answer(engine, request, receive)
            headers = engine.origins.response_headers(request.environ)
        headers += request.response_headers
    except HandshakeRefused as refusal:
        answer, headers = refusal_answer(refusal)
    except PayloadTooLarge:
        answer = (413, b"text/plain", b"")
        headers = [(b"connection", b"close")]  # the rest of the body is not worth reading
    except ClientGone:
        return
    await respond(send, answer, headers)


async def _answer(engine: Engine, request: EngineRequest, receive: Receive) -> Answer:
    session = await engine.admit(request)
    if session is None:
        session = engine.open_polling(request.environ)
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


def _preflight(engine: Engine, request: EngineRequest) -> tuple[Headers, Answer]:
    if not engine.origins.allows(request.environ):
        return [], (204, b"text/plain", b"")
    headers = engine.origins.response_headers(request.environ) + _PREFLIGHT
    if asked := request.headers.get("access-control-request-headers"):
        headers.append((b"access-control-allow-headers", asked.encode("latin-1")))
    return headers, (204, b"text/plain", b"")


def refusal_answer(refusal: HandshakeRefused) -> tuple[Answer, Headers]:
    """The reference server's JSON for a refused request; also a WebSocket handshake is refused with it."""
    body = orjson.dumps({"code": refusal.code, "message": refusal.message})
    return (refusal.status, b"application/json", body), []


async def respond(
    send: Send, answer: Answer, headers: Headers | None = None, prefix: str = "http"
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
            "headers": start + (headers or []),
        }
    )
    await send({"type": f"{prefix}.response.body", "body": body})
