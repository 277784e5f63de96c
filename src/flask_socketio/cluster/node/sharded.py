"""@socket.io/redis-adapter as `createShardedAdapter` makes it, in its default mode: a channel for each room.

Redis 7 and later: the channels are those of SSUBSCRIBE and SPUBLISH.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..base import Room
from . import wire
from .dialect import Entry, Heard, IsWanted
from .envelope import envelope, new_id, opened
from .messages import Answer, Broadcast, Command, Incoming, Message

#: Characters of a client's id: a room with as many has no channel of its own.
_SID = 20


class Sharded:
    """`prefix` is the adapter's option channelPrefix."""

    def __init__(self, prefix: str, uid: str | None = None) -> None:
        self._prefix = prefix
        self.uid = uid or new_id()

    def channels(self, namespace: str) -> list[Command]:
        channel = self._channel(namespace)
        return [("SSUBSCRIBE", channel), ("SSUBSCRIBE", f"{channel}{self.uid}#")]

    def room_channel(self, namespace: str, room: Room) -> str | None:
        name = wire.name_of(room)
        # A number has one, however many digits it has.
        if isinstance(room, str) and len(name) == _SID:
            return None
        return f"{self._channel(namespace)}{name}#"

    def wake(self) -> Command:
        return "SPUBLISH", f"{self._channel('/')}{self.uid}#", b""

    def streams(self) -> Iterable[str]:
        return ()

    def _channel(self, namespace: str) -> str:
        return f"{self._prefix}#{namespace}#"

    def write(self, namespace: str, message: Message, to: str) -> Command:
        channel = self._channel(namespace)
        if isinstance(message, Answer):
            channel += f"{to}#"
        elif isinstance(message, Broadcast) and message.request_id is None:
            channel = self._broadcast_channel(namespace, message) or channel
        fields: dict[str, Any] = envelope(self.uid, namespace, message)
        return "SPUBLISH", channel, wire.json_or_packed(fields)

    def _broadcast_channel(self, namespace: str, message: Broadcast) -> str | None:
        rooms = message.target.rooms
        return self.room_channel(namespace, rooms[0]) if len(rooms) == 1 else None

    def read(self, heard: Heard, is_wanted: IsWanted) -> Incoming | None:
        if not heard.data:  # an empty one wakes who listens
            return None
        return opened(wire.parsed(heard.data), self.uid)

    def read_entry(self, entry: Entry) -> Incoming | None:
        """There are no streams."""
