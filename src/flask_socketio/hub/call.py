"""A handler that is to run: what the hub asks of whoever executes handlers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..protocol.socketio import Body
    from .client import Client
    from .socket import Socket


class CallKind(Enum):
    CONNECT = auto()
    EVENT = auto()
    DISCONNECT = auto()
    ACK = auto()


@dataclass(slots=True, frozen=True, eq=False)
class Handler:
    """A function of the application's, and how to call it."""

    function: Callable[..., Any]
    is_async: bool
    #: how many positional arguments it takes at most; None for any number
    max_args: int | None


@dataclass(slots=True, eq=False)
class Call:
    """One run of a handler for a socket.

    Whoever runs it calls `hub.finished(call, outcome)` afterwards, exactly once and where the hub lives.
    """

    socket: Socket
    kind: CallKind
    #: the event's name; None for an ack
    event: str | None
    args: tuple[Any, ...]
    handler: Handler
    #: the client asked for an answer
    ack_id: int | None = None

    @property
    def lane(self) -> Client:
        """Whose calls start in order."""
        return self.socket.client

    @property
    def starts_on_loop(self) -> bool:
        """Whether the handler runs on the loop."""
        return self.handler.is_async


@dataclass(slots=True)
class Outcome:
    """How a call ended."""

    #: connect: whether the client is accepted
    accepted: bool = True
    #: connect refused: the CONNECT_ERROR's data. Event: the encoded answer; None where there is none.
    body: Body | None = None


def make_handler(function: Callable[..., Any]) -> Handler:
    """Look at a function once. Raises TypeError for what cannot be called."""
    if not callable(function):
        raise TypeError(f"an event handler must be callable, not {type(function).__name__}")
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object whose call is async
    )
    return Handler(function, is_async, _max_args(function))


def _max_args(function: Callable[..., Any]) -> int | None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional for parameter in parameters)
