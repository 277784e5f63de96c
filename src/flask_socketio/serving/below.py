"""What is answered to requests below the path, whichever server brings them."""

from __future__ import annotations

from ..app.options import Options
from ..engine.answers import Receive, Send
from ..engine.asgi import serve_polling
from ..engine.engine import Engine
from ..engine.request import EngineRequest
from .files import serve_client_file


async def answer_below(
    engine: Engine, options: Options, request: EngineRequest, receive: Receive, send: Send
) -> None:
    """Answer with one of the client's files, or pass the request to the engine."""
    name = request.path.removeprefix(engine.config.path)
    if not (options.serve_client and await serve_client_file(name, request.scope, send)):
        await serve_polling(engine, request, receive, send)
