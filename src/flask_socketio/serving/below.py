"""What is answered to requests below the path, whichever server brings them."""

from __future__ import annotations

from http import HTTPStatus

import orjson

from ..app.options import Options
from ..engine.answers import HttpAnswer, Receive, Send, refusal_answer, respond
from ..engine.asgi import serve_polling
from ..engine.request import EngineRequest
from ..protocol.errors import HandshakeRefused
from ..runtime.live import Live
from .dashboard_page import serve_dashboard
from .files import serve_client_file


async def answer_below(
    live: Live, options: Options, request: EngineRequest, receive: Receive, send: Send
) -> None:
    """Answer with one of the client's files or how the server is, or pass the request to the engine."""
    name = request.path.removeprefix(live.engine.config.path)
    try:
        if name:
            await live.engine.admission.admit_stranger(request)
    except HandshakeRefused as refusal:
        await respond(send, *refusal_answer(refusal))
        return
    if name == "health" and options.health and request.method == "GET":
        await respond(send, _health(live))
    elif live.dashboard is not None and await serve_dashboard(live, options, request, send):
        pass
    elif not (options.serve_client and await serve_client_file(name, request.scope, send)):
        await serve_polling(live.engine, request, receive, send)


def _health(live: Live) -> HttpAnswer:
    """For load balancers: 503 tells them to send nobody any more."""
    troubles = live.troubles()
    draining = live.engine.admission.draining
    status = "draining" if draining else "degraded" if troubles else "ok"
    code = HTTPStatus.SERVICE_UNAVAILABLE if draining else HTTPStatus.OK
    return code, b"application/json", orjson.dumps({"status": status, "reasons": troubles})
