"""picows' parser without picows' server. How one is made, picows promises nobody: it is tried out once.

It reads straight into its buffer, parses and unmasks frames in C, and calls a listener. For a transport it is given a
`_Sink`: all it writes by itself is a close frame when it finds an error, and sockets without TCP options work as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Any, Protocol

from picows import (
    WSAutoPingStrategy,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)

_Base: Any
try:
    from picows.picows import WSProtocol as _Base  # pyright: ignore
except ImportError:
    _Base = None

_PING_WHEN_IDLE = WSAutoPingStrategy.PING_WHEN_IDLE
#: The request picows is shown in place of the client's, which has been answered already.
_REQUEST = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
#: Bytes of read buffer per connection; picows takes 2 KiB at least. It doubles as needed; the parser of a large message
#: is replaced.
_READ_BUFFER = 1024
#: Bytes that are read at once, at most: thousands of frames may be in them.
_READ_SIZE = 32 * 1024


class Parser(asyncio.BufferedProtocol):
    """What picows' `WSProtocol` is, as far as we use it; it has no stub."""

    def get_buffer(self, sizehint: int) -> memoryview:
        raise NotImplementedError


class Listener(Protocol):
    """Who is told what the parser finds; a `WSListener` of picows' as well."""

    def frames_were_wrong(self, close_frame: bytes) -> None:
        """The client has sent a frame that RFC 6455 forbids; what was found after it is not told any more."""
        ...

    def abort(self) -> None: ...


def _make_class(base: Any) -> Any:
    """picows' `WSProtocol`, which reads as much as its buffer has grown to hold, and never shrinks it."""
    get_buffer = base.get_buffer

    class FrameParser(base):
        __slots__ = ()

        #: uvloop keeps this of the protocol before, and with it all that belongs to that, where a protocol has none.
        data_received = None

        def get_buffer(self, sizehint: int) -> memoryview:
            return get_buffer(self, sizehint)[:_READ_SIZE]

    return FrameParser


_WSProtocol: Any = None if _Base is None else _make_class(_Base)


#: Does nothing with whatever it is given, in C: picows calls a dozen of such functions for every connection.
_nothing: Callable[..., Any] = "".format


class _Silence:
    """picows' logger, of which it would make one per connection: what it would say, the engine says."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802
        return False

    log = debug = info = warning = error = exception = staticmethod(_nothing)


_SILENCE = _Silence()


class _NoAnswer(WSUpgradeResponse):
    """picows' answer to the request that it is shown, of which it would make one per connection: nobody gets it."""

    def __init__(self) -> None:
        self.version, self.status, self.body = b"HTTP/1.1", HTTPStatus.SWITCHING_PROTOCOLS, None
        self.headers: Any = {}
        self._bytes = bytearray()

    def to_bytes(self) -> bytearray:
        return self._bytes


_NO_ANSWER = _NoAnswer()


def make_parser(listener: Listener, max_payload: int) -> Parser:
    """A parser that expects frames. To be called on a loop."""
    answer = WSUpgradeResponseWithListener(_NO_ANSWER, listener)

    def listen(request: object) -> WSUpgradeResponseWithListener:
        return answer

    parser = _WSProtocol(
        None,
        None,
        False,  # is_client_side
        listen,
        _SILENCE,
        True,  # disconnect_on_exception
        None,  # websocket_handshake_timeout
        False,  # enable_auto_ping
        None,
        None,
        _PING_WHEN_IDLE,
        False,  # enable_auto_pong: it would answer pings with reserved bits
        max_payload,
        None,  # extra_headers
        _READ_BUFFER,
    )
    sink = _Sink(listener)
    parser.connection_made(sink)
    feed(parser, _REQUEST)
    parser.transport.request.headers = _NO_ANSWER.headers  # it keeps the request
    sink.open = True
    return parser


def feed(parser: Parser, data: bytes) -> bytes:
    """As many bytes as there is room for into a protocol that expects to be read into; returns the rest."""
    buffer = parser.get_buffer(-1)
    size = min(len(buffer), len(data))
    buffer[:size] = data[:size]
    parser.buffer_updated(size)
    return data[size:]


class _Socket:
    """What picows takes for its transport's socket, whichever connection's it is."""

    setsockopt = getsockopt = staticmethod(_nothing)

    def fileno(self) -> int:
        return -1


class _Sink:
    """What picows takes for its transport."""

    __slots__ = ("_listener", "open")

    #: TLS, for all it knows
    get_extra_info = dict.fromkeys(("socket", "ssl_object"), _Socket()).get

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        #: False while picows answers the request that it was shown
        self.open = False

    def write(self, data: bytes | bytearray) -> None:
        if not self.open:
            return
        self._listener.frames_were_wrong(bytes(data))

    def close(self) -> None:
        """picows' delayed disconnect after a bad frame; the close is ours to finish."""

    def abort(self) -> None:
        self._listener.abort()

    def get_write_buffer_size(self) -> int:
        return 1  # keeps picows from writing to the descriptor behind our back


# -- the trial -------------------------------------------------------------------------------------


@cache
def parser_fault() -> str | None:
    """Why there is no parser, None where there is one. To be called on a loop."""
    if _WSProtocol is None:
        return "picows.picows has no WSProtocol"
    trial = _Trial()
    try:
        parser = make_parser(trial, 64)
        feed(parser, b"\x82\x81\0\0\0\0x")  # a masked binary frame
        feed(parser, b"\x82\x01x")  # and one that is not masked, as a client's have to be
    except Exception as error:  # noqa: BLE001 - whatever it is, there is another way
        return f"WSProtocol: {type(error).__name__}: {error}"
    return None if trial.found == [b"x", b"\x03\xea"] else "WSProtocol finds other frames"


class _Trial(WSListener):
    """Notes the payload of a frame as it should be, and the close code for a wrong one."""

    def __init__(self) -> None:
        self.found: list[bytes] = []

    def on_ws_connected(self, transport: WSTransport) -> None: ...

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        plain = not (frame.rsv1 or frame.rsv2 or frame.rsv3)
        if plain and frame.fin and frame.msg_type == WSMsgType.BINARY and frame.payload_size == 1:
            self.found.append(frame.get_payload_as_bytes())

    def frames_were_wrong(self, close_frame: bytes) -> None:
        self.found.append(close_frame[2:4])

    def abort(self) -> None: ...
