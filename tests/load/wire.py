"""A light Socket.IO client that speaks the protocol by hand, so that a test decides when each frame is sent.

`Client.read()` takes in what one GET or one WebSocket frame brings; `Client.run()` does so until the connection ends.
An event is a list: its name, then its arguments. Bytes are allowed as arguments, not deeper.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Frame = str | bytes
Event = list[Any]

SEPARATOR = "\x1e"
HEAD = re.compile(r"4(?P<kind>[0-6])(?:(?P<attachments>\d+)-)?(?P<id>\d+)?(?P<data>.*)", re.DOTALL)
CONNECTED, LEFT, EVENT, ACK, ERROR, BINARY_EVENT, BINARY_ACK = "0123456"
WAIT = 10.0


class Refused(Exception):
    """The server answered a request with something else than 200."""


class Connection:
    """Requests to one server, one after the other, on a TCP connection that is kept while the server keeps it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, method: str, target: str, body: bytes = b"") -> bytes:
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
        reader, writer = self.streams
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
        if method == "POST":
            head += f"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"\r\n" + body)
        status, headers = parse_head(await reader.readuntil(b"\r\n\r\n"))
        answer = await read_body(reader, headers)
        if headers.get("connection") == "close":
            self.close()
        if status != 200:
            raise Refused(f"{method} {target}: {status} {answer!r}")
        return answer

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    pairs = (line.split(":", 1) for line in lines)
    return int(first.split()[1]), {name.lower(): value.strip() for name, value in pairs}


async def read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    assert headers.get("transfer-encoding") == "chunked", headers
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body


def encode_payload(frames: list[Frame]) -> bytes:
    return SEPARATOR.join(
        "b" + base64.b64encode(frame).decode() if isinstance(frame, bytes) else frame
        for frame in frames
    ).encode()


def decode_payload(body: bytes) -> list[Frame]:
    return [
        base64.b64decode(packet[1:]) if packet.startswith("b") else packet
        for packet in body.decode().split(SEPARATOR)
    ]


def encode(args: list[Any], text_kind: str, binary_kind: str, number: int | None) -> list[Frame]:
    """A packet with its attachments: an event or an ack."""
    blobs = [arg for arg in args if isinstance(arg, bytes)]
    counter = itertools.count()
    plain = [
        {"_placeholder": True, "num": next(counter)} if isinstance(arg, bytes) else arg
        for arg in args
    ]
    kind = f"{binary_kind}{len(blobs)}-" if blobs else text_kind
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    return [f"4{kind}{'' if number is None else number}{text}", *blobs]


class Client:
    """A client in the namespace `/`. Events go to `on_event`, and into `events` unless that is replaced."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sid = ""
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.on_event: Callable[[Event], None] = self.events.put_nowait
        self.frames: list[Frame] = []
        self.ended = asyncio.Event()
        self.websocket: ClientConnection | None = None
        self._get, self._post = Connection(port), Connection(port)
        self._posting = asyncio.Lock()
        self._numbers = itertools.count()
        self._acks: dict[int, asyncio.Future[list[Any]]] = {}
        self.connected = False
        self._open: tuple[str, int | None, list[Any]] | None = None
        self._blobs: list[bytes] = []
        self._missing = 0

    # Connecting

    @property
    def target(self) -> str:
        return f"/socket.io/?EIO=4&transport=polling{'&sid=' + self.sid if self.sid else ''}"

    async def open_polling(self) -> Self:
        (handshake,) = decode_payload(await self._get.request("GET", self.target))
        assert isinstance(handshake, str)
        self.sid = json.loads(handshake[1:])["sid"]
        await self.send(["40"])
        while not self.connected:
            await self.read()
        return self

    async def open_websocket(self) -> Self:
        self.websocket = await self.dial()
        handshake = await self.websocket.recv()
        assert isinstance(handshake, str)
        self.sid = json.loads(handshake[1:])["sid"]
        await self.send(["40"])
        while not self.connected:
            await self.read()
        return self

    async def dial(self) -> ClientConnection:
        """A WebSocket, for this client's session if it has one."""
        session = f"&sid={self.sid}" if self.sid else ""
        return await connect(
            f"ws://127.0.0.1:{self.port}/socket.io/?EIO=4&transport=websocket{session}",
            compression=None,
            ping_interval=None,
            close_timeout=1,
        )

    def close(self) -> None:
        """Hang up without a word."""
        self._get.close()
        self._post.close()
        if self.websocket is not None:
            self.websocket.transport.abort()

    # Sending

    async def send(self, frames: list[Frame]) -> None:
        if self.websocket is None:
            await self.post(frames)
            return
        for frame in frames:
            await self.websocket.send(frame)

    async def post(self, frames: list[Frame]) -> None:
        async with self._posting:
            answer = await self._post.request("POST", self.target, encode_payload(frames))
            assert answer.lower() == b"ok"

    async def emit(self, *event: Any) -> None:
        await self.send(encode(list(event), EVENT, BINARY_EVENT, None))

    async def call(self, *event: Any, patience: float = WAIT) -> list[Any]:
        """Emit, and wait for the ack. Something else has to read meanwhile."""
        number = next(self._numbers)
        ack = self._acks[number] = asyncio.get_running_loop().create_future()
        await self.send(encode(list(event), EVENT, BINARY_EVENT, number))
        async with asyncio.timeout(patience):
            return await ack

    # Receiving

    async def next_event(self, timeout: float = WAIT) -> Event:
        async with asyncio.timeout(timeout):
            return await self.events.get()

    async def run(self) -> None:
        try:
            while not self.ended.is_set():
                await self.read()
        except (ConnectionClosed, ConnectionError, asyncio.IncompleteReadError):
            self.ended.set()
        for ack in self._acks.values():
            ack.set_exception(ConnectionError("ended before the ack came"))

    async def read(self) -> None:
        if self.websocket is None:
            for frame in decode_payload(await self._get.request("GET", self.target)):
                await self.feed(frame)
        else:
            await self.feed(await self.websocket.recv())

    async def feed(self, frame: Frame) -> None:
        self.frames.append(frame)
        if isinstance(frame, bytes):
            self._blobs.append(frame)
            self._missing -= 1
            assert self._missing >= 0, "bytes that no packet announced"
        elif frame == "2":
            await self.send(["3"])
        elif frame == "1":
            self.ended.set()
        elif frame != "6":
            self.feed_packet(frame)
        if self._open is not None and self._missing == 0:
            self.deliver(*self._open, self._blobs)

    def feed_packet(self, text: str) -> None:
        assert self._missing == 0, f"{text!r} between a packet and its attachments"
        found = HEAD.fullmatch(text)
        assert found, f"not a Socket.IO packet: {text!r}"
        number = int(found["id"]) if found["id"] else None
        data = json.loads(found["data"]) if found["data"] else None
        self._missing, self._blobs = int(found["attachments"] or 0), []
        self._open = found["kind"], number, data

    def deliver(self, kind: str, number: int | None, data: Any, blobs: list[bytes]) -> None:
        self._open = None
        if kind == CONNECTED:
            self.connected = True
        elif kind == LEFT:
            self.ended.set()
        elif kind in (EVENT, BINARY_EVENT):
            self.on_event(restore(data, blobs))
        elif kind in (ACK, BINARY_ACK):
            assert number is not None
            self._acks.pop(number).set_result(restore(data, blobs))
        else:
            raise Refused(data)


def restore(args: list[Any], blobs: list[bytes]) -> list[Any]:
    return [
        blobs[arg["num"]] if isinstance(arg, dict) and arg.get("_placeholder") else arg
        for arg in args
    ]


@contextlib.asynccontextmanager
async def reading(client: Client) -> AsyncIterator[Client]:
    """Read all that comes for the client while the block runs; an error in reading ends the block."""
    try:
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(client.run())
            yield client
            reader.cancel()
    finally:
        client.close()


async def opened(port: int, transport: str) -> Client:
    client = Client(port)
    async with asyncio.timeout(WAIT):
        if transport == "polling":
            return await client.open_polling()
        return await client.open_websocket()
