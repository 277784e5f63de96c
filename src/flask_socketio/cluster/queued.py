"""Rooms on this server, and what is done with others' by way of a message queue."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic

from ..base.counters import Counters
from ..base.promise import Promise
from ..errors import UnknownClientError
from ..protocol.socketio import Body, Codec
from .base import Callback, Emission, M, Room
from .callbacks import Callbacks
from .gaps import Gaps
from .here import Here, NoTopics, Topics
from .members import ALONE, Members, Membership
from .memory import MemoryAdapter, nowhere
from .nodes import owner_of, prefix_of
from .publishing import DirectPublisher, MakeMessage, Publisher
from .questions import AnswerQuestion, Questions
from .queue import Listener, MessageQueue
from .state import QueueState
from .topics import Addresses, Subscriptions
from .wire import (
    Dumps,
    Message,
    addressed,
    answer_of,
    emission_of,
    emit_message,
    fields_of,
    member_of,
    other_message,
    question_of,
    unknown_message,
    unknown_of,
)

logger = logging.getLogger("flask_socketio.server")

#: Bytes, more or less, of a message that is no emission.
_SIZE_OF_OTHERS = 256

_NO_DATA = Body(b"")


class QueueAdapter(MemoryAdapter[M]):
    """What concerns somebody who is not here is published; this server acts first, and alone where that is enough.

    `publish` is given a function that makes the message, and how many bytes that has, more or less.
    """

    def __init__(
        self,
        codec: Codec,
        dumps: Dumps,
        publish: Callable[[MakeMessage, int], object],
        members: Membership = ALONE,
        addresses: Addresses | None = None,
        topics: Topics | None = None,
    ) -> None:
        super().__init__(codec)
        self._dumps = dumps
        self._publish = publish
        self._addresses = addresses or Addresses(lambda: None)
        #: which rooms concern this server, for other threads
        self.here = Here(self._sockets, topics or NoTopics())
        self._others = members
        self.callbacks = Callbacks(self._counters)

    def broadcast(self, emission: Emission) -> None:
        super().broadcast(emission)
        if emission.ignore_queue or self._all_here(emission):
            return
        callback = None
        if emission.callback is not None:
            callback = self._await_others(emission, emission.callback)
            if callback is None:
                return
        size, topic = _size(emission.body), self._addresses.of_emission(emission)
        emission.body = _NO_DATA  # it is delivered; what waits shall not hold the arguments twice
        node = self._others.node
        self._publish(
            lambda: addressed(emit_message(emission, self._dumps, callback, node), topic), size
        )

    def _all_here(self, emission: Emission) -> bool:
        return emission.to is not None and all(
            isinstance(room, str) and self.find(emission.namespace, room) for room in emission.to
        )

    def _await_others(self, emission: Emission, callback: Callback) -> tuple[Room, str, int] | None:
        """What an ack has to come back with; None where nobody can have the client, which is told at once."""
        to = None if emission.to is None else emission.to[0]
        owner = owner_of(to) if emission.to is not None and len(emission.to) == 1 else None
        if owner is not None and self._is_nowhere(owner):
            callback.fail(nowhere(emission))
            return None
        return to, emission.namespace, self.callbacks.remember(callback, owner)

    def _is_nowhere(self, node: str) -> bool:
        """Whether nobody has the clients of a node: it is this one (where they are not), or there is no such node."""
        members = self._others
        return node == members.node or (members.knows_all and node not in members.nodes)

    def _reaches_nobody(self, emission: Emission, callback: Callback) -> None:
        if emission.ignore_queue:
            super()._reaches_nobody(emission, callback)

    def may_join(self, namespace: str, sid: str, room: Room) -> bool:
        return (room == sid or owner_of(room) is None) and super().may_join(namespace, sid, room)

    def expect(self, namespace: str, sid: str, room: Room) -> Promise[None] | None:
        return None if self.find(namespace, sid) is None else self.here.expect(namespace, room)

    def _add(self, socket: M, room: Room) -> None:
        if (socket.namespace, room) not in self._rooms:
            self.here.came(socket.namespace, room)
        super()._add(socket, room)

    def _drop(self, socket: M, room: Room) -> None:
        super()._drop(socket, room)
        if (socket.namespace, room) not in self._rooms:
            self.here.gone(socket.namespace, room)

    def join(self, namespace: str, sid: str, room: Room) -> None:
        if room != sid and owner_of(room) is not None:
            raise ValueError("cannot enter a sid room")
        if self.find(namespace, sid) is not None:
            super().join(namespace, sid, room)
        else:
            self._addresses.joined_elsewhere(namespace, room)
            self._tell("enter_room", namespace, sid=sid, room=room)

    def leave(self, namespace: str, sid: str, room: Room) -> None:
        if self.find(namespace, sid) is not None:
            super().leave(namespace, sid, room)
        else:
            self._tell("leave_room", namespace, sid=sid, room=room)

    def close_room(self, namespace: str, room: Room) -> None:
        if owner_of(room) is not None:
            raise ValueError("cannot close a sid room")
        super().close_room(namespace, room)
        topic = self._addresses.of_room(namespace, room)
        self._tell("close_room", namespace, topic, room=room)

    def disconnect(self, namespace: str, sid: str, *, ignore_queue: bool = False) -> None:
        if ignore_queue or self.find(namespace, sid) is not None:
            super().disconnect(namespace, sid)
            return
        owner = owner_of(sid)
        if owner is not None and self._is_nowhere(owner):
            logger.debug("client %s is not connected to %s: nobody to disconnect", sid, namespace)
            return
        logger.debug("client %s of %s is another process's, which is told", sid, namespace)
        self._tell("disconnect", namespace, self._addresses.of_room(namespace, sid), sid=sid)

    def _tell(
        self, method: str, namespace: str, topic: int | None = None, /, **fields: Any
    ) -> None:
        self._publish(
            lambda: addressed(other_message(method, namespace, fields), topic), _SIZE_OF_OTHERS
        )

    def fail_callbacks(self) -> None:
        """Of events that have gone to processes that are not there, as it has turned out."""
        self.callbacks.fail_where(self._is_nowhere, _gone)

    # -- what others publish -------------------------------------------------------------------

    def read_emission(self, message: Message) -> Emission:
        """Others' emission, encoded for the clients here; on any thread. Raises for what is no emission."""
        return emission_of(message, self._codec, self._answer_to)

    def _answer_to(
        self, host_id: str, node: str | None, room: Room, namespace: str, ack_id: int
    ) -> Callback:
        def answer(*args: Any) -> None:
            self._tell("callback", namespace, host_id=host_id, sid=room, id=ack_id, args=list(args))

        def unknown(_error: Exception) -> None:
            self._publish(lambda: unknown_message(str(node), ack_id), _SIZE_OF_OTHERS)

        is_ours = node is not None and owner_of(room) == self._others.node
        return Callback(answer, on_loop=True, failed=unknown if is_ours else None)

    def received(self, method: str, namespace: str, fields: list[Any]) -> None:
        """Act on others' message, on the loop; emissions come here as `broadcast`."""
        try:
            self._act(method, namespace, fields)
        except (
            ValueError
        ) as error:  # who has asked for it, would have been told if the client were theirs
            logger.error("%s of another server ignored: %s", method, error)  # noqa: TRY400

    def _act(self, method: str, namespace: str, fields: list[Any]) -> None:
        if method == "callback":
            self.callbacks.answered(*fields)
        elif method == "close_room":
            super().close_room(namespace, *fields)
        elif self.find(namespace, fields[0]) is None:
            return
        elif method == "disconnect":
            super().disconnect(namespace, *fields)
        elif method == "enter_room":
            super().join(namespace, *fields)
        else:
            super().leave(namespace, *fields)

    def unknown(self, to: str, number: int) -> None:
        """A client that was to answer is not where it should be."""
        if to == self._others.node:
            self.callbacks.fail(number, UnknownClientError("there is no such client (any more)"))


def _gone(node: str) -> UnknownClientError:
    return UnknownClientError(f"the client's process, {node}, is gone")


def _size(body: Body) -> int:
    return len(body.data) + sum(map(len, body.attachments))


class Cluster(Generic[M]):
    """What is known of other processes and asked of them, and who acts on what they say: of one that is on a queue.

    `post` carries out commands where the state lives; `answers` are called there with others' questions.
    """

    def __init__(
        self,
        node: str,
        codec: Codec,
        dumps: Dumps,
        post: Callable[..., object],
        publisher: Publisher | DirectPublisher,
        answers: Callable[[MemoryAdapter[M]], Mapping[str, AnswerQuestion]],
        addresses: Addresses,
        topics: Topics | None = None,
        *,
        serves: bool = True,
    ) -> None:
        self._post = post
        self._publish = publisher.put
        self.members = Members(node, publisher.announce, serves=serves)
        self.adapter = QueueAdapter[M](codec, dumps, publisher.put, self.members, addresses, topics)
        self.questions = Questions(self.members, self._say, answers(self.adapter))
        self.members.on_settled.append(self.adapter.fail_callbacks)
        self.members.on_gone.append(self._gone)

    def _say(self, message: Message) -> None:
        self._publish(lambda: message, _SIZE_OF_OTHERS)

    def _gone(self, node: str) -> None:
        self.questions.gone(node)
        self.adapter.fail_callbacks()

    # -- what a listener tells, on its thread --------------------------------------------------

    def listening(self) -> None:
        self._post(self.members.listening)

    def deaf(self) -> None:
        self._post(self.members.deaf)

    def looked(self) -> None:
        if time.monotonic() >= self.members.due:
            self._post(self.members.tick)

    def concerns(self, namespace: str, room: Any) -> bool:
        return self.adapter.here.concerns(namespace, room)

    def received(self, message: Message) -> None:
        if message["method"] == "member":
            self._post(self.members.received, member_of(message))
        else:
            receive(message, self.adapter, self.questions, self._post)


def receive(
    message: Message,
    adapter: QueueAdapter[Any],
    questions: Questions,
    post: Callable[..., object],
) -> None:
    """Have it acted upon where the state lives. Raises for what is no message."""
    method = message["method"]
    if method == "emit":
        post(adapter.broadcast, adapter.read_emission(message))
    elif method == "ask":
        post(questions.asked, question_of(message))
    elif method == "answer":
        post(questions.answered, answer_of(message))
    elif method == "unknown":
        post(adapter.unknown, *unknown_of(message))
    else:
        method, namespace, fields = fields_of(message)
        if method == "enter_room":  # what comes next may be for the room already
            adapter.expect(namespace, *fields)
        post(adapter.received, method, namespace, fields)


class QueueLink(Generic[M]):
    """A running server's threads: one that publishes, one that listens."""

    def __init__(
        self,
        queue: MessageQueue,
        codec: Codec,
        dumps: Dumps,
        answers: Callable[[MemoryAdapter[M]], Mapping[str, AnswerQuestion]],
        post: Callable[..., object],
        counters: Counters,
        node: str,
    ) -> None:
        self.sids_begin = prefix_of(node)
        self.state = state = QueueState(queue.shown, counters)
        self._publisher = Publisher(queue, state)
        gaps, broker = Gaps(), queue.with_topics()
        topics = None if broker is None else Subscriptions(broker.want, gaps)
        if topics is not None:
            topics.add_node(node)
        addresses = Addresses(queue.with_topics)
        self._cluster = Cluster[M](
            node, codec, dumps, post, self._publisher, answers, addresses, topics
        )
        self.adapter = self._cluster.adapter
        self.questions = self._cluster.questions
        self.members = self._cluster.members
        self._listener = Listener(queue, self._cluster, counters, state, gaps)

    def queue_status(self) -> dict[str, Any]:
        """How it goes with the queue; on any thread."""
        return {**self.state.status(), **self._publisher.waiting()}

    def troubles(self) -> list[str]:
        """What cannot be done with the queue at present; on any thread."""
        return self.state.troubles()

    async def close(self) -> None:
        """Publish what waits, for a while, and listen no longer."""
        self.members.leave()
        await asyncio.gather(self._listener.close(), self._publisher.close())
