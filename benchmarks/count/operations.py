"""What clients ask for, one at a time: each operation gets ready, then does the same thing as often as it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from .clients import Connection, Polling, WebSocket

TEXT = b'"The quick brown fox"'
_ECHO = b'42["echo",' + TEXT + b"]"
_ASYNC_ECHO = b'42["async echo",' + TEXT + b"]"
_SHOUT = b'42["shout",' + TEXT + b"]"


@dataclass(frozen=True)
class Target:
    """The server: where it listens, and how to wait until nothing runs there."""

    port: int
    settle: Callable[[], object]


Once = Callable[[], None]
Operation = Callable[[Target], AbstractContextManager[Once]]


def asked(packet: bytes, answer: bytes) -> Operation:
    """A packet that is answered by another, over WebSocket."""

    @contextmanager
    def operation(target: Target) -> Iterator[Once]:
        with WebSocket.joined(target.port) as client:

            def once() -> None:
                received = client.ask(packet)
                assert received == answer, received

            yield once

    return operation


def broadcast(receivers: int) -> Operation:
    """An event to a room of so many, from one that is not in it."""

    @contextmanager
    def operation(target: Target) -> Iterator[Once]:
        with ExitStack() as stack:
            sender, *members = (
                stack.enter_context(WebSocket.joined(target.port)) for _ in range(1 + receivers)
            )
            for member in members:
                assert member.ask(b'421["join"]') == b"431[true]"

            def once() -> None:
                sender.send(_SHOUT)
                for member in members:
                    assert member.receive() == _SHOUT

            yield once

    return operation


@contextmanager
def polling(target: Target) -> Iterator[Once]:
    """A POST with an event while a GET waits, which brings its echo."""
    with Connection(target.port) as get, Connection(target.port) as post:
        client = Polling(get, post)
        client.post(b"40")
        assert client.get().startswith(b"40{")

        def once() -> None:
            client.start_get()
            target.settle()
            client.post(_ECHO)
            assert client.end_get() == _ECHO

        yield once


@contextmanager
def page(target: Target) -> Iterator[Once]:
    """A view of Flask's."""
    with Connection(target.port) as connection:

        def once() -> None:
            connection.request("GET", "/")
            assert connection.reply() == b"Hello, world!"

        yield once


@contextmanager
def connect(target: Target) -> Iterator[Once]:
    """The handshake over WebSocket, the namespace joined, all closed."""
    yield lambda: WebSocket.joined(target.port).leave()


@contextmanager
def connect_by_polling(target: Target) -> Iterator[Once]:
    """As browsers' clients do by default: the handshake over polling, the namespace joined, the upgrade, all closed."""
    with Connection(target.port) as get, Connection(target.port) as post:

        def once() -> None:
            client = Polling(get, post)
            client.post(b"40")
            target.settle()
            assert client.get().startswith(b"40{")
            client.start_get()
            target.settle()
            websocket = WebSocket(target.port, client.sid)
            assert websocket.ask(b"2probe") == b"3probe"
            assert client.end_get() == b"6"
            websocket.send(b"5")
            target.settle()
            websocket.leave()

        yield once


OPERATIONS: dict[str, Operation] = {
    "echo": asked(_ECHO, _ECHO),
    "async echo": asked(_ASYNC_ECHO, _ECHO),
    "ack": asked(b'427["ack",' + TEXT + b"]", b"437[" + TEXT + b"]"),
    "broadcast to 10": broadcast(10),
    "polling": polling,
    "page": page,
    "connect": connect,
    "connect by polling": connect_by_polling,
}
#: A delivery is what one receiver more costs: the operation that has fewer, one that has more, by how many.
DELIVERY = "broadcast to 10", broadcast(20), 10
