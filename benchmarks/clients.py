"""Clients much lighter than any server: packets by hand, no JSON is parsed, one write per connection and loop turn."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from .pace import PACE

HANDSHAKES_AT_ONCE = 50
SEPARATOR = b"\x1e"
TEXT, BINARY = 0x81, 0x82
SENTENCE = b"The quick brown fox"


@dataclass
class Meter:
    """What was counted since the last reset: messages, and how long each took, in seconds."""

    count: int = 0
    times: list[float] = field(default_factory=list[float])
    #: counted before it
    earlier: int = 0

    def reset(self) -> None:
        self.earlier += self.count
        self.count = 0
        self.times = []

    @property
    def total(self) -> int:
        return self.earlier + self.count

    def percentile_ms(self, percent: float) -> float:
        times = sorted(self.times)
        return 1000 * times[min(len(times) - 1, int(len(times) * percent / 100))]


def masked_frame(payload: bytes, kind: int = TEXT) -> bytes:
    """A client's frame. Its masking key is zero: the server has as much to do, and this process nothing."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", kind, 0x80 | size) + bytes(4) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", kind, 0x80 | 126, size) + bytes(4) + payload
    return struct.pack("!BBQ", kind, 0x80 | 127, size) + bytes(4) + payload


def text_event(number: int, text: bytes = SENTENCE, event: bytes = b"echo") -> bytes:
    """The frame of an event that wants the ack with this number."""
    assert number < 10, "an ack's id has one digit"
    return masked_frame(b'42%d["%s",{"text":"%s","n":1234}]' % (number, event, text))


def binary_event(number: int, data: bytes) -> bytes:
    """The frames of an echo event with bytes."""
    assert number < 10, "an ack's id has one digit"
    head = b'451-%d["echo",{"_placeholder":true,"num":0}]' % number
    return masked_frame(head) + masked_frame(data, BINARY)


class Client(WSListener):
    """A WebSocket client that joins the namespace `/` and answers pings."""

    PONG = masked_frame(b"3")
    CONNECT = masked_frame(b"40")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.ready = self.loop.create_future()
        self._out: list[bytes] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.TEXT:
            self.on_packet(frame.get_payload_as_bytes())
        elif frame.msg_type is WSMsgType.BINARY:
            self.on_attachment(frame.get_payload_as_bytes())

    def on_packet(self, payload: bytes) -> None:
        kind = payload[:2]
        if kind == b"42" or kind == b"43":
            self.on_message(payload)
        elif kind == b"2":
            self.send(self.PONG)
        elif kind == b"0{":
            self.send(self.CONNECT)
        elif kind == b"40":
            self.on_joined()
        elif kind != b"45":  # its attachment comes next
            raise RuntimeError(f"unexpected packet: {payload!r}")

    def on_joined(self) -> None:
        self.ready.set_result(None)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed while connecting"))

    def on_message(self, payload: bytes) -> None:
        """An event or an ack."""

    def on_attachment(self, data: bytes) -> None:
        """The bytes of an event that was announced before."""

    def send(self, frame: bytes) -> None:
        """Send a frame, together with what else this turn of the loop sends."""
        if not self._out:
            self.loop.call_soon(self._flush)
        self._out.append(frame)

    def _flush(self) -> None:
        data = b"".join(self._out)
        self._out.clear()
        self.transport.underlying_transport.write(data)

    def close(self) -> None:
        self.transport.disconnect()


C = TypeVar("C", bound=Client)


class EchoClient(Client):
    """Keeps echo events on their way, one with each ack's number, each answered by the same event and an ack."""

    def __init__(self, meter: Meter, frames: Sequence[bytes], pause: float = 0) -> None:
        super().__init__()
        self._meter = meter
        self._pause = pause
        self._frames = frames
        self._sent = [0.0] * len(frames)
        self.echoes = 0
        self.acks = 0

    def start(self) -> None:
        for slot in range(len(self._frames)):
            self._send(slot)

    def _send(self, slot: int) -> None:
        self._sent[slot] = time.perf_counter()
        self.send(self._frames[slot])

    def on_message(self, payload: bytes) -> None:
        if payload[1] == 0x32:
            self.echoes += 1
            return
        self.acks += 1
        slot = payload[2] - 0x30
        self._meter.count += 1
        self._meter.times.append(time.perf_counter() - self._sent[slot])
        if self._pause:
            self.loop.call_later(self._pause, self._send, slot)
        else:
            self._send(slot)

    def on_attachment(self, data: bytes) -> None:
        self.echoes += 1


class Receiver(Client):
    """Counts the events of a broadcast."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def on_message(self, payload: bytes) -> None:
        self._meter.count += 1


class Enlisted(Receiver):
    """One of those whose ids the server keeps in a list."""

    ENLIST = masked_frame(b'420["enlist"]')

    def on_joined(self) -> None:
        self.send(self.ENLIST)

    def on_message(self, payload: bytes) -> None:
        if self.ready.done():
            super().on_message(payload)
        else:
            self.ready.set_result(None)


class Asker(Client):
    """Sends one event with an ack at a time, and again when it is acknowledged if `again`."""

    def __init__(self, data: bytes, *, again: bool = False) -> None:
        super().__init__()
        self._frame = masked_frame(b"420" + data)
        self._again = again
        self.acked = self.loop.create_future()

    def start(self) -> None:
        self.send(self._frame)

    def on_message(self, payload: bytes) -> None:
        if payload[:2] != b"43":
            return
        if self._again:
            self.start()
        elif not self.acked.done():
            self.acked.set_result(None)


async def connect_all(port: int, make: Callable[[], C], count: int) -> list[C]:
    """`count` clients, joined to the namespace; a few dozen handshakes at a time."""
    url = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
    left = iter(range(count))
    clients: list[C] = []

    async def worker() -> None:
        for _ in left:
            _, client = await ws_connect(
                make, url, websocket_handshake_timeout=60, read_buffer_init_size=1024
            )
            assert isinstance(client, Client)
            await asyncio.wait_for(client.ready, 60)
            clients.append(client)  # type: ignore[arg-type]

    await asyncio.gather(*(worker() for _ in range(min(count, HANDSHAKES_AT_ONCE))))
    return clients


def hang_up(clients: Iterable[Client]) -> None:
    for client in clients:
        client.close()


async def close_all(clients: Iterable[Client]) -> None:
    """And give the server time to be done with them."""
    hang_up(clients)
    await PACE.pause(0.5)


class HttpConnection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, one request at a time; answers have a Content-Length."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[bytes] | None = None

    @classmethod
    async def open(cls, port: int) -> HttpConnection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, "127.0.0.1", port)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("closed by the server"))

    def request(self, head: bytes, body: bytes = b"") -> asyncio.Future[bytes]:
        """Send a request; the result is the answer's body. Raises ConnectionError unless it is 200."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(head + body)
        return self._answer

    def close(self) -> None:
        """Nobody waits for an answer any more."""
        self._answer = None
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._answer is None:
            return
        head = self._buffer[:end].lower()
        at = head.index(b"content-length:") + 15
        size = int(head[at : (head + b"\r\n").index(b"\r\n", at)])
        if len(self._buffer) < end + 4 + size:
            return
        body = self._buffer[end + 4 : end + 4 + size]
        self._buffer = b""
        if self._answer.cancelled():
            pass
        elif b" 200 " in head[:16]:
            self._answer.set_result(body)
        else:
            self._answer.set_exception(ConnectionError(f"{head[:40]!r} {body!r}"))


def request_head(method: str, target: str, size: int | None = None) -> bytes:
    length = "" if size is None else f"Content-Type: text/plain\r\nContent-Length: {size}\r\n"
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n".encode()


class PollingClient:
    """An echo at a time over HTTP long-polling: a GET pending, POSTs beside it."""

    BODY = b'420["echo",{"text":"%s","n":1234}]' % SENTENCE

    def __init__(self, meter: Meter, get: HttpConnection, post: HttpConnection, sid: str) -> None:
        target = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
        self._meter = meter
        self._get, self._post = get, post
        self._get_head = request_head("GET", target)
        self._post_head = request_head("POST", target, len(self.BODY))
        self._connect_head = request_head("POST", target, 2)
        self._pong_head = request_head("POST", target, 1)

    @classmethod
    async def open(cls, port: int, meter: Meter) -> PollingClient:
        get, post = await HttpConnection.open(port), await HttpConnection.open(port)
        opened = await get.request(request_head("GET", "/socket.io/?EIO=4&transport=polling"))
        client = cls(meter, get, post, opened.split(b'"')[3].decode())
        await post.request(client._connect_head, b"40")
        assert (await get.request(client._get_head)).startswith(b"40")
        return client

    async def go_to(self, port: int) -> None:
        """The next requests go to another process of the server."""
        for connection in (self._get, self._post):
            connection.close()
        self._get, self._post = await HttpConnection.open(port), await HttpConnection.open(port)

    async def run(self) -> None:
        """Echo until cancelled."""
        try:
            while True:
                begun = time.perf_counter()
                await self._echo()
                self._meter.count += 1
                self._meter.times.append(time.perf_counter() - begun)
        finally:
            self._get.close()
            self._post.close()

    async def _echo(self) -> None:
        posted = self._post.request(self._post_head, self.BODY)
        missing = {b"42", b"43"}
        while missing:
            packets = (await self._get.request(self._get_head)).split(SEPARATOR)
            missing -= {packet[:2] for packet in packets}
            if b"2" in packets:
                await posted
                posted = self._post.request(self._pong_head, b"3")
        await posted


async def load_page(port: int, meter: Meter) -> None:
    """GET / again and again, until cancelled."""
    head = request_head("GET", "/")
    connection = await HttpConnection.open(port)
    try:
        while True:
            begun = time.perf_counter()
            await connection.request(head)
            meter.count += 1
            meter.times.append(time.perf_counter() - begun)
    finally:
        connection.close()
