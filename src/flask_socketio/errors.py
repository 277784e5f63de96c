"""What this package raises.

SocketIOError                      the base of all
├── ConnectionRefusedError         raised by a connect handler: the client is not accepted
├── TimeoutError                   an ack did not come in time (also a builtin TimeoutError)
│   ├── UnknownClientError         there can be none: no process has the client
│   └── SilentNodesError           other processes have not answered a question; `nodes` says which
├── PayloadError                   what a client has sent does not fit the annotations of the event's handler
├── MessageQueueError              what a process that only emits has emitted is lost: the message queue is not there
└── NotServingError                the call needs a running server (also a RuntimeError)

protocol.errors.ProtocolError      what a peer did wrong; it closes that peer's connection and is logged,
                                   and never reaches the application
"""

from __future__ import annotations

import builtins
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeGuard


class SocketIOError(Exception):
    """The base class of this package's errors."""


class ConnectionRefusedError(SocketIOError):
    """Raise it in a connect handler to refuse the client.

    The first argument is the message that the client gets in its `connect_error` event; a second one, or the list of
    all further ones, is its `data`.
    """

    @property
    def error_args(self) -> dict[str, object]:
        """What the client is told (Socket.IO v5, "CONNECT_ERROR")."""
        return refusal_body(self.args)


def refusal_body(args: tuple[object, ...]) -> dict[str, object]:
    """The CONNECT_ERROR's data for the arguments of a ConnectionRefusedError."""
    if not args:
        return {"message": "Connection rejected by server"}
    message, *data = args
    answer: dict[str, object] = {"message": str(message)}
    if data:
        answer["data"] = data[0] if len(data) == 1 else data
    return answer


class TimeoutError(SocketIOError, builtins.TimeoutError):
    """An ack did not come in time."""


class UnknownClientError(TimeoutError):
    """There can be no ack: the client is connected to no process that could have it."""


class SilentNodesError(TimeoutError):
    """Other processes have not answered a question in time."""

    def __init__(self, question: str, nodes: Collection[str], seconds: float) -> None:
        names = ", ".join(sorted(nodes)) or "the message queue"
        super().__init__(f"{question}: no answer from {names} within {seconds:g} s")
        #: their names; empty where the message queue is not there, so that nobody knows who they are
        self.nodes = tuple(sorted(nodes))


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing about a payload that does not fit."""

    #: the handler's name for the argument; "" where there are too many
    argument: str
    #: the path within the argument, `author.name` or `lines[2]`; "" where it is the argument itself
    field: str
    #: what was expected, in the words of the library that has looked
    problem: str
    #: the argument that was sent, cut and escaped
    value: str

    def __str__(self) -> str:
        where = f"argument {self.argument!r}" if self.argument else "arguments"
        at = f", field {self.field!r}" if self.field else ""
        return f"{where}{at}: {self.problem}; the client has sent {self.value}"


class PayloadError(SocketIOError):
    """What a client has sent does not fit the annotations of the event's handler, which has not run.

    The client is told, if it has asked for an ack, unless an error handler answers in its place. `Event.call` raises it
    too, for an answer; there it is as any other exception of a handler that does not catch it.
    """

    def __init__(self, event: str, fields: Sequence[Misfit], *, is_answer: bool = False) -> None:
        super().__init__(event, tuple(fields))
        self.event = event
        #: whether it is what a client has answered to an event of the server's
        self.is_answer = is_answer
        #: what does not fit
        self.fields = tuple(fields)

    def __str__(self) -> str:
        return "; ".join(map(str, self.fields))

    @property
    def answer(self) -> dict[str, object]:
        """What the client is told in its ack."""
        fields = [
            {"argument": item.argument, "field": item.field, "problem": item.problem}
            for item in self.fields
        ]
        return {"error": "invalid payload", "fields": fields}


def refuses_payload(error: BaseException | None) -> TypeGuard[PayloadError]:
    """Whether a handler has not run because of what its own client has sent."""
    return isinstance(error, PayloadError) and not error.is_answer


class MessageQueueError(SocketIOError):
    """What was emitted is lost, or may be, because of the message queue."""


class NotServingError(SocketIOError, RuntimeError):
    """The call needs a running server."""
