"""HTTP and WebSocket, byte by byte, so that a test can also do what no proper client does.

Nothing here knows about sessions or packets (see `tests.kit.engine`). Every read has a time-out: a test fails, it does
not hang.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import os
import select
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Address = tuple[str, int]

# What must happen "at once" happens within WAIT seconds; sessions on the servers under test live much longer than that.
WAIT = 4.0
# How long a test listens to be sure that nothing comes.
QUIET = 0.15

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
CONTINUATION = 0
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


class Refused(Exception):
    """The server answered a WebSocket handshake with something else than 101."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status} {reply.body!r}")
        self.reply = reply


# What has been opened; a fixture closes what a test has left open.
OPENED: set[socket.socket] = set()


class Exchange:
    """One HTTP request on a TCP connection of its own, written as the test likes."""

    def __init__(self, address: Address) -> None:
        self.sock = socket.create_connection(address, timeout=WAIT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        OPENED.add(self.sock)

    def send(self, data: bytes) -> None:
        """Send raw bytes; that the server has hung up already shows when the answer is read."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(data)

    def is_answered(self, within: float) -> bool:
        """Whether bytes (or the end of the connection) arrive within so many seconds."""
        return bool(select.select([self.sock], [], [], within)[0])

    def reply(self, timeout: float = WAIT) -> Reply:
        """Read the whole answer, then hang up. A connection closed without one is an error."""
        self.sock.settimeout(timeout)
        response = http.client.HTTPResponse(self.sock)
        try:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, headers, response.read())
        finally:
            response.close()
            self.abort()

    def reply_or_none(self, timeout: float = WAIT) -> Reply | None:
        """The answer, or nothing if the server closed the connection instead."""
        try:
            return self.reply(timeout)
        except (http.client.BadStatusLine, http.client.IncompleteRead, ConnectionError):
            return None

    def abort(self, reset: bool = False) -> None:
        """Hang up, answered or not, by FIN or by RST."""
        hang_up(self.sock, reset)


def hang_up(sock: socket.socket, reset: bool) -> None:
    """End TCP by FIN or by RST."""
    if reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def start_request(
    address: Address,
    method: str,
    target: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    behind: bytes = b"",
) -> Exchange:
    """Send a request with a declared body length and leave the answer for later. `behind` is no part of it."""
    lines = [f"{method} {target} HTTP/1.1"]
    given = {"Host": f"{address[0]}:{address[1]}"}
    if body is not None:
        given |= {"Content-Type": "text/plain;charset=UTF-8", "Content-Length": str(len(body))}
    given |= headers or {}
    lines += [f"{name}: {value}" for name, value in given.items()]
    exchange = Exchange(address)
    exchange.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"") + behind)
    return exchange


def request(
    address: Address,
    method: str,
    target: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Send a request and wait for its answer."""
    return start_request(address, method, target, body=body, headers=headers).reply()


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True
) -> bytes:
    """A client's WebSocket frame, as right or wrong as asked for. `rsv` is a number of three bits."""
    head = bytes([(fin << 7) | (rsv << 4) | opcode])
    size, mask_bit = len(payload), masked << 7
    if size < 126:
        head += bytes([mask_bit | size])
    elif size < 65536:
        head += bytes([mask_bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + apply_mask(payload, key)


def apply_mask(payload: bytes, key: bytes) -> bytes:
    """XOR with the repeated key, all at once."""
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(size)


@dataclass(frozen=True)
class Frame:
    """A frame from the server."""

    opcode: int
    payload: bytes
    fin: bool


class ConnectionClosed(Exception):
    """The WebSocket is closed. `code` is None when TCP ended without a close frame."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(f"closed with {code} {reason!r}")
        self.code = code
        self.reason = reason


@dataclass
class RawWebSocket:
    """A WebSocket connection after its handshake."""

    sock: socket.socket
    response: Reply
    pongs: list[bytes] = field(default_factory=list)
    _buffer: bytearray = field(default_factory=bytearray)

    @classmethod
    def connect(
        cls,
        address: Address,
        target: str,
        headers: Mapping[str, str] | None = None,
        *,
        early: bytes = b"",
    ) -> RawWebSocket:
        """Do the opening handshake; raises `Refused` with the answer when there is no 101.

        `early` goes out behind the request, in the same segment where it is short enough.
        """
        key = base64.b64encode(os.urandom(16))
        given = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key.decode(),
            "Sec-WebSocket-Version": "13",
        }
        given |= dict(headers or {})
        exchange = start_request(address, "GET", target, headers=given, behind=early)
        head, rest = read_head(exchange.sock)
        status, fields = parse_head(head)
        if status != 101:
            raise Refused(Reply(status, fields, read_body(exchange.sock, fields, rest)))
        accept = base64.b64encode(hashlib.sha1(key + MAGIC, usedforsecurity=False).digest())
        assert fields["sec-websocket-accept"] == accept.decode()
        return cls(exchange.sock, Reply(status, fields, b""), _buffer=bytearray(rest))

    def send(self, message: str | bytes) -> None:
        """Send a message in one proper frame."""
        if isinstance(message, str):
            self.send_raw(frame(TEXT, message.encode()))
        else:
            self.send_raw(frame(BINARY, message))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are; that the server has hung up already shows at the next read."""
        try:
            self.sock.settimeout(WAIT)
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def recv(self, timeout: float = WAIT) -> str | bytes:
        """The next message. Pings are answered, pongs kept in `pongs`."""
        deadline = time.monotonic() + timeout
        kind, parts = 0, bytearray()
        while True:
            got = self.recv_frame(deadline - time.monotonic())
            if got.opcode == CLOSE:
                raise closed_by(got.payload)
            if got.opcode == PING:
                self.send_raw(frame(PONG, got.payload))
            elif got.opcode == PONG:
                self.pongs.append(got.payload)
            else:
                kind = kind or got.opcode
                parts += got.payload
                if got.fin:
                    return parts.decode() if kind == TEXT else bytes(parts)

    def recv_pong(self, timeout: float = WAIT) -> bytes:
        """The payload of the next frame, which has to be a pong."""
        got = self.recv_frame(timeout)
        assert got.opcode == PONG, got
        return got.payload

    def recv_frame(self, timeout: float = WAIT) -> Frame:
        """The next frame; a server's frame has no mask and no reserved bit."""
        deadline = time.monotonic() + timeout
        first, second = self._take(2, deadline)
        assert not first & 0x70, "reserved bits in a frame of the server"
        assert not second & 0x80, "a mask on a frame of the server"
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", self._take(2, deadline))[0]
        elif size == 127:
            size = struct.unpack("!Q", self._take(8, deadline))[0]
        return Frame(first & 0x0F, bytes(self._take(size, deadline)), bool(first & 0x80))

    def expect_close(self, timeout: float = WAIT) -> int | None:
        """The server closes within the time: its close frame (if any), then TCP. Returns the code."""
        return self.read_to_end(timeout)[1]

    def read_to_end(
        self, timeout: float = WAIT, *, answer: bool = True
    ) -> tuple[list[str | bytes], int | None]:
        """All messages until the server closes, and the code. Its close frame is answered or not."""
        deadline = time.monotonic() + timeout
        messages: list[str | bytes] = []
        code: int | None = None
        try:
            while True:
                messages.append(self.recv(deadline - time.monotonic()))
        except ConnectionClosed as closed:
            code = closed.code
        if code is not None:
            if answer:
                self.send_raw(frame(CLOSE, b"" if code == 1005 else struct.pack("!H", code)))
            self._expect_end(deadline)
        self.sock.close()
        return messages, code

    def is_quiet(self, seconds: float = QUIET) -> bool:
        """Whether nothing at all arrives for so many seconds."""
        return not self._buffer and not select.select([self.sock], [], [], seconds)[0]

    def close(self, code: int = 1000) -> None:
        """Close properly: our close frame, the server's answer, the end of TCP."""
        self.send_raw(frame(CLOSE, struct.pack("!H", code)))
        self.expect_close()

    def abort(self, reset: bool = False) -> None:
        """End TCP without a close frame, by FIN or by RST."""
        hang_up(self.sock, reset)

    def _expect_end(self, deadline: float) -> None:
        try:
            while True:
                self._take(1, deadline)
        except ConnectionClosed:
            pass

    def _take(self, size: int, deadline: float) -> bytearray:
        while len(self._buffer) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("nothing from the server in time")
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                raise ConnectionClosed(None)
            self._buffer += data
        taken = self._buffer[:size]
        del self._buffer[:size]
        return taken


def closed_by(payload: bytes) -> ConnectionClosed:
    """What a close frame says: 1005 stands for a frame without a code, as in RFC 6455."""
    if not payload:
        return ConnectionClosed(1005)
    return ConnectionClosed(struct.unpack("!H", payload[:2])[0], payload[2:].decode())


def read_head(sock: socket.socket) -> tuple[bytes, bytes]:
    """The bytes up to the empty line of an HTTP answer, and those read beyond it."""
    data = b""
    sock.settimeout(WAIT)
    while b"\r\n\r\n" not in data:
        chunk = sock.recv(65536)
        if not chunk:
            raise ConnectionClosed(None, f"during the handshake, after {data!r}")
        data += chunk
    head, rest = data.split(b"\r\n\r\n", 1)
    return head, rest


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers."""
    status_line, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.split(":", 1) for line in lines)
    return int(status_line.split()[1]), {name.lower(): value.strip() for name, value in pairs}


def read_body(sock: socket.socket, headers: Mapping[str, str], rest: bytes) -> bytes:
    """The body of an answer that declares its length, or ends with the connection."""
    size = headers.get("content-length")
    while size is None or len(rest) < int(size):
        chunk = sock.recv(65536)
        if not chunk:
            break
        rest += chunk
    sock.close()
    return rest
