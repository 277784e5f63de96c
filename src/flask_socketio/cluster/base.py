"""The adapter contract: everything addressed to more than the socket at hand goes through one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ..base.promise import Promise
from ..errors import TimeoutError
from ..protocol.message import Message
from ..protocol.socketio import Body

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


@dataclass(slots=True, eq=False)
class Callback:
    """What is called with what a client answers."""

    function: AckCallback
    #: at once, where the answer arrives; else as a handler is, since it is the application's
    on_loop: bool = False
    #: called instead when it is known that there will be no answer
    failed: Callable[[Exception], object] | None = None
    #: seconds for which somebody waits, where that is known
    patience: float | None = None

    def fail(self, error: Exception) -> None:
        """There will be no answer."""
        if self.failed is not None:
            self.failed(error)


class Answer:
    """An ack that somebody is waiting for, so that it takes no handler's thread."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._answer = Promise[tuple[Any, ...]]()

    def callback(self, patience: float) -> Callback:
        """For an event whose answer is awaited for so many seconds."""
        return Callback(self._keep, on_loop=True, failed=self._answer.fail, patience=patience)

    def _keep(self, *args: Any) -> None:
        self._answer.keep(args)  # of several clients' answers the first counts

    def wait(self, timeout: float) -> Any:
        """Nothing as None, one value as it is, several as a tuple.

        Raises TimeoutError, and its UnknownClientError where nobody can answer.
        """
        if not self._answer.wait(timeout):
            raise TimeoutError(f"no ack for event {self._event!r} within {timeout:g} seconds")
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
    callback: Callback | None = None
    #: for the clients of this server alone
    ignore_queue: bool = False


class Member(Protocol):
    """A client in a namespace, as far as an adapter has to know it."""

    @property
    def sid(self) -> str: ...

    @property
    def namespace(self) -> str: ...

    @property
    def rooms(self) -> dict[Room, None]:
        """In the order in which they were joined, without the client's own; the adapter writes them."""
        ...

    @property
    def environ(self) -> dict[str, Any]:
        """That of its connection's handshake."""
        ...

    @property
    def session(self) -> dict[str, Any] | None:
        """What the application keeps for it."""
        ...

    def send(self, message: Message) -> None: ...

    def send_with_ack(self, body: Body, callback: Callback) -> None:
        """Send an event and call back with what the client answers."""
        ...

    def disconnect(self) -> None:
        """Take the client out of the namespace, and tell it."""
        ...

    def close(self) -> None:
        """The same in all its namespaces, and end its connection."""
        ...


M = TypeVar("M", bound=Member)


class Adapter(ABC, Generic[M]):
    """Called on the loop alone."""

    @abstractmethod
    def add(self, socket: M) -> None:
        """A client asks to join a namespace; from now on it can be addressed."""

    @abstractmethod
    def remove(self, socket: M) -> None:
        """It has left, and with that all of its rooms."""

    @abstractmethod
    def find(self, namespace: str, sid: str) -> M | None:
        """The socket with this id, if it is on this server."""

    @abstractmethod
    def sockets(self) -> Iterable[M]:
        """Every socket on this server."""

    @abstractmethod
    def join(self, namespace: str, sid: str, room: Room) -> None:
        """Raises ValueError for a client that is not there or in too many, or a room that is another client's id."""

    @abstractmethod
    def may_join(self, namespace: str, sid: str, room: Room) -> bool:
        """Whether `join` is sure to raise nothing as things are; may be asked on any thread."""

    def expect(self, namespace: str, sid: str, room: Room) -> Promise[None] | None:
        """Before a thread has the loop call `join`: what has to be waited for, if anything; on any thread.

        From then on what others emit to the room arrives.
        """
        return None

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
