"""A request that is answered without ASGI. It stands where uvicorn has its `cycle`, and has some of its names."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from http import HTTPStatus
from typing import Any, Protocol

_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}
STATUS = {
    status: b"HTTP/1.1 %d %b" % (status, _PHRASES.get(status, b"")) for status in range(100, 600)
}


class Connection(Protocol):
    """What a request needs of its connection, which is a `HttpProtocol`."""

    loop: AbstractEventLoop
    #: its `write_now` writes what is one piece already
    transport: Any

    def common_lines(self) -> bytes: ...

    def on_response_complete(self) -> None: ...

    def go_on(self, direct: DirectCycle, method: str, app: Any) -> None: ...


class Nobody:
    """In place of the event that uvicorn sets when a body or a disconnect has come."""

    def set(self) -> None: ...


class DirectCycle:
    """One request of a connection; a subclass finds the answer."""

    __slots__ = ("disconnected", "keep_alive", "protocol", "response_complete")

    message_event = Nobody()

    def __init__(self, protocol: Connection, *, keep_alive: bool) -> None:
        self.protocol = protocol
        #: whether the connection goes on after the answer; uvicorn sets it to False when it stops
        self.keep_alive = keep_alive
        self.response_complete = False
        #: the client has hung up before it was answered
        self.disconnected = False

    def begin(self) -> None:
        """Start; the body follows."""

    def body_arrived(self, data: bytes) -> None:
        """Take a piece of the request's body."""
        raise NotImplementedError

    def body_complete(self) -> None:
        raise NotImplementedError

    def take(self, body: bytes) -> None:
        """Start, with a body that has come already."""
        self.begin()
        if body:
            self.body_arrived(body)
        self.body_complete()

    def lost(self) -> None:
        """The client has hung up."""
        raise NotImplementedError

    def fail(self) -> None:
        """Say that the server is at fault, and close."""
        self.keep_alive = False
        self.respond(500, b"\r\ncontent-length: 0", b"")

    def respond(self, status: int, lines: bytes, body: bytes) -> None:
        """Send the answer; `lines` are its headers, each after a line's end. Nothing happens if nobody is there."""
        if self.response_complete or self.disconnected:
            return
        protocol = self.protocol
        self.response_complete = True
        if not self.keep_alive:
            lines += b"\r\nconnection: close"
        protocol.transport.write_now(
            b"%b%b%b\r\n\r\n%b" % (STATUS[status], protocol.common_lines(), lines, body)
        )
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()
