"""Clients that send and read too slowly, or not at all, are cut by their deadline; those that only wait are not."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.kit.engine import target
from tests.kit.raw import BINARY, CONTINUATION, RawWebSocket, frame, request
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("slow_app.py")
HEAD = b"POST /upload HTTP/1.1\r\nHost: localhost\r\n"
#: Seconds within which the clients here have to be cut; their time is one second.
SOON = 6.0


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(APP) as server:
        yield server


def connect(server: ServerProcess, data: bytes = b"", *, window: int = 0) -> socket.socket:
    connection = socket.socket()
    if window:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.settimeout(SOON)
    connection.connect(server.address)
    connection.sendall(data)
    return connection


def drip(connection: socket.socket, piece: bytes = b"x", seconds: float = SOON) -> float:
    """Send a piece now and then until the server closes; returns how long that took."""
    begun = time.monotonic()
    connection.settimeout(0.1)
    while time.monotonic() - begun < seconds:
        with suppress(TimeoutError):
            try:
                if piece:
                    connection.sendall(piece)
                if not connection.recv(4096):
                    return time.monotonic() - begun
            except ConnectionError:
                return time.monotonic() - begun
    raise AssertionError(f"still open after {seconds} seconds")


def reasons(server: ServerProcess) -> dict[str, int]:
    return server.get_json("/counters")["http_refused"]


def wait_for_end(server: ServerProcess, end: str) -> None:
    deadline = time.monotonic() + SOON
    while end not in server.get_json("/ends"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


CASES = {
    "silent": (b"", b"", ""),
    "half a head": (HEAD, b"", "head too slow"),
    "a head that drips": (HEAD + b"X: ", b"x", "head too slow"),
    "half a head after a request": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD, b"", "head too slow"),
    "empty lines": (b"\r\n", b"\r\n", ""),
    "a small body": (HEAD + b"Content-Length: 1000\r\n\r\nx", b"", "body too slow"),
    "a small body that drips": (HEAD + b"Content-Length: 1000\r\n\r\n", b"x", "body too slow"),
    "a large body that drips": (HEAD + b"Content-Length: 1000000\r\n\r\n", b"x", "body too slow"),
    "chunks that drip": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", "body too slow"),
}  # fmt: skip


@pytest.mark.parametrize(("begin", "piece", "reason"), CASES.values(), ids=CASES)
def test_who_sends_too_slowly(
    server: ServerProcess, begin: bytes, piece: bytes, reason: str
) -> None:
    before = reasons(server).get(reason, 0)
    connection = connect(server, begin)
    assert drip(connection, piece) > 0.9
    assert not reason or reasons(server)[reason] == before + 1
    connection.close()


def test_a_view_that_reads_such_a_body_is_told(server: ServerProcess) -> None:
    connection = connect(server, HEAD + b"Content-Length: 1000000\r\n\r\nx")
    assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
    wait_for_end(server, "ClientGone")
    assert "Traceback" not in server.log
    connection.close()


@pytest.mark.parametrize("path", ["/large", "/whole"])
def test_who_does_not_read(server: ServerProcess, path: str) -> None:
    before = reasons(server).get("reader too slow", 0)
    request_ = b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    connection = connect(server, request_, window=4096)
    deadline = time.monotonic() + 2 * SOON
    while reasons(server).get("reader too slow", 0) == before:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    if path == "/large":
        wait_for_end(server, "large")
    connection.close()


def test_who_is_slow_but_fast_enough(server: ServerProcess) -> None:
    connection = connect(server, HEAD + b"Content-Length: 12000\r\n\r\n")
    for _ in range(12):
        connection.sendall(bytes(1000))
        time.sleep(0.25)
    assert connection.recv(1000).endswith(b"12000")
    connection.close()


def test_who_only_waits(server: ServerProcess) -> None:
    """For packets, for events, or for what a stream brings next."""
    stream = connect(server, b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    opened = request(server.address, "GET", target("/socket.io/", "polling")).text
    sid = opened.split('"sid":"')[1].split('"')[0]
    request(server.address, "POST", target("/socket.io/", "polling", sid=sid), body=b"40")
    request(server.address, "GET", target("/socket.io/", "polling", sid=sid))
    path = target("/socket.io/", "polling", sid=sid).encode()
    poll = connect(server, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    websocket = RawWebSocket.connect(server.address, target("/socket.io/", "websocket"))
    websocket.recv()
    time.sleep(4)
    assert websocket.is_quiet()
    poll.settimeout(0.2)
    with pytest.raises(TimeoutError):
        poll.recv(1)
    received = b""
    while b"0\r\n\r\n" not in received:
        received += stream.recv(1000)
    assert b"data: 1" in received
    websocket.abort()
    stream.close()
    poll.close()


def test_a_message_in_fragments_that_drips(server: ServerProcess) -> None:
    websocket = RawWebSocket.connect(server.address, target("/socket.io/", "websocket"))
    websocket.recv()
    websocket.send_raw(frame(BINARY, b"x", fin=False))
    begun = time.monotonic()
    websocket.sock.settimeout(0.1)
    while time.monotonic() - begun < SOON:
        websocket.send_raw(frame(CONTINUATION, b"x", fin=False))
        with suppress(TimeoutError):
            got = websocket.recv_frame(0.1)
            assert (got.opcode, struct.unpack("!H", got.payload[:2])[0]) == (8, 1008)
            break
    else:
        raise AssertionError("still open")
    websocket.abort()


def test_many_of_them_leave_room_for_others(server: ServerProcess) -> None:
    """Views that wait for such clients hold all threads there are for pages: for a moment."""
    with ExitStack() as stack:
        for _ in range(210):
            data = HEAD + b"Content-Length: 1000000\r\n\r\nx"
            stack.enter_context(connect(server, data))
        begun = time.monotonic()
        with connect(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - begun < SOON
