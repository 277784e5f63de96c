"""What happens on this server, told to those who look at the dashboard while it happens (mode="development")."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from ..base.told import Told
from ..cluster.base import Room
from ..engine.session import Session
from ..handling.context import public_reason
from ..hub.client import Client
from ..hub.socket import Socket
from ..protocol import socketio as sio
from ..protocol.errors import ProtocolError
from ..protocol.message import EventMessage, Message
from ..protocol.reasons import CloseReason
from ..protocol.socketio import JSON, SERVER_NAMES, Codec, Packet
from ..watching.watcher import Watcher
from .desk import Desk
from .shown import SINCE, event_fields, room_name, timestamp

P = ParamSpec("P")

_told = Told(logging.getLogger("flask_socketio.server"))

#: Events that are told in a second; and bytes of one that is shown with its arguments.
_PER_SECOND, _MAX_SHOWN = 200, 16 * 1024
#: Attachments of an event of the server's.
_ATTACHMENTS = 1000
#: How a packet with an event begins: the namespace, the event's name as JSON.
_HEAD = re.compile(rb'4[25](?:\d+-)?(?:(/[^,]*),)?\d*\["((?:[^"\\]|\\.){1,512})"')


def _while_watched(
    method: Callable[Concatenate[Feed, Desk, P], None],
) -> Callable[Concatenate[Feed, P], None]:
    """The method is called where somebody looks. What it raises ends nothing but itself."""

    @wraps(method)
    def told(self: Feed, *args: P.args, **kwargs: P.kwargs) -> None:
        desk = self.desk
        if desk is not None and desk.is_watched:
            try:
                method(self, desk, *args, **kwargs)
            except Exception:  # noqa: BLE001 - the application goes on
                _told.warning("the dashboard could not be told of something", failed=True)

    return told


class Feed(Watcher):
    """Of clients in all namespaces but the dashboard's own."""

    def __init__(self, namespace: str) -> None:
        self._own = namespace
        #: how the server's packets are written
        self.codec: Codec = JSON
        #: where those who look are; None until a server runs
        self.desk: Desk | None = None
        #: bytes of the packet that is being received
        self._size = 0
        #: events told in this second
        self._second = 0
        self._in_second = 0
        #: the broadcast that was sent last, and what it says
        self._last: tuple[Message | None, Packet | None] = None, None

    # -- connections ---------------------------------------------------------------------------

    def session_opened(self, session: Session) -> None:
        session.environ[SINCE] = int(time.time() * 1000)

    @_while_watched
    def session_upgraded(self, desk: Desk, session: Session) -> None:
        for socket in cast(Client, session.receiver).sockets.values():
            if socket.namespace != self._own:
                desk.publish(
                    "socket_updated",
                    {
                        "id": socket.sid,
                        "nsp": socket.namespace,
                        "transport": session.transport.name,
                    },
                )

    # -- clients and rooms ---------------------------------------------------------------------

    @_while_watched
    def connected(self, desk: Desk, socket: Socket) -> None:
        if socket.namespace != self._own:
            desk.publish("socket_connected", desk.fields_of(socket), timestamp())

    @_while_watched
    def disconnected(self, desk: Desk, socket: Socket, reason: CloseReason) -> None:
        if socket.namespace != self._own:
            namespace, sid, now = socket.namespace, socket.sid, timestamp()
            desk.publish("socket_disconnected", namespace, sid, public_reason(reason), now)
            desk.publish("room_left", namespace, sid, sid, now)

    @_while_watched
    def joined(self, desk: Desk, socket: Socket, room: Room) -> None:
        if socket.namespace != self._own:
            desk.publish("room_joined", socket.namespace, room_name(room), socket.sid, timestamp())

    @_while_watched
    def left(self, desk: Desk, socket: Socket, room: Room) -> None:
        if socket.namespace != self._own:
            desk.publish("room_left", socket.namespace, room_name(room), socket.sid, timestamp())

    # -- packets and events --------------------------------------------------------------------

    @_while_watched
    def packet_received(self, desk: Desk, session: Session, packet: str | bytes) -> None:
        self._size = len(packet)
        if session.sid not in desk.connections:
            desk.stats.received(len(packet))

    @_while_watched
    def event_received(self, desk: Desk, socket: Socket, packet: Packet) -> None:
        if socket.namespace == self._own or not self._may_tell():
            return
        name, *args = packet.data
        if self._size > _MAX_SHOWN:
            args = [f"({self._size} bytes)"]
        fields = event_fields(name, args)
        desk.publish("event_received", socket.namespace, socket.sid, fields, timestamp())

    @_while_watched
    def packet_sent(self, desk: Desk, session: Session, message: Message) -> None:
        if session.sid not in desk.connections:
            desk.stats.sent(len(message.text or b"") + sum(map(len, message.binary)))
            if isinstance(message, EventMessage):
                self._event_sent(desk, session, message)

    def _event_sent(self, desk: Desk, session: Session, message: Message) -> None:
        packet = self._read(message)
        if packet is None or packet.namespace == self._own or packet.type != sio.EVENT:
            return
        socket = cast(Client, session.receiver).sockets.get(packet.namespace)
        if socket is not None and self._may_tell():
            fields = event_fields(str(packet.data[0]), packet.data[1:])
            desk.publish("event_sent", packet.namespace, socket.sid, fields, timestamp())

    def _read(self, message: Message) -> Packet | None:
        if message is not self._last[0]:
            self._last = message, self._decode(message)
        return self._last[1]

    def _decode(self, message: Message) -> Packet | None:
        if message.size > _MAX_SHOWN:
            return _headline(message)
        decoder = self.codec.decoder(_ATTACHMENTS, SERVER_NAMES)
        packet: Packet | None = None
        try:
            if message.text is not None:
                packet = decoder.feed_text(message.text[1:].decode())
            for attachment in message.binary:
                packet = decoder.feed_binary(attachment)
        except ProtocolError:  # another revision's, or another codec's
            return None
        return packet

    def _may_tell(self) -> bool:
        """Whether there have not been too many in this second."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        if self._in_second > _PER_SECOND:
            assert self.desk is not None
            self.desk.live.counters.limit_reached("dashboard events")
        return self._in_second <= _PER_SECOND


def _headline(message: Message) -> Packet | None:
    """Of a large event, which is not decoded: its name, and how large it is."""
    head = _HEAD.match(message.text[:1200] if message.text else b"")
    if head is None:
        return None
    namespace, name = (part.decode(errors="replace") if part else "/" for part in head.groups())
    data: list[Any] = [name, f"({message.size} bytes)"]
    return Packet(sio.EVENT, namespace, data)
