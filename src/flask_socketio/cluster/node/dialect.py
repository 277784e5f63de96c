"""How one of Node's adapters says things: what each kind of wire offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from ..base import Room
from .messages import Command, Incoming, Message

#: Whether there is somebody in a namespace here, in a room that a channel names; any, for ''. On any thread.
IsWanted = Callable[[str, str], bool]


@dataclass(slots=True)
class Heard:
    """A message from a channel, with the pattern by which that was chosen, if it was."""

    channel: bytes
    data: bytes
    pattern: bytes | None = None


#: An entry of a stream, by its fields' names.
Entry = dict[bytes, bytes]


class Dialect(Protocol):
    """For one member; what is written is called on the thread that publishes, what is read on the one that listens."""

    #: the member's own
    uid: str

    def channels(self, namespace: str) -> list[Command]:
        """What subscribes to a namespace. On any thread."""
        ...

    def room_channel(self, namespace: str, room: Room) -> str | None:
        """Of its own, which is subscribed to while somebody here is in the room; None where there is none."""
        ...

    def wake(self) -> Command:
        """What this member alone hears, and does not take for a message."""
        ...

    def streams(self) -> Iterable[str]:
        """Those that are read besides the channels."""
        ...

    def write(self, namespace: str, message: Message, to: str) -> Command:
        """For everybody, or, if it is an answer, for who has asked. Raises TypeError for what cannot be written."""
        ...

    def read(self, heard: Heard, is_wanted: IsWanted) -> Incoming | None:
        """None for what concerns nobody here, its own messages among it. Raises MalformedError."""
        ...

    def read_entry(self, entry: Entry) -> Incoming | None:
        """The same of a stream's."""
        ...
