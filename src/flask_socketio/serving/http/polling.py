"""A request of a polling session, of which there is one per message and more, without a task and ASGI's dicts."""

from __future__ import annotations

from ...engine.answers import HttpAnswer, compressed, header_lines, refusal_answer
from ...engine.engine import Engine
from ...engine.polling import PollingTransport, Responder, is_too_large, responder_of
from ...engine.request import EngineRequest
from ...engine.session import Session
from ...protocol.errors import HandshakeRefused
from .cycle import Connection, DirectCycle

_LINES = b"\r\ncache-control: no-store\r\ncontent-type: %b\r\ncontent-length: %d%b%b"


class DirectExchange(DirectCycle):
    """What the session's transport takes for the request and the way to answer it."""

    __slots__ = ("_engine", "_responder", "request", "ticket")

    def __init__(
        self, protocol: Connection, engine: Engine, request: EngineRequest, *, keep_alive: bool
    ) -> None:
        super().__init__(protocol, keep_alive=keep_alive)
        self._engine = engine
        self.request = request
        self._responder: Responder | None = None
        #: for requests that say the same
        self.ticket: Ticket | None = None

    def begin(self) -> None:
        """Find who answers the request, and pass it there."""
        engine = self._engine
        try:
            found = engine.admission.admit_at_once(self.request)
        except HandshakeRefused as refusal:
            self.refuse(refusal)
            return
        assert found is not None
        if isinstance(found, Session) and engine.admission.origins.are_fixed:
            self.ticket = Ticket(engine, found.sid, self.request)
        self._responder = responder = responder_of(found)
        responder.begin(self)

    def body_arrived(self, data: bytes) -> None:
        if self._responder is not None:
            self._responder.body_arrived(self, data)

    def body_complete(self) -> None:
        if self._responder is not None:
            self._responder.body_complete(self)

    def lost(self) -> None:
        if self._responder is not None:
            self._responder.lost(self)

    # -- from the session ----------------------------------------------------------------------

    def answer(self, answer: HttpAnswer) -> None:
        config = self._engine.config
        if config.http_compression and len(answer[2]) >= config.compression_threshold:
            self.protocol.loop.create_task(self._compress(answer))
        else:
            self._answer(answer)

    def refuse(self, refusal: HandshakeRefused) -> None:
        self._answer(refusal_answer(refusal)[0])

    async def _compress(self, answer: HttpAnswer) -> None:
        answer, headers = await compressed(self._engine.config, self.request, answer)
        self._answer(answer, header_lines(headers))

    def _answer(self, answer: HttpAnswer, more: bytes = b"") -> None:
        if is_too_large(answer):
            self.keep_alive = False
        status, content_type, body = answer
        ticket = self.ticket
        own = ticket.lines if ticket else header_lines(self.request.response_headers)
        self.respond(status, _LINES % (content_type, len(body), more, own), body)


class AdmittedExchange(DirectExchange):
    """One that has a ticket, and has come with its body."""

    __slots__ = ("_transport",)

    def __init__(self, protocol: Connection, ticket: Ticket, transport: PollingTransport) -> None:
        # What the base classes do, in one step for each message.
        self.protocol = protocol
        self.keep_alive = True
        self.response_complete = self.disconnected = False
        self._engine = ticket.engine
        self.request = ticket.request
        self._responder = self._transport = transport
        self.ticket = ticket

    def take(self, body: bytes) -> None:
        self._transport.take(self, body)


class Ticket:
    """A polling request that was let in, and lets in others that say the same: only the session may have gone.

    It does not keep the session alive.
    """

    __slots__ = ("_sid", "engine", "lines", "request")

    def __init__(self, engine: Engine, sid: str, request: EngineRequest) -> None:
        self.engine = engine
        self._sid = sid
        #: but for the length of its body, in place of theirs
        self.request = request
        self.lines = header_lines(request.response_headers)

    def admit(self, protocol: Connection) -> DirectExchange | None:
        """Another one, which has come; None: it has to be asked again who answers it."""
        session = self.engine.find(self._sid)
        transport = session.transport if session is not None else None
        if isinstance(transport, PollingTransport):
            return AdmittedExchange(protocol, self, transport)
        return None
