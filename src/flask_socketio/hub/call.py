"""A handler that is to run: what the hub asks of whoever executes handlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from ..protocol.socketio import Body
from .client import Client
from .socket import Socket


class CallKind(Enum):
    CONNECT = auto()
    EVENT = auto()
    DISCONNECT = auto()
    ACK = auto()


@dataclass(slots=True, eq=False)
class Handler:
    """A function of the application's, and how to call it."""

    function: Callable[..., Any]
    #: called on the loop, not on a thread; what it returns is awaited on the loop either way
    is_async: bool
    #: how many positional arguments it takes at most; None for any number, until a call has shown otherwise
    max_args: int | None
    #: what the application has registered, where `function` is more than that
    written: Callable[..., Any] | None = None


@dataclass(slots=True, eq=False, init=False)
class Call:
    """One run of a handler for a socket.

    Whoever runs it calls `hub.finished(call, outcome)` afterwards, exactly once and where the hub lives.
    """

    socket: Socket
    #: whose calls start in order: the socket's client when it began, for the socket may get another one meanwhile
    owner: Client
    kind: CallKind
    #: the event's name; None for an ack
    event: str | None
    args: tuple[Any, ...]
    handler: Handler
    #: the client asked for an answer
    ack_id: int | None
    #: the handler has been called, or what it needs of the application: a call that comes later starts later
    entered: bool
    #: what was raised and nothing has handled
    failure: BaseException | None
    #: as how many it counts among those in flight
    weight: int
    #: when it was handed over to be run, and when that began, where somebody measures it; of no clock in particular
    arrived: float
    begun: float

    # Written out where one is made for every event: what `dataclass` writes is never compiled.
    def __init__(
        self,
        socket: Socket,
        owner: Client,
        kind: CallKind,
        event: str | None,
        args: tuple[Any, ...],
        handler: Handler,
        ack_id: int | None = None,
        weight: int = 1,
    ) -> None:
        self.socket = socket
        self.owner = owner
        self.kind = kind
        self.event = event
        self.args = args
        self.handler = handler
        self.ack_id = ack_id
        self.entered = False
        self.failure = None
        self.weight = weight

    @property
    def starts_on_loop(self) -> bool:
        """Whether the handler runs on the loop."""
        return self.handler.is_async


@dataclass(slots=True, init=False)
class Outcome:
    """How a call ended."""

    #: connect: whether the client is accepted
    accepted: bool
    #: connect refused: the CONNECT_ERROR's data. Event: the encoded answer; None where there is none.
    body: Body | None

    def __init__(self, accepted: bool = True, body: Body | None = None) -> None:
        self.accepted = accepted
        self.body = body
