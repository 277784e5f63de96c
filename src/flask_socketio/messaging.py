"""What an application says to its clients, from any thread: emit(), send(), call(); and what else it does meanwhile."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Never

from flask import has_request_context, request

from .app.legacy import ignore, sort_out
from .base.green import sleep
from .cluster.base import AckCallback, Answer, Callback, Emission, Room, as_namespace, as_rooms
from .dispatch.background import BackgroundTask
from .protocol.socketio import RESERVED_EVENTS, check_event
from .runtime.life import Life

_NO_TASK = (
    "start_background_task() takes the function itself and its arguments, start_background_task(work, 1, 2), "
    "not what the function returned: {}"
)


class Messaging:
    """What `SocketIO` has of it."""

    #: `threading`: there is but one
    async_mode = "threading"
    _life: Life

    # -- emitting ------------------------------------------------------------------------------

    def emit(
        self,
        event: str,
        *args: Any,
        data: Any = None,
        namespace: str | None = None,
        to: Room | Sequence[Room] | None = None,
        room: Room | Sequence[Room] | None = None,
        include_self: bool = True,
        skip_sid: str | Sequence[str] | None = None,
        callback: AckCallback | None = None,
        ignore_queue: bool = False,
        **unknown: Never,
    ) -> None:
        """Emit an event, from any thread: to everybody in the namespace, or to a room, a client, or a list of such.

        An emission to nobody is no error.

        Args:
            event: The event's name.
            args: What the client's handler is called with: what the application's JSON can encode, and bytes. A single
                tuple is several arguments.
            data: A single argument, by name.
            namespace: `/` where it is None.
            to: A room, a client's id, or a list of them; everybody where it is None. `room` is its other name.
            include_self: False, in a handler: not to the client whose event is being handled.
            skip_sid: A client's id, or a list of them, who do not get it.
            callback: Called with what a client answers, once for each client that does.
            ignore_queue: Only to the clients of this process, though there is a message queue.

        Raises:
            TypeError: Arguments that are no JSON, or a name that is neither a str nor a number.
            ValueError: A name that the protocol reserves (`connect` and the like).
            MessageQueueError: In a process that serves nobody: the message queue has not got it.
        """
        if unknown or data is not None:
            args = sort_out(self, "socketio.emit()", args, data, unknown, to_everybody=True)
        target = room if to is None else to
        emit_by(
            self, event, args, namespace, target, include_self, skip_sid, callback, ignore_queue
        )

    def send(
        self,
        data: Any,
        json: bool = False,
        namespace: str | None = None,
        to: Room | Sequence[Room] | None = None,
        callback: AckCallback | None = None,
        include_self: bool = True,
        skip_sid: str | Sequence[str] | None = None,
        *,
        room: Room | Sequence[Room] | None = None,
        ignore_queue: bool = False,
        **unknown: Never,
    ) -> None:
        """Emit the event `message`, or `json` where `json` is true; the rest is as in `emit`."""
        if unknown:
            ignore(self, "socketio.send()", unknown, to_everybody=True)
        self.emit(
            "json" if json else "message",
            data,
            namespace=namespace,
            to=room if to is None else to,
            callback=callback,
            include_self=include_self,
            skip_sid=skip_sid,
            ignore_queue=ignore_queue,
        )

    def call(
        self,
        event: str,
        *args: Any,
        data: Any = None,
        namespace: str | None = None,
        to: str | None = None,
        room: str | None = None,
        sid: str | None = None,
        timeout: float = 60,
        ignore_queue: bool = False,
        **unknown: Never,
    ) -> Any:
        """Emit an event to one client and wait for its ack; returns None, the value, or a tuple of values.

        Args:
            event: The event's name.
            args: What the client's handler is called with.
            data: A single argument, by name.
            namespace: `/` where it is None.
            to: The client's id. `room` and `sid` are its other names.
            timeout: Seconds to wait for the ack.
            ignore_queue: The client is one of this process, though there is a message queue.

        Raises:
            TimeoutError: No ack in time. The builtin one, and that of `flask_socketio.errors`.
            UnknownClientError: A TimeoutError, at once: nobody has the client.
            ValueError: Nobody is named by `to`.
            RuntimeError: In an `async def` handler, where waiting would stop the server.
            MessageQueueError: In a process that serves nobody: the message queue has not got it.
        """
        if (target := to or room or sid) is None:
            raise ValueError("Cannot use call() to broadcast.")
        args = sort_out(self, "socketio.call()", args, data, unknown)
        if self._life.require().inbox.on_loop:
            raise RuntimeError(
                "socketio.call() in an async handler stops the server: await asyncio.to_thread(socketio.call, ...)"
            )
        answer = _ask(self._life, event, args, namespace, target, ignore_queue, timeout)
        return answer.wait(timeout)

    def close_room(self, room: Room, namespace: str | None = None) -> None:
        """Take every client out of a room, those of other processes as well.

        Raises:
            ValueError: The room is a client's own.
            NotServingError: Nothing serves yet, and no message queue leads to those who do.
        """
        running = self._life.require()
        running.inbox.ask(running.adapter.close_room, as_namespace(namespace), room)

    # -- threads -------------------------------------------------------------------------------

    def start_background_task(
        self, target: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> BackgroundTask:
        """Run a function on a thread of its own; returns the thread, which ends with the process.

        What a program starts before run() starts when the server does, so that it runs once in debug mode too.

        Args:
            target: The function.
            args: What it is called with.
            kwargs: What it is called with, by name.

        Raises:
            TypeError: `target` cannot be called.
        """
        if target is None:  # pyright: ignore[reportUnnecessaryComparison]
            warnings.warn(_NO_TASK.format("None"), stacklevel=2)
        elif not callable(target):
            raise TypeError(_NO_TASK.format(repr(target)))
        return self._life.background.start(target, args, kwargs)

    def sleep(self, seconds: float = 0) -> None:
        """Sleep; nobody else waits.

        Args:
            seconds: How long.

        Raises:
            RuntimeError: In an `async def` handler, where it would stop the server.
        """
        running = self._life.running
        if running is not None and running.inbox.on_loop:
            raise RuntimeError(
                "socketio.sleep() in an async handler stops the server: await asyncio.sleep()"
            )
        sleep(seconds)


def _ask(
    life: Life,
    event: str,
    args: tuple[Any, ...],
    namespace: str | None,
    to: str,
    ignore_queue: bool,
    timeout: float,
) -> Answer:
    """Emit an event to one client; returns what can be waited for."""
    check_event(event)
    if life.queue is not None and not ignore_queue:
        _check_callback(life, to)
    answer = Answer(event)
    values = [event, *_flatten(args)]
    emission = Emission(
        as_namespace(namespace),
        values,
        life.codec.encode_body(values),
        as_rooms(to),
        callback=answer.callback(timeout),
        ignore_queue=ignore_queue,
    )
    life.broadcast(emission)
    return answer


def emit_by(
    by: Messaging,
    event: str,
    args: tuple[Any, ...],
    namespace: str | None,
    to: Room | Sequence[Room] | None,
    include_self: bool,
    skip_sid: str | Sequence[str] | None,
    callback: AckCallback | None,
    ignore_queue: bool,
) -> None:
    """What `emit` does, without keywords: they take as long as all the rest."""
    if type(event) is not str or event in RESERVED_EVENTS:
        check_event(event)
    life = by._life  # pyright: ignore[reportPrivateUsage] - a part of it
    if callback is not None and life.queue is not None and not ignore_queue:
        _check_callback(life, to)
    skip = () if skip_sid is None else as_rooms(skip_sid) or ()
    if not include_self:
        skip = (*skip, _own_sid())
    values = [event, *_flatten(args)]
    emission = Emission(
        as_namespace(namespace),
        values,
        life.codec.encode_body(values),
        as_rooms(to),
        skip,
        None if callback is None else Callback(callback),
        ignore_queue,
    )
    life.broadcast(emission)


def _check_callback(life: Life, to: Any) -> None:
    """Where there is a message queue, an ack has to find the way back."""
    if to is None:
        raise ValueError("Cannot use callback without a room set.")
    life.require().listen()


def _flatten(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """What an event carries: a single None nothing, a single tuple its elements."""
    if len(args) == 1:
        if args[0] is None:
            return ()
        if isinstance(args[0], tuple):
            return args[0]  # pyright: ignore[reportUnknownVariableType]
    return args


def _own_sid() -> str:
    sid = getattr(request, "sid", None) if has_request_context() else None
    if sid is None:
        raise RuntimeError(
            "include_self=False is for event handlers: outside of one there is no self"
        )
    return sid
