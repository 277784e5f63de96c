"""A process that serves nobody and emits through a message queue: a script, a Celery worker."""

from __future__ import annotations

from typing import Any

from ..cluster.queue import Dumps, MessageQueue
from ..cluster.queued import QueueAdapter
from ..protocol.socketio import Codec
from .inline import InlineInbox


class Emitter:
    """In place of what a server has. What it is told is published before the call returns."""

    can_ack = False

    def __init__(self, queue: MessageQueue, codec: Codec, dumps: Dumps) -> None:
        self.inbox = InlineInbox()
        self.adapter = QueueAdapter(codec, queue, dumps, lambda make: queue.publish(make()))

    def environs(self) -> dict[str, dict[str, Any]]:
        """There are no connections here."""
        return {}

    def sessions(self) -> dict[str, Any]:
        """There are none."""
        return {}

    def transport_name(self, eio_sid: str) -> str:
        """There is none. Raises KeyError."""
        raise KeyError(eio_sid)
