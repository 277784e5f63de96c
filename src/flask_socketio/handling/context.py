"""The Flask contexts in which handlers run."""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

from ..app.options import Options
from ..hub.call import Call, CallKind
from ..protocol.reasons import CloseReason
from .flask_contexts import ContextMaker, ContextTemplate, set_session

# Looking up a member of an enum takes as long as a call.
_CONNECT, _DISCONNECT = CallKind.CONNECT, CallKind.DISCONNECT

_OPEN_SESSION = SecureCookieSessionInterface.open_session
#: Where a connection's environ keeps its copy of the session.
_SAVED = "saved_session"


class ManagedSession(dict[str, Any], SessionMixin):
    """A connection's own copy of the session, made at its first event and kept in memory until it ends."""


#: The contexts that have been entered for a call.
Entered = tuple[ContextTemplate, Any]


class EventContexts:
    """An application and a request context per event, made from the environ of the connection's handshake.

    `request.sid`, `.namespace` and `.event` are set, `g` is new for every event; teardown functions run, before_request
    and after_request ones do not.
    """

    def __init__(self, app: Flask, options: Options, socketio: object = None) -> None:
        self._maker = ContextMaker(app, _description, socketio)
        self._manage_session = options.manage_session

    def enter(self, call: Call) -> Entered:
        """Enter the contexts of a call; returns what `leave` needs."""
        client = call.owner
        environ = client.connection.environ
        template: ContextTemplate | None = client.contexts
        managed: ManagedSession | None = None
        if self._manage_session:
            managed = environ.get(_SAVED)
            if managed is None and self._has_no_session(environ):
                managed = environ.setdefault(_SAVED, ManagedSession())
        if template is None or managed is None:
            call.entered = True  # the application's own code opens sessions, and may wait
        if template is None:
            template = client.contexts = ContextTemplate(self._maker, environ)
        if not self._manage_session:
            return template, template.push(None, call)
        context = template.push(managed, call)
        if managed is None:
            try:
                # Not through Flask's proxy, which would look the session up for every step of copying it.
                found = context.session
                copied = ManagedSession({name: found[name] for name in found.keys()})  # noqa: SIM118 - a store's own
                # Of events that are the first ones at the same time one makes it, and all have it.
                set_session(context, environ.setdefault(_SAVED, copied))
            except BaseException as error:
                template.pop(context, error)
                raise
        return template, context

    def _has_no_session(self, environ: dict[str, Any]) -> bool:
        """Whether it is known without opening it that the session is empty: Flask's own is all in a cookie."""
        app = self._maker.app
        interface = app.session_interface
        return (
            type(interface) is SecureCookieSessionInterface
            and not vars(interface)
            and SecureCookieSessionInterface.open_session is _OPEN_SESSION
            and interface.session_class is SecureCookieSession
            and app.request_class is Request  # another one may find its cookies elsewhere
            and app.config["SESSION_COOKIE_NAME"] not in environ.get("HTTP_COOKIE", "")
        )

    def leave(self, entered: Entered, error: BaseException | None) -> None:
        """Leave them, in the same `contextvars.Context`; `error` is what teardown functions are told."""
        template, context = entered
        if self._manage_session:
            template.pop(context, error)
            return
        try:
            if error is None:
                self._save_session()
        except BaseException as failure:
            error = failure
            raise
        finally:
            template.pop(context, error)

    def _save_session(self) -> None:
        """Store what the handler changed, as far as the session interface can without a response."""
        app = self._maker.app
        if getattr(session, "modified", True):
            session_object: Any = getattr(session, "_get_current_object")()  # noqa: B009
            app.session_interface.save_session(app, session_object, app.response_class())


def _description(call: Call) -> tuple[str, str, dict[str, Any]]:
    """What handlers are told of it: `request.sid`, `.namespace` and `.event`."""
    socket = call.socket
    event = {"message": call.event, "args": _event_args(call)}
    return socket.sid, socket.namespace, event


def _event_args(call: Call) -> tuple[Any, ...]:
    if call.kind is _CONNECT:
        environ = call.owner.connection.environ
        return (environ, *call.args) if call.args[0] is not None else (environ,)
    if call.kind is _DISCONNECT:
        return (public_reason(call.args[0]),)
    return call.args


_PUBLIC_REASONS = {
    CloseReason.TRANSPORT_CLOSE: "transport close",
    CloseReason.PING_TIMEOUT: "ping timeout",
    CloseReason.CLIENT_DISCONNECT: "client disconnect",
    CloseReason.SERVER_DISCONNECT: "server disconnect",
    CloseReason.SERVER_SHUTDOWN: "server disconnect",
    CloseReason.SLOW_CONSUMER: "slow consumer",
}


def public_reason(reason: CloseReason) -> str:
    """The name that a disconnect handler gets, one of `SocketIO.reason`'s."""
    return _PUBLIC_REASONS.get(reason, "transport error")
