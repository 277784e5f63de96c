"""Rooms on this server, in a cluster of Node's servers: what is said to them, and done for them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from ...base.counters import Counters
from ...base.told import Told
from ...protocol.socketio import Body, Codec
from ..base import Callback, Emission, M, Room
from ..callbacks import Callbacks
from ..memory import MemoryAdapter
from ..wire import Dumps
from . import wire
from .dialect import Dialect
from .handshake import described
from .messages import (
    Broadcast,
    ClientAck,
    ClientCount,
    Command,
    Disconnect,
    Done,
    FetchSockets,
    Join,
    Leave,
    ListRooms,
    ListSids,
    Message,
    Rooms,
    ServerEvent,
    ServerEventAck,
    Sids,
    Sockets,
    Target,
)

logger = logging.getLogger("flask_socketio.server")

#: Bytes, more or less, of a message that is no broadcast.
_SIZE_OF_OTHERS = 256

_NO_DATA = Body(b"")


class NodeAdapter(MemoryAdapter[M]):
    """This server acts first, and publishes what may concern others' clients.

    `publish` is given a function that makes the command, and how many bytes that has, more or less.
    """

    def __init__(
        self,
        codec: Codec,
        dumps: Dumps,
        dialect: Dialect,
        publish: Callable[[Callable[[], Any], int], object],
        counters: Counters,
    ) -> None:
        super().__init__(codec)
        self._dumps = dumps
        self._dialect = dialect
        self._publish = publish
        self._told = Told(logger)
        self.callbacks = Callbacks(counters)
        #: told of a namespace's first client, and of a room's first and last
        self.on_namespace: Callable[[str], object] = _nobody_listens
        self.on_room: Callable[[str, Room], object] = _nobody_listens
        self.on_room_end: Callable[[str, Room], object] = _nobody_listens
        #: others' requests that may change who is in a room: read on the thread that listens, and acted on here
        self.changes_read = self._changes_done = 0

    # -- who is here ---------------------------------------------------------------------------

    def add(self, socket: M) -> None:
        if socket.namespace not in self._sockets:
            self.on_namespace(socket.namespace)
        super().add(socket)

    def join(self, namespace: str, sid: str, room: Room) -> None:
        if self.find(namespace, sid) is None:
            self._tell(namespace, Join(Target((sid,)), (room,)))
            return
        is_new = (namespace, room) not in self._rooms
        super().join(namespace, sid, room)
        if is_new and room != sid:
            self.on_room(namespace, room)

    def _drop(self, socket: M, room: Room) -> None:
        super()._drop(socket, room)
        if (socket.namespace, room) not in self._rooms:
            self.on_room_end(socket.namespace, room)

    def is_wanted(self, namespace: str, room: str) -> bool:
        """Whether a broadcast to the room that a channel names ('' for any) may concern somebody; on any thread."""
        if self.changes_read != self._changes_done:
            return True
        if not room:
            return namespace in self._sockets
        return self._has(namespace, room) or (
            _is_number(room) and self._has(namespace, float(room))
        )

    def concerns(self, namespace: str, target: Target) -> bool:
        """Whether one of the rooms has somebody here, or may have; on any thread."""
        if self.changes_read != self._changes_done:
            return True
        if not target.rooms:
            return namespace in self._sockets
        return any(self._has(namespace, room) for room in target.rooms)

    def _has(self, namespace: str, room: Room) -> bool:
        return (namespace, room) in self._rooms or room in self._sockets.get(namespace, ())

    # -- what is said to others ----------------------------------------------------------------

    def broadcast(self, emission: Emission) -> None:
        super().broadcast(emission)
        if emission.ignore_queue or self._all_here(emission):
            return
        request_id = None if emission.callback is None else self._remember(emission.callback)
        target = Target(emission.to or (), emission.skip)
        namespace, args = emission.namespace, emission.args
        size = len(emission.body.data) + sum(map(len, emission.body.attachments))
        emission.body = _NO_DATA  # it is delivered; what waits shall not hold the arguments twice

        def command() -> Command:
            message = Broadcast(target, wire.plain(args, self._dumps), request_id)
            return self._dialect.write(namespace, message, "")

        self._publish(command, size)

    def _all_here(self, emission: Emission) -> bool:
        return emission.to is not None and all(
            isinstance(room, str) and self.find(emission.namespace, room) for room in emission.to
        )

    def _remember(self, callback: Callback) -> str:
        return f"{self._dialect.uid}{self.callbacks.remember(callback, None)}"

    def _reaches_nobody(self, emission: Emission, callback: Callback) -> None:
        if emission.ignore_queue:
            super()._reaches_nobody(emission, callback)

    def leave(self, namespace: str, sid: str, room: Room) -> None:
        if self.find(namespace, sid) is None:
            self._tell(namespace, Leave(Target((sid,)), (room,)))
        else:
            super().leave(namespace, sid, room)

    def close_room(self, namespace: str, room: Room) -> None:
        super().close_room(namespace, room)
        self._tell(namespace, Leave(Target((room,)), (room,)))

    def disconnect(self, namespace: str, sid: str, *, ignore_queue: bool = False) -> None:
        if ignore_queue or self.find(namespace, sid) is not None:
            super().disconnect(namespace, sid)
        else:
            self._tell(namespace, Disconnect(Target((sid,))))

    def _tell(self, namespace: str, message: Message, to: str = "") -> None:
        self._publish(lambda: self._dialect.write(namespace, message, to), _SIZE_OF_OTHERS)

    # -- what others say -----------------------------------------------------------------------

    def emission_of(self, namespace: str, uid: str, message: Broadcast) -> Emission:
        """Others' broadcast, encoded for the clients here; on any thread. Raises TypeError and ValueError."""
        target = message.target
        return Emission(
            namespace,
            message.args,
            self._codec.encode_body(message.args),
            target.rooms or None,
            target.skip,
            self._answer_to(namespace, uid, message.request_id),
            ignore_queue=True,
        )

    def _answer_to(self, namespace: str, uid: str, request_id: str | None) -> Callback | None:
        if request_id is None:
            return None

        def answer(*args: Any) -> None:
            self._tell(namespace, ClientAck(request_id, args[0] if args else None), uid)

        return Callback(answer, on_loop=True)

    def deliver(self, emission: Emission) -> None:
        """Others' broadcast."""
        super().broadcast(emission)

    def deliver_with_acks(self, uid: str, request_id: str, emission: Emission) -> None:
        """Others' broadcast that clients answer."""
        count = len(list(self._receivers(emission)))
        self._tell(emission.namespace, ClientCount(request_id, count), uid)
        super().broadcast(emission)

    def received(self, namespace: str, uid: str, message: Message) -> None:
        """Act on what is no broadcast."""
        answer: Message | None = None
        match message:
            case Join() | Leave() | Disconnect():
                answer = self._changed(namespace, message)
            case FetchSockets(target, request_id):
                members = self._chosen(namespace, target)
                answer = Sockets(request_id, [described(member) for member in members])
            case ListSids(target, request_id):
                answer = Sids(request_id, [s.sid for s in self._chosen(namespace, target)])
            case ListRooms(request_id):
                answer = Rooms(request_id, self._all_rooms(namespace))
            case ServerEvent(_, request_id):
                answer = None if request_id is None else ServerEventAck(request_id, None)
            case ClientAck(request_id, value):
                self._acked(request_id, value)
            case _:
                pass
        if answer is not None:
            self._tell(namespace, answer, uid)

    def _changed(self, namespace: str, message: Join | Leave | Disconnect) -> Done | None:
        self._changes_done += 1
        members = list(self._chosen(namespace, message.target))
        for member in members:
            self._change(member, message)
        return None if message.request_id is None or not members else Done(message.request_id)

    def _change(self, member: M, message: Join | Leave | Disconnect) -> None:
        if not isinstance(message, Disconnect):
            act = self._join if isinstance(message, Join) else super().leave
            for room in message.rooms:
                act(member.namespace, member.sid, room)
        elif message.close:
            member.close()
        else:
            member.disconnect()

    def _join(self, namespace: str, sid: str, room: Room) -> None:
        try:
            self.join(namespace, sid, room)
        except ValueError as error:  # who has asked, is not told either by Node's servers
            self._told.warning("what another server has asked for cannot be done: %s", error)

    def _chosen(self, namespace: str, target: Target) -> Iterable[M]:
        return self._receivers(Emission(namespace, [], _NO_DATA, target.rooms or None, target.skip))

    def _all_rooms(self, namespace: str) -> list[Room]:
        rooms = [room for space, room in self._rooms if space == namespace]
        return [*self._sockets.get(namespace, ()), *filter(wire.is_room, rooms)]

    def _acked(self, request_id: str, value: Any) -> None:
        number = request_id.removeprefix(self._dialect.uid)
        if number != request_id and number.isdecimal():
            # Nothing and null are the same on this wire.
            self.callbacks.answered(int(number), [] if value is None else [value])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _nobody_listens(*args: object) -> None:
    """Where it only emits."""
