"""The Flask contexts in which handlers run."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from flask import Flask, session
from flask.sessions import SessionMixin

from .context_template import ContextTemplate, set_session
from .engine.reasons import CloseReason
from .event_request import EventRequest
from .hub.call import Call, CallKind
from .options import Options

#: Where a connection's environ keeps its copy of the session.
_SAVED = "saved_session"


class ManagedSession(dict[str, Any], SessionMixin):
    """A connection's own copy of the session, made at its first event and kept in memory until it ends."""


class EventContexts:
    """An application and a request context per event, made from the environ of the connection's handshake.

    `g` is new for every event; teardown functions run, before_request and after_request ones do not.
    """

    def __init__(self, app: Flask, options: Options) -> None:
        self._app = app
        self._options = options

    @contextmanager
    def open(self, call: Call) -> Generator[None]:
        """Enter the contexts of a call; `request.sid`, `.namespace` and `.event` are set."""
        client = call.socket.client
        environ = client.connection.environ
        template: ContextTemplate | None = client.contexts
        if template is None:
            template = client.contexts = ContextTemplate(self._app, environ)
        manage_session = self._options.manage_session
        managed: ManagedSession | None = environ.get(_SAVED) if manage_session else None
        context = template.make(managed)
        request = cast(EventRequest, context.request)
        request.sid = call.socket.sid
        request.namespace = call.socket.namespace
        request.event = {"message": call.event, "args": _event_args(call)}
        with template.enter(context):
            if manage_session:
                if managed is None:
                    environ[_SAVED] = managed = ManagedSession(session)
                    set_session(context, managed)
                yield
                return
            yield
            self._save_session()

    def _save_session(self) -> None:
        """Store what the handler changed, as far as the session interface can without a response."""
        if getattr(session, "modified", True):
            session_object: Any = getattr(session, "_get_current_object")()  # noqa: B009
            self._app.session_interface.save_session(
                self._app, session_object, self._app.response_class()
            )


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
