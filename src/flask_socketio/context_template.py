"""A request context per event, copied from one that is made once per connection: a fortieth of the time.

Flask's private names that this needs stand in this file alone. Where they are missing, or an application has contexts
of its own, every event has one made for it, in the public way.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, cast

from flask import Flask, globals, signals
from flask.ctx import AppContext, RequestContext
from flask.sessions import SessionMixin

_app_variable = cast(ContextVar[Any] | None, getattr(globals, "_cv_app", None))
_request_variable = cast(ContextVar[Any] | None, getattr(globals, "_cv_request", None))
_PRIVATE = {"_after_request_functions", "_cv_tokens"}


class ContextTemplate:
    """Made from the environ of a connection's handshake, which all of its events share."""

    __slots__ = ("_app", "_app_context", "_context", "_environ", "_request", "_request_type")

    def __init__(self, app: Flask, environ: dict[str, Any]) -> None:
        self._app = app
        self._environ = environ
        self._context: dict[str, Any] | None = None
        context = app.request_context(environ)
        environ["werkzeug.request"] = None  # no circle that would have to be collected
        app_context = app.app_context()
        if (
            _app_variable is not None
            and type(context) is RequestContext
            and type(app_context) is AppContext
            and vars(context).keys() >= _PRIVATE
        ):
            if context.url_adapter is not None:
                context.match_request()
            self._context = vars(context)
            self._app_context = vars(app_context)
            self._request_type = type(context.request)
            self._request = vars(context.request)

    def push(self, session: SessionMixin | None, attributes: dict[str, Any]) -> Any:
        """Enter new contexts, with these attributes of the request; without a session they open one."""
        app = self._app
        if self._context is None or _app_variable is None or _request_variable is None:
            context: Any = app.request_context({**self._environ})
            for name, value in attributes.items():
                setattr(context.request, name, value)
            set_session(context, session)
            context.push()
            return context
        context = object.__new__(RequestContext)
        context.__dict__ = self._context.copy()
        request = context.request = object.__new__(self._request_type)
        request.__dict__ = {**self._request, **attributes}
        context._after_request_functions = []
        active = _app_variable.get(None)
        app_context: Any = None
        if active is None or active.app is not app:
            app_context = object.__new__(AppContext)
            app_context.__dict__ = self._app_context.copy()
            app_context.g = app.app_ctx_globals_class()
            app_context._cv_tokens = [_app_variable.set(app_context)]
            if signals.appcontext_pushed.receivers:
                signals.appcontext_pushed.send(app, _async_wrapper=app.ensure_sync)
        context._cv_tokens = [(_request_variable.set(context), app_context)]
        if session is None:
            try:
                session = _open_session(app, request)
            except BaseException as error:
                context.pop(error)
                raise
        set_session(context, session)
        return context

    def pop(self, context: Any, error: BaseException | None) -> None:
        """Leave the contexts that `push` has entered."""
        if (
            self._context is None
            or _app_variable is None
            or _request_variable is None
            or _request_variable.get(None) is not context
            or self._somebody_watches()
        ):
            context.pop(error)
            return
        request = context.request
        token, app_context = context._cv_tokens.pop()
        _request_variable.reset(token)
        if app_context is not None:
            _app_variable.reset(app_context._cv_tokens.pop())
        if "files" in vars(request):
            request.close()

    def _somebody_watches(self) -> bool:
        """Whether the end of the contexts is anybody's business."""
        app = self._app
        if app.teardown_request_funcs or app.teardown_appcontext_funcs:
            return True
        kind = type(app)
        return (
            bool(signals.request_tearing_down.receivers)
            or bool(signals.appcontext_tearing_down.receivers)
            or bool(signals.appcontext_popped.receivers)
            or kind.do_teardown_request is not Flask.do_teardown_request
            or kind.do_teardown_appcontext is not Flask.do_teardown_appcontext
        )


def set_session(context: Any, value: SessionMixin | None) -> None:
    """Make it the context's `flask.session`; None: it opens one when it is pushed."""
    # The attribute was renamed in Flask 3.1.3.
    if "_session" in context.__dict__:
        context._session = value
    else:
        context.session = value


def _open_session(app: Flask, request: Any) -> SessionMixin:
    interface = app.session_interface
    session = interface.open_session(app, request)
    return interface.make_null_session(app) if session is None else session
