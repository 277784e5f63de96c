"""Redis as Node's adapters use it: any command publishes, and several channels and a stream are listened to."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from ..brokers.redis import RedisBroker, connecting_to
from ..lookout import Lookout
from .dialect import Entry, Heard
from .messages import Command

_MESSAGES, _PATTERN = (b"message", b"smessage"), b"pmessage"
_CONFIRMED = (b"subscribe", b"psubscribe", b"ssubscribe")

#: Of a stream: entries that are read at once, and milliseconds that Redis waits for some. A dead one answers later.
_COUNT, _BLOCK = 100, 1000


class Subscriptions:
    """What is to be listened to: said on the loop, done by whoever listens, anew on each connection."""

    def __init__(self) -> None:
        self._wanted: dict[str | bytes | int, Command] = {}
        self._new = deque[Command]()

    def add(self, command: Command) -> None:
        """A command that subscribes, with channels or patterns."""
        self._wanted[command[1]] = command
        self._new.append(command)

    def remove(self, command: Command) -> None:
        """The command that ends such a subscription."""
        self._wanted.pop(command[1], None)
        self._new.append(command)

    def all(self) -> list[Command]:
        """For a new connection."""
        self._new.clear()
        return list(self._wanted.values())

    def new(self) -> Generator[Command]:
        """What has come since."""
        while self._new:
            yield self._new.popleft()


@dataclass(slots=True)
class Position:
    """How far a stream has been read: the number of an entry, if it has been looked at."""

    number: str | None = None


class NodeBroker(RedisBroker):
    """What it publishes are commands, as Redis reads them."""

    def _commands(self, connection: Any, messages: list[bytes]) -> list[bytes]:
        return messages

    def _refusal(self, connection: Any) -> Exception | None:
        """The number of those who listen to one channel says nothing of the others."""
        refusal = super()._refusal(connection)
        self.listeners = None
        return refusal

    def _listening(self) -> tuple[Any, Any]:
        client = self._connect({"socket_connect_timeout": 2.0, "protocol": 2})
        connection = client.connection_pool.make_connection()
        connection.connect()
        return client, connection

    def hear(self, subscriptions: Subscriptions, patience: float) -> Generator[Heard | None]:
        """As `listen`, from all these channels."""
        client, connection = self._listening()
        lookout = Lookout()
        try:
            early = self._subscribe(connection, lookout, subscriptions.all(), patience)
            yield None
            yield from early
            while True:
                response = self._next(connection, lookout, patience)
                yield None if response is None else _heard(response)
                for command in subscriptions.new():
                    connection.send_command(*command)
        finally:
            connection.disconnect()
            client.close()

    def _subscribe(
        self, connection: Any, lookout: Lookout, commands: list[Command], patience: float
    ) -> list[Heard | None]:
        """Wait until all is confirmed; returns what has come meanwhile."""
        connection.send_packed_command(connection.pack_commands(commands))
        awaited = sum(len(command) - 1 for command in commands)
        early: list[Heard | None] = []
        while awaited:
            response = self._next(connection, lookout, patience)
            if response is None:
                continue
            if response[0] in _CONFIRMED:
                awaited -= 1
            else:
                early.append(_heard(response))
        return early

    def _next(self, connection: Any, lookout: Lookout, patience: float) -> Any:
        """What comes within so many seconds, or None."""
        if connection.can_read(patience):
            lookout.heard()
            return connection.read_response()
        if lookout.wants_to_ask():
            connection.send_command("PING")
        return None

    def follow(self, stream: str, position: Position, patience: float) -> Generator[Entry | None]:
        """A stream's entries from the `position` on, which moves with them; None as `listen`."""
        client, connection = self._listening()
        try:
            position.number = position.number or _last(connection, stream)
            yield None
            while True:
                yield from _read_stream(connection, stream, position, patience)
        finally:
            connection.disconnect()
            client.close()


def _heard(response: list[Any]) -> Heard | None:
    if response[0] == _PATTERN:
        return Heard(response[2], response[3], response[1])
    return Heard(response[1], response[2]) if response[0] in _MESSAGES else None


def _ask(connection: Any, *command: str | int) -> Any:
    connection.send_command(*command)
    return connection.read_response()


def _last(connection: Any, stream: str) -> str:
    """The position of the last entry there is."""
    found = _ask(connection, "XREVRANGE", stream, "+", "-", "COUNT", 1)
    return found[0][0].decode() if found else "0-0"


def _read_stream(
    connection: Any, stream: str, position: Position, patience: float
) -> Generator[Entry | None]:
    """The next entries; None while there are none."""
    where = ("STREAMS", stream, position.number)
    connection.send_command("XREAD", "COUNT", _COUNT, "BLOCK", _BLOCK, *where)
    lookout = Lookout()
    while not connection.can_read(patience):
        lookout.wants_to_ask()
        yield None
    for _, entries in connection.read_response() or ():
        for number, fields in entries:
            position.number = number.decode()
            yield dict(zip(fields[::2], fields[1::2], strict=True))


def make_broker(url: str, channel: str) -> NodeBroker:
    return NodeBroker(connecting_to(url), channel)
