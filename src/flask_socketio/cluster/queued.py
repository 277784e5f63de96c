"""Rooms on this server, and what is done with others' by way of a message queue."""

from __future__ import annotations

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, Generic

from ..base.counters import Counters
from ..base.green import start_beside
from ..protocol.socketio import Body, Codec
from .base import AckCallback, Callback, Emission, M, Room
from .memory import MemoryAdapter
from .publishing import MakeMessage, Publisher
from .queue import Listener, MessageQueue
from .state import QueueState
from .wire import Dumps, Message, emission_of, emit_message, fields_of, other_message

logger = logging.getLogger("flask_socketio.server")

#: Acks that other servers' clients may owe at the same time; the oldest are forgotten.
_MAX_CALLBACKS = 10_000
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
    ) -> None:
        super().__init__(codec)
        self._dumps = dumps
        self._publish = publish
        self._callbacks: dict[int, Callback] = {}
        self._next_callback = 0

    def broadcast(self, emission: Emission) -> None:
        super().broadcast(emission)
        if emission.ignore_queue or self._all_here(emission):
            return
        callback = None
        if emission.callback is not None and emission.to:
            callback = (emission.to[0], emission.namespace, self._remember(emission.callback))
        size = _size(emission.body)
        emission.body = _NO_DATA  # it is delivered; what waits shall not hold the arguments twice
        self._publish(lambda: emit_message(emission, self._dumps, callback), size)

    def _all_here(self, emission: Emission) -> bool:
        return emission.to is not None and all(
            isinstance(room, str) and self.find(emission.namespace, room) for room in emission.to
        )

    def _remember(self, callback: Callback) -> int:
        if len(self._callbacks) >= _MAX_CALLBACKS:
            del self._callbacks[next(iter(self._callbacks))]
        self._next_callback += 1
        self._callbacks[self._next_callback] = callback
        return self._next_callback

    def join(self, namespace: str, sid: str, room: Room) -> None:
        if self.find(namespace, sid) is not None:
            super().join(namespace, sid, room)
        else:
            self._tell("enter_room", namespace, sid=sid, room=room)

    def leave(self, namespace: str, sid: str, room: Room) -> None:
        if self.find(namespace, sid) is not None:
            super().leave(namespace, sid, room)
        else:
            self._tell("leave_room", namespace, sid=sid, room=room)

    def close_room(self, namespace: str, room: Room) -> None:
        super().close_room(namespace, room)
        self._tell("close_room", namespace, room=room)

    def disconnect(self, namespace: str, sid: str, *, ignore_queue: bool = False) -> None:
        if ignore_queue or self.find(namespace, sid) is not None:
            super().disconnect(namespace, sid)
        else:
            self._tell("disconnect", namespace, sid=sid)

    def _tell(self, method: str, namespace: str, **fields: Any) -> None:
        self._publish(lambda: other_message(method, namespace, fields), _SIZE_OF_OTHERS)

    # -- what others publish -------------------------------------------------------------------

    def read_emission(self, message: Message) -> Emission:
        """Others' emission, encoded for the clients here; on any thread. Raises for what is no emission."""
        return emission_of(message, self._codec, self._answer_to)

    def _answer_to(self, host_id: str, room: Room, namespace: str, ack_id: int) -> Callback:
        def answer(*args: Any) -> None:
            self._tell("callback", namespace, host_id=host_id, sid=room, id=ack_id, args=list(args))

        return Callback(answer, on_loop=True)

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
            self._acked(*fields)
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

    def _acked(self, ack_id: int, args: list[Any]) -> None:
        callback = self._callbacks.pop(ack_id, None)
        if callback is not None:
            run_callback(callback, args)


def run_callback(callback: Callback, args: list[Any]) -> None:
    """With what another server's client has answered; on the loop."""
    if callback.on_loop:
        callback.function(*args)
        return
    # The client is another server's, so there is no handler's thread of its own to call it on.
    loop = asyncio.get_running_loop()
    start_beside(_call_back, callback.function, args, loop, name="flask-duplex-callback")


def _size(body: Body) -> int:
    return len(body.data) + sum(map(len, body.attachments))


#: the loop does not keep its tasks alive
_tasks: set[asyncio.Task[None]] = set()


def _call_back(callback: AckCallback, args: list[Any], loop: AbstractEventLoop) -> None:
    """Called on a thread; what can be awaited is, on the loop."""
    result = callback(*args)
    if isawaitable(result):
        loop.call_soon_threadsafe(_start, result)


def _start(result: Awaitable[Any]) -> None:
    task = asyncio.ensure_future(_wait_for(result))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _wait_for(result: Awaitable[Any]) -> None:
    try:
        await result
    except BaseException:  # whatever it is, the loop goes on
        logger.exception("ack callback failed")


class QueueLink(Generic[M]):
    """A running server's threads: one that publishes, one that listens."""

    def __init__(
        self,
        queue: MessageQueue,
        codec: Codec,
        dumps: Dumps,
        post: Callable[..., object],
        counters: Counters,
    ) -> None:
        self._state = state = QueueState(queue.shown, counters)
        self._publisher = Publisher(queue, state)
        self._post = post
        self.adapter = QueueAdapter[M](codec, dumps, self._publisher.put)
        self._listener = Listener(queue, self._receive, counters, state)

    def _receive(self, message: Message) -> None:
        if message["method"] == "emit":
            self._post(self.adapter.broadcast, self.adapter.read_emission(message))
        else:
            self._post(self.adapter.received, *fields_of(message))

    def troubles(self) -> list[str]:
        """What cannot be done with the queue at present; on any thread."""
        return self._state.troubles()

    async def close(self) -> None:
        """Publish what waits, for a while, and listen no longer."""
        await asyncio.gather(self._listener.close(), self._publisher.close())
