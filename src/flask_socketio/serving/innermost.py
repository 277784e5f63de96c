"""Our place among an application's WSGI middlewares: the innermost, whoever came first.

A proxy fix, tracing or an authenticating wrapper may stand around `app.wsgi_app` already, or be put there later. So we
do not stand around it ourselves, but answer in place of Flask's dispatching, which all of them lead to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flask import Flask, request

from .pages import WsgiApp


def answer_instead(app: Flask, choose: Callable[[dict[str, Any]], WsgiApp | None]) -> None:
    """Have requests answered by what `choose` returns for their environ, where that is not None, and not by Flask."""
    dispatch: Callable[..., Any] = app.full_dispatch_request

    def full_dispatch_request(*args: Any) -> Any:
        answer = choose(request.environ)
        return dispatch(*args) if answer is None else answer

    cast(Any, app).full_dispatch_request = full_dispatch_request
