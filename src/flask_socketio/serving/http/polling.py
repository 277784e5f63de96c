"""A request of a polling session, of which there is one per message and more, without a task and ASGI's dicts."""

from __future__ import annotations

from ...engine.answers import HttpAnswer, compressed, header_lines, refusal_answer
from ...engine.engine import Engine
from ...engine.polling import Responder, is_too_large, responder_of
from ...engine.request import EngineRequest, Headers
from ...protocol.errors import HandshakeRefused
from .cycle import Connection, DirectCycle


class DirectExchange(DirectCycle):
    """What the session's transport takes for the request and the way to answer it."""

    __slots__ = ("_engine", "_responder", "request")

    def __init__(
        self, protocol: Connection, engine: Engine, request: EngineRequest, *, keep_alive: bool
    ) -> None:
        super().__init__(protocol, keep_alive=keep_alive)
        self._engine = engine
        self.request = request
        self._responder: Responder | None = None

    def begin(self) -> None:
        """Find who answers the request, and pass it there."""
        try:
            found = self._engine.admission.admit_at_once(self.request)
        except HandshakeRefused as refusal:
            self.refuse(refusal)
            return
        assert found is not None
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
            self._answer(answer, self.request.response_headers)

    def refuse(self, refusal: HandshakeRefused) -> None:
        self._answer(refusal_answer(refusal)[0], self.request.response_headers)

    async def _compress(self, answer: HttpAnswer) -> None:
        request = self.request
        answer, headers = await compressed(self._engine.config, request, answer)
        self._answer(answer, headers + request.response_headers)

    def _answer(self, answer: HttpAnswer, headers: Headers) -> None:
        if is_too_large(answer):
            self.keep_alive = False
        status, content_type, body = answer
        lines = b"\r\ncache-control: no-store\r\ncontent-type: %b\r\ncontent-length: %d" % (
            content_type,
            len(body),
        )
        self.respond(status, lines + header_lines(headers), body)
