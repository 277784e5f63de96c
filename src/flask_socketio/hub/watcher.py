"""Who wants to know what happens in a hub."""

from __future__ import annotations

from ..cluster.base import Room
from ..protocol.reasons import CloseReason
from ..protocol.socketio import Body, Packet
from .call import Call
from .socket import Socket


class HubWatcher:
    """What happens to clients in namespaces. Called on the loop (for test clients where they are called, under the
    hub's lock); a method that is left as it is costs nothing."""

    def connected(self, socket: Socket) -> None:
        """Its connect handler has accepted it; CONNECT has not been sent yet, unless with always_connect."""

    def refused(self, socket: Socket) -> None:
        """Its connect handler has refused it."""

    def disconnected(self, socket: Socket, reason: CloseReason) -> None:
        """It has left; it is still in its rooms. Every one that was connected comes here, once."""

    def joined(self, socket: Socket, room: Room) -> None:
        """It is in the room now. Its own room, named after its id, is not told of."""

    def left(self, socket: Socket, room: Room) -> None:
        """It has left the room, also because it has left altogether."""

    def event_received(self, socket: Socket, packet: Packet) -> None:
        """`packet.data` is the event's name and what came with it. It may be that nobody handles it."""

    def ack_received(self, socket: Socket, packet: Packet) -> None:
        """`packet.data` is what the client answers to the event number `packet.id`; perhaps to none."""

    def ack_sent(self, call: Call, body: Body) -> None:
        """The client is being sent what the handler returned."""
