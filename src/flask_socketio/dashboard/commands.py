"""What a dashboard may have done: to a client, to a room, or to all clients of a namespace, on this server."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..cluster.base import Adapter
from ..hub.socket import Socket
from .shown import room_name

logger = logging.getLogger("flask_socketio.server")


@dataclass(frozen=True, slots=True)
class Command:
    """`argument` is the room, or whether the connection ends as well; `whom` a client's id, a room, or None: all."""

    name: str
    namespace: str
    argument: Any
    whom: str | None

    @classmethod
    def of(cls, name: object, *fields: object) -> Command:
        """Raises ValueError for what is none."""
        if name not in _DO or not 2 <= len(fields) <= 3:
            raise ValueError("no such command")
        namespace, argument, whom = (*fields, None)[:3]
        if name == "_disconnect":
            if not isinstance(argument, bool | None):
                raise ValueError("it is said by true or false whether the connection ends as well")
        elif not isinstance(argument, str) or not argument:
            raise ValueError("no room")
        if not isinstance(namespace, str) or not isinstance(whom, str | None):
            raise ValueError("no namespace, or no client or room")  # noqa: TRY004 - it is the page's
        return cls(str(name), namespace, argument, whom or None)

    @property
    def fields(self) -> list[Any]:
        """As `of` takes them."""
        return [self.name, self.namespace, self.argument, self.whom]


def carry_out(command: Command, adapter: Adapter[Socket]) -> None:
    """For the clients that are here."""
    for socket in _members(adapter, command.namespace, command.whom):
        try:
            _DO[command.name](adapter, socket, command.argument)
        except ValueError as error:  # the room is another client's own, or there are too many
            logger.warning("dashboard: %s", error)


def _members(adapter: Adapter[Socket], namespace: str, whom: str | None) -> list[Socket]:
    if whom is not None and (socket := adapter.find(namespace, whom)) is not None:
        return [socket]
    return [
        socket
        for socket in adapter.sockets()
        if socket.namespace == namespace
        and (whom is None or any(room_name(room) == whom for room in socket.rooms))
    ]


def _join(adapter: Adapter[Socket], socket: Socket, room: str) -> None:
    adapter.join(socket.namespace, socket.sid, room)


def _leave(adapter: Adapter[Socket], socket: Socket, room: str) -> None:
    for joined in [each for each in socket.rooms if room_name(each) == room]:
        adapter.leave(socket.namespace, socket.sid, joined)


def _disconnect(adapter: Adapter[Socket], socket: Socket, close: bool) -> None:
    if close:
        socket.close()
    else:
        socket.disconnect()


_DO: dict[str, Callable[[Adapter[Socket], Socket, Any], None]] = {
    "join": _join,
    "leave": _leave,
    "_disconnect": _disconnect,
}
