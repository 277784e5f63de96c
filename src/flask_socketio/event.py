"""Events that the server sends, declared with what they carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar, cast

from .cluster.base import Room, as_namespace
from .errors import Misfit, PayloadError
from .handling.models import UnfitError, converter, is_checked, plainer
from .messaging import Messaging

T = TypeVar("T")
A = TypeVar("A")


class Event(Generic[T, A]):
    """Made by `socketio.sends()`: one event's name, namespace and types."""

    def __init__(
        self, socketio: Messaging, name: str, payload: Any, answer: Any, namespace: str | None
    ) -> None:
        self.name = name
        self.namespace = as_namespace(namespace)
        #: the type of what it carries: of a tuple, of its arguments; None for no argument
        self.payload = payload
        #: the type of what a client answers; Any where nothing was said of it
        self.answer = answer
        self._socketio = socketio
        self._plain = plainer(payload) if is_checked(payload, typed_dicts=True) else _same
        self._read = converter(answer) if is_checked(answer, typed_dicts=True) else _same

    def emit(
        self,
        data: T,
        *,
        to: Room | Sequence[Room] | None = None,
        skip_sid: str | Sequence[str] | None = None,
    ) -> None:
        """Emit it, from any thread: to everybody in its namespace, or to a room, a client, or a list of such.

        Raises what `SocketIO.emit` raises.
        """
        self._socketio.emit(
            self.name, self._written(data), namespace=self.namespace, to=to, skip_sid=skip_sid
        )

    def call(self, data: T, *, to: str, timeout: float = 60) -> A:
        """Emit it to one client and return what that answers, of the type that was declared.

        `timeout` is in seconds. Raises PayloadError for an answer of another type, and what `SocketIO.call` raises.
        """
        answer = self._socketio.call(
            self.name, self._written(data), namespace=self.namespace, to=to, timeout=timeout
        )
        try:
            return self._read(answer)
        except UnfitError as unfit:
            misfits = [Misfit("answer", *problem, unfit.shown) for problem in unfit.problems]
        raise PayloadError(self.name, misfits, is_answer=True)

    def _written(self, data: T) -> Any:
        """What is emitted: of a tuple each element is an argument."""
        if isinstance(data, tuple):
            return tuple(map(self._plain, cast("tuple[Any, ...]", data)))
        return self._plain(data)

    def __repr__(self) -> str:
        return f"<Event {self.name!r} in namespace {self.namespace!r}>"


def _same(value: Any) -> Any:
    return value
