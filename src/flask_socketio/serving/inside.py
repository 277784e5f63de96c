"""What is answered to those who look after a server: how it is, and its numbers."""

from __future__ import annotations

import hmac
import logging
from http import HTTPStatus

import orjson

from ..app.options import Metrics
from ..base.told import Told
from ..engine.answers import HttpAnswer, Send, respond
from ..engine.request import EngineRequest
from ..runtime.live import Live

logger = logging.getLogger("flask_socketio.server")

_told = Told(logger)

_JSON = b"application/json"
_TEXT = b"text/plain; charset=utf-8"
_NO_TOKEN = (
    b"metrics=True measures, for socketio.metrics(). To fetch it over HTTP takes a token: "
    b"metrics='a long random one'\n"
)
_WRONG_TOKEN = b"the header Authorization: Bearer TOKEN is needed, with the token of metrics=\n"
_CHALLENGE = [(b"www-authenticate", b"Bearer")]


async def answer_health(live: Live, send: Send) -> None:
    """For load balancers: 503 tells them to send nobody any more."""
    health = await live.workers.health()
    draining = health["status"] == "draining"
    code = HTTPStatus.SERVICE_UNAVAILABLE if draining else HTTPStatus.OK
    await respond(send, (code, _JSON, orjson.dumps(health)))


async def answer_metrics(live: Live, metrics: Metrics, request: EngineRequest, send: Send) -> None:
    """For whoever has the token."""
    if metrics.token is None:
        await respond(send, (HTTPStatus.FORBIDDEN, _TEXT, _NO_TOKEN))
    elif not _has(request, metrics.token):
        live.counters.refuse_http("metrics without their token")
        _told.warning("metrics refused: a request without their token, or with another one")
        await respond(send, (HTTPStatus.UNAUTHORIZED, _TEXT, _WRONG_TOKEN), _CHALLENGE)
    else:
        await respond(send, await _answer(live, request.headers.get("accept", "")))


def _has(request: EngineRequest, token: bytes) -> bool:
    scheme, _, given = (request.header(b"authorization") or "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token)


async def _answer(live: Live, accept: str) -> HttpAnswer:
    snapshot = await live.workers.metrics()
    if accept.startswith("application/json"):
        return HTTPStatus.OK, _JSON, orjson.dumps(snapshot)
    from .exposition import exposed  # its library is there where there is a token

    text, content_type = exposed(snapshot, accept)
    return HTTPStatus.OK, content_type.encode(), text
