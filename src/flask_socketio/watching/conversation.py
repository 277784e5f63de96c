"""`logger=True` and `engineio_logger=True`: the log of what clients and server say to each other.

What a client can choose is cut and escaped, bytes are shown as how many there are, and what it proves itself with is
not shown at all.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from reprlib import Repr
from typing import Any

from ..cluster.base import Emission, Room
from ..engine.session import Session
from ..hub.call import Call
from ..hub.socket import Socket
from ..protocol.message import Message
from ..protocol.reasons import CloseReason
from ..protocol.socketio import Body, Packet
from .watcher import Watcher

_server = logging.getLogger("flask_socketio.server")
_engine = logging.getLogger("flask_socketio.engine")

#: Characters that are shown of one value, and of all together.
_ONE, _MOST = 60, 200
#: A CONNECT packet, and the auth object in it.
_AUTH = re.compile(r"\A(40(?:/[^,{]*,)?)\{.*", re.DOTALL)

#: What the dashboard's page is given to come back with, without its password.
_SESSION = re.compile(rb'\["session","[^"]*')


def conversation_logs(*, events: bool, packets: bool) -> list[Watcher]:
    """What logs events, and packets, where their logger shows that."""
    found: list[Watcher] = []
    if events and _server.isEnabledFor(logging.INFO):
        found.append(EventLog())
    if packets and _engine.isEnabledFor(logging.INFO):
        found.append(PacketLog())
    return found


class EventLog(Watcher):
    """Clients, rooms, events, acks and emits."""

    def connected(self, socket: Socket) -> None:
        _server.info("%s connected to namespace %r", socket.sid, socket.namespace)

    def refused(self, socket: Socket) -> None:
        _server.info("%s refused in namespace %r", socket.sid, socket.namespace)

    def disconnected(self, socket: Socket, reason: CloseReason) -> None:
        _server.info(
            "%s disconnected from namespace %r: %s", socket.sid, socket.namespace, reason.value
        )

    def joined(self, socket: Socket, room: Room) -> None:
        _server.info("%s joined room %s in namespace %r", socket.sid, _one(room), socket.namespace)

    def left(self, socket: Socket, room: Room) -> None:
        _server.info("%s left room %s in namespace %r", socket.sid, _one(room), socket.namespace)

    def event_received(self, socket: Socket, packet: Packet) -> None:
        name, *args = packet.data
        _server.info(
            "%s sent event %s in namespace %r: %s",
            socket.sid,
            _one(name),
            socket.namespace,
            _all(args),
        )

    def ack_received(self, socket: Socket, packet: Packet) -> None:
        _server.info("%s sent ack %s: %s", socket.sid, packet.id, _all(packet.data))

    def ack_sent(self, call: Call, body: Body) -> None:
        data = [_text(body.data), *(_size(each) for each in body.attachments)]
        _server.info(
            "%s gets ack %s of event %s: %s",
            call.socket.sid,
            call.ack_id,
            _one(call.event),
            " ".join(data),
        )

    def emitted(self, emission: Emission) -> None:
        name, *args = emission.args
        to = "everybody" if emission.to is None else _all(emission.to)
        _server.info(
            "emit %s to %s in namespace %r: %s", _one(name), to, emission.namespace, _all(args)
        )


class PacketLog(Watcher):
    """Connections, their transports and packets."""

    def session_opened(self, session: Session) -> None:
        _engine.info("%s opened over %s", session.sid, session.transport.name)

    def session_upgraded(self, session: Session) -> None:
        _engine.info("%s upgraded to websocket", session.sid)

    def session_closed(self, session: Session, reason: CloseReason) -> None:
        _engine.info("%s closed: %s", session.sid, reason.value)

    def packet_received(self, session: Session, packet: str | bytes) -> None:
        shown = _size(packet) if isinstance(packet, bytes) else _quoted(_AUTH.sub(r"\1{…}", packet))
        _engine.info("%s received packet %s", session.sid, shown)

    def packet_sent(self, session: Session, message: Message) -> None:
        text = message.text
        parts = [] if text is None else [_text(_SESSION.sub(b'["session","***', text, count=1))]
        parts += [_size(each) for each in message.binary]
        _engine.info("%s sends packet %s", session.sid, " ".join(parts)[:_MOST])


class _Shown(Repr):
    def repr_bytes(self, value: bytes, level: int) -> str:
        return _size(value)

    repr_bytearray = repr_memoryview = repr_bytes


_shown = _Shown()
_shown.maxstring = _shown.maxother = _ONE


def _one(value: Any) -> str:
    return _shown.repr(value)


def _all(values: Iterable[Any]) -> str:
    return _cut(
        ", ".join([_shown.repr(value) for value, _ in zip(values, range(10), strict=False)])
    )


def _size(data: bytes) -> str:
    return f"<{len(data)} bytes>"


def _text(data: bytes) -> str:
    """What is text, as JSON is; MessagePack is none."""
    try:
        return _quoted(data[: 4 * _MOST].decode(errors="strict" if len(data) < _MOST else "ignore"))
    except UnicodeDecodeError:
        return _size(data)


def _quoted(text: str) -> str:
    return _cut(repr(text[: _MOST + 1]))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else text[:_MOST] + "…"
