"""What those who answer for a SocketIO have in common: a server, the test client's hub, an emitter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, TypeVarTuple, Unpack

from ..base.counters import Counters
from ..cluster.base import Adapter
from ..cluster.questions import Questions
from ..hub.socket import Socket

P = ParamSpec("P")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class Commands(Protocol):
    """The way to where the state lives. Commands of one thread are carried out in its order."""

    @property
    def on_loop(self) -> bool:
        """Whether the caller is on the loop's thread, so that to wait would be for ever."""
        ...

    def post(self, function: Callable[[Unpack[Ts]], object], *args: *Ts) -> None:
        """Have the function called; do not wait for it."""
        ...

    def ask(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Have the function called; returns what it returns, raises what it raises."""
        ...


class Running(Protocol):
    """Who answers at the moment."""

    @property
    def inbox(self) -> Commands: ...

    @property
    def adapter(self) -> Adapter[Socket]: ...

    @property
    def counters(self) -> Counters: ...

    @property
    def questions(self) -> Questions | None:
        """What other processes can be asked by; None where there are none."""
        ...

    def listen(self) -> None:
        """Have what others answer come back here, from now on. Raises MessageQueueError where that cannot be."""
        ...

    def queue_status(self) -> dict[str, Any] | None:
        """How it goes with the message queue; None where there is none."""
        ...

    def census(self) -> dict[str, Any]:
        """What there is at the moment, by the names of `metrics.py`; where the state lives."""
        ...

    def environs(self) -> dict[str, dict[str, Any]]:
        """The environ of every connection's handshake, by the connection's id."""
        ...

    def sessions(self) -> dict[str, Any]:
        """The connections, by their ids."""
        ...

    def transport_name(self, eio_sid: str) -> str:
        """What carries a connection: polling or websocket. Raises KeyError for an unknown one."""
        ...
