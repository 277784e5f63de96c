"""A process that serves nobody and emits through a message queue: a script, a Celery worker."""

from __future__ import annotations

from typing import Any

from ..base.counters import Counters
from ..cluster.base import Adapter
from ..cluster.node.queue import NodeQueue
from ..cluster.publishing import DirectPublisher
from ..cluster.queue import MessageQueue
from ..cluster.queued import QueueAdapter
from ..cluster.state import QueueState
from ..cluster.wire import Dumps
from ..hub.socket import Socket
from ..protocol.socketio import Codec
from .inline import InlineInbox


class Emitter:
    """In place of what a server has. What it is told is published before the call returns, or lost."""

    can_ack = False

    def __init__(self, queue: MessageQueue, codec: Codec, dumps: Dumps) -> None:
        self.inbox = InlineInbox()
        self.counters = Counters()
        publisher = DirectPublisher(queue, QueueState(queue.shown, self.counters))
        self.adapter: Adapter[Socket] = (
            queue.emitting(codec, dumps, publisher.publish, self.counters)
            if isinstance(queue, NodeQueue)
            else QueueAdapter[Socket](codec, dumps, publisher.publish)
        )

    def environs(self) -> dict[str, dict[str, Any]]:
        """There are no connections here."""
        return {}

    def sessions(self) -> dict[str, Any]:
        """There are none."""
        return {}

    def transport_name(self, eio_sid: str) -> str:
        """There is none. Raises KeyError."""
        raise KeyError(eio_sid)
