"""What a server listens to on NATS: thousands of subjects, whose messages keep the order in which they come.

nats-py has a queue and a task for each subscription, so that the order between two is lost, and each takes 2 KB. Here
names of its are used that it promises nobody; without them, all subjects are one subscription.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature
from typing import Any, cast

from nats.aio.client import Client as _Client

from ...base.changed import say_once
from .looped import PATIENCE, Hand
from .topical import Followed

_Base = cast(Any, _Client)
_CONSEQUENCE = "every server gets the messages for all rooms"

#: The ids of subscriptions: those of topics are higher by one and this.
_ALL = 1


def _fault() -> str:
    """What is not as it was, if anything."""
    try:
        wanted = ["self", "sid", "subject", "reply", "data", "headers"]
        if list(signature(_Base._process_msg).parameters) != wanted:
            return "other arguments of Client._process_msg"
        if list(signature(_Base._send_command).parameters)[:2] != ["self", "cmd"]:
            return "other arguments of Client._send_command"
        if "force_flush" not in signature(_Base._flush_pending).parameters:
            return "other arguments of Client._flush_pending"
    except AttributeError as error:
        return str(error)
    return ""


class _OrderedClient(_Base):
    """Hands over what comes, whatever the subject, before it reads on."""

    hand: Hand | None = None

    async def _process_msg(self, *message: Any) -> None:
        if self.hand is None:
            await _Base._process_msg(self, *message)
        else:
            await self.hand(message[3])

    async def tell(self, commands: Iterable[bytes]) -> None:
        """Commands of NATS's protocol; returns when the server has acted on them."""
        await self._send_command(b"".join(commands))
        await self.settle()

    async def settle(self) -> None:
        """Return when the server has acted on all that was sent: `flush` alone asks ahead of what waits to be sent."""
        await self._flush_pending(force_flush=True)
        await self.flush(PATIENCE)


class _PlainClient(_Base):
    async def settle(self) -> None:
        """The same: the first answer comes when what waited has been sent."""
        await self.flush(PATIENCE)
        await self.flush(PATIENCE)


_FAULT = _fault()
Client = cast(Any, _PlainClient if _FAULT else _OrderedClient)


class Subjects:
    def __init__(self, client: Any, channel: str, wanted: set[int]) -> None:
        self._client = client
        self._channel = channel
        self._followed = Followed(wanted, self._begin, self._end)

    def of(self, topic: int | None) -> str:
        """Where its messages are published."""
        return f"{self._channel}.{'all' if topic is None else topic}"

    async def listen(self, hand: Hand) -> None:
        """Hand over what comes from now on: for everybody, and for the topics that are wanted."""
        if _FAULT:
            say_once("nats-py", _FAULT, _CONSEQUENCE)
            await self._listen_to_everything(hand)
            return
        self._client.hand = hand
        await self._client.tell([f"SUB {self.of(None)} {_ALL}\r\n".encode()])
        await self._followed.start()

    async def _listen_to_everything(self, hand: Hand) -> None:
        async def received(message: Any) -> None:
            await hand(message.data)

        await self._client.subscribe(f"{self._channel}.*", cb=received)
        await self._client.settle()

    async def adjust(self, topics: list[int]) -> None:
        """See `TopicLink`; where everything comes, nothing has to be done."""
        await self._followed.adjust(topics)

    async def _begin(self, topics: Iterable[int]) -> None:
        await self._client.tell(
            f"SUB {self.of(topic)} {topic + _ALL + 1}\r\n".encode() for topic in topics
        )

    async def _end(self, topics: Iterable[int]) -> None:
        await self._client.tell(f"UNSUB {topic + _ALL + 1}\r\n".encode() for topic in topics)
