"""A process that serves nobody and emits through a message queue: a script, a Celery worker."""

from __future__ import annotations

from typing import Any

from ..base.counters import Counters
from ..base.promise import Promise
from ..cluster.nodes import new_node
from ..cluster.publishing import DirectPublisher
from ..cluster.queue import Listener, MessageQueue
from ..cluster.queued import Cluster
from ..cluster.state import QueueState
from ..cluster.wire import Dumps, Message
from ..errors import MessageQueueError
from ..hub.socket import Socket
from ..protocol.socketio import Codec
from .answers import answers_for_others
from .inline import InlineInbox

#: Seconds in which it has to listen to the queue, when it is to be answered for the first time.
_PATIENCE = 5.0


class Emitter:
    """In place of what a server has. What it is told is published before the call returns, or lost.

    It listens from the moment on when somebody is to answer it.
    """

    def __init__(self, queue: MessageQueue, codec: Codec, dumps: Dumps, *, raises: bool) -> None:
        self.inbox = InlineInbox()
        self.counters = Counters()
        self.state = QueueState(queue.shown, self.counters)
        self._queue = queue
        publisher = DirectPublisher(queue, self.state, raises=raises)
        self._cluster = Cluster[Socket](
            new_node(),
            codec,
            dumps,
            self.inbox.post,
            publisher,
            answers_for_others,
            serves=False,
        )
        self.adapter = self._cluster.adapter
        self.questions = self._cluster.questions
        self.members = self._cluster.members
        self._listener: Listener | None = None
        self._listens = Promise[None]()

    def listen(self) -> None:
        """Have answers come back. Raises MessageQueueError when the queue cannot be listened to."""
        self.inbox.ask(self._start_listener)
        if not self._listens.wait(_PATIENCE):
            raise MessageQueueError(
                f"cannot listen to message queue {self._queue.shown} for an answer"
            )

    def _start_listener(self) -> None:
        if self._listener is None:
            self._listener = Listener(self._queue, self, self.counters, self.state)

    # -- what the listener tells ---------------------------------------------------------------

    def listening(self) -> None:
        self._cluster.listening()
        self._listens.keep(None)

    def deaf(self) -> None:
        self._cluster.deaf()

    def looked(self) -> None:
        self._cluster.looked()

    def received(self, message: Message) -> None:
        """Of others' emissions none is for somebody here."""
        if message["method"] in ("member", "answer", "unknown", "callback"):
            self._cluster.received(message)

    # ------------------------------------------------------------------------------------------

    def queue_status(self) -> dict[str, Any]:
        """How it goes with it. Nothing waits here."""
        return {**self.state.status(), "backlog": 0, "backlog_bytes": 0}

    def environs(self) -> dict[str, dict[str, Any]]:
        """There are no connections here."""
        return {}

    def sessions(self) -> dict[str, Any]:
        """There are none."""
        return {}

    def transport_name(self, eio_sid: str) -> str:
        """There is none. Raises KeyError."""
        raise KeyError(eio_sid)
