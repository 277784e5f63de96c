"""The Flask contexts in which handlers run."""

from __future__ import annotations

from typing import Any

from flask import Flask, session
from flask.sessions import SessionMixin

from .context_template import ContextMaker, ContextTemplate, set_session
from .engine.reasons import CloseReason
from .hub.call import Call, CallKind
from .options import Options

_EVENT = CallKind.EVENT  # looking up a member of an enum takes as long as a call

#: Where a connection's environ keeps its copy of the session.
_SAVED = "saved_session"


class ManagedSession(dict[str, Any], SessionMixin):
    """A connection's own copy of the session, made at its first event and kept in memory until it ends."""


class EventContexts:
    """An application and a request context per event, made from the environ of the connection's handshake.

    `g` is new for every event; teardown functions run, before_request and after_request ones do not.
    """

    def __init__(self, app: Flask, options: Options, socketio: object = None) -> None:
        self.maker = ContextMaker(app, socketio)
        self.options = options


class EventContext:
    """The contexts of one call, to be entered once; `request.sid`, `.namespace` and `.event` are set."""

    __slots__ = ("_call", "_context", "_contexts", "_template")

    def __init__(self, contexts: EventContexts, call: Call) -> None:
        self._contexts = contexts
        self._call = call

    def __enter__(self) -> None:
        call, contexts = self._call, self._contexts
        socket = call.socket
        client = socket.client
        environ = client.connection.environ
        template: ContextTemplate | None = client.contexts
        if template is None:
            template = client.contexts = ContextTemplate(contexts.maker, environ)
        args = call.args if call.kind is _EVENT else _event_args(call)
        event = {"message": call.event, "args": args}
        manage_session = contexts.options.manage_session
        managed: ManagedSession | None = environ.get(_SAVED) if manage_session else None
        self._template = template
        self._context = template.push(managed, socket.sid, socket.namespace, event)
        if manage_session and managed is None:
            environ[_SAVED] = managed = ManagedSession(session)
            set_session(self._context, managed)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        try:
            if error is None and not self._contexts.options.manage_session:
                self._save_session()
        except BaseException as failure:
            error = failure
            raise
        finally:
            self._template.pop(self._context, error)

    def _save_session(self) -> None:
        """Store what the handler changed, as far as the session interface can without a response."""
        app = self._contexts.maker.app
        if getattr(session, "modified", True):
            session_object: Any = getattr(session, "_get_current_object")()  # noqa: B009
            app.session_interface.save_session(app, session_object, app.response_class())


def _event_args(call: Call) -> tuple[Any, ...]:
    if call.kind is CallKind.CONNECT:
        environ = call.socket.client.connection.environ
        return (environ, *call.args) if call.args[0] is not None else (environ,)
    if call.kind is CallKind.DISCONNECT:
        return (public_reason(call.args[0]),)
    return call.args


_PUBLIC_REASONS = {
    CloseReason.TRANSPORT_CLOSE: "transport close",
    CloseReason.PING_TIMEOUT: "ping timeout",
    CloseReason.CLIENT_DISCONNECT: "client disconnect",
    CloseReason.SERVER_DISCONNECT: "server disconnect",
    CloseReason.SERVER_SHUTDOWN: "server disconnect",
    CloseReason.FORCED_CLOSE: "server disconnect",
}


def public_reason(reason: CloseReason) -> str:
    """The name that a disconnect handler gets, one of `SocketIO.reason`'s."""
    return _PUBLIC_REASONS.get(reason, "transport error")
