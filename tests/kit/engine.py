"""Engine.IO clients that do what a test tells them, packet by packet, over either transport.

A packet is a `str` with its type digit in front (``"4hello"``), or `bytes` for a binary message, on any transport.
"""

from __future__ import annotations

import base64
import json
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

from tests.kit.raw import (
    WAIT,
    Address,
    ConnectionClosed,
    Exchange,
    RawWebSocket,
    Reply,
    request,
    start_request,
)
from tests.kit.server import ServerProcess

SEPARATOR = "\x1e"
Packet = str | bytes


def target(path: str, transport: str, sid: str | None = None, **query: str) -> str:
    """Path and query of a request of the Engine.IO protocol, revision 4."""
    fields = {"EIO": "4", "transport": transport} | ({"sid": sid} if sid else {}) | query
    return f"{path}?{urlencode(fields)}"


def encode_payload(packets: tuple[Packet, ...]) -> bytes:
    """Several packets as the body of a polling request."""
    parts = [p if isinstance(p, str) else "b" + base64.b64encode(p).decode() for p in packets]
    return SEPARATOR.join(parts).encode()


def decode_payload(body: bytes) -> list[Packet]:
    """The packets in the body of a polling answer."""
    parts = body.decode().split(SEPARATOR)
    return [base64.b64decode(p[1:], validate=True) if p.startswith("b") else p for p in parts]


def parse_handshake(packet: Packet) -> dict[str, Any]:
    """The fields of an open packet."""
    assert isinstance(packet, str) and packet.startswith("0"), packet
    fields = json.loads(packet[1:])
    assert isinstance(fields, dict)
    return fields


class EngineClient(Protocol):
    """What both transports can do."""

    transport: str
    handshake: dict[str, Any]

    @property
    def sid(self) -> str: ...

    def send(self, *packets: Packet) -> None:
        """Send packets in order; a refusal is not an error here, `expect_gone` looks for it."""

    def recv(self, timeout: float = WAIT) -> Packet:
        """The next packet from the server."""
        ...

    def is_quiet(self) -> bool:
        """Whether the server has nothing to say for a short while. Ends what can be done with the client."""
        ...

    def expect_gone(self, timeout: float = WAIT) -> list[Packet]:
        """The server ends the session within the time; returns the packets seen until then."""
        ...

    def leave(self) -> None:
        """Leave without looking back; does nothing when the session is gone already."""


class RawPolling:
    """A session over HTTP long-polling."""

    transport = "polling"

    def __init__(self, address: Address, path: str) -> None:
        self.address = address
        self.path = path
        self.handshake: dict[str, Any] = {}
        self._received: deque[Packet] = deque()

    @classmethod
    def open(
        cls, address: Address, path: str, headers: Mapping[str, str] | None = None
    ) -> RawPolling:
        """Do the handshake, which has to be accepted."""
        client = cls(address, path)
        reply = request(address, "GET", target(path, "polling"), headers=headers)
        assert reply.status == 200, reply
        packets = decode_payload(reply.body)
        client.handshake = parse_handshake(packets[0])
        client._received += packets[1:]
        return client

    @property
    def sid(self) -> str:
        return str(self.handshake["sid"])

    @property
    def target(self) -> str:
        return target(self.path, "polling", self.sid)

    def start_poll(self) -> Exchange:
        """Begin a GET and leave it pending."""
        return start_request(self.address, "GET", self.target)

    def poll(self, timeout: float = WAIT) -> Reply:
        """A GET and its answer."""
        return self.start_poll().reply(timeout)

    def start_post(self, body: bytes, **headers: str) -> Exchange:
        """Begin a POST; its answer can be read later."""
        return start_request(self.address, "POST", self.target, body=body, headers=headers)

    def post(self, body: bytes | str, **headers: str) -> Reply:
        """A POST and its answer."""
        data = body.encode() if isinstance(body, str) else body
        return self.start_post(data, **headers).reply()

    def send(self, *packets: Packet) -> None:
        self.start_post(encode_payload(packets)).reply_or_none()

    def recv(self, timeout: float = WAIT) -> Packet:
        deadline = time.monotonic() + timeout
        while not self._received:
            reply = self.poll(deadline - time.monotonic())
            if reply.status != 200:
                raise ConnectionClosed(None, reply.text)
            self._received += decode_payload(reply.body)
        return self._received.popleft()

    def is_quiet(self) -> bool:
        exchange = self.start_poll()
        answered = exchange.is_answered(0.15)
        exchange.abort()
        return not self._received and not answered

    def expect_gone(self, timeout: float = WAIT) -> list[Packet]:
        deadline = time.monotonic() + timeout
        seen: list[Packet] = []
        while True:
            reply = self.poll(deadline - time.monotonic())
            if reply.status == 400:
                assert reply.json() == {"code": 1, "message": "Session ID unknown"}
                return seen
            seen += decode_payload(reply.body)

    def expect_gone_by_post(self, timeout: float = WAIT) -> None:
        """As `expect_gone`, without a GET, which could itself be what ends the session."""
        deadline = time.monotonic() + timeout
        while True:
            reply = self.post("3")
            if reply.status == 400:
                assert reply.json() == {"code": 1, "message": "Session ID unknown"}
                return
            assert time.monotonic() < deadline, "the session lives on"
            time.sleep(0.01)

    def leave(self) -> None:
        self.send("1")


class EngineWebSocket:
    """A session over WebSocket."""

    transport = "websocket"

    def __init__(
        self, ws: RawWebSocket, handshake: dict[str, Any], address: Address, path: str
    ) -> None:
        self.ws = ws
        self.handshake = handshake
        self.address = address
        self.path = path

    @classmethod
    def open(
        cls, address: Address, path: str, headers: Mapping[str, str] | None = None
    ) -> EngineWebSocket:
        """Connect directly, without polling first."""
        ws = RawWebSocket.connect(address, target(path, "websocket"), headers)
        return cls(ws, parse_handshake(ws.recv()), address, path)

    @property
    def sid(self) -> str:
        return str(self.handshake["sid"])

    def send(self, *packets: Packet) -> None:
        for packet in packets:
            self.ws.send(packet)

    def recv(self, timeout: float = WAIT) -> Packet:
        return self.ws.recv(timeout)

    def is_quiet(self) -> bool:
        return self.ws.is_quiet()

    def expect_gone(self, timeout: float = WAIT) -> list[Packet]:
        return self.ws.read_to_end(timeout)[0]

    def expect_gone_elsewhere(self, timeout: float = WAIT) -> None:
        """The server forgets the session: its id is unknown to a new request."""
        polling = RawPolling(self.address, self.path)
        polling.handshake = self.handshake
        deadline = time.monotonic() + timeout
        while (error := polling.poll().json()) != {"code": 1, "message": "Session ID unknown"}:
            assert error == {"code": 3, "message": "Bad request"}
            assert time.monotonic() < deadline, "the session lives on"
            time.sleep(0.01)

    def leave(self) -> None:
        self.ws.abort()


def assert_lane(server: ServerProcess, sid: str) -> None:
    """The WebSocket of this session is served by the class that the lane names."""
    reply = server.get(f"/lane/{sid}")
    assert reply.status == 200, reply
    assert reply.text == server.lane


def open_engine(server: ServerProcess, transport: str, path: str) -> EngineClient:
    """A new session; a WebSocket session is checked to be served by the right lane."""
    if transport == "polling":
        return RawPolling.open(server.address, path)
    client = EngineWebSocket.open(server.address, path)
    assert_lane(server, client.sid)
    return client


def upgrade(server: ServerProcess, polling: RawPolling) -> EngineWebSocket:
    """Take a polling session to WebSocket in the proper order."""
    ws = RawWebSocket.connect(server.address, target(polling.path, "websocket", polling.sid))
    ws.send("2probe")
    assert ws.recv() == "3probe"
    ws.send("5")
    assert_lane_soon(server, polling.sid)
    return EngineWebSocket(ws, polling.handshake, server.address, polling.path)


def assert_lane_soon(server: ServerProcess, sid: str) -> None:
    """As `assert_lane`, for a switch that the server is just about to make."""
    deadline = time.monotonic() + WAIT
    while server.get(f"/lane/{sid}").text != server.lane:
        assert time.monotonic() < deadline, "the lane did not change"
        time.sleep(0.01)
