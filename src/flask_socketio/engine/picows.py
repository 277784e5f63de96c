"""The fast lane: WebSockets under uvicorn, parsed by picows.

A handshake that has been accepted (`handshake.py`) leaves its connection to picows' `WSProtocol`: the transport reads
straight into its parser's buffer (`parser.py`). Everything goes out through `FastWebSocket.write`, which collects what
one turn of the loop produces into one write.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest

from ..protocol import rfc6455 as ws
from ..protocol.errors import WebSocketProtocolError
from ..protocol.message import Message
from ..protocol.reasons import CloseReason
from .engine import Engine
from .memory import LARGE
from .pace import Pace
from .parser import Parser, feed, make_parser, parser_fault
from .timers import Deadlines, Sweep
from .websocket import DRAIN_TIME, WebSocketLink, WebSocketTransport

logger = logging.getLogger("flask_socketio.engine")


_TEXT, _BINARY = WSMsgType.TEXT, WSMsgType.BINARY
_CLOSE, _PING, _PONG = WSMsgType.CLOSE, WSMsgType.PING, WSMsgType.PONG


class FastLane:
    """What the connections of one server share."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        #: why nothing can be served here, None where it can
        self.fault = parser_fault()
        self._loop = engine.loop
        self._dirty: list[FastWebSocket] = []
        self.closing: Deadlines[FastWebSocket] = Deadlines(
            engine.loop, engine.config.limits.close_timeout, FastWebSocket.abort
        )
        http = engine.config.http
        period = min(1.0, http.rate_timeout / 4) or 1.0
        #: connections in the midst of a message in fragments, for which there has to be some progress
        self.fragmented = Sweep(engine.loop, period, FastWebSocket.look).items

    def flush_later(self, connection: FastWebSocket) -> None:
        """Write what the connection holds at the end of this turn of the loop."""
        if not self._dirty:
            self._loop.call_soon(self._flush)
        self._dirty.append(connection)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for connection in dirty:
            connection.flush()


class FastWebSocket(WSListener, WebSocketLink):
    """One connection: frames in from picows, bytes out to the transport."""

    __slots__ = (
        "_assembler",
        "_closing",
        "_congested",
        "_connections",
        "_lane",
        "_limits",
        "_out",
        "_pace",
        "_queued",
        "_raw",
        "transport",
    )

    carrier = "FastWebSocket"

    def __init__(self, lane: FastLane, raw: asyncio.Transport, connections: set[Any]) -> None:
        self._lane = lane
        self._raw = raw
        self._connections = connections
        self._limits = lane.engine.config.limits
        self._assembler: ws.MessageAssembler | None = None
        self._out: list[bytes] = []
        self._queued = 0
        self._congested = False
        self._closing = False
        #: of the message in fragments
        self._pace: Pace
        self.transport: WebSocketTransport

    # -- life ----------------------------------------------------------------------------------

    def start(self, early: bytes) -> None:
        """Give the connection to picows; `early` is what the client sent before it was accepted."""
        self._connections.add(self)
        self._raw.set_protocol(make_parser(self, self._limits.max_payload))
        self._replay(early)
        self._raw.resume_reading()

    def _replay(self, data: bytes) -> None:
        """Bytes that have been read already into a parser, which wants to read by itself."""
        while data and not isinstance(parser := self._raw.get_protocol(), _Drain):
            data = feed(cast(Parser, parser), data)

    def listen(self, request: WSUpgradeRequest) -> FastWebSocket:
        return self

    def shutdown(self) -> None:
        """Called by uvicorn when it stops."""
        self.transport.lost(CloseReason.SERVER_SHUTDOWN)

    def abort(self) -> None:
        self._raw.abort()

    # -- out -----------------------------------------------------------------------------------

    def write(self, message: Message) -> None:
        self.write_bytes(message.websocket)

    def write_bytes(self, data: bytes) -> None:
        if self._closing:
            return
        if not self._out and not self._congested:
            self._lane.flush_later(self)
        self._out.append(data)
        self._queued += len(data)
        if self._queued > self._limits.max_queued:
            self._relieve()

    def _relieve(self) -> None:
        """Too much is waiting: write it now, or give the client up if it does not read."""
        if not self._congested:
            self.flush()
        elif len(self._out) > 1:
            self._out.clear()
            self._queued = 0
            self._lane.engine.loop.call_soon(self.transport.overflow)

    def flush(self) -> None:
        out = self._out
        if out and not self._congested:
            data = out[0] if len(out) == 1 else b"".join(out)
            out.clear()
            self._queued = 0
            if (
                not self._raw.is_closing()
            ):  # uvloop raises where the client has just reset the connection
                self._raw.write(data)

    def pause_writing(self) -> None:
        self._congested = True

    def resume_writing(self) -> None:
        self._congested = False
        self.flush()

    def close(self, code: int, reason: str, *, await_answer: bool) -> None:
        if self._closing:
            return
        self.write_bytes(ws.encode_close(code, reason))
        self._closing = True
        self._congested = False
        self.flush()
        self._raw.resume_reading()
        if not await_answer:
            # Reading goes on for a moment: to close with unread data would reset the connection, and the close frame
            # could be lost with it.
            self._lane.engine.loop.call_later(DRAIN_TIME, self._raw.close)
        self._lane.closing.add(self)  # also for a close() that waits until a dead peer has read

    def pause_reading(self) -> None:
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._raw.resume_reading()

    # -- in: called by picows ------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """picows' word for the end of the handshake; ours was over before."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self._closing:
            if frame.msg_type == _CLOSE:
                self._hang_up()
            return
        kind = frame.msg_type
        try:
            if frame.rsv1 or frame.rsv2 or frame.rsv3:
                raise WebSocketProtocolError(ws.PROTOCOL_ERROR, "a reserved bit is set")
            if kind == _TEXT and frame.fin and self._assembler is None:
                self.transport.receive_text(_text(frame))
            elif kind == _BINARY and frame.fin and self._assembler is None:
                self.transport.receive_binary(frame.get_payload_as_bytes())
            elif kind == _CLOSE:
                self._answer_close(frame)
            elif kind == _PING:
                self.write_bytes(ws.encode_frame(ws.PONG, frame.get_payload_as_bytes()))
            elif kind != _PONG:
                self._assemble(frame)
        except WebSocketProtocolError as error:
            self._fail(error)
        except Exception:
            logger.exception("a WebSocket frame failed")
            self._fail(WebSocketProtocolError(ws.INTERNAL_ERROR, "internal error"))
        if frame.payload_size > LARGE and not frame.tail_size and not self._closing:
            # The read buffer has grown to hold this frame and would never shrink.
            self._raw.set_protocol(make_parser(self, self._limits.max_payload))
            self._lane.engine.memory.large_message()

    def _assemble(self, frame: WSFrame) -> None:
        assembler = self._assembler
        if assembler is None:
            assembler = self._assembler = ws.MessageAssembler(self._limits.max_payload)
            self._pace = Pace(self._lane.engine.config.http)
            self._lane.fragmented.add(self)
        message = assembler.feed(
            int(cast(int, frame.msg_type)), bool(frame.fin), frame.get_payload_as_bytes()
        )
        if message is None:
            return
        self._assembler = None
        if isinstance(message, str):
            self.transport.receive_text(message)
        else:
            self.transport.receive_binary(message)

    def look(self, seconds: float) -> bool:
        """Called once in so many seconds, while a message in fragments is under way; returns whether one still is."""
        if self._assembler is None or self._closing:
            return False
        if self._pace.keeps(self._assembler.size, seconds):
            return True
        self._lane.engine.counters.refuse_http("message too slow")
        self._fail(WebSocketProtocolError(ws.POLICY_VIOLATION, "message too slow"))
        return False

    def _answer_close(self, frame: WSFrame) -> None:
        self.close(ws.close_code(frame.get_payload_as_bytes()), "", await_answer=True)
        self._hang_up()
        self.transport.lost(CloseReason.TRANSPORT_CLOSE)

    def _hang_up(self) -> None:
        """End TCP: both sides have said goodbye, or the client cannot any more.

        What it sends all the same is read away until it hangs up as well: to close with unread data would reset the
        connection, and what was written last could be lost with it.
        """
        if self._raw.is_closing():
            return
        self._raw.set_protocol(_Drain(self))
        if self._raw.can_write_eof():
            self._raw.write_eof()
        else:  # TLS, which says goodbye by itself
            self._raw.close()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._connections.discard(self)
        self._lane.closing.discard(self)
        self._closing = True
        self.transport.lost(CloseReason.TRANSPORT_CLOSE)
        del self.transport  # which has this link: no circle of references

    def frames_were_wrong(self, close_frame: bytes) -> None:
        """picows found a frame that RFC 6455 forbids, and said so with this close frame.

        It looks one frame ahead: the one before comes next, and may be a close frame, after which nothing is wrong.
        """
        code = int.from_bytes(close_frame[2:4], "big")
        reason = close_frame[4:].decode(errors="replace")
        self._raw.set_protocol(_Drain(self))  # what follows a broken frame are no frames
        self._lane.engine.loop.call_soon(self._fail, WebSocketProtocolError(code, reason))

    def _fail(self, error: WebSocketProtocolError) -> None:
        if self._closing:
            self._hang_up()  # a close frame would not be found any more
            return
        self.transport.protocol_error(error, error.code)
        self._raw.set_protocol(_Drain(self))


def _text(frame: WSFrame) -> str:
    try:
        return frame.get_payload_as_utf8_text()
    except UnicodeDecodeError:
        raise WebSocketProtocolError(ws.INVALID_TEXT, "text message is not UTF-8") from None


class _Drain(asyncio.Protocol):
    """Reads away what a client still sends after its connection was failed."""

    def __init__(self, connection: FastWebSocket) -> None:
        self._connection = connection

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.on_ws_disconnected(cast(WSTransport, None))
