"""What is answered to requests below the path, whichever server brings them."""

from __future__ import annotations

from ..app.options import Options
from ..engine.answers import Receive, Send, refusal_answer, respond
from ..engine.asgi import serve_polling
from ..engine.request import EngineRequest
from ..protocol.errors import HandshakeRefused
from ..runtime.live import Live
from .files import serve_client_file
from .inside import answer_health, answer_metrics


async def answer_below(
    live: Live, options: Options, request: EngineRequest, receive: Receive, send: Send
) -> None:
    """Answer with one of the client's files, how the server is or its numbers, or pass the request to the engine."""
    name = request.path.removeprefix(live.engine.config.path)
    # No name: nearly every request, a client's.
    if not (name and await _answer_stranger(name, live, options, request, send)):
        await serve_polling(live.engine, request, receive, send)


async def _answer_stranger(
    name: str, live: Live, options: Options, request: EngineRequest, send: Send
) -> bool:
    """What needs no session; False where it is for the engine to answer."""
    try:
        await live.engine.admission.admit_stranger(request)
    except HandshakeRefused as refusal:
        await respond(send, *refusal_answer(refusal))
        return True
    if name == "health" and options.health and request.method == "GET":
        await answer_health(live, send)
        return True
    if name == "metrics" and options.metrics is not None and request.method == "GET":
        await answer_metrics(live, options.metrics, request, send)
        return True
    if live.dashboard is not None:
        from .dashboard_page import serve_dashboard  # most applications have none

        if await serve_dashboard(live, options, request, send):
            return True
    return options.serve_client and await serve_client_file(name, request.scope, send)
