"""A request context per event, copied from one that is made once per connection: a fortieth of the time. What most
handlers do not ask for, the request itself among it, is made when one does.

Flask's private names that this needs stand in this file alone. Where one of Flask's contexts has other attributes than
those it was written for, or an application has contexts of its own, every event has one made for it, in the public way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from typing import Any

from flask import Flask, Request, ctx, globals, signals
from flask.sessions import SessionMixin
from werkzeug.routing import Map, MapAdapter, RequestRedirect
from werkzeug.test import create_environ

from ..base.changed import say_once

_app_variable: ContextVar[Any] = getattr(globals, "_cv_app", ContextVar("none"))
_request_variable: ContextVar[Any] = getattr(globals, "_cv_request", ContextVar("none"))
# Where they are one class, Flask has the other name with a warning, outside of its `vars`.
_AppContext: Any = vars(ctx).get("AppContext")
_RequestContext: Any = vars(ctx).get("RequestContext")

#: The attributes that Flask's contexts have when they have been made. That of the session was renamed in Flask 3.1.3.
_OF_APP = {"_cv_tokens", "app", "g", "url_adapter"}
_OF_REQUEST = {"_after_request_functions", "_cv_tokens", "app", "flashes", "request", "url_adapter"}
_OF_SESSION = ("session", "_session")
#: Those of a request's context that an event's does not have before somebody asks for them.
_MADE_LATER = ("request", "_after_request_functions")
_NOTHING: dict[str, Any] = {}
#: Where a context keeps the session that we give it, if it has neither.
_SESSION = "_socketio_session"

#: The attribute of an event's request that tells whose it is: the application and its SocketIO.
HOME = "_socketio_home"
#: Where an event's context has what its request is made from: the connection's template, and the call.
_EVENT = "socketio_event"

#: Of a call: the attributes that its request has, `sid`, `namespace` and `event`.
Describe = Callable[[Any], tuple[str, str, dict[str, Any]]]


#: What `Flask.create_url_adapter` makes of an environ, and the rule that it matches, depend on this, and on the query.
_BINDING = (
    "REQUEST_METHOD", "wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME", "PATH_INFO",
    "HTTP_CONNECTION", "HTTP_UPGRADE",
)  # fmt: skip
#: So many of them are kept: clients choose some of these.
_MOST_BOUND = 32
#: A context's attributes without its request, the query that it was made for, and what it has left in the request.
Bound = tuple[dict[str, Any], str, dict[str, Any]]


class ContextMaker:
    """What the contexts of an application have in common, whoever's events they are for.

    `socketio` is the instance whose handlers run in them; an application may have several.
    """

    def __init__(self, app: Flask, describe: Describe, socketio: object = None) -> None:
        self.app = app
        self.describe = describe
        #: in the request under `HOME`
        self.home = (app, socketio)
        kind = type(app)
        #: where any of them is something, the end of a context is somebody's business; Flask never replaces them
        self.watchers: tuple[Any, ...] = (
            app.teardown_request_funcs,
            app.teardown_appcontext_funcs,
            signals.request_tearing_down.receivers,
            signals.appcontext_tearing_down.receivers,
            signals.appcontext_popped.receivers,
            kind.do_teardown_request is not Flask.do_teardown_request,
            kind.do_teardown_appcontext is not Flask.do_teardown_appcontext,
        )
        context = app.app_context()
        self.known = _are_known() and type(context) is _AppContext
        self._app_context = {name: value for name, value in vars(context).items() if name != "g"}
        self._binds_alike = (
            self.known
            and kind.request_context is Flask.request_context
            and kind.create_url_adapter is Flask.create_url_adapter
            and "create_url_adapter" not in vars(app)
            and app.request_class.__init__ is Request.__init__
            and type(app.url_map).bind_to_environ is Map.bind_to_environ
        )
        self._bound: dict[tuple[Any, ...], Bound] = {}

    def request_context(self, environ: dict[str, Any]) -> ctx.RequestContext:
        """A context as the application's class makes it; its instance's own method is `Innermost`'s."""
        context = type(self.app).request_context(self.app, environ)
        vars(context.request)[HOME] = self.home
        return context

    def bind(
        self, environ: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, Request | dict[str, Any]]:
        """What a context for an environ has in it, None where that is not known; and its request.

        Of one that nobody has asked for, it is what Flask has found out about it: see `request`.

        Which addresses it has and which rule it matches, Flask is asked once: what that depends on nearly all
        handshakes have in common.
        """
        key = tuple(map(environ.get, _BINDING))
        found = self._bound.get(key)
        if found is None:
            return self._bind_anew(environ, key)
        context, query, attributes = found
        if environ.get("QUERY_STRING", "") != query:
            context = _with_query(context, environ.get("QUERY_STRING", ""))
        return context, attributes

    def request(self, environ: dict[str, Any], attributes: dict[str, Any]) -> Request:
        """That of an environ of which Flask has found this out."""
        request = self.app.request_class(environ)
        vars(request).update(attributes)
        _keep_own_arguments(request)
        return request

    def _bind_anew(
        self, environ: dict[str, Any], key: tuple[Any, ...]
    ) -> tuple[dict[str, Any] | None, Request]:
        made = self.request_context(environ)
        request = made.request
        if not (self.known and type(made) is _RequestContext):
            return None, request
        parts: dict[str, Any] = made.__dict__
        context = {name: value for name, value in parts.items() if name not in _MADE_LATER}
        if made.url_adapter is not None:
            made.match_request()
            # A redirect has the client's query in it.
            if self._binds_alike and not isinstance(request.routing_exception, RequestRedirect):
                if len(self._bound) >= _MOST_BOUND:
                    self._bound.clear()
                own = vars(self.app.request_class(environ))
                attributes = {
                    name: vars(request)[name] for name in vars(request) if name not in own
                }
                self._bound[key] = context, environ.get("QUERY_STRING", ""), attributes
                _keep_own_arguments(request)
        if request.routing_exception is not None:
            request.routing_exception.__traceback__ = None  # it would keep the environ
        return context, request

    def push_app_context(self) -> ctx.AppContext | None:
        """Enter an application context, unless this application's is active; returns it."""
        app = self.app
        active = _app_variable.get(None)
        if active is not None and active.app is app:
            return None
        context: Any = object.__new__(_lazy_app_context())
        context.__dict__ = parts = self._app_context.copy()
        parts["_cv_tokens"] = [_app_variable.set(context)]
        if signals.appcontext_pushed.receivers:
            signals.appcontext_pushed.send(app, _async_wrapper=app.ensure_sync)
        return context


class ContextTemplate:
    """Made from the environ of a connection's handshake, which all of its events share."""

    __slots__ = ("_context", "_environ", "_found", "_maker", "_request", "_request_type", "home")

    def __init__(self, maker: ContextMaker, environ: dict[str, Any]) -> None:
        self._maker = maker
        self._environ = environ
        #: the application and its SocketIO
        self.home = maker.home
        self._context, found = maker.bind(environ)
        self._request: dict[str, Any] | None = None
        if isinstance(found, dict):
            self._found = found
        else:
            self._keep(found)

    def _keep(self, request: Request) -> dict[str, Any]:
        self._environ["werkzeug.request"] = None  # no circle that would have to be collected
        self._request_type = type(request)
        self._request = vars(request)
        return self._request

    def request(self, call: Any) -> Any:
        """That of an event."""
        kept = self._request
        if kept is None:
            kept = self._keep(self._maker.request(self._environ, self._found))
        request: Any = object.__new__(self._request_type)
        request.__dict__ = parts = kept.copy()
        parts["sid"], parts["namespace"], parts["event"] = self._maker.describe(call)
        return request

    def push(self, session: SessionMixin | None, call: Any) -> Any:
        """Enter new contexts, for a call; without a session they open one."""
        if self._context is None:
            return self._push_the_public_way(session, call)
        if signals.appcontext_pushed.receivers:
            call.entered = True  # the application's own code, which may wait for something
        context: Any = object.__new__(_lazy_request_context())
        context.__dict__ = parts = self._context.copy()
        parts[_EVENT] = self, call
        app_context = self._maker.push_app_context()
        token = _request_variable.set(context)
        parts["_cv_tokens"] = [(token, app_context)]
        if session is None:
            try:
                session = _open_session(self._maker.app, context.request)
            except BaseException as error:
                context.pop(error)
                raise
        parts["_session" if "_session" in parts else "session"] = session
        return context

    def _push_the_public_way(self, session: SessionMixin | None, call: Any) -> Any:
        call.entered = True  # a context of the application's own may wait for something
        context: Any = self._maker.request_context({**self._environ})
        request = context.request
        request.sid, request.namespace, request.event = self._maker.describe(call)
        if session is not None:
            set_session(context, session)
        try:
            context.push()
        except BaseException as error:
            context.pop(error)  # its session could not be opened
            raise
        return context

    def pop(self, context: Any, error: BaseException | None) -> None:
        """Leave the contexts that `push` has entered."""
        if (
            self._context is None
            or _request_variable.get(None) is not context
            or any(self._maker.watchers)
        ):
            context.pop(error)
            return
        ((token, app_context),) = context._cv_tokens
        _request_variable.reset(token)
        if app_context is not None:
            _app_variable.reset(app_context._cv_tokens[0])
        request: Any = context.__dict__.get("request")
        if request is not None and "files" in request.__dict__:
            request.close()


def _keep_own_arguments(request: Request) -> None:
    """A handler may change them."""
    if request.view_args:
        request.view_args = request.view_args.copy()


def current_event() -> tuple[Any, Any, Any] | None:
    """The call that is being handled here, its SocketIO, and its request if that has been asked for: it may differ.

    None in no handler, and in one that has entered another application since.
    """
    parts: dict[str, Any] = getattr(_request_variable.get(None), "__dict__", _NOTHING)
    if _EVENT not in parts:
        return None
    event: tuple[ContextTemplate, Any] = parts[_EVENT]
    template, call = event
    app, socketio = template.home
    if socketio is None or getattr(_app_variable.get(None), "app", None) is not app:
        return None
    return call, socketio, parts.get("request")


class _Later:
    """An attribute of an event's context that is made when somebody asks for it; an instance's own comes before it."""

    def __init__(self, name: str, make: Callable[[Any], Any]) -> None:
        self._name = name
        self._make = make

    def __get__(self, context: Any, owner: type | None = None) -> Any:
        # The same for all threads that ask at the same time.
        return context.__dict__.setdefault(self._name, self._make(context))


def _request_of(context: Any) -> Any:
    template, call = context.__dict__[_EVENT]
    return template.request(call)


@cache
def _lazy_request_context() -> Any:
    makes: dict[str, Callable[[Any], Any]] = {
        "request": _request_of,
        "_after_request_functions": lambda _: [],
    }
    return _lazy(_RequestContext, makes)


@cache
def _lazy_app_context() -> Any:
    return _lazy(_AppContext, {"g": lambda context: context.app.app_ctx_globals_class()})


def _lazy(kind: Any, makes: dict[str, Callable[[Any], Any]]) -> Any:
    return type(kind.__name__, (kind,), {name: _Later(name, make) for name, make in makes.items()})


def _with_query(context: dict[str, Any], query: str) -> dict[str, Any]:
    """A context's parts for another query."""
    adapter: Any = object.__new__(MapAdapter)
    adapter.__dict__ = {
        **vars(context["url_adapter"]),
        "query_args": query.encode("latin-1").decode(errors="replace"),
    }
    return {**context, "url_adapter": adapter}


def set_session(context: Any, value: SessionMixin) -> None:
    """Make it the context's `flask.session`."""
    name = next((name for name in _OF_SESSION if name in vars(context)), None)
    if name is not None:
        setattr(context, name, value)
    else:
        vars(context)[_SESSION] = value
        context.__class__ = _with_session(context.__class__)


@cache
def _with_session(kind: type) -> type:
    """A class of contexts with a session of ours in front of Flask's own, wherever that is kept."""

    def session(context: object) -> SessionMixin:
        return vars(context)[_SESSION]

    return type(kind.__name__, (kind,), {"session": property(session)})


def _open_session(app: Flask, request: Any) -> SessionMixin:
    interface = app.session_interface
    session = interface.open_session(app, request)
    return interface.make_null_session(app) if session is None else session


@cache
def _are_known() -> bool:
    """Whether Flask's contexts are what they were when this was written; a log line where they are not."""
    try:
        fault = _fault()
    except Exception as error:  # noqa: BLE001 - whatever it is, there is another way
        fault = f"{type(error).__name__}: {error}"
    if fault is not None:
        say_once("flask", fault, "a new context is made for every event, which takes longer")
    return fault is None


def _fault() -> str | None:
    names = {"AppContext": ctx, "RequestContext": ctx, "_cv_app": globals, "_cv_request": globals}
    missing = [name for name, module in names.items() if name not in vars(module)]
    if missing:
        return f"there is no {', '.join(missing)}"
    app = Flask("flask_socketio", static_folder=None)
    of_app = vars(app.app_context()).keys()
    of_request = vars(app.request_context(create_environ())).keys()
    if of_app == _OF_APP and any(of_request == _OF_REQUEST | {name} for name in _OF_SESSION):
        return None
    return f"AppContext has {sorted(of_app)}, RequestContext has {sorted(of_request)}"
