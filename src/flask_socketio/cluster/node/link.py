"""A running server among Node's: its threads, and what goes between them and the loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Generic

from ...base.counters import Counters
from ...base.told import Told
from ...protocol.socketio import Codec
from ..base import M, Room
from ..publishing import Publisher
from ..queue import Listening
from ..state import QueueState
from ..wire import Dumps
from .adapter import NodeAdapter
from .broker import NodeBroker, Position, Subscriptions
from .dialect import Dialect, Entry, Heard
from .messages import Broadcast, Disconnect, Incoming, Join, Leave, MalformedError
from .queue import NodeQueue

logger = logging.getLogger("flask_socketio.server")

#: What it does besides listening, as log lines name it.
_FOLLOW = "read the stream of"
#: Bytes, more or less, of a command that wakes.
_SIZE_OF_WAKE = 64


class NodeLink(Generic[M]):
    """One thread publishes, one listens to channels, and one to each stream."""

    #: ids have as many characters as Node's servers know
    sids_begin = ""
    #: Node's servers answer none of ours
    questions = None

    def __init__(
        self,
        queue: NodeQueue,
        codec: Codec,
        dumps: Dumps,
        namespaces: Iterable[str],
        post: Callable[..., object],
        counters: Counters,
    ) -> None:
        self._counters = counters
        self._post = post
        self._told = Told(logger)
        self._state = state = QueueState(queue.shown, counters)
        self._publisher = Publisher(queue, state)
        self._dialect = dialect = queue.dialect()
        self.adapter = NodeAdapter[M](codec, dumps, dialect, self._publisher.put, counters)
        self._subscriptions = Subscriptions()
        self._namespaces = set[str]()
        for namespace in {"/", *namespaces} - {"*"}:
            self._subscribe(namespace)
        self.adapter.on_namespace = self._new_namespace
        self.adapter.on_room, self.adapter.on_room_end = self._new_room, self._room_ended
        broker = queue.node_broker()
        hear = partial(broker.hear, self._subscriptions)
        self._listening: list[Listening[Any]] = [
            Listening[Heard](hear, self._heard, counters, state)
        ]
        self._follow(broker, dialect)

    def _follow(self, broker: NodeBroker, dialect: Dialect) -> None:
        for stream in dialect.streams():
            hear = partial(broker.follow, stream, Position())
            self._listening.append(
                Listening[Entry](hear, self._entry, self._counters, self._state, _FOLLOW)
            )

    # -- what is listened to -------------------------------------------------------------------

    def _subscribe(self, namespace: str) -> None:
        self._namespaces.add(namespace)
        for command in self._dialect.channels(namespace):
            self._subscriptions.add(command)

    def _new_namespace(self, namespace: str) -> None:
        if namespace not in self._namespaces:
            self._subscribe(namespace)
            self._wake()

    def _new_room(self, namespace: str, room: Room) -> None:
        channel = self._dialect.room_channel(namespace, room)
        if channel is not None:
            self._subscriptions.add(("SSUBSCRIBE", channel))
            self._wake()

    def _room_ended(self, namespace: str, room: Room) -> None:
        channel = self._dialect.room_channel(namespace, room)
        if channel is not None:
            self._subscriptions.remove(("SUNSUBSCRIBE", channel))
            self._wake()

    def _wake(self) -> None:
        """Have the thread that listens look for what is new, by way of Redis: it waits for that alone."""
        wake: Callable[[], Any] = self._dialect.wake
        self._publisher.put(wake, _SIZE_OF_WAKE)

    # -- what is heard -------------------------------------------------------------------------

    def _heard(self, heard: Heard) -> None:
        self._read(lambda: self._dialect.read(heard, self.adapter.is_wanted))

    def _entry(self, entry: Entry) -> None:
        self._read(lambda: self._dialect.read_entry(entry))

    def _read(self, read: Callable[[], Incoming | None]) -> None:
        try:
            incoming = read()
            if incoming is not None:
                self._receive(incoming)
        except (MalformedError, TypeError, ValueError) as error:
            self._counters.message_ignored("malformed")
            self._told.warning("message of another server ignored: %.200s", error)

    def _receive(self, incoming: Incoming) -> None:
        namespace, uid, message = incoming.namespace, incoming.uid, incoming.message
        if isinstance(message, Broadcast):
            self._deliver(namespace, uid, message)
        elif namespace in self._namespaces:
            if isinstance(message, Join | Leave | Disconnect):
                self.adapter.changes_read += 1
            self._post(self.adapter.received, namespace, uid, message)
            self._counters.queue_received += 1

    def _deliver(self, namespace: str, uid: str, message: Broadcast) -> None:
        """A broadcast for nobody here is not encoded; one with acks is answered in any case."""
        if message.request_id is not None:
            emission = self.adapter.emission_of(namespace, uid, message)
            self._post(self.adapter.deliver_with_acks, uid, message.request_id, emission)
        elif self.adapter.concerns(namespace, message.target):
            self._post(self.adapter.deliver, self.adapter.emission_of(namespace, uid, message))
        else:
            return
        self._counters.queue_received += 1

    # -- what a server asks --------------------------------------------------------------------

    def queue_status(self) -> dict[str, Any]:
        """How it goes with the queue; on any thread."""
        return {**self._state.status(), **self._publisher.waiting()}

    def troubles(self) -> list[str]:
        """What cannot be done with the queue at present; on any thread."""
        return self._state.troubles()

    async def close(self) -> None:
        """Publish what waits, for a while, and listen no longer."""
        listening = [each.close() for each in self._listening]
        await asyncio.gather(*listening, self._publisher.close())
