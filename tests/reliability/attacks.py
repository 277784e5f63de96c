"""Hostile inputs, as data: a name, how it is sent, and what is sent.

Each says in a word or two what has become of it: the status of an HTTP answer, "closed" with the code, or "served" when
an event behind it was answered. What costs no time is not here but in tests/conformance.
"""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.kit.engine import (
    SEPARATOR,
    EngineWebSocket,
    RawPolling,
    encode_payload,
    target,
)
from tests.kit.raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Address,
    ConnectionClosed,
    Exchange,
    RawWebSocket,
    frame,
)
from tests.kit.sio import SioClient

PATH = "/socket.io/"
PATIENCE = 30.0
LAST = '427["last"]'
SILENCE = "no answer"
_HTTP = b"HTTP/1.1 "

#: Attacks a server and says what has become of it.
Attack = Callable[[Address], str]


# -- how it is sent --------------------------------------------------------------------------------


@contextmanager
def sending(sock: socket.socket, data: bytes) -> Iterator[None]:
    """Send as fast as the server takes it, while something else reads what it answers."""

    def send() -> None:
        with suppress(OSError):
            sock.sendall(data)

    sock.settimeout(PATIENCE)
    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
        thread.join()


def request(make: Callable[[], bytes], answers: int = 1) -> Attack:
    """Raw bytes on a connection of their own; so many answers are waited for."""

    def attack(address: Address) -> str:
        sock = Exchange(address).sock
        with sending(sock, make()):
            count, status = _answers(sock, answers)
        if not count:
            return SILENCE
        return status if answers == 1 else f"{count} × {status}"

    return attack


def _answers(sock: socket.socket, due: int) -> tuple[int, str]:
    """How many answers there were, and the status of the last."""
    count, status, data = 0, "", b""
    with suppress(OSError):
        while count < due and (piece := sock.recv(1 << 20)):
            *heads, data = (data + piece).split(_HTTP)
            count += len(heads)
            status = data[:3].decode() if heads else status
            data = data[-len(_HTTP) :]
    return count, status


def post(make: Callable[[], bytes], times: int = 1) -> Attack:
    """The body of a polling request, of a client that is connected."""

    def attack(address: Address) -> str:
        polling = RawPolling.open(address, PATH)
        polling.send("40")
        body = make()
        for _ in range(times):
            exchange = polling.start_post(body)
            try:
                reply = exchange.reply_or_none(PATIENCE)
            except (TimeoutError, http.client.HTTPException):
                reply = None
            if reply is None or reply.status != 200:
                break
        return SILENCE if reply is None else str(reply.status)

    return attack


def frames(make: Callable[[], bytes], *, joined: bool = True) -> Attack:
    """Frames over WebSocket, of a client that is connected; an event behind them is answered, or all ends."""

    def attack(address: Address) -> str:
        engine = EngineWebSocket.open(address, PATH)
        if joined:
            SioClient(engine).connect()
        with sending(engine.ws.sock, make() + frame(TEXT, LAST.encode())):
            return _fate(engine.ws)

    return attack


def _fate(ws: RawWebSocket) -> str:
    try:
        while True:
            got = ws.recv_frame(PATIENCE)
            if got.opcode == CLOSE:
                code = struct.unpack("!H", got.payload[:2])[0] if got.payload else 1005
                return f"closed {code}"
            if got.payload.startswith(b"437["):
                return "served"
    except ConnectionClosed:
        return "cut"
    except (TimeoutError, OSError):
        return SILENCE


def messages(*texts: str) -> bytes:
    """Texts as frames, one after the other."""
    return b"".join(frame(TEXT, text.encode()) for text in texts)


def many(count: int, text: Callable[[int], str]) -> Callable[[], bytes]:
    """So many messages over WebSocket."""
    return lambda: messages(*(text(number) for number in range(count)))


def body(count: int, text: Callable[[int], str]) -> Callable[[], bytes]:
    """So many packets in one polling request."""
    return lambda: SEPARATOR.join(text(number) for number in range(count)).encode()


def repeated(count: int, opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """The same frame again and again."""
    return frame(opcode, payload, fin=fin) * count


def head(line: str, *fields: str, end: str = "\r\n\r\n") -> bytes:
    return ("\r\n".join((line, "Host: localhost", *fields)) + end).encode("latin-1")


# -- what is sent ----------------------------------------------------------------------------------

_HANDSHAKE = f"GET {target(PATH, 'polling')} HTTP/1.1"
_UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
_WEBSOCKET = f"GET {target(PATH, 'websocket')} HTTP/1.1"


def _fields(count: int, repeated: int = 2) -> list[str]:
    return [f"X-{number}: a" for number in range(count)] + ["X-Again: a"] * repeated


def _chunks(count: int) -> bytes:
    begin = head("POST /upload HTTP/1.1", "Transfer-Encoding: chunked")
    return begin + b"1\r\nx\r\n" * count + b"0\r\n\r\n"


def _deflated() -> bytes:
    """200 MB, if anybody inflates it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(bytes(200_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH)
    return frame(BINARY, data[:-4], rsv=4)


def _attached(json: str, *blobs: bytes) -> bytes:
    """A binary event."""
    text = frame(TEXT, f"45{len(blobs)}-{json}".encode())
    return text + b"".join(frame(BINARY, blob) for blob in blobs)


_PLACEHOLDER = '{"_placeholder":true,"num":0}'

HEADS: dict[str, Attack] = {
    "2,500 header fields, one repeated": request(lambda: head(_HANDSHAKE, *_fields(2_500))),
    "the same with OPTIONS": request(
        lambda: head(f"OPTIONS {PATH} HTTP/1.1", *_fields(2_500)),
    ),
    "the same for a WebSocket": request(lambda: head(_WEBSOCKET, *_UPGRADE, *_fields(2_500))),
    "200,000 times one header field": request(
        lambda: head("GET / HTTP/1.1", *_fields(0, 200_000)),
    ),
    "a head of 20 MB": request(
        lambda: head("GET / HTTP/1.1", *("X: " + "a" * 1_000 for _ in range(20_000))),
    ),
    "a header field of 20 MB": request(lambda: head("GET / HTTP/1.1", "X: " + "a" * 20_000_000)),
    "a target of 20 MB": request(lambda: head(f"GET /{'a' * 20_000_000} HTTP/1.1")),
    "a query of 30,000 fields": request(
        lambda: head(f"GET {target(PATH, 'polling')}{'&a' * 30_000} HTTP/1.1"),
    ),
    "a query of 20,000 escapes": request(
        lambda: head(f"GET {target(PATH, 'polling')}&x={'%C3' * 20_000} HTTP/1.1"),
    ),
    "20,000 cookies": request(lambda: head(_HANDSHAKE, "Cookie: " + "a=b;" * 15_000)),
    "a subprotocol list of 60 KB": request(
        lambda: head(_WEBSOCKET, *_UPGRADE, "Sec-WebSocket-Protocol: " + "a, " * 20_000),
    ),
    "an extension list of 60 KB": request(
        lambda: head(_WEBSOCKET, *_UPGRADE, "Sec-WebSocket-Extensions: " + "a; b, " * 10_000),
    ),
    "5,000 pipelined pages": request(lambda: head("GET / HTTP/1.1") * 5_000, 5_000),
    "5,000 pipelined handshakes": request(lambda: head(_HANDSHAKE) * 5_000, 5_000),
    "20,000 pipelined bad handshakes": request(
        lambda: head(f"GET {PATH}?EIO=4&transport=x HTTP/1.1") * 20_000, 20_000
    ),
    "200,000 chunks of one byte": request(lambda: _chunks(200_000)),
    "a body of 10 MB": request(
        lambda: head("POST /upload HTTP/1.1", "Content-Length: 10000000") + bytes(10_000_000),
    ),
}

BODIES: dict[str, Attack] = {
    "400,000 pongs in one POST": post(body(400_000, lambda number: "3")),
    "20,000 pongs in one POST, 20 times": post(body(20_000, lambda number: "3"), 20),
    "60,000 events in one POST": post(body(60_000, lambda number: '42["nobody"]')),
    "20,000 events in one POST": post(body(20_000, lambda number: '42["nothing"]')),
    "20,000 CONNECTs in one POST": post(body(20_000, lambda number: f"40/n{number},")),
    "1,000,000 separators": post(lambda: SEPARATOR.encode() * 1_000_000),
    "a bad packet of 1 MB": post(lambda: b"b" + b"!" * 999_000),
    "a binary packet of 1 MB": post(lambda: encode_payload((bytes(740_000),))),
    "invalid UTF-8, 1 MB": post(lambda: b"4" + b"\xff" * 999_000),
    "a body of 2 MB": post(lambda: bytes(2_000_000)),
}

PACKETS: dict[str, Attack] = {
    "20,000 CONNECTs to unknown namespaces": frames(many(20_000, lambda number: f"40/n{number},")),
    "100,000 CONNECTs to unknown namespaces": frames(
        many(100_000, lambda number: f"40/n{number},")
    ),
    "a namespace's name of 900 KB": frames(many(1, lambda number: f"40/{'n' * 900_000},")),
    "20,000 CONNECTs to one namespace": frames(many(20_000, lambda number: "40")),
    "10,000 times in and out of a namespace": frames(many(20_000, lambda n: ("41", "40")[n % 2])),
    "an auth of 900 KB": frames(lambda: messages('40{"a":[' + "[]," * 300_000 + "0]}"), joined=False),
    "60,000 events that nobody handles": frames(many(60_000, lambda number: '42["nobody"]')),
    "20,000 events": frames(many(20_000, lambda number: '42["nothing"]')),
    "3,000 events that take a millisecond": frames(many(3_000, lambda number: '42["work"]')),
    "20,000 events before CONNECT": frames(many(20_000, lambda n: '42["nothing"]'), joined=False),
    "100,000 acks that nobody awaits": frames(many(100_000, lambda number: f"43{number}[]")),
    "12,000 rooms": frames(many(12_000, lambda number: f'42["join","r{number}"]')),
    "30 echoes of 900 KB": frames(many(30, lambda number: f'42["echo","{"x" * 900_000}"]')),
    "JSON 400,000 levels deep": frames(many(1, lambda n: f'42["nothing",{"[" * 400_000}')),
    "JSON 1,000 levels deep, 400 times": frames(
        many(400, lambda n: f'42["echo",{"[" * 1_000}{"]" * 1_000}]')
    ),
    "300,000 empty lists in an event": frames(
        many(3, lambda n: f'42["nothing",[{"[]," * 300_000}0]]')
    ),
    "100,000 keys in an event": frames(
        many(3, lambda n: '42["nothing",{' + ",".join(f'"k{i}":1' for i in range(90_000)) + "}]")
    ),
    "half a surrogate pair in 810 KB": frames(many(3, lambda n: f'42["echo","{chr(92)}ud800{"a" * 9 * 90_000}"]')),
    "150,000 surrogate halves": frames(many(3, lambda n: '42["nothing","' + "\\ud800" * 150_000 + '"]')),
    "an integer of 900,000 digits": frames(many(1, lambda n: f'42["nothing",{"9" * 900_000}]')),
    "2,000 integers of 5,000 digits": frames(many(2_000, lambda n: f'42["nothing",{"9" * 5_000}]')),
    "an ack id of 900,000 digits": frames(many(1, lambda n: f'42{"9" * 900_000}["nothing"]')),
    "900,000 digits of attachments": frames(many(1, lambda n: f'45{"9" * 900_000}-["nothing"]')),
    "a billion attachments": frames(many(1, lambda n: '451000000000-["nothing"]')),
    "2,000 references to one attachment": frames(
        lambda: _attached('["echo",' + ",".join([_PLACEHOLDER] * 2_000) + "]", bytes(900_000)),
    ),
    "an attachment among 300,000 lists": frames(
        lambda: _attached(f'["nothing",[{"[]," * 300_000}0],{_PLACEHOLDER}]', b"x") * 3,
    ),
    "20,000 events with an attachment": frames(
        lambda: _attached(f'["nothing",{_PLACEHOLDER}]', b"x") * 20_000,
    ),
    "200,000 Engine.IO pongs": frames(lambda: repeated(200_000, TEXT, b"3")),
    "an unknown packet": frames(lambda: messages("9")),
}  # fmt: skip

FRAMES: dict[str, Attack] = {
    "200,000 pings": frames(lambda: repeated(200_000, PING)),
    "100,000 pings of 125 bytes": frames(lambda: repeated(100_000, PING, bytes(125))),
    "200,000 pongs": frames(lambda: repeated(200_000, PONG)),
    "1,000,000 empty fragments": frames(
        lambda: frame(TEXT, b"4", fin=False) + repeated(1_000_000, CONTINUATION, fin=False),
    ),
    "400,000 fragments of one byte": frames(
        lambda: frame(TEXT, b"4", fin=False) + repeated(400_000, CONTINUATION, b"x", fin=False),
    ),
    "20,000 messages in two fragments": frames(
        lambda: (frame(TEXT, b"3", fin=False) + frame(CONTINUATION)) * 20_000,
    ),
    "a message of 20 MB": frames(lambda: frame(BINARY, bytes(20_000_000))),
    "a frame of a terabyte": frames(lambda: b"\x82\xff" + struct.pack("!Q", 10**12) + bytes(4_000)),
    "a deflate bomb": frames(_deflated),
    "100 messages of 900 KB": frames(lambda: messages('42["nothing","' + "x" * 900_000 + '"]') * 100),
    "invalid UTF-8, 900 KB": frames(lambda: frame(TEXT, b"4" + b"\xff" * 900_000)),
    "100,000 empty messages": frames(lambda: repeated(100_000, BINARY, b"")),
}  # fmt: skip

ATTACKS: dict[str, Attack] = {**HEADS, **BODIES, **PACKETS, **FRAMES}
