"""Socket.IO packets on top of an Engine.IO client.

The parser is strict about what the server writes: one spelling for each packet, as the reference server has it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.kit.engine import EngineClient
from tests.kit.raw import WAIT

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)

PACKET = re.compile(
    r"4(?P<type>[0-6])(?:(?P<count>\d+)-)?(?:(?P<namespace>/[^,]+),)?(?P<id>\d+)?(?P<data>.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class SioPacket:
    """A packet from the server, its attachments put back in their places."""

    type: int
    namespace: str
    id: int | None
    data: Any
    text: str = field(compare=False)


class SioClient:
    """A client that sends and waits for Socket.IO packets; heartbeats are answered on the way."""

    def __init__(self, engine: EngineClient) -> None:
        self.engine = engine
        self.sids: dict[str, str] = {}

    def connect(self, namespace: str = "/", auth: Any = None) -> str:
        """Join a namespace, which has to be granted; returns the sid there."""
        self.engine.send(connect_packet(namespace, auth))
        packet = self.recv()
        assert (packet.type, packet.namespace) == (CONNECT, namespace), packet
        assert packet.id is None and list(packet.data) == ["sid"], packet
        self.sids[namespace] = packet.data["sid"]
        return self.sids[namespace]

    def join(self, namespace: str = "/", auth: Any = None) -> str:
        """As `connect`, and take the "auth" event that the app emits while connecting."""
        sid = self.connect(namespace, auth)
        self.expect("auth", auth or {}, namespace=namespace)
        return sid

    def emit(self, event: str, *args: Any, namespace: str = "/", id: int | None = None) -> None:
        """Send an event without binary."""
        self.engine.send(event_packet([event, *args], namespace, id))

    def call(self, event: str, *args: Any, namespace: str = "/") -> list[Any]:
        """Send an event and wait for its acknowledgement, which has to be the next packet."""
        self.emit(event, *args, namespace=namespace, id=7)
        packet = self.recv()
        assert (packet.type, packet.namespace, packet.id) in (
            (ACK, namespace, 7),
            (BINARY_ACK, namespace, 7),
        ), packet
        assert isinstance(packet.data, list)
        return packet.data

    def expect(self, event: str, *args: Any, namespace: str = "/") -> None:
        """The next packet is this event."""
        packet = self.recv()
        assert (packet.namespace, packet.data) == (namespace, [event, *args]), packet

    def recv_text(self, timeout: float = WAIT) -> str:
        """The next Engine.IO packet as text, beside pings, which are answered."""
        while True:
            packet = self.engine.recv(timeout)
            assert isinstance(packet, str), packet
            if packet != "2":
                return packet
            self.engine.send("3")

    def recv(self, timeout: float = WAIT) -> SioPacket:
        """The next Socket.IO packet with its attachments."""
        text = self.recv_text(timeout)
        found = PACKET.fullmatch(text)
        assert found is not None, text
        data = json.loads(found["data"]) if found["data"] else None
        attachments = [self.engine.recv(timeout) for _ in range(int(found["count"] or 0))]
        assert all(isinstance(attachment, bytes) for attachment in attachments), attachments
        id_ = int(found["id"]) if found["id"] else None
        namespace = found["namespace"] or "/"
        return SioPacket(int(found["type"]), namespace, id_, restore(data, attachments), text)


def prefix(namespace: str) -> str:
    """How a namespace is written in a packet."""
    return "" if namespace == "/" else f"{namespace},"


def connect_packet(namespace: str = "/", auth: Any = None) -> str:
    """A CONNECT packet, inside an Engine.IO message."""
    return f"40{prefix(namespace)}" + ("" if auth is None else json.dumps(auth))


def event_packet(data: list[Any], namespace: str = "/", id: int | None = None) -> str:
    """An EVENT packet without binary, inside an Engine.IO message."""
    return f"42{prefix(namespace)}{'' if id is None else id}{json.dumps(data)}"


def restore(data: Any, attachments: list[Any]) -> Any:
    """Put the attachments where their placeholders are."""
    if isinstance(data, list):
        return [restore(item, attachments) for item in data]
    if isinstance(data, dict):
        if data.get("_placeholder") is True:
            return attachments[data["num"]]
        return {key: restore(value, attachments) for key, value in data.items()}
    return data
