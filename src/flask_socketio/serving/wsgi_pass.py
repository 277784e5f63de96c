"""A handshake goes through the application's WSGI middlewares, as a page's request does.

They may change its environ (ProxyFix), add headers to its answer, refuse it, or take their time: it happens on a
thread, and only where there are middlewares.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask
from werkzeug.test import run_wsgi_app

from ..dispatch.views import ViewThreads
from ..engine.answers import Answered, own_headers_removed
from ..engine.request import EngineRequest

logger = logging.getLogger("flask_socketio.server")

#: Where in the environ our own answer to the handshake waits for the middlewares to let it through.
ARRIVAL = "flask_duplex.arrival"


class Arrival:
    """The innermost WSGI application of a handshake: keeps the environ with which it is called."""

    def __init__(self) -> None:
        self.environ: dict[str, Any] | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.environ = environ
        start_response("200 OK", [])
        return []


class WsgiPass:
    """Called with every handshake: replaces the request's environ and collects headers. Raises Answered."""

    #: set before the first handshake
    threads: ViewThreads

    def __init__(self, app: Flask) -> None:
        self._app = app

    @property
    def is_needed(self) -> bool:
        """Whether anybody stands around Flask's own WSGI application."""
        return getattr(self._app.wsgi_app, "__func__", None) is not Flask.wsgi_app

    async def __call__(self, request: EngineRequest) -> None:
        arrival = Arrival()
        environ = {**request.environ, ARRIVAL: arrival}
        status, headers, body = await self.threads.run(self._run, environ)
        if arrival.environ is None:
            raise Answered(status, headers, body)
        arrival.environ.pop(ARRIVAL, None)
        request.environ = arrival.environ
        request.response_headers += own_headers_removed(headers)

    def _run(self, environ: dict[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        try:
            chunks, status, headers = run_wsgi_app(self._app.wsgi_app, environ, buffered=True)
        except Exception:
            logger.exception("a WSGI middleware failed at a handshake")
            return HTTPStatus.INTERNAL_SERVER_ERROR, [], b""
        pairs = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]
        return int(status.split(" ", 1)[0]), pairs, b"".join(chunks)
