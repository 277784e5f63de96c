"""What carries the frames of a WebSocket: each lane has its own."""

from __future__ import annotations

from ..protocol.message import Message


class WebSocketLink:
    """What a lane does with a connection that has been accepted."""

    __slots__ = ()

    #: the class's name, for logs and tests
    carrier: str
    #: bytes so far: payloads of frames, or the whole of them
    received: int
    sent: int

    def write(self, message: Message) -> None:
        raise NotImplementedError

    def close(self, code: int, reason: str, *, await_answer: bool) -> None:
        """Send a close frame behind what was written, and let go of the connection.

        With `await_answer` the client has close_timeout to answer (RFC 6455, section 7.1.1), else a moment to read it.
        """
        raise NotImplementedError

    def pause_reading(self) -> None:
        raise NotImplementedError

    def resume_reading(self) -> None:
        raise NotImplementedError
