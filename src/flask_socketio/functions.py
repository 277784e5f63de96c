"""What a handler calls: emit(), join_room() and the like, for the client whose event it handles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, cast

from flask import Flask, Request, current_app, request

from .app.legacy import ignore, sort_out
from .cluster.base import AckCallback, Room
from .extension import SocketIO
from .handling.flask_contexts import HOME, current_event
from .messaging import Messaging, emit_by

_EMIT = Messaging.emit


def emit(
    event: str,
    *args: Any,
    data: Any = None,
    namespace: str | None = None,
    to: Room | Sequence[Room] | None = None,
    room: Room | Sequence[Room] | None = None,
    broadcast: bool = False,
    include_self: bool = True,
    skip_sid: str | Sequence[str] | None = None,
    callback: AckCallback | None = None,
    ignore_queue: bool = False,
    **unknown: Any,
) -> None:
    """Emit an event to the client whose event is being handled, or to whom `to` or `broadcast=True` says.

    It precedes the ack of that event. An emission to nobody is no error.

    Args:
        event: The event's name.
        args: What the client's handler is called with: what the application's JSON can encode, and bytes. A single
            tuple is several arguments.
        data: A single argument, by name.
        namespace: That of the event being handled where it is None.
        to: A room, a client's id, or a list of them. `room` is its other name.
        broadcast: To everybody in the namespace.
        include_self: False: not to the client whose event is being handled, though it is among them.
        skip_sid: A client's id, or a list of them, who do not get it.
        callback: Called with what a client answers, once for each client that does.
        ignore_queue: Only to the clients of this process, though there is a message queue.

    Raises:
        RuntimeError: Outside of a handler, unless `namespace` and `to` (or `broadcast`) are given.
        TypeError: Arguments that are no JSON, or a name that is neither a str nor a number.
        ValueError: A name that the protocol reserves (`connect` and the like).
    """
    target = room if to is None else to
    socketio, target, namespace = _find("emit", target, namespace, everybody=broadcast)
    if unknown or data is not None:
        args = sort_out(socketio, "emit()", args, data, unknown)
    if type(socketio).emit is _EMIT and "emit" not in vars(socketio):  # nobody has put theirs there
        emit_by(
            socketio,
            event,
            args,
            namespace,
            target,
            include_self,
            skip_sid,
            callback,
            ignore_queue,
        )
        return
    socketio.emit(
        event,
        *args,
        namespace=namespace,
        to=target,
        include_self=include_self,
        skip_sid=skip_sid,
        callback=callback,
        ignore_queue=ignore_queue,
    )


def send(
    message: Any,
    *,
    json: bool = False,
    namespace: str | None = None,
    to: Room | Sequence[Room] | None = None,
    room: Room | Sequence[Room] | None = None,
    broadcast: bool = False,
    include_self: bool = True,
    skip_sid: str | Sequence[str] | None = None,
    callback: AckCallback | None = None,
    ignore_queue: bool = False,
    **unknown: Any,
) -> None:
    """Emit the event `message`, or `json` where `json` is true; the rest is as in `emit`."""
    target = room if to is None else to
    socketio, target, namespace = _find("send", target, namespace, everybody=broadcast)
    ignore(socketio, "send()", unknown)
    socketio.send(
        message,
        json,
        namespace=namespace,
        to=target,
        include_self=include_self,
        skip_sid=skip_sid,
        callback=callback,
        ignore_queue=ignore_queue,
    )


def call(
    event: str,
    *args: Any,
    data: Any = None,
    namespace: str | None = None,
    to: str | None = None,
    room: str | None = None,
    timeout: float = 60,
    ignore_queue: bool = False,
    **unknown: Any,
) -> Any:
    """Emit an event to the client whose event is being handled, or to another one, and return what it answers.

    Returns None, the value, or a tuple of values.

    Args:
        event: The event's name.
        args: What the client's handler is called with.
        data: A single argument, by name.
        namespace: That of the event being handled where it is None.
        to: The client's id. `room` is its other name.
        timeout: Seconds to wait for the ack.
        ignore_queue: The client is one of this process, though there is a message queue.

    Raises:
        TimeoutError: No ack in time. The builtin one, and that of `flask_socketio.errors`.
        UnknownClientError: A TimeoutError, at once: nobody has the client.
        RuntimeError: In an `async def` handler, where waiting would stop the server, or outside of a handler, unless
            `namespace` and `to` are given.
    """
    socketio, target, namespace = _find("call", to or room or None, namespace)
    return socketio.call(
        event,
        *sort_out(socketio, "call()", args, data, unknown),
        namespace=namespace,
        to=target,
        timeout=timeout,
        ignore_queue=ignore_queue,
    )


def join_room(room: Room, sid: str | None = None, namespace: str | None = None) -> None:
    """Put the client into a room.

    Args:
        room: A str, a number, or a tuple of them.
        sid: The client's id; the one whose event is being handled where it is None.
        namespace: That of the event being handled where it is None.

    Raises:
        ValueError: The client is gone, or the room is another client's id.
        RuntimeError: Outside of a handler, unless `sid` and `namespace` are given.
    """
    socketio, client, where = _find("join_room", sid or None, namespace)
    socketio.server.enter_room(client, room, where)


def leave_room(room: Room, sid: str | None = None, namespace: str | None = None) -> None:
    """Take the client out of a room; it need not be in it.

    Args:
        room: A str, a number, or a tuple of them.
        sid: The client's id; the one whose event is being handled where it is None.
        namespace: That of the event being handled where it is None.

    Raises:
        RuntimeError: Outside of a handler, unless `sid` and `namespace` are given.
    """
    socketio, client, where = _find("leave_room", sid or None, namespace)
    socketio.server.leave_room(client, room, where)


def close_room(room: Room, namespace: str | None = None) -> None:
    """Take everybody out of a room, clients of other processes as well.

    Args:
        room: A str, a number, or a tuple of them.
        namespace: That of the event being handled where it is None.

    Raises:
        ValueError: The room is a client's own.
        RuntimeError: Outside of a handler, unless `namespace` is given.
    """
    socketio, _, where = _find("close_room", None, namespace, everybody=True)
    socketio.close_room(room, where)


def rooms(sid: str | None = None, namespace: str | None = None) -> list[Room]:
    """The rooms the client is in, its own id first; empty for an unknown client.

    Args:
        sid: The client's id; the one whose event is being handled where it is None.
        namespace: That of the event being handled where it is None.

    Raises:
        RuntimeError: Outside of a handler, unless `sid` and `namespace` are given.
        SilentNodesError: Another process has the client, and does not answer.
    """
    socketio, client, where = _find("rooms", sid or None, namespace)
    return socketio.server.rooms(client, where)


def disconnect(sid: str | None = None, namespace: str | None = None, silent: bool = False) -> None:
    """Disconnect the client from the namespace; its connection stays.

    Args:
        sid: The client's id; the one whose event is being handled where it is None.
        namespace: That of the event being handled where it is None.
        silent: Means nothing.

    Raises:
        RuntimeError: Outside of a handler, unless `sid` and `namespace` are given.
    """
    socketio, client, where = _find("disconnect", sid or None, namespace)
    socketio.server.disconnect(client, where)


# Asked once: every look through a proxy takes as long as the rest of emit().
_current_app = cast(Callable[[], Flask], getattr(current_app, "_get_current_object"))  # noqa: B009
_current_request = cast(Callable[[], Request], getattr(request, "_get_current_object"))  # noqa: B009

#: What a function is to be given outside of an event handler in place of the client's id, and what there is instead.
_ADVICE = {
    "emit": ("to= or broadcast=True", "socketio.emit(event, ..., to=sid)"),
    "send": ("to= or broadcast=True", "socketio.send(message, to=sid)"),
    "call": ("to=", "socketio.call(event, ..., to=sid)"),
    "join_room": ("sid=", "socketio.server.enter_room(sid, room)"),
    "leave_room": ("sid=", "socketio.server.leave_room(sid, room)"),
    "close_room": ("", "socketio.close_room(room)"),
    "rooms": ("sid=", "socketio.server.rooms(sid)"),
    "disconnect": ("sid=", "socketio.server.disconnect(sid)"),
}


_NO_APPLICATION = "{}() has no application here: use {}, or call it within app.app_context()"


def _find(
    function: str, client: Any, namespace: str | None, *, everybody: bool = False
) -> tuple[SocketIO, Any, str]:
    """The instance, the client (or rooms) and the namespace that a function is about.

    What its arguments do not say is so of the event that is being handled. Raises RuntimeError where there is none.
    `everybody`: no client need be named.
    """
    event = current_event()
    if event is not None:
        call, socketio, made = event
        about = call.socket if made is None else made
        if client is None and not everybody:
            client = getattr(about, "sid", None) or _missing(function, "sid")
        return socketio, client, namespace or about.namespace
    try:
        request = _current_request()
    except RuntimeError:  # there is none at all
        request = None
    if client is None and not everybody:
        client = getattr(request, "sid", None) or _missing(function, "sid")
    where = namespace or getattr(request, "namespace", None) or _missing(function, "namespace")
    try:
        app = _current_app()
    except RuntimeError:
        raise RuntimeError(_NO_APPLICATION.format(function, _ADVICE[function][1])) from None
    owner, socketio = getattr(request, HOME, (None, None))
    if owner is not app:  # no event's request, or another application has been entered since
        socketio = app.extensions.get("socketio") or _not_attached(app)
    return cast(SocketIO, socketio), client, where


def _missing(function: str, attribute: str) -> str:
    wanted, instead = _ADVICE[function]
    if attribute == "namespace":
        wanted = "namespace="
    raise RuntimeError(
        f"there is no request.{attribute} outside of an event handler: give {function}() {wanted}, or use {instead}; "
        "a thread of your own is given request.sid as an argument"
    )


def _not_attached(app: Flask) -> NoReturn:
    raise RuntimeError(
        f"the application {app.name!r} has no SocketIO: SocketIO(app), or init_app(app), is missing"
    )
