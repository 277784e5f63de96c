"""One outgoing Engine.IO packet in the forms in which it travels, each made once (design: encode once, write many)."""

from __future__ import annotations

from base64 import b64encode
from typing import Self

from .rfc6455 import BINARY, TEXT, encode_frame

SEPARATOR = b"\x1e"

#: What a packet takes beside its bytes, about, wherever it waits.
_OBJECT = 100


class Message:
    """A text frame, and binary frames behind it; either may be missing, not both.

    The text is a whole Engine.IO packet (type digit and all); a binary frame is always a message (Engine.IO v4,
    "Packet encoding"). A broadcast shares one Message among all who receive it.
    """

    __slots__ = ("_polling", "_websocket", "binary", "text")

    #: an event of Socket.IO: one client may go without it, if it comes to that
    droppable = False
    #: a ping, which is not to wait behind others
    urgent = False

    def __init__(self, text: bytes | None, binary: tuple[bytes, ...] = ()) -> None:
        self.text = text
        self.binary = binary
        self._websocket: bytes | None = None
        self._polling: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes, as counted against the bound on what waits for a client."""
        return len(self.text or b"") + sum(map(len, self.binary)) + _OBJECT

    def alone(self) -> Self:
        """The same without the forms that it has been given for other receivers."""
        return type(self)(self.text, self.binary)

    @property
    def websocket(self) -> bytes:
        """The frames as a server sends them, ready to be written."""
        if self._websocket is None:
            if self.text is not None and not self.binary:
                self._websocket = encode_frame(TEXT, self.text)
                return self._websocket
            frames = [] if self.text is None else [encode_frame(TEXT, self.text)]
            frames += [encode_frame(BINARY, data) for data in self.binary]
            self._websocket = b"".join(frames)
        return self._websocket

    @property
    def polling(self) -> bytes:
        """The packets of a polling payload, separated."""
        if self._polling is None:
            packets = [] if self.text is None else [self.text]
            packets += [b"b" + b64encode(data) for data in self.binary]
            self._polling = SEPARATOR.join(packets)
        return self._polling


class EventMessage(Message):
    __slots__ = ()

    droppable = True


class PingMessage(Message):
    __slots__ = ()

    urgent = True


class Frames:
    """A message, or a control frame of WebSocket's, in the form in which it travels there and in no other."""

    __slots__ = ("droppable", "websocket")

    urgent = False

    def __init__(self, websocket: bytes, *, droppable: bool) -> None:
        self.websocket = websocket
        self.droppable = droppable

    @property
    def size(self) -> int:
        return len(self.websocket) + _OBJECT

    def alone(self) -> Self:
        return self
