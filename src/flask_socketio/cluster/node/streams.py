"""@socket.io/redis-streams-adapter: a stream has what is for everybody, channels have questions and answers."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any

from ..base import Room
from . import wire
from .dialect import Entry, Heard, IsWanted
from .envelope import envelope, new_id, opened
from .messages import Answer, Broadcast, Command, Incoming, MalformedError, Message

#: Entries that the stream keeps, more or less: the adapter's option maxLen.
_MAX_LENGTH = 10_000


class Streams:
    """`name` is the stream's, and what channels begin with: the adapter's options streamName and channelPrefix."""

    def __init__(self, name: str, uid: str | None = None) -> None:
        self._name = name
        self.uid = uid or new_id()

    def channels(self, namespace: str) -> list[Command]:
        channel = self._channel(namespace)
        return [("SUBSCRIBE", channel, f"{channel}{self.uid}#")]

    def room_channel(self, namespace: str, room: Room) -> str | None:
        return None

    def wake(self) -> Command:
        return "PUBLISH", f"{self._channel('/')}{self.uid}#", b""

    def streams(self) -> Iterable[str]:
        return (self._name,)

    def _channel(self, namespace: str) -> str:
        return f"{self._name}#{namespace}#"

    def write(self, namespace: str, message: Message, to: str) -> Command:
        fields = envelope(self.uid, namespace, message)
        if isinstance(message, Answer):
            return "PUBLISH", f"{self._channel(namespace)}{to}#", wire.packed(fields)
        if isinstance(message, Broadcast) and message.request_id is not None:
            return "PUBLISH", self._channel(namespace), wire.packed(fields)
        data = wire.json_or_packed(fields["data"])
        text = data if data[:1] == b"{" else b64encode(data)
        entry = ("uid", self.uid, "nsp", namespace, "type", fields["type"], "data", text)
        return "XADD", self._name, "MAXLEN", "~", _MAX_LENGTH, "*", *entry

    def read(self, heard: Heard, is_wanted: IsWanted) -> Incoming | None:
        if not heard.data:  # an empty one wakes who listens
            return None
        return opened(wire.parsed(heard.data), self.uid)

    def read_entry(self, entry: Entry) -> Incoming | None:
        if entry.get(b"uid") == self.uid.encode():
            return None
        try:
            data = entry[b"data"]
            fields: dict[str, Any] = {
                "uid": entry[b"uid"].decode(),
                "nsp": entry[b"nsp"].decode(),
                "type": int(entry[b"type"]),
                "data": wire.parsed(data if data[:1] == b"{" else b64decode(data)),
            }
        except (KeyError, ValueError) as error:
            raise MalformedError(f"no entry: {error}") from None
        return opened(fields, self.uid)
