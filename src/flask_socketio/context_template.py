"""A request context per event, copied from one that is made once per connection: a tenth of the time.

Flask's private names that this needs stand in this file alone. Where they are missing every event has a context made
for it, in the public way.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import Flask
from flask.ctx import RequestContext
from flask.sessions import SessionMixin

T = TypeVar("T")

_PRIVATE = ("_after_request_functions", "_cv_tokens")


class ContextTemplate:
    """Made from the environ of a connection's handshake, which all of its events share."""

    __slots__ = ("_app", "_environ", "_template")

    def __init__(self, app: Flask, environ: dict[str, Any]) -> None:
        self._app = app
        self._environ = environ
        template = app.request_context(environ)
        environ["werkzeug.request"] = None  # no circle that would have to be collected
        self._template: RequestContext | None = None
        if all(name in vars(template) for name in _PRIVATE):
            if template.url_adapter is not None:
                template.match_request()
            self._template = template

    def make(self, session: SessionMixin | None) -> RequestContext:
        """A context that has not been entered; without a session it opens one."""
        if self._template is None:
            context = self._app.request_context(dict(self._environ))
        else:
            context = _shallow_copy(self._template)
            context.request = _shallow_copy(self._template.request)
            for name in _PRIVATE:
                setattr(context, name, [])
        if session is not None:
            set_session(context, session)
        return context

    @contextmanager
    def enter(self, context: RequestContext) -> Generator[None]:
        """Enter a context that `make` has made."""
        adapter = context.url_adapter
        if self._template is not None:
            context.url_adapter = None  # the URL has been matched
        with context:
            context.url_adapter = adapter
            yield


def set_session(context: RequestContext, value: SessionMixin) -> None:
    """Make it the context's `flask.session`."""
    # The attribute was renamed in Flask 3.1.3.
    name = "_session" if hasattr(context, "_session") else "session"
    setattr(context, name, value)


def _shallow_copy(value: T) -> T:
    copy = object.__new__(type(value))
    vars(copy).update(vars(value))
    return copy
