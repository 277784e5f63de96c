"""A process that serves nobody and emits through a message queue: a script, a Celery worker."""

from __future__ import annotations

import os
import weakref
from typing import Any

from ..base.counters import Counters
from ..base.green import attach
from ..base.promise import Promise
from ..cluster.base import Adapter
from ..cluster.gaps import Gaps
from ..cluster.node.queue import NodeQueue
from ..cluster.nodes import new_node
from ..cluster.publishing import DirectPublisher
from ..cluster.queue import Listener, MessageQueue
from ..cluster.queued import Cluster
from ..cluster.state import QueueState
from ..cluster.topics import Addresses
from ..cluster.wire import Dumps, Message
from ..errors import MessageQueueError
from ..hub.socket import Socket
from ..protocol.socketio import Codec
from .answers import answers_for_others
from .inline import InlineInbox

#: Seconds in which it has to listen to the queue, when somebody is to answer it.
_PATIENCE = 5.0
#: What others say to it; their emissions are for nobody here.
_HEARD = {"member", "answer", "unknown", "callback"}


class _WithoutClients:
    """What a process that only emits has of a server's: a queue, and no connections."""

    state: QueueState

    def queue_status(self) -> dict[str, Any]:
        """How it goes with it. Nothing waits here."""
        return {**self.state.status(), "backlog": 0, "backlog_bytes": 0}

    def census(self) -> dict[str, Any]:
        """Nobody is."""
        return {}

    def environs(self) -> dict[str, dict[str, Any]]:
        """There are no connections here."""
        return {}

    def sessions(self) -> dict[str, Any]:
        """There are none."""
        return {}

    def transport_name(self, eio_sid: str) -> str:
        """There is none. Raises KeyError."""
        raise KeyError(eio_sid)


class Emitter(_WithoutClients):
    """In place of what a server has. What it is told is published before the call returns, or lost.

    It listens from the moment on when somebody is to answer it, for as long as it is there.
    """

    def __init__(self, queue: MessageQueue, codec: Codec, dumps: Dumps, *, raises: bool) -> None:
        self.inbox = InlineInbox()
        self.counters = Counters()
        self.state = QueueState(queue.shown, self.counters)
        self._queue = queue
        publisher = DirectPublisher(queue, self.state, raises=raises)
        self.cluster = Cluster[Socket](
            new_node(),
            codec,
            dumps,
            self.inbox.post,
            publisher,
            answers_for_others,
            Addresses(queue.with_topics),
            serves=False,
        )
        self.adapter = self.cluster.adapter
        self.questions = self.cluster.questions
        self._is_listening = False
        self._listens = Promise[None]()

    def listen(self) -> None:
        """Have answers come back. Raises MessageQueueError when the queue cannot be listened to."""
        attach()  # where the program has green threads, they wait as such
        self.inbox.ask(self._start_listener)
        listens = self._listens
        if not listens.wait(_PATIENCE):
            raise self._cannot_listen()
        listens.result()

    def _start_listener(self) -> None:
        if not self._is_listening:
            self._is_listening = True
            listener = Listener(self._queue, _Ear(self), self.counters, self.state, Gaps())
            weakref.finalize(self, _stop, listener, os.getpid())

    def _cannot_listen(self) -> MessageQueueError:
        return MessageQueueError(
            f"cannot listen to message queue {self._queue.shown}, and nobody can answer"
        )

    def listening(self) -> None:
        """From now on."""
        self.cluster.listening()
        self._listens.keep(None)

    def deaf(self) -> None:
        """Who waits learns it, and who comes now waits for the next attempt."""
        self.cluster.deaf()
        listens, self._listens = self._listens, Promise[None]()
        listens.fail(self._cannot_listen())


class _Ear:
    """What its listener tells; that does not keep it alive, for programs make an instance for each task."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = weakref.ref(emitter)

    def concerns(self, namespace: str, room: Any) -> bool:
        """There are no clients here."""
        return False

    def received(self, message: Message) -> None:
        emitter = self._emitter()
        if emitter is not None and message["method"] in _HEARD:
            emitter.cluster.received(message)

    def listening(self) -> None:
        emitter = self._emitter()
        if emitter is not None:
            emitter.listening()

    def deaf(self) -> None:
        emitter = self._emitter()
        if emitter is not None:
            emitter.deaf()

    def looked(self) -> None:
        emitter = self._emitter()
        if emitter is not None:
            emitter.cluster.looked()


def _stop(listener: Listener, pid: int) -> None:
    """A forked process has no such thread."""
    if os.getpid() == pid:
        listener.stop()


class NodeEmitter(_WithoutClients):
    """The same among Node's servers, where nobody can answer it."""

    questions = None

    def __init__(self, queue: NodeQueue, codec: Codec, dumps: Dumps, *, raises: bool) -> None:
        self.inbox = InlineInbox()
        self.counters = Counters()
        self.state = QueueState(queue.shown, self.counters)
        publisher = DirectPublisher(queue, self.state, raises=raises)
        self.adapter: Adapter[Socket] = queue.emitting(codec, dumps, publisher.put, self.counters)

    def listen(self) -> None:
        """Raises RuntimeError."""
        raise RuntimeError("Callbacks can only be issued from the context of a server.")
