"""Flask's `request`, with types for what an event handler finds on it."""

from __future__ import annotations

from typing import Any, TypedDict, cast

import flask


class Event(TypedDict):
    """`request.event`: the event's name, None in a callback, and its arguments as the client sent them."""

    message: str | None
    args: tuple[Any, ...]


class EventRequest(flask.Request):
    """The request of the handshake, as a handler sees it."""

    #: the client's id in this namespace
    sid: str
    #: the namespace of the event
    namespace: str
    #: the event's name and arguments
    event: Event


#: the very object that `flask.request` is: either may be imported, this one is known to type checkers
request = cast(EventRequest, flask.request)
