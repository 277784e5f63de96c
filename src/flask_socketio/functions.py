"""What a handler calls: emit(), join_room() and the like, for the client whose event it handles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from flask import Flask, Request, current_app, request

from .app.legacy import ignore, sort_out
from .cluster.base import AckCallback, Room
from .extension import SocketIO
from .handling.flask_contexts import HOME


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

    Raises RuntimeError outside of a handler, unless namespace and to (or broadcast) are given; and what `SocketIO.emit`
    raises.
    """
    target = room if to is None else to
    socketio, target, namespace = _find("emit", target, namespace, everybody=broadcast)
    if unknown or data is not None:
        args = sort_out(socketio, "emit()", args, data, unknown)
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
    """Emit the event `message`, or `json`; to whom, and what is raised: see `emit`."""
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

    See `SocketIO.call`.
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
    """Put the client into a room. Raises ValueError for a client that is gone or a room that is another client's id."""
    socketio, client, where = _find("join_room", sid or None, namespace)
    socketio.server.enter_room(client, room, where)


def leave_room(room: Room, sid: str | None = None, namespace: str | None = None) -> None:
    """Take the client out of a room; it need not be in it."""
    socketio, client, where = _find("leave_room", sid or None, namespace)
    socketio.server.leave_room(client, room, where)


def close_room(room: Room, namespace: str | None = None) -> None:
    """Take everybody out of a room."""
    socketio, _, where = _find("close_room", None, namespace, everybody=True)
    socketio.close_room(room, where)


def rooms(sid: str | None = None, namespace: str | None = None) -> list[Room]:
    """The rooms the client is in, its own id among them."""
    socketio, client, where = _find("rooms", sid or None, namespace)
    return socketio.server.rooms(client, where)


def disconnect(sid: str | None = None, namespace: str | None = None, silent: bool = False) -> None:
    """Disconnect the client from the namespace; its connection stays."""
    socketio, client, where = _find("disconnect", sid or None, namespace)
    socketio.server.disconnect(client, where)


# Asked once: every look through a proxy takes as long as the rest of emit().
_current_app = cast(Callable[[], Flask], getattr(current_app, "_get_current_object"))  # noqa: B009
_current_request = cast(Callable[[], Request], getattr(request, "_get_current_object"))  # noqa: B009

#: What a function is to be given outside of an event handler in place of the client's id, and what there is instead.
_ADVICE = {
    "emit": ("to= or broadcast=True", "socketio.emit()"),
    "send": ("to= or broadcast=True", "socketio.send()"),
    "call": ("to=", "socketio.call()"),
    "join_room": ("sid=", "socketio.server.enter_room()"),
    "leave_room": ("sid=", "socketio.server.leave_room()"),
    "close_room": ("", "socketio.close_room()"),
    "rooms": ("sid=", "socketio.server.rooms()"),
    "disconnect": ("sid=", "socketio.server.disconnect()"),
}


def _find(
    function: str, client: Any, namespace: str | None, *, everybody: bool = False
) -> tuple[SocketIO, Any, str]:
    """The instance, the client (or rooms) and the namespace that a function is about.

    What its arguments do not say is so of the event that is being handled. Raises RuntimeError where there is none.
    `everybody`: no client need be named.
    """
    try:
        request = _current_request()
    except RuntimeError:  # there is none at all
        request = None
    if client is None and not everybody:
        client = getattr(request, "sid", None) or _missing(function, "sid")
    where = namespace or getattr(request, "namespace", None) or _missing(function, "namespace")
    app = _current_app()
    owner, socketio = getattr(request, HOME, (None, None))
    if owner is not app:  # no event's request, or another application has been entered since
        socketio = app.extensions["socketio"]
    return cast(SocketIO, socketio), client, where


def _missing(function: str, attribute: str) -> str:
    wanted, instead = _ADVICE[function]
    if attribute == "namespace":
        wanted = "namespace="
    raise RuntimeError(
        f"there is no request.{attribute} outside of an event handler: give {function}() {wanted}, or use {instead}"
    )
