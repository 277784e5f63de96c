"""The adapter contract: everything addressed to more than the socket at hand goes through one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..base.promise import Promise
from ..protocol.socketio import Body

if TYPE_CHECKING:
    from ..hub.socket import Socket

Room = Hashable
AckCallback = Callable[..., Any]


def as_rooms(value: Any) -> tuple[Any, ...] | None:
    """One room or several -> a tuple; None stays None. Raises TypeError for a room that cannot be one."""
    if value is None:
        return None
    if isinstance(value, str):  # what nearly every room is
        return (value,)
    rooms: tuple[Any, ...] = tuple(value) if isinstance(value, (list, tuple, set)) else (value,)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    for room in rooms:
        hash(room)
    return rooms


def as_namespace(value: str | None) -> str:
    """A namespace's name as clients know it: with its slash, and `/` where there is none. `*` stays.

    Raises TypeError for what is no name.
    """
    if value is None:
        return "/"
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"a namespace is a str such as '/chat', not {value!r}")
    return value if value[:1] == "/" or value == "*" else "/" + value


class Answer:
    """An ack callback that somebody is waiting for: called on the loop, so that it takes no handler's thread."""

    def __init__(self) -> None:
        self._answer = Promise[tuple[Any, ...]]()

    def __call__(self, *args: Any) -> None:
        self._answer.keep(args)  # of several clients' answers the first counts

    def wait(self, timeout: float) -> Any:
        """Nothing as None, one value as it is, several as a tuple. Raises the builtin TimeoutError."""
        if not self._answer.wait(timeout):
            raise TimeoutError
        args = self._answer.result()
        return args if len(args) > 1 else args[0] if args else None


@dataclass(slots=True)
class Emission:
    """One emit: to whom, what, and what comes back.

    `args` (event name first) are what a broker passes on; `body` is their encoded form, made on the thread that
    emitted.
    """

    namespace: str
    args: list[Any]
    body: Body
    #: rooms whose members receive it, each client once; None for everybody in the namespace
    to: tuple[Room, ...] | None = None
    #: session ids, and rooms, that do not
    skip: tuple[Room, ...] = ()
    #: called with what each receiving client answers
    callback: AckCallback | None = None
    #: for the clients of this server alone
    ignore_queue: bool = False


class Adapter(ABC):
    """Called on the loop alone."""

    @abstractmethod
    def add(self, socket: Socket) -> None:
        """A client asks to join a namespace; from now on it can be addressed."""

    @abstractmethod
    def remove(self, socket: Socket) -> None:
        """It has left, and with that all of its rooms."""

    @abstractmethod
    def find(self, namespace: str, sid: str) -> Socket | None:
        """The socket with this id, if it is on this server."""

    @abstractmethod
    def sockets(self) -> Iterable[Socket]:
        """Every socket on this server."""

    @abstractmethod
    def join(self, namespace: str, sid: str, room: Room) -> None:
        """Raises ValueError for a client that is not there, or a room that is another client's id."""

    @abstractmethod
    def may_join(self, namespace: str, sid: str, room: Room) -> bool:
        """Whether `join` would raise nothing as things are; may be asked on any thread."""

    @abstractmethod
    def leave(self, namespace: str, sid: str, room: Room) -> None:
        """Leaving a room one is not in is no error."""

    @abstractmethod
    def close_room(self, namespace: str, room: Room) -> None:
        """Everybody leaves. Raises ValueError for a client's own room."""

    @abstractmethod
    def rooms(self, namespace: str, sid: str) -> list[Room]:
        """The client's rooms, its own id first; empty for a client that is not there."""

    @abstractmethod
    def broadcast(self, emission: Emission) -> None:
        """Deliver to every client that the emission addresses."""

    @abstractmethod
    def disconnect(self, namespace: str, sid: str, *, ignore_queue: bool = False) -> None:
        """Take the client out of the namespace, wherever it is; with `ignore_queue` only if it is on this server."""
