"""HTTP long-polling (Engine.IO v4, "HTTP long-polling"): GET takes packets to the client, POST brings them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Protocol

from ..protocol import engineio as eio
from ..protocol.errors import (
    BAD_HANDSHAKE_METHOD,
    BAD_REQUEST,
    EngineProtocolError,
    HandshakeRefused,
)
from ..protocol.message import SEPARATOR, Message
from ..protocol.reasons import CloseReason
from ..protocol.states import SessionState
from .answers import HttpAnswer
from .memory import LARGE
from .outbox import Outbox
from .request import EngineRequest
from .session import Keeper, Session
from .slices import Slice

# Looking up a member of an enum takes as long as a call.
_OPEN = SessionState.OPEN

TEXT = b"text/plain; charset=UTF-8"
#: What revision 3 had for binary packets.
_OCTETS = "application/octet-stream"
_OK: HttpAnswer = (200, b"text/html", b"ok")
_TOO_LARGE: HttpAnswer = (413, b"text/plain", b"")

#: What a GET is told that arrives while the client is switching to WebSocket, after at most this many seconds.
_NOOP_AFTER = 0.1

#: Nothing that still waits is worth sending.
_DISCARDING = {CloseReason.PARSE_ERROR, CloseReason.SLOW_CONSUMER}
#: No close packet: the client has said goodbye itself; or it shall find out and reconnect, which python-socketio's
#: client does not do after a close packet.
_UNSAID = {CloseReason.TRANSPORT_CLOSE, CloseReason.SERVER_SHUTDOWN}
#: No GET will come that could fetch the rest.
_NOBODY_COMES = _UNSAID | {CloseReason.PING_TIMEOUT}


class Exchange(Protocol):
    """A request that names a session, and the way to answer it: once, at once or later."""

    @property
    def request(self) -> EngineRequest: ...

    def answer(self, answer: HttpAnswer) -> None: ...

    def refuse(self, refusal: HandshakeRefused) -> None: ...


class Responder(Protocol):
    """Who answers a request that names a session: the session's transport, or somebody in its place."""

    def begin(self, exchange: Exchange) -> None:
        """Take a request; unless it is a WebSocket handshake, its body follows."""

    def body_arrived(self, exchange: Exchange, data: bytes) -> None:
        """Take a piece of a POST's body."""

    def body_complete(self, exchange: Exchange) -> None: ...

    def lost(self, exchange: Exchange) -> None:
        """The client hung up before it was answered."""


class PollingTransport:
    """Keeps packets until a GET fetches them."""

    name = "polling"
    carrier = "Polling"

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._loop = keeper.loop
        self._limits = keeper.config.limits
        self._queue: Outbox[Message] = Outbox(keeper.queueing)
        #: the GET that waits for packets
        self._poll: Exchange | None = None
        self._wake_scheduled = False
        #: the POST whose body is arriving, and what there is of it
        self._post: Exchange | None = None
        self._body = bytearray()
        #: the POST whose packets are being delivered, and those that have not been yet; it is answered after the last
        self._rest: tuple[Exchange, Iterator[str | bytes]] | None = None
        self._reading_paused = False
        self.session: Session

    # -- the session's side --------------------------------------------------------------------

    def send(self, message: Message) -> None:
        if not self._queue.add(message):
            self._loop.call_soon(self.session.give_up)
        if self._poll is not None and not self._wake_scheduled:
            # At the end of the turn, so that all of its packets share one answer.
            self._wake_scheduled = True
            self._loop.call_soon(self._wake)

    def close(self, reason: CloseReason) -> None:
        if reason in _DISCARDING:
            self._queue.take_all()
        self._queue.items.append(eio.NOOP_PACKET if reason in _UNSAID else eio.CLOSE_PACKET)
        if self._poll is not None:
            self._wake()
        elif len(self._queue.items) > 1 and reason not in _NOBODY_COMES:
            self._keeper.linger(self.session)
        if self._post is not None:
            self._refuse_post("the session was closed meanwhile")
        if self._rest is not None:
            (exchange, _), self._rest = self._rest, None
            self._delivered(exchange, whole=False)

    def keeps(self, message: Message) -> bool:
        """Whether it waits for a GET still."""
        return message in self._queue.items

    def pause_reading(self) -> None:
        self._reading_paused = True

    def resume_reading(self) -> None:
        self._reading_paused = False
        if self._rest is not None:
            self._loop.call_soon(self._go_on)

    def retire(self) -> list[Message]:
        """Stop polling after an upgrade; return what was not fetched."""
        self.resume_reading()
        queue = [message for message in self._queue.take_all() if message is not eio.NOOP_PACKET]
        if self._poll is not None:
            self._queue.items.append(eio.NOOP_PACKET)
            self._wake()
        return queue

    def probe_answered(self) -> None:
        self._release_poll()

    def _release_poll(self) -> None:
        """Answer a waiting GET, so that the client can stop polling and upgrade."""
        if self._poll is not None and not self._queue.items:
            self.send(eio.NOOP_PACKET)

    def _release(self, exchange: Exchange) -> None:
        """It has waited long enough."""
        if exchange is self._poll:
            self._release_poll()

    def _wake(self) -> None:
        self._wake_scheduled = False
        if self._poll is not None and self._queue.items:
            poll, self._poll = self._poll, None
            self._answer_get(poll)

    # -- the requests' side --------------------------------------------------------------------

    def begin(self, exchange: Exchange) -> None:
        """Take a request; unless it is a WebSocket handshake, its body follows."""
        method = exchange.request.method
        if method == "GET":
            self._get(exchange)
        elif method == "POST":
            self._begin_post(exchange)
        else:
            exchange.refuse(HandshakeRefused(BAD_HANDSHAKE_METHOD, method))

    def lost(self, exchange: Exchange) -> None:
        """The client hung up before it was answered."""
        if exchange is self._poll:
            self._poll = None
        elif exchange is self._post:
            self._post = None
        else:
            return
        self.session.close(CloseReason.TRANSPORT_ERROR)

    def take(self, exchange: Exchange, body: bytes) -> None:
        """Take a request that has come with its body."""
        if exchange.request.method == "GET":
            self._get(exchange)
        elif self._may_post(exchange):
            self._read(exchange, body)

    def _get(self, exchange: Exchange) -> None:
        """Answer as soon as there is something for the client."""
        if self._poll is not None:
            self.session.fail(EngineProtocolError("two polling requests at the same time"))
            exchange.refuse(HandshakeRefused(BAD_REQUEST, "overlapping GET"))
        elif self._queue.items:
            self._answer_get(exchange)
        else:
            self._poll = exchange
            if self.session.probe is not None:
                self._loop.call_later(_NOOP_AFTER, self._release, exchange)
            if exchange.request.on_wait is not None:
                exchange.request.on_wait(partial(self._release, exchange))

    def _answer_get(self, exchange: Exchange) -> None:
        queue = self._queue.take_all()
        if len(queue) == 1:
            body = queue[0].polling
        else:
            body = SEPARATOR.join([message.polling for message in queue])
        exchange.answer((200, TEXT, body))
        if self.session.state is SessionState.CLOSED:
            self._keeper.last_poll_answered(self.session)

    def _may_post(self, exchange: Exchange) -> bool:
        """Whether its body is to be read; else it has been refused."""
        if self.session.state is not _OPEN:
            why = "the session is closed"
        elif self._post is not None or self._rest is not None:
            self.session.fail(EngineProtocolError("two POST requests at the same time"))
            why = "overlapping POST"
        elif (exchange.request.header(b"content-type") or "").startswith(_OCTETS):
            self.session.fail(EngineProtocolError(f"POST of {_OCTETS}"))
            why = f"{_OCTETS} is not for revision 4"
        else:
            return True
        exchange.refuse(HandshakeRefused(BAD_REQUEST, why))
        return False

    def _begin_post(self, exchange: Exchange) -> None:
        if not self._may_post(exchange):
            return
        self._post = exchange
        length = exchange.request.header(b"content-length") or "0"
        if length.isascii() and length.isdigit():
            self._limit_post(int(length[:12]))

    def body_arrived(self, exchange: Exchange, data: bytes) -> None:
        """Take a piece of a POST's body."""
        if exchange is self._post:
            self._body += data
            self._limit_post(len(self._body))

    def body_complete(self, exchange: Exchange) -> None:
        """Deliver the packets of a POST, and answer it. What is malformed, is refused."""
        if exchange is not self._post:
            return
        if self.session.transport is not self:
            self._refuse_post("the session has been upgraded")
            return
        _, body = self._end_post()
        self._read(exchange, body)

    def _read(self, exchange: Exchange, body: bytes) -> None:
        """Deliver what has come all in all, unless it is too much."""
        if len(body) > self._limits.max_payload:
            self._too_large(exchange)
            return
        try:
            packets = eio.decode_payload(body, self._limits.max_packets)
        except EngineProtocolError as error:
            self._malformed(exchange, error)
            return
        self._deliver(exchange, packets)

    def _deliver(self, exchange: Exchange, packets: Iterator[str | bytes]) -> None:
        """Deliver a slice of a POST's packets, and answer it after the last."""
        session = self.session
        share = Slice()
        try:
            for packet in packets:
                if isinstance(packet, str):
                    session.receive_text(packet)
                else:
                    session.receive_binary(packet)
                if session.state is not _OPEN:
                    self._delivered(exchange, whole=packet == eio.CLOSE)
                    return
                if self._reading_paused or share.is_over():
                    self._rest = exchange, packets
                    if not self._reading_paused:
                        self._loop.call_soon(self._go_on)
                    return
        except EngineProtocolError as error:
            self._malformed(exchange, error)
        else:
            self._delivered(exchange, whole=True)

    def _go_on(self) -> None:
        """Deliver more of what has come, unless the session has been closed or paused meanwhile."""
        if self._rest is not None and not self._reading_paused:
            rest, self._rest = self._rest, None
            self._deliver(*rest)

    def _delivered(self, exchange: Exchange, *, whole: bool) -> None:
        if whole:
            exchange.answer(_OK)
        else:
            exchange.refuse(HandshakeRefused(BAD_REQUEST, "the session was closed"))

    def _malformed(self, exchange: Exchange, error: EngineProtocolError) -> None:
        self.session.fail(error)
        exchange.refuse(HandshakeRefused(BAD_REQUEST, str(error)))

    def _end_post(self) -> tuple[Exchange | None, bytes]:
        """The POST that was arriving and what there is of its body; another one may come."""
        exchange, body = self._post, bytes(self._body)
        self._post, self._body = None, bytearray()
        if len(body) > LARGE:
            self._keeper.memory.large_message()
        return exchange, body

    def _limit_post(self, size: int) -> None:
        if size <= self._limits.max_payload:
            return
        exchange, _ = self._end_post()
        if exchange is not None:
            self._too_large(exchange)

    def _too_large(self, exchange: Exchange) -> None:
        limit = self._limits.max_payload
        self.session.fail(
            EngineProtocolError(
                f"POST larger than max_http_buffer_size ({limit} bytes)", "max_http_buffer_size"
            )
        )
        exchange.answer(_TOO_LARGE)

    def _refuse_post(self, why: str) -> None:
        exchange, _ = self._end_post()
        if exchange is not None:
            exchange.refuse(HandshakeRefused(BAD_REQUEST, why))


def responder_of(found: Session | Responder) -> Responder:
    """Who answers polling requests: the transport of a session that polls, or who has been found in its place."""
    if not isinstance(found, Session):
        return found
    assert isinstance(found.transport, PollingTransport)
    return found.transport


def is_too_large(answer: HttpAnswer) -> bool:
    """Whether the connection is to be closed after it: the rest of the body is not worth reading."""
    return answer[0] == _TOO_LARGE[0]
