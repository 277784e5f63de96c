"""What concerns clients of the other processes as well, said to each of them directly."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic

from ..base.counters import Counters
from ..base.told import Told
from ..cluster.backlog import Bounds
from ..cluster.base import M
from ..cluster.head import head_of
from ..cluster.memory import MemoryAdapter
from ..cluster.nodes import prefix_of
from ..cluster.publishing import MakeMessage
from ..cluster.questions import AnswerQuestion, Questions
from ..cluster.queued import QueueAdapter, receive
from ..cluster.wire import Dumps, Message, is_for, read, write
from ..protocol.socketio import Codec
from .frames import Frame, Kind
from .peers import Peers

logger = logging.getLogger("flask_socketio.server")


class PeerLink(Generic[M]):
    """In place of a message queue, where one machine is enough: there is no process in between, and no thread."""

    def __init__(
        self,
        codec: Codec,
        dumps: Dumps,
        bounds: Bounds,
        answers: Callable[[MemoryAdapter[M]], Mapping[str, AnswerQuestion]],
        _post: Callable[..., object],
        counters: Counters,
        node: str,
    ) -> None:
        self.node = node
        self.sids_begin = prefix_of(node)
        self._counters = counters
        self._bounds = bounds
        self._told = Told(logger)
        self._host_id = uuid.uuid4().hex
        self.adapter = QueueAdapter[M](codec, dumps, self._publish, self)
        self.questions = Questions(self, self._say, answers(self.adapter))
        self.peers: Peers

    @property
    def nodes(self) -> Collection[str]:
        return self.peers.links.keys()

    @property
    def knows_all(self) -> bool:
        """A process that has clients has made itself known to all others."""
        return True

    def _say(self, message: Message) -> None:
        self._publish(lambda: message, 0)

    def gone(self, node: str) -> None:
        """A process has ended, and its clients are gone with it."""
        self.questions.gone(node)
        self.adapter.fail_callbacks()

    def _publish(self, make_message: MakeMessage, size: int) -> None:
        if not self.peers.links:
            return
        frame = Frame(Kind.PUBLISH, body=write(make_message(), self._host_id))
        self._counters.queue_published += 1
        if skipped := self.peers.publish(frame, self._bounds.bytes):
            self._lose(skipped)

    def _lose(self, messages: int) -> None:
        self._counters.messages_lost("backlog", messages)
        self._told.warning("another worker does not read: what is emitted is lost for its clients")

    def received(self, frame: Frame) -> None:
        """Act on what another process has published."""
        head = head_of(frame.body)
        if head is not None and not self.adapter.here.concerns(head["namespace"], head["room"]):
            self._counters.queue_received += 1
            self._counters.queue_skipped += 1
            return
        message = read(frame.body)
        if not is_for(message, self._host_id):
            return
        self._counters.queue_received += 1
        receive(message, self.adapter, self.questions, _at_once)

    def queue_status(self) -> None:
        """There is none."""

    def troubles(self) -> list[str]:
        return []

    async def close(self) -> None:
        """There is nothing that waits."""


def _at_once(function: Callable[..., object], *args: Any) -> None:
    """This is where the state lives."""
    function(*args)
