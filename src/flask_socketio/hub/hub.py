"""Packets of clients -> calls of handlers; commands of the application -> packets to clients."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from ..base.counters import Counters
from ..base.told import Told
from ..cluster.base import Adapter
from ..engine.config import Limits
from ..engine.ids import new_sids
from ..engine.outbox import Queueing
from ..errors import refuses_payload
from ..protocol import socketio as sio
from ..protocol.errors import SocketProtocolError
from ..protocol.reasons import CloseReason
from ..protocol.socketio import JSON, Body, Codec, Packet
from ..protocol.states import SocketAction, SocketState, socket_action
from .call import Call, CallKind, Handler, Outcome
from .client import Client, Connection
from .delays import Delays
from .load import Load
from .rate import EventRate
from .socket import Socket
from .unhandled import EventNames, Unhandled

logger = logging.getLogger("flask_socketio.server")

# Looking up a member of an enum takes as long as a call.
_PENDING, _CONNECTED = SocketState.PENDING, SocketState.CONNECTED
_DETACHED, _DISCONNECTED = SocketState.DETACHED, SocketState.DISCONNECTED
_CONNECT, _EVENT, _DISCONNECT = CallKind.CONNECT, CallKind.EVENT, CallKind.DISCONNECT

_INVALID_NAMESPACE = {"message": "Invalid namespace"}
_OVERDUE = (
    "client %s has not acknowledged an event within %g s (ack_ttl); its callback is forgotten"
)
_UNHANDLED = {"error": "no handler for this event"}


class HandlerLookup(EventNames, Protocol):
    """Where the application's handlers are found."""

    def serves(self, namespace: str) -> bool:
        """Whether clients may connect to the namespace at all."""
        ...

    def asks_first(self, namespace: str) -> bool:
        """Whether nobody is told that he is connected before his connect handler has accepted him, come what may."""
        ...

    def find(self, namespace: str, event: str) -> tuple[Handler, tuple[str, ...]] | None:
        """The handler for an event, and the arguments it wants in front of the client's."""
        ...


class Hub:
    """`run` starts a call, in the order in which it is handed over; `deadlines` has clients that have to join a
    namespace in time."""

    def __init__(
        self,
        handlers: HandlerLookup,
        adapter: Adapter[Socket],
        limits: Limits,
        run: Callable[[Call], None],
        deadlines: Delays[Client],
        *,
        codec: Codec = JSON,
        always_connect: bool = False,
        ack_errors: bool = False,
        counters: Counters | None = None,
    ) -> None:
        self.counters = counters or Counters()
        self.handlers = handlers
        self.adapter = adapter
        self.limits = limits
        self.load = Load(limits)
        self.queueing = Queueing(limits, self.counters)
        self._run = run
        self._deadlines = deadlines
        self.codec = codec
        self._always_connect = always_connect
        self._ack_errors = ack_errors
        self._told = Told(logger)
        #: the ids of its clients; others may find by them whose they are
        self.sids = new_sids()
        self._unhandled = Unhandled(handlers)
        #: where there is a limit to the events of a second
        self.rate: EventRate | None = None
        #: acks that have to come in time, by their sockets and numbers; None where they may come at any time
        self.acks_due: Delays[tuple[Socket, int]] | None = None

    # -- connections ---------------------------------------------------------------------------

    def connection_opened(self, connection: Connection) -> Client:
        client = Client(self, connection)
        self._deadlines.add(client)
        return client

    def connection_closed(self, client: Client, reason: CloseReason) -> None:
        for socket in list(client.sockets.values()):
            self.leave(socket, reason)
        self._deadlines.discard(client)
        self.load.paused.discard(client)
        if self.rate is not None:
            self.rate.forget(client)

    # -- packets -------------------------------------------------------------------------------

    def packet_received(self, client: Client, packet: Packet) -> None:
        """Act on a packet; raises SocketProtocolError for one that may not arrive now."""
        if self.rate is not None and packet.type == sio.EVENT:
            self.rate.count(client)
        socket = client.sockets.get(packet.namespace)
        if socket is not None and socket.state is _CONNECTED:
            if packet.type == sio.EVENT:
                self._event(socket, packet)  # what nearly every packet is
                return
            if packet.type == sio.ACK:
                self._ack(socket, packet)
                return
        state = client.state_in(packet)
        if state is None:
            return
        if socket is not None and socket.announced and state is _PENDING:
            self._hold(socket, packet)
            return
        socket_action(state, packet)
        if socket is None:
            self._connect(client, packet)
        else:
            self.leave(socket, CloseReason.CLIENT_DISCONNECT)

    def _handle(self, socket: Socket, packet: Packet) -> None:
        if packet.type == sio.EVENT:
            self._event(socket, packet)
        else:
            self._ack(socket, packet)

    def _hold(self, socket: Socket, packet: Packet) -> None:
        """CONNECT was sent first (always_connect), so the client may speak before its connect handler has returned."""
        action = socket_action(_CONNECTED, packet)
        if action is SocketAction.DISCONNECT:
            self.leave(socket, CloseReason.CLIENT_DISCONNECT)
            return
        socket.held.append(packet)
        socket.client.taken(packet.weight)

    def _connect(self, client: Client, packet: Packet) -> None:
        namespace = packet.namespace
        if not self.handlers.serves(namespace):
            self.counters.connects_refused += 1
            self._told.warning(
                "connection to namespace %r refused: it has no handlers", namespace[:64]
            )
            body = self.codec.encode_body(_INVALID_NAMESPACE)
            client.connection.send(self.codec.encode(sio.CONNECT_ERROR, namespace, body))
            return
        if len(client.sockets) >= self.limits.max_namespaces:
            raise SocketProtocolError(
                f"more than {self.limits.max_namespaces} namespaces (max_namespaces)",
                "max_namespaces",
            )
        client.taken_out -= {namespace}
        socket = client.sockets[namespace] = Socket(client, namespace, next(self.sids))
        self._deadlines.discard(client)
        self.adapter.add(socket)
        if self._always_connect and not self.handlers.asks_first(namespace):
            socket.announce()
        found = self.handlers.find(namespace, "connect")
        if found is None:
            self._accept(socket)
        else:
            self._start(Call(socket, client, _CONNECT, "connect", (packet.data,), found[0]))

    def _event(self, socket: Socket, packet: Packet) -> None:
        event = packet.data[0]
        found = self.handlers.find(socket.namespace, event)
        if found is None:
            self.counters.events_unhandled += 1
            self._unhandled.tell(socket.namespace, event)
            if self._ack_errors and packet.id is not None:
                body = self.codec.encode_body([_UNHANDLED])
                socket.send(self.codec.encode(sio.ACK, socket.namespace, body, packet.id))
            return
        handler, prefix = found
        args = (*prefix, *packet.data[1:])
        client = socket.client
        self._start(Call(socket, client, _EVENT, event, args, handler, packet.id, packet.weight))

    def _ack(self, socket: Socket, packet: Packet) -> None:
        number = packet.id
        callback = socket.acks.pop(number, None) if number is not None else None
        if number is None or callback is None:
            self.counters.acks_unknown += 1
            self._told.info("ack %s of client %s belongs to no event", number, socket.sid)
            return
        if self.acks_due is not None:
            self.acks_due.discard((socket, number))
        if callback.on_loop:
            callback.function(*packet.data)
            return
        handler = Handler(callback.function, False, max_args=None)
        client, args = socket.client, tuple(packet.data)
        self._start(Call(socket, client, CallKind.ACK, None, args, handler, weight=packet.weight))

    def ack_dropped(self, socket: Socket) -> None:
        self.counters.acks_dropped += 1
        self._told.warning(
            "client %s owes %d acks (max_pending_acks); the oldest callback is forgotten",
            socket.sid,
            len(socket.acks),
        )

    def ack_overdue(self, ack: tuple[Socket, int]) -> None:
        """It has not come within `ack_ttl`."""
        socket, number = ack
        if socket.acks.pop(number, None) is not None:
            self.counters.acks_overdue += 1
            self._told.info(_OVERDUE, socket.sid, self.limits.ack_ttl)

    # -- calls ---------------------------------------------------------------------------------

    def _start(self, call: Call) -> None:
        client = call.owner
        client.in_flight += 1
        client.taken(call.weight)
        self._run(call)

    def finished(self, call: Call, outcome: Outcome) -> None:
        """A call that was started has ended."""
        socket, client = call.socket, call.owner
        client.in_flight -= 1
        client.done(call.weight)
        if call.failure is not None:
            self._failed(call.failure)
        if call.kind is _EVENT:
            if outcome.body is not None:
                socket.send(self.codec.encode(sio.ACK, socket.namespace, outcome.body, call.ack_id))
        elif call.kind is _CONNECT:
            if outcome.accepted:
                self._accept(socket)
            else:
                self._refuse(socket, outcome.body)
        elif call.kind is _DISCONNECT:
            self.adapter.remove(socket)

    def _failed(self, failure: BaseException) -> None:
        if refuses_payload(failure):
            self.counters.payloads_refused += 1
        else:
            self.counters.handlers_failed += 1

    def _accept(self, socket: Socket) -> None:
        self.counters.connects += 1
        if socket.left is None:
            if not socket.announced:
                socket.announce()
            socket.state = _CONNECTED
        if socket.held:
            for packet in socket.held:
                if socket.left is not CloseReason.SERVER_DISCONNECT:
                    self._handle(socket, packet)
            socket.release_held()
        if socket.left is not None:
            self._disconnected(socket, socket.left)

    def _refuse(self, socket: Socket, body: Body | None) -> None:
        self.counters.connects_refused += 1
        socket.state = _DISCONNECTED
        socket.release_held()
        self.adapter.remove(socket)
        if socket.left is not None:
            return
        self._remove(socket)
        socket.refuse(body or self.codec.encode_body(_INVALID_NAMESPACE))
        if socket.announced:
            socket.client.taken_out |= {socket.namespace}

    # -- leaving -------------------------------------------------------------------------------

    def leave(self, socket: Socket, reason: CloseReason) -> None:
        """The client leaves a namespace: now, or, while its connect handler runs, when that has returned."""
        if socket.state is _DISCONNECTED or socket.left is not None:
            return
        if socket.state is not _DETACHED:
            self._remove(socket)
        if reason is CloseReason.SERVER_DISCONNECT:
            socket.client.taken_out |= {socket.namespace}
        if socket.state is _PENDING:
            socket.left = reason
        else:
            self._disconnected(socket, reason)

    def _remove(self, socket: Socket) -> None:
        client = socket.client
        client.sockets.pop(socket.namespace, None)
        if not client.sockets:
            self._deadlines.add(client)

    def detach(self, socket: Socket) -> None:
        """A connected socket's connection ends without it: it stays in its rooms, and what it is sent is dropped."""
        self._remove(socket)
        socket.state = _DETACHED

    def attach(self, socket: Socket, client: Client) -> None:
        """A detached socket goes on over another connection; what has begun for the old one, ends for that."""
        socket.client = client
        client.sockets[socket.namespace] = socket
        self._deadlines.discard(client)
        socket.state = _CONNECTED

    def _disconnected(self, socket: Socket, reason: CloseReason) -> None:
        self.counters.disconnects += 1
        socket.state = _DISCONNECTED
        socket.forget_acks()
        found = self.handlers.find(socket.namespace, "disconnect")
        if found is None:
            self.adapter.remove(socket)
        else:
            # It stays in its rooms until the handler has returned, so that the handler can tell which they were.
            client = socket.client
            self._start(Call(socket, client, _DISCONNECT, "disconnect", (reason,), found[0]))
