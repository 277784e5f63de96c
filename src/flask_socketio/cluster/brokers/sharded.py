"""A Redis or Valkey cluster with sharded pub/sub: SPUBLISH and SSUBSCRIBE, to the shard that has a topic's slot.

What goes to two shards has no order. While a shard is out of reach, what is for the others waits as well.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

from redis.asyncio.cluster import ClusterNode as _ClusterNode
from redis.asyncio.cluster import RedisCluster as _RedisCluster
from redis.exceptions import AskError, MovedError, ResponseError

from ..lookout import Lookout
from ..queue import Addressed, UnreachableError
from .looped import Hand
from .topical import Followed, LoopedTopicBroker

ClusterNode, RedisCluster = cast(Any, _ClusterNode), cast(Any, _RedisCluster)

#: How often a message is sent anew because its slot is another shard's now.
_MOVES = 3
#: Seconds between two looks whether a shard has been silent for too long.
_LOOK = 1.0

_MESSAGE, _ENDED = (b"smessage", "smessage"), (b"sunsubscribe", "sunsubscribe")


class Shards:
    """Connections to the nodes of a cluster, and which of them has which topic."""

    def __init__(self, cluster: Any, channel: str) -> None:
        self._cluster = cluster
        self._channel = channel
        self._connections: dict[str, Any] = {}

    def name(self, topic: int | None) -> str:
        """The channel of a topic."""
        return f"{self._channel}:{'all' if topic is None else topic}"

    def node(self, topic: int | None) -> Any:
        """The node that has it."""
        return self._cluster.get_node_from_key(self.name(topic))

    async def connection(self, node: Any) -> Any:
        """A connection to it, the same each time."""
        found = self._connections.get(node.name)
        if found is None:
            found = node.connection_class(**node.connection_kwargs)
            await found.connect()
            self._connections[node.name] = found
        return found

    async def look_again(self) -> None:
        """Find out which node has which topic now."""
        await self._cluster.aclose()
        await self._cluster.initialize()

    async def close(self) -> None:
        for connection in self._connections.values():
            await connection.disconnect()
        await self._cluster.aclose()


class ShardedLink:
    def __init__(self, shards: Shards, wanted: set[int]) -> None:
        self._shards = shards
        self._followed = Followed(wanted, self._begin, self._end)
        self._listening: dict[str, Shard] = {}
        self._hand: Hand | None = None
        self._tasks = set[asyncio.Task[None]]()
        #: the first error of those tasks
        self._failed = asyncio.get_running_loop().create_future()

    async def is_open(self) -> bool:
        """A connection that has ended shows when it is used."""
        return True

    # -- publishing ----------------------------------------------------------------------------

    async def publish(self, messages: list[bytes]) -> Sequence[Exception | None]:
        return await self.publish_to([Addressed(message, None) for message in messages])

    async def publish_to(self, messages: list[Addressed]) -> Sequence[Exception | None]:
        answers: list[Exception | None] = [None] * len(messages)
        left = list(range(len(messages)))
        for _ in range(_MOVES):
            await self._publish_some(messages, left, answers)
            left = [number for number in left if isinstance(answers[number], MovedError | AskError)]
            if not left:
                break
            await self._shards.look_again()
        return answers

    async def _publish_some(
        self, messages: list[Addressed], numbers: list[int], answers: list[Exception | None]
    ) -> None:
        by_node: dict[str, tuple[Any, list[int]]] = {}
        for number in numbers:
            node = self._shards.node(messages[number].topic)
            by_node.setdefault(node.name, (node, []))[1].append(number)
        ready = [(await self._ready(node), mine) for node, mine in by_node.values()]
        await asyncio.gather(
            *(self._exchange(connection, messages, mine, answers) for connection, mine in ready)
        )

    async def _ready(self, node: Any) -> Any:
        """A connection that has not ended, before anything is sent to any."""
        try:
            connection = await self._shards.connection(node)
            ended = await _can_read(connection)  # nobody has asked for anything
        except Exception as error:
            raise UnreachableError(error) from error
        if ended:
            raise UnreachableError(f"{node.name} has closed the connection")
        return connection

    async def _exchange(
        self,
        connection: Any,
        messages: list[Addressed],
        numbers: list[int],
        answers: list[Exception | None],
    ) -> None:
        chosen = [messages[number] for number in numbers]
        commands = [("SPUBLISH", self._shards.name(topic), text) for text, topic in chosen]
        await connection.send_packed_command(connection.pack_commands(commands))
        for number in numbers:
            answers[number] = await _refusal(connection)

    # -- listening -----------------------------------------------------------------------------

    async def listen(self, hand: Hand) -> None:
        self._hand = hand
        await self._tell("SSUBSCRIBE", [None])
        await self._followed.start()
        await hand(None)
        await self._failed

    async def adjust(self, topics: list[int]) -> None:
        await self._followed.adjust(topics)

    async def _begin(self, topics: Iterable[int]) -> None:
        await self._tell("SSUBSCRIBE", topics)

    async def _end(self, topics: Iterable[int]) -> None:
        await self._tell("SUNSUBSCRIBE", topics)

    async def _tell(self, command: str, topics: Iterable[int | None]) -> None:
        by_node: dict[str, tuple[Any, list[str]]] = {}
        for topic in topics:
            node = self._shards.node(topic)
            by_node.setdefault(node.name, (node, []))[1].append(self._shards.name(topic))
        shards = [(await self._shard(node), names) for node, names in by_node.values()]
        await asyncio.gather(*(shard.tell(command, names) for shard, names in shards))

    async def _shard(self, node: Any) -> Shard:
        shard = self._listening.get(node.name)
        if shard is None:
            assert self._hand is not None
            connection = await self._shards.connection(node)
            shard = self._listening[node.name] = Shard(connection, self._hand)
            for coroutine in (shard.read(), shard.look_out()):
                task = asyncio.ensure_future(coroutine)
                self._tasks.add(task)
                task.add_done_callback(self._ended)
        return shard

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and not self._failed.done():
            self._failed.set_exception(task.exception() or ConnectionError("the connection ended"))

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if not self._failed.done():
            self._failed.set_exception(ConnectionError("the connection has been closed"))
        self._failed.exception()  # nobody need have waited for it
        with suppress(Exception):
            await self._shards.close()


async def _can_read(connection: Any) -> bool:
    """Whether something is to be read, if it is the end: redis-py before 8 has no other name for it."""
    can_read = getattr(connection, "can_read", None) or connection.can_read_destructive
    return await can_read()


async def _refusal(connection: Any) -> Exception | None:
    """The next answer, if it is one."""
    try:
        await connection.read_response()
    except ResponseError as error:
        return error
    return None


class Shard:
    """A connection over which messages come."""

    def __init__(self, connection: Any, hand: Hand) -> None:
        self._connection = connection
        self._hand = hand
        self._lookout = Lookout()
        #: questions whether it is there, in their order
        self._asked = deque[asyncio.Future[None]]()
        #: the channels to which it listens no longer
        self._left = set[bytes]()

    async def tell(self, command: str, names: list[str]) -> None:
        """Have it send these channels' messages, or no longer; returns when that is so."""
        if command == "SUNSUBSCRIBE":
            self._left.update(name.encode() for name in names)
        await self._ask([(command, name) for name in names])

    async def _ask(self, commands: list[tuple[str, ...]]) -> None:
        """Send commands; returns when it has acted on them."""
        answer = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        packed = self._connection.pack_commands([*commands, ("PING",)])
        await self._connection.send_packed_command(packed)
        await answer

    async def look_out(self) -> None:
        """Raises TimeoutError when nothing has been heard of it for too long."""
        while True:
            await asyncio.sleep(_LOOK)
            if self._lookout.wants_to_ask():
                await self._ask([])

    async def read(self) -> None:
        """Hand over what comes. Raises the library's errors, and ConnectionError when a channel is another shard's."""
        while True:
            response = await self._connection.read_response()
            self._lookout.heard()
            if isinstance(response, list):
                await self._act(*cast("list[Any]", response))
            else:  # a pong, where no channel is left
                self._asked.popleft().set_result(None)

    async def _act(self, kind: Any, name: Any, data: Any = None) -> None:
        if kind in _MESSAGE:
            await self._hand(data)
        elif kind in (b"pong", "pong"):
            self._asked.popleft().set_result(None)
        elif kind in _ENDED:
            self._has_ended(name if isinstance(name, bytes) else str(name).encode())

    def _has_ended(self, name: bytes) -> None:
        if name not in self._left:
            raise ConnectionError("a slot has moved to another shard")
        self._left.discard(name)


def sharded_broker(url: str, channel: str) -> LoopedTopicBroker[ShardedLink]:
    """The broker for redis+sharded://user:password@host1:port1,host2:port2?option=value, of which one host is enough;
    rediss+sharded:// for TLS, each with valkey in redis's place."""
    parts = urlsplit(url.replace("valkey", "redis", 1) if url.startswith("valkey") else url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    first, *others = hosts.split(",")
    scheme = parts.scheme.removesuffix("+sharded")
    base = parts._replace(scheme=scheme, netloc=credentials + at + first, path="").geturl()
    nodes = [ClusterNode(host, int(port or 6379)) for host, _, port in map(_parted, others)]
    return LoopedTopicBroker(partial(_connected, base, nodes, channel))


def _parted(host: str) -> tuple[str, str, str]:
    return host.partition(":")


async def _connected(url: str, others: list[Any], channel: str, wanted: set[int]) -> ShardedLink:
    options: dict[str, Any] = {"protocol": 2, "socket_connect_timeout": 2.0, "socket_timeout": None}
    cluster = RedisCluster.from_url(url, startup_nodes=others, **options)
    try:
        await cluster.initialize()
    except BaseException:
        await cluster.aclose()
        raise
    return ShardedLink(Shards(cluster, channel), wanted)
