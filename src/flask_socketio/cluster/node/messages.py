"""What the members of a cluster say to each other, whatever the adapter that writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..base import Room

#: A command for Redis: its name and arguments.
Command = tuple[str | bytes | int, ...]


class MalformedError(ValueError):
    """It is no message of the wire's."""


@dataclass(slots=True)
class Target:
    """Clients of a namespace: those in one of the rooms, or all where there are none, but for those in `skip`."""

    rooms: tuple[Room, ...] = ()
    skip: tuple[Room, ...] = ()


# -- what concerns others' clients -----------------------------------------------------------------


@dataclass(slots=True)
class Broadcast:
    """An event; with a `request_id` everybody tells how many clients get it, and what each of them answers."""

    target: Target
    args: list[Any]
    request_id: str | None = None


@dataclass(slots=True)
class Join:
    """With a `request_id` who has the client confirms it, here and below (Node's adapter, before its release 7)."""

    target: Target
    rooms: tuple[Room, ...]
    request_id: str | None = None


@dataclass(slots=True)
class Leave:
    target: Target
    rooms: tuple[Room, ...]
    request_id: str | None = None


@dataclass(slots=True)
class Disconnect:
    """Out of the namespace; with `close` their connections end."""

    target: Target
    close: bool = False
    request_id: str | None = None


# -- questions -------------------------------------------------------------------------------------


@dataclass(slots=True)
class FetchSockets:
    target: Target
    request_id: str


@dataclass(slots=True)
class ListSids:
    target: Target
    request_id: str


@dataclass(slots=True)
class ListRooms:
    request_id: str


@dataclass(slots=True)
class ServerEvent:
    """An event for the servers themselves; with a `request_id` each of them answers."""

    args: list[Any]
    request_id: str | None = None


# -- answers ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class ClientCount:
    request_id: str
    count: int


@dataclass(slots=True)
class ClientAck:
    request_id: str
    value: Any


@dataclass(slots=True)
class Sockets:
    request_id: str
    sockets: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass(slots=True)
class Sids:
    request_id: str
    sids: list[str]


@dataclass(slots=True)
class Rooms:
    request_id: str
    rooms: Sequence[Room]


@dataclass(slots=True)
class ServerEventAck:
    request_id: str
    value: Any


@dataclass(slots=True)
class Done:
    request_id: str


Request = Broadcast | Join | Leave | Disconnect | FetchSockets | ListSids | ListRooms | ServerEvent
Answer = ClientCount | ClientAck | Sockets | Sids | Rooms | ServerEventAck | Done
Message = Request | Answer


@dataclass(slots=True)
class Incoming:
    """A message of another member's; `uid` is where answers go."""

    namespace: str
    uid: str
    message: Message
