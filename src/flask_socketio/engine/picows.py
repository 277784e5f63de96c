"""The fast lane: WebSockets under uvicorn, parsed by picows.

A handshake that has been accepted (`handshake.py`) leaves its connection to picows' `WSProtocol`: the transport reads
straight into its parser's buffer (`parser.py`). Everything goes out through `FastWebSocket.write`, which collects what
one turn of the loop produces into one write.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, cast

from picows import WSFrame, WSListener, WSMsgType, WSTransport

from ..protocol import rfc6455 as ws
from ..protocol.errors import WebSocketProtocolError
from ..protocol.message import Frames, Message
from ..protocol.reasons import CloseReason
from .engine import Engine
from .link import WebSocketLink
from .memory import LARGE
from .outbox import Outbox, hold_little
from .pace import Pace
from .parser import Parser, feed, make_parser, parser_fault
from .slices import LOOK, SLICE, Slice
from .timers import Deadlines, Sweep
from .websocket import DRAIN_TIME, WebSocketTransport

logger = logging.getLogger("flask_socketio.engine")


_TEXT, _BINARY = WSMsgType.TEXT, WSMsgType.BINARY
_CLOSE, _PING, _PONG = WSMsgType.CLOSE, WSMsgType.PING, WSMsgType.PONG


class Register(Protocol):
    """Where connections stand that a server has to close when it stops."""

    def add(self, connection: Any, /) -> None: ...

    def discard(self, connection: Any, /) -> None: ...


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
    """One connection: frames in from picows, bytes out to the transport.

    picows tells of all frames of a read, and cannot be stopped in between. Where they take longer than a slice, the
    rest is set aside, nothing more is read, and the next turn of the loop goes on.
    """

    __slots__ = (
        "_aside",
        "_assembler",
        "_at_a_time",
        "_behind",
        "_burst",
        "_closing",
        "_connections",
        "_full",
        "_lane",
        "_limits",
        "_out",
        "_pace",
        "_paused",
        "_raw",
        "_slice",
        "_waiting",
        "received",
        "sent",
        "transport",
    )

    carrier = "FastWebSocket"

    def __init__(
        self, lane: FastLane, raw: asyncio.Transport, connections: Register, head: bytes
    ) -> None:
        self._lane = lane
        self._raw = raw
        self._connections = connections
        self._limits = lane.engine.config.limits
        self._assembler: ws.MessageAssembler | None = None
        #: what this turn of the loop has produced so far: in the beginning the answer to the handshake
        self._out = [head] if head else []
        if head:
            lane.flush_later(self)
        self._at_a_time = lane.engine.queueing.at_a_time
        #: when so many bytes have been written, they are not held back until the turn is over
        self._full = self._at_a_time
        self.received = self.sent = 0
        #: what waits because the transport takes no more, None where it does
        self._behind: Outbox[Frames | Message] | None = None
        self._closing = False
        #: frames are not handled as they come: there is a slice's rest, or they do not count any more
        self._aside = False
        #: what was read and is not handled yet, None where frames are handled as they come
        self._waiting: deque[Callable[[], object]] | None = None
        #: nothing is to be read, because of what is being handled
        self._paused = False
        #: frames that were read together with others, and their share of this turn
        self._burst = 0
        self._slice: Slice | None = None
        #: of the message in fragments
        self._pace: Pace
        self.transport: WebSocketTransport

    # -- life ----------------------------------------------------------------------------------

    def start(self, early: bytes) -> None:
        """Give the connection to picows; `early` is what the client sent before it was accepted."""
        self._connections.add(self)
        if self._lane.engine.queueing.drops:
            hold_little(self._raw)
        self._raw.set_protocol(make_parser(self, self._limits.max_payload))
        self._replay(early)
        if self._waiting is None:
            self._raw.resume_reading()

    def _replay(self, data: bytes) -> None:
        """Bytes that have been read already into a parser, which wants to read by itself."""
        while data and not isinstance(parser := self._raw.get_protocol(), _Drain):
            data = feed(cast(Parser, parser), data)

    def shutdown(self) -> None:
        """Called by uvicorn when it stops."""
        self.transport.lost(CloseReason.SERVER_SHUTDOWN)

    def abort(self) -> None:
        self._raw.abort()

    # -- out -----------------------------------------------------------------------------------

    def write(self, message: Message | Frames) -> None:
        if self._closing:
            return
        if self._behind is not None:
            self._write_later(self._behind, message)
            return
        if not self._out:
            self._lane.flush_later(self)
        data = message.websocket
        self._out.append(data)
        self.sent += len(data)
        if self.sent > self._full:
            self.flush()

    def _write_later(self, behind: Outbox[Frames | Message], message: Message | Frames) -> None:
        if message.droppable:
            message = Frames(message.websocket, droppable=True)
        if not behind.add(message):
            self._lane.engine.loop.call_soon(self.transport.overflow)

    def flush(self) -> None:
        out = self._out
        if out:
            data = b"".join(out)
            out.clear()
            self._full = self.sent + self._at_a_time
            if (
                not self._raw.is_closing()
            ):  # uvloop raises where the client has just reset the connection
                self._raw.write(data)

    def pause_writing(self) -> None:
        if self._behind is None:
            self._behind = Outbox(self._lane.engine.queueing)

    def resume_writing(self) -> None:
        behind, self._behind = self._behind, None
        self.flush()
        while behind is not None and behind.items:
            if self._behind is not None:  # the transport takes no more again
                self._behind = behind
                return
            self._write_some(behind)

    def _write_some(self, behind: Outbox[Frames | Message]) -> None:
        out = [message.websocket for message in behind.take()]
        self._out += out
        self.sent += sum(map(len, out))
        self.flush()

    def close(self, code: int, reason: str, *, await_answer: bool) -> None:
        if self._closing:
            return
        self.write(Frames(ws.encode_close(code, reason), droppable=False))
        self._closing = self._aside = True
        self.flush()
        while self._behind is not None and self._behind.items:
            self._write_some(self._behind)
        self.resume_reading()
        if not await_answer:
            # Reading goes on for a moment: to close with unread data would reset the connection, and the close frame
            # could be lost with it.
            self._lane.engine.loop.call_later(DRAIN_TIME, self._raw.close)
        self._lane.closing.add(self)  # also for a close() that waits until a dead peer has read

    def pause_reading(self) -> None:
        self._paused = True
        self._set_waiting()

    def resume_reading(self) -> None:
        self._paused = False
        if self._waiting is None:
            self._raw.resume_reading()
        else:
            self._lane.engine.loop.call_soon(self._go_on)

    # -- slices --------------------------------------------------------------------------------

    def _count(self, frame: WSFrame) -> None:
        """One more frame that others were read with."""
        self._burst += 1
        if frame.payload_size > LARGE and frame.msg_type == _TEXT:
            # One alone may take several slices. Others have all their turns before the next, not one between two.
            if self._waiting is None:
                self._set_waiting()
                self._lane.engine.loop.call_later(SLICE, self._go_on)
        elif self._slice is None:
            if not self._burst % LOOK:  # in the same turn, most likely
                self._slice = Slice()
                self._lane.engine.loop.call_soon(self._end_slice)
        elif self._slice.is_over() and self._waiting is None:
            self._set_waiting()
            self._lane.engine.loop.call_soon(self._go_on)

    def _end_slice(self) -> None:
        self._slice = None

    def _set_waiting(self) -> None:
        """What has been read and not been handled has to wait, and nothing more is read."""
        if self._waiting is None:
            self._waiting = deque()
            self._aside = True
            self._raw.pause_reading()

    def _set_aside(self, frame: WSFrame) -> None:
        if self._waiting is not None:
            later = cast(WSFrame, _LaterFrame(frame))
            self._waiting.append(partial(self.on_ws_frame, cast(WSTransport, None), later))
        elif frame.msg_type == _CLOSE:
            self._hang_up()

    def _go_on(self) -> None:
        """Handle a slice of what has been set aside; read on after the last of it."""
        waiting = self._waiting
        if waiting is None or self._paused:
            return
        self._waiting = None
        self._aside = self._closing
        self._slice = Slice()
        while waiting and self._waiting is None:
            waiting.popleft()()
        self._slice = None
        if self._waiting is not None:  # the slice is over, or what was handled is too much
            self._waiting = waiting
        elif not self._raw.is_closing():
            self._raw.resume_reading()

    # -- in: called by picows ------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """picows' word for the end of the handshake; ours was over before."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self._aside:
            self._set_aside(frame)
            return
        kind = frame.msg_type
        self.received += frame.payload_size
        try:
            if frame.rsv1 or frame.rsv2 or frame.rsv3:
                raise WebSocketProtocolError(ws.PROTOCOL_ERROR, "a reserved bit is set")
            if kind == _TEXT and frame.fin and self._assembler is None:
                try:
                    text = frame.get_payload_as_utf8_text()
                except UnicodeDecodeError:
                    raise _not_utf8() from None
                self.transport.receive_text(text)
            elif kind == _BINARY and frame.fin and self._assembler is None:
                self.transport.receive_binary(frame.get_payload_as_bytes())
            elif kind == _CLOSE:
                self._answer_close(frame)
            elif kind == _PING:
                pong = ws.encode_frame(ws.PONG, frame.get_payload_as_bytes())
                self.write(Frames(pong, droppable=False))
            elif kind != _PONG:
                self._assemble(frame)
        except WebSocketProtocolError as error:
            self._fail(error)
        except Exception:
            logger.exception("a WebSocket frame failed")
            self._fail(WebSocketProtocolError(ws.INTERNAL_ERROR, "internal error"))
        if frame.tail_size:
            self._count(frame)
        elif frame.payload_size > LARGE and not self._closing:
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
        if self._waiting and not self._paused and not self._closing:
            self._waiting.append(self._disconnected)
        else:
            self._disconnected()

    def _disconnected(self) -> None:
        self._connections.discard(self)
        self._lane.closing.discard(self)
        self._closing = self._aside = True
        self._waiting = None
        self.transport.lost(CloseReason.TRANSPORT_CLOSE)
        del self.transport  # which has this link: no circle of references

    def frames_were_wrong(self, close_frame: bytes) -> None:
        """picows found a frame that RFC 6455 forbids, and said so with this close frame.

        It looks one frame ahead: the one before comes next, and may be a close frame, after which nothing is wrong.
        """
        code = int.from_bytes(close_frame[2:4], "big")
        reason = close_frame[4:].decode(errors="replace")
        self._raw.set_protocol(_Drain(self))  # what follows a broken frame are no frames
        if code == ws.MESSAGE_TOO_BIG:
            error = ws.too_big(self._limits.max_payload)  # which names the option
        else:
            error = WebSocketProtocolError(code, reason)
        self._lane.engine.loop.call_soon(self._fail_next, error)

    def _fail_next(self, error: WebSocketProtocolError) -> None:
        """What came before has been handled or set aside."""
        if self._waiting is None:
            self._fail(error)
        else:
            self._waiting.append(partial(self._fail, error))

    def _fail(self, error: WebSocketProtocolError) -> None:
        if self._closing:
            self._hang_up()  # a close frame would not be found any more
            return
        self.transport.protocol_error(error, error.code)
        self._raw.set_protocol(_Drain(self))


class _LaterFrame:
    """A copy of a frame: picows' own is gone when its listener returns."""

    __slots__ = ("_payload", "fin", "msg_type", "payload_size", "rsv1", "rsv2", "rsv3", "tail_size")

    def __init__(self, frame: WSFrame) -> None:
        self.msg_type = frame.msg_type
        self.fin = frame.fin
        self.rsv1, self.rsv2, self.rsv3 = frame.rsv1, frame.rsv2, frame.rsv3
        self.payload_size = frame.payload_size
        self.tail_size = 1  # it is one of several
        self._payload = frame.get_payload_as_bytes()

    def get_payload_as_bytes(self) -> bytes:
        return self._payload

    def get_payload_as_utf8_text(self) -> str:
        return self._payload.decode()


def _not_utf8() -> WebSocketProtocolError:
    return WebSocketProtocolError(ws.INVALID_TEXT, "text message is not UTF-8")


class _Drain(asyncio.Protocol):
    """Reads away what a client still sends after its connection was failed."""

    def __init__(self, connection: FastWebSocket) -> None:
        self._connection = connection

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.on_ws_disconnected(cast(WSTransport, None))
