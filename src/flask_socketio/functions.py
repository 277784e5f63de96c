"""What a handler calls: emit(), join_room() and the like, for the client whose event it handles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from flask import Flask, Request, current_app, request

from .cluster.base import AckCallback, Room
from .extension import SocketIO


def emit(
    event: str,
    *args: Any,
    namespace: str | None = None,
    to: Room | Sequence[Room] | None = None,
    room: Room | Sequence[Room] | None = None,
    broadcast: bool = False,
    include_self: bool = True,
    skip_sid: str | Sequence[str] | None = None,
    callback: AckCallback | None = None,
    ignore_queue: bool = False,
    **kwargs: Any,
) -> None:
    """Emit an event to the client whose event is being handled, or to whom `to` or `broadcast=True` says.

    Raises RuntimeError outside of a handler, unless namespace and to (or broadcast) are given.
    """
    target = room if to is None else to
    request = _request()
    if target is None and not broadcast:
        target = _of_event(request, "sid", "to= (or sid=)")
    _socketio().emit(
        event,
        *args,
        namespace=namespace or _of_event(request, "namespace", "namespace="),
        to=target,
        include_self=include_self,
        skip_sid=skip_sid,
        callback=callback,
        ignore_queue=ignore_queue,
    )


def send(message: Any, *, json: bool = False, **kwargs: Any) -> None:
    """Emit the event `message`, or `json`; takes what `emit` takes."""
    emit("json" if json else "message", message, **kwargs)


def call(
    event: str,
    *args: Any,
    namespace: str | None = None,
    to: str | None = None,
    room: str | None = None,
    timeout: float = 60,
    ignore_queue: bool = False,
) -> Any:
    """Emit an event to the client whose event is being handled, or to another one, and return what it answers.

    See `SocketIO.call`.
    """
    return _socketio().call(
        event,
        *args,
        namespace=namespace or _namespace(),
        to=to or room or _sid(),
        timeout=timeout,
        ignore_queue=ignore_queue,
    )


def join_room(room: Room, sid: str | None = None, namespace: str | None = None) -> None:
    """Put the client into a room. Raises ValueError for a client that is gone or a room that is another client's id."""
    _socketio().server.enter_room(sid or _sid(), room, namespace or _namespace())


def leave_room(room: Room, sid: str | None = None, namespace: str | None = None) -> None:
    """Take the client out of a room; it need not be in it."""
    _socketio().server.leave_room(sid or _sid(), room, namespace or _namespace())


def close_room(room: Room, namespace: str | None = None) -> None:
    """Take everybody out of a room."""
    _socketio().close_room(room, namespace or _namespace())


def rooms(sid: str | None = None, namespace: str | None = None) -> list[Room]:
    """The rooms the client is in, its own id among them."""
    return _socketio().server.rooms(sid or _sid(), namespace or _namespace())


def disconnect(sid: str | None = None, namespace: str | None = None, silent: bool = False) -> None:
    """Disconnect the client from the namespace; its connection stays."""
    _socketio().server.disconnect(sid or _sid(), namespace or _namespace())


# Asked once: every look through a proxy takes as long as the rest of emit().
_current_app = cast(Callable[[], Flask], getattr(current_app, "_get_current_object"))  # noqa: B009
_current_request = cast(Callable[[], Request], getattr(request, "_get_current_object"))  # noqa: B009


def _socketio() -> SocketIO:
    return cast(SocketIO, _current_app().extensions["socketio"])


def _sid() -> str:
    return _of_event(_request(), "sid", "to= (or sid=)")


def _namespace() -> str:
    return _of_event(_request(), "namespace", "namespace=")


def _request() -> Request | None:
    try:
        return _current_request()
    except RuntimeError:  # there is none at all
        return None


def _of_event(request: Request | None, attribute: str, alternative: str) -> str:
    value = getattr(request, attribute, None)
    if value is None:
        raise RuntimeError(
            f"there is no request.{attribute} outside of an event handler: give {alternative}, or use socketio.emit()"
        )
    return value
