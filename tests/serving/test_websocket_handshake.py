"""WebSocket handshakes in every lane of our own: the frames that come with them, and sessions that have one already."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trustme

from flask_socketio.serving.wsgi_sockets import read_ahead
from tests.clients.servers import serve
from tests.kit.engine import parse_handshake
from tests.kit.raw import (
    CLOSE,
    OPENED,
    PING,
    PONG,
    TEXT,
    WAIT,
    RawWebSocket,
    Reply,
    frame,
    parse_head,
    read_head,
)
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("options_app.py")
HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket%b HTTP/1.1\r\nHost: localhost\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
CONNECT = frame(TEXT, b"40")
Open = Callable[[], socket.socket]


def plain(server: ServerProcess) -> socket.socket:
    sock = socket.create_connection(server.address, timeout=WAIT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    OPENED.add(sock)
    return sock


@contextmanager
def encrypting(kind: str, folder: Path) -> Generator[Open, None, None]:
    authority = trustme.CA()
    pem = folder / "server.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(pem)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    server = (
        ServerProcess.script(APP, {"CERTIFICATE": str(pem)})
        if kind == "run"
        else serve(kind, *(word for name in TLS[kind] for word in (name, str(pem))))
    )
    with server:

        def encrypted() -> socket.socket:
            sock = context.wrap_socket(plain(server), server_hostname="localhost")
            OPENED.add(sock)
            return sock

        yield encrypted


#: Options that a certificate and its key are given with.
TLS = {"run": (), "flask run": ("--cert", "--key"), "gunicorn": ("--certfile", "--keyfile")}


@pytest.fixture(scope="module", params=[*TLS, *(f"{kind}, TLS" for kind in TLS)])
def connect(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Open]:
    """Opens a connection to a server of each kind that gives its WebSockets to us."""
    kind, _, tls = request.param.partition(", ")
    if tls:
        with encrypting(kind, tmp_path_factory.mktemp("tls")) as connect:
            yield connect
    else:
        with serve(kind) as server:
            yield lambda: plain(server)


@pytest.fixture(autouse=True)
def closed_sockets() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def answered(sock: socket.socket) -> RawWebSocket:
    return answered_with_sid(sock)[0]


def answered_with_sid(sock: socket.socket) -> tuple[RawWebSocket, str]:
    """The WebSocket, after the answer to its handshake and the packet that opens the session, and that session."""
    head, rest = read_head(sock)
    status, fields = parse_head(head)
    assert status == 101, head
    ws = RawWebSocket(sock, Reply(status, fields, b""), _buffer=bytearray(rest))
    return ws, parse_handshake(ws.recv())["sid"]


def assert_joined(ws: RawWebSocket, *pongs: bytes) -> None:
    """The client is in its namespace, and its pings have been answered, before that or after."""
    joined = ws.recv()
    assert isinstance(joined, str)
    assert joined.startswith('40{"sid":')
    deadline = time.monotonic() + WAIT
    while len(ws.pongs) < len(pongs):  # what the connect handler has emitted may come before
        got = ws.recv_frame(deadline - time.monotonic())
        ws.pongs += [got.payload] if got.opcode == PONG else []
    assert ws.pongs == list(pongs)
    ws.abort()


# -- frames in the segment of the handshake --------------------------------------------------------


def test_a_frame(connect: Open) -> None:
    sock = connect()
    sock.sendall(HANDSHAKE % b"" + CONNECT)
    assert_joined(answered(sock))


def test_many_frames(connect: Open) -> None:
    sock = connect()
    numbers = [b"%d" % number for number in range(100)]
    pings = b"".join(frame(PING, number) for number in numbers)
    sock.sendall(HANDSHAKE % b"" + pings + CONNECT + frame(PING, b"last"))
    assert_joined(answered(sock), *numbers, b"last")


@pytest.mark.parametrize("size", [1, 2, 5, 7])
def test_a_part_of_a_frame(connect: Open, size: int) -> None:
    sock = connect()
    sock.sendall(HANDSHAKE % b"" + CONNECT[:size])
    ws = answered(sock)
    ws.send_raw(CONNECT[size:])
    assert_joined(ws)


def test_a_handshake_in_pieces(connect: Open) -> None:
    """Where the head ends is no matter of the segment's first byte."""
    sock = connect()
    request = HANDSHAKE % b"" + CONNECT
    for start in range(0, len(request), 50):
        sock.sendall(request[start : start + 50])
        time.sleep(0.005)
    assert_joined(answered(sock))


@pytest.mark.parametrize("size", [2_000, 70_000, 400_000])
def test_a_large_frame(connect: Open, size: int) -> None:
    """Larger than a read buffer, than what a parser keeps, than a segment."""
    sock = connect()
    large = frame(TEXT, b'40{"pad":"' + b"x" * size + b'"}')
    sock.sendall(HANDSHAKE % b"" + large + frame(PING, b"behind"))
    assert_joined(answered(sock), b"behind")


def test_a_close_frame(connect: Open) -> None:
    sock = connect()
    sock.sendall(HANDSHAKE % b"" + frame(CLOSE, struct.pack("!H", 4001)))
    assert answered(sock).expect_close() == 4001


def test_no_frame(connect: Open) -> None:
    sock = connect()
    sock.sendall(HANDSHAKE % b"" + frame(PING, b"right") + b"\xff\xff\xff")
    ws = answered(sock)
    assert ws.recv_pong() == b"right"
    assert ws.expect_close() == 1002


def test_while_a_middleware_takes_its_time() -> None:
    """Frames that come with the handshake, and those that come while it is being considered."""
    with ServerProcess.script(APP, {"MIDDLEWARES": "guard"}) as server:
        sock = plain(server)
        sock.sendall(HANDSHAKE % b"&wait=1" + frame(PING, b"first") + CONNECT[:3])
        time.sleep(0.1)
        sock.sendall(CONNECT[3:] + frame(PING, b"last"))
        time.sleep(0.1)
        server.get("/release")
        assert_joined(answered(sock), b"first", b"last")


@pytest.mark.parametrize("source", [BytesIO(b"x"), object(), None, SimpleNamespace(reader=None)])
def test_a_server_that_does_not_tell_what_it_has_read(source: Any) -> None:
    """A private way that has changed is no way, and no failure."""
    assert read_ahead(source) == b""


# -- for a session that has a WebSocket ------------------------------------------------------------


def test_a_second_websocket_is_closed(connect: Open) -> None:
    """The first goes on unharmed; nothing that comes on the second is taken, its first frames neither."""
    first = connect()
    first.sendall(HANDSHAKE % b"" + CONNECT)
    ws, sid = answered_with_sid(first)
    for early in (b"", frame(TEXT, b"2probe") + frame(TEXT, b"5")):
        sock = connect()
        sock.sendall(HANDSHAKE % (b"&sid=" + sid.encode()) + early)
        head, rest = read_head(sock)
        assert parse_head(head)[0] == 101
        second = RawWebSocket(sock, Reply(101, {}, b""), _buffer=bytearray(rest))
        assert second.read_to_end() == ([], 1002)
    assert_joined(ws)
