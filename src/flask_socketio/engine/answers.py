"""Answers to HTTP requests, a refused WebSocket handshake among them, and how they are sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any

import orjson

from ..protocol.errors import FORBIDDEN, HandshakeRefused
from .compression import compress
from .config import EngineConfig
from .request import EngineRequest, Headers

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

HttpAnswer = tuple[int, bytes, bytes]  # status, content type, body

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


async def compressed(
    config: EngineConfig, request: EngineRequest, answer: HttpAnswer
) -> tuple[HttpAnswer, Headers]:
    """The answer as the request wants it, and the headers that say so."""
    status, content_type, body = answer
    if config.http_compression and len(body) >= config.compression_threshold:
        coding = await compress(body, request.headers.get("accept-encoding", ""))
        if coding is not None:
            return (status, content_type, coding[0]), [(b"content-encoding", coding[1])]
    return answer, []


def refusal_answer(refusal: HandshakeRefused) -> tuple[HttpAnswer, Headers]:
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
    send: Send,
    answer: HttpAnswer,
    headers: Iterable[tuple[bytes, bytes]] = (),
    prefix: str = "http",
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


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers on the wire (RFC 9112, 5), each after a line's end."""
    return b"".join([b"\r\n%b: %b" % header for header in headers])
