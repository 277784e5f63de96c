"""The kit does what it says, or nothing else here means anything."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.kit.proxy import Proxy
from tests.kit.sequence import Sequence, check


@pytest.fixture
def far() -> Iterator[socket.socket]:
    """A listener, as a server has it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(2)
        yield listener


@pytest.fixture
def proxy(far: socket.socket) -> Iterator[Proxy]:
    with Proxy(far.getsockname()) as proxy:
        yield proxy


@pytest.fixture
def ends(far: socket.socket, proxy: Proxy) -> Iterator[tuple[socket.socket, socket.socket]]:
    """The client's and the server's end of a connection by way of the proxy."""
    with socket.create_connection(proxy.address, timeout=0.2) as client:
        server = far.accept()[0]
        with server:
            server.settimeout(0.2)
            client.sendall(b"hello")
            assert server.recv(10) == b"hello"
            yield client, server


Ends = tuple[socket.socket, socket.socket]


def arrives(sock: socket.socket) -> bytes | None:
    """None: nothing."""
    try:
        return sock.recv(100_000)
    except TimeoutError:
        return None


def test_swallowed(proxy: Proxy, ends: Ends) -> None:
    client, server = ends
    proxy.swallow()
    client.sendall(b"x")
    server.sendall(b"y")
    assert (arrives(client), arrives(server)) == (None, None)


def test_paused_and_resumed(proxy: Proxy, ends: Ends) -> None:
    client, server = ends
    proxy.pause()
    server.sendall(b"later")
    assert arrives(client) is None
    proxy.resume()
    assert arrives(client) == b"later"


def test_throttled(proxy: Proxy, ends: Ends) -> None:
    client, server = ends
    proxy.throttle(20_000)
    begun = time.monotonic()
    sender = threading.Thread(target=server.sendall, args=[bytes(10_000)])
    sender.start()
    received = 0
    while received < 10_000:
        received += len(arrives(client) or b"")
    sender.join()
    assert time.monotonic() - begun > 0.3


def test_cut_after(proxy: Proxy, ends: Ends) -> None:
    client, server = ends
    proxy.cut_after(3)
    server.sendall(b"12345")
    assert arrives(client) == b"123"
    assert arrives(client) == b""


def test_half_closed(proxy: Proxy, ends: Ends) -> None:
    client, server = ends
    proxy.half_close()
    assert arrives(server) == b""
    server.sendall(b"still")
    assert arrives(client) == b"still"


def test_cut(proxy: Proxy, ends: Ends) -> None:
    proxy.cut()
    assert [arrives(end) for end in ends] == [b"", b""]


@pytest.mark.parametrize(
    ("numbers", "judged"),
    [
        ([0, 1, 2], Sequence(0, 0, 0)),
        ([], Sequence(3, 0, 0)),
        ([0, 2], Sequence(1, 0, 0)),
        ([0, 1, 1, 2], Sequence(0, 1, 0)),
        ([1, 0, 2], Sequence(0, 0, 1)),
    ],
)
def test_sequences(numbers: list[int], judged: Sequence) -> None:
    assert check(numbers, 3) == judged
    assert judged.is_whole == (numbers == [0, 1, 2])
