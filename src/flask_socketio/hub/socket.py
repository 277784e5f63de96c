"""A client in a namespace."""

from __future__ import annotations

from typing import Any

from ..cluster.base import Callback, Room
from ..engine.outbox import Outbox
from ..errors import UnknownClientError
from ..protocol import socketio as sio
from ..protocol.message import Message
from ..protocol.reasons import CloseReason
from ..protocol.socketio import Body, Codec, Packet
from ..protocol.states import SocketState
from .client import Client

# Looking up a member of an enum takes as long as a call.
_PENDING, _CONNECTED = SocketState.PENDING, SocketState.CONNECTED


class Socket:
    """Its state is its own, not the connection's: a connection can end before its sockets do."""

    __slots__ = (
        "_pending",
        "acks",
        "announced",
        "client",
        "held",
        "left",
        "namespace",
        "next_ack",
        "rooms",
        "session",
        "sid",
        "state",
    )

    def __init__(self, client: Client, namespace: str, sid: str) -> None:
        self.client = client
        self.namespace = namespace
        self.sid = sid
        self.state = _PENDING
        #: rooms in the order in which they were joined, without the client's own
        self.rooms: dict[Room, None] = {}
        #: what the application keeps for it (server.save_session)
        self.session: dict[str, Any] | None = None
        self.acks: dict[int, Callback] = {}
        self.next_ack = 0
        #: whether the CONNECT packet has been sent
        self.announced = False
        #: why it left while its connect handler was still running
        self.left: CloseReason | None = None
        #: packets that came before the connect handler returned (only where CONNECT was sent first)
        self.held: list[Packet] = []
        #: what waits for CONNECT
        self._pending: Outbox[Message] | None = None

    @property
    def _codec(self) -> Codec:
        return self.client.hub.codec

    @property
    def environ(self) -> dict[str, Any]:
        return self.client.connection.environ

    def send(self, message: Message) -> None:
        """Send a packet; what comes before CONNECT waits for it, what comes after the end is dropped."""
        if self.state is _CONNECTED:
            self.client.connection.send(message)
        elif self.state is not _PENDING or self.left is not None:
            return
        elif self.announced:
            self.client.connection.send(message)
        else:
            self._send_later(message)

    def _send_later(self, message: Message) -> None:
        if self._pending is None:
            self._pending = Outbox(self.client.hub.queueing)
        if not self._pending.add(message):
            self.client.connection.close(CloseReason.SLOW_CONSUMER)

    def send_with_ack(self, body: Body, callback: Callback) -> None:
        """Send an event and call back with what the client answers."""
        hub = self.client.hub
        if len(self.acks) >= hub.limits.max_pending_acks:
            hub.ack_dropped(self)
            del self.acks[next(iter(self.acks))]
        self.next_ack += 1
        self.acks[self.next_ack] = callback
        if hub.acks_due is not None and not callback.on_loop:  # `call()` has a timeout of its own
            hub.acks_due.add((self, self.next_ack))
        self.send(hub.codec.encode(sio.EVENT, self.namespace, body, self.next_ack))
        self.client.reconsider()  # the ack has to be read

    def forget_acks(self) -> None:
        """It does not answer any more."""
        due = self.client.hub.acks_due
        if due is not None:
            for number in self.acks:
                due.discard((self, number))
        acks, self.acks = self.acks, {}
        for callback in acks.values():
            callback.fail(UnknownClientError(f"client {self.sid!r} has left without an answer"))

    def announce(self) -> None:
        """Send CONNECT, and behind it what has waited."""
        self.announced = True
        body = self._codec.encode_body({"sid": self.sid})
        self.client.connection.send(self._codec.encode(sio.CONNECT, self.namespace, body))
        pending, self._pending = self._pending, None
        for message in pending.take_all() if pending else ():
            self.client.connection.send(message)

    def release_held(self) -> None:
        """The packets that were held have been handled, or never will be."""
        weight = sum(packet.weight for packet in self.held)
        self.held.clear()
        self.client.done(weight)

    def refuse(self, body: Body) -> None:
        """Tell the client that it is not accepted."""
        if self.announced:
            self.client.connection.send(self._codec.encode(sio.DISCONNECT, self.namespace))
        else:
            self.client.connection.send(self._codec.encode(sio.CONNECT_ERROR, self.namespace, body))

    def disconnect(self) -> None:
        """The server takes the client out of the namespace; its connection goes on."""
        if self.state is SocketState.DETACHED:
            self.client.hub.leave(self, CloseReason.SERVER_DISCONNECT)
        elif self.state in (_PENDING, _CONNECTED) and self.left is None:
            self.client.connection.send(self._codec.encode(sio.DISCONNECT, self.namespace))
            self.client.hub.leave(self, CloseReason.SERVER_DISCONNECT)

    def close(self) -> None:
        """The server takes the client out of all its namespaces, and ends its connection."""
        for socket in list(self.client.sockets.values()):
            socket.disconnect()
        self.client.connection.close(CloseReason.SERVER_DISCONNECT)
