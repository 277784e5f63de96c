"""Requests of our sessions that other processes have received."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.answers import HttpAnswer, refusal_answer
from ..engine.engine import Engine
from ..engine.polling import Responder, responder_of
from ..engine.request import EngineRequest
from ..protocol.errors import HandshakeRefused
from .frames import Frame, Kind
from .link import Link

#: The headers of a polling request that somebody looks at: what else there is to know, the handshake has said.
_LOOKED_AT = {b"content-length", b"content-type", b"host", b"origin"}


def outline(request: EngineRequest) -> list[Any]:
    """What the owner has to know of a polling request, as JSON."""
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.scope["headers"]
        if name in _LOOKED_AT
    ]
    return [request.method, request.scope["query_string"].decode("latin-1"), headers]


def outlined(outline: list[Any]) -> EngineRequest:
    """The polling request again."""
    method, query, headers = outline
    scope = {
        "type": "http",
        "method": method,
        "query_string": query.encode("latin-1"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
    }
    return EngineRequest(scope)


def describe(request: EngineRequest) -> dict[str, Any]:
    """What the owner has to know of a WebSocket handshake, as JSON."""
    scope = request.scope
    return {
        "type": scope["type"],
        "method": request.method,
        "path": scope.get("path", ""),
        "root_path": scope.get("root_path", ""),
        "scheme": scope.get("scheme", "http"),
        "client": scope.get("client"),
        "server": scope.get("server"),
        "query_string": scope["query_string"].decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
    }  # fmt: skip


def request_of(described: dict[str, Any]) -> EngineRequest:
    """The handshake again."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in described["headers"]]  # fmt: skip
    query = described["query_string"].encode("latin-1")
    return EngineRequest({**described, "query_string": query, "headers": headers})


class RelayedExchange:
    """What the session's transport takes for the request and the way to answer it."""

    def __init__(self, owner: Owner, link: Link, number: int, request: EngineRequest) -> None:
        self.request = request
        self._owner = owner
        self._link = link
        self._number = number
        self.responder: Responder | None = None
        #: ends its waiting
        self.release: Callable[[], None] | None = None
        request.on_wait = self._waits

    def _waits(self, release: Callable[[], None]) -> None:
        self.release = release

    def answer(self, answer: HttpAnswer) -> None:
        status, content_type, body = answer
        headers = [
            [name.decode("latin-1"), value.decode("latin-1")]
            for name, value in self.request.response_headers
        ]
        head = [int(status), content_type.decode(), headers]
        self._link.send(Frame(Kind.ANSWER, self._number, head, body))
        self.responder = self.release = None
        self._owner.answered(self._link, self._number)

    def refuse(self, refusal: HandshakeRefused) -> None:
        self.answer(refusal_answer(refusal)[0])


class Owner:
    """Has the engine answer them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: dict[tuple[Link, int], RelayedExchange] = {}

    def received(self, link: Link, frame: Frame) -> None:
        """A frame of a request."""
        if frame.kind is Kind.REQUEST:
            self._begin(link, frame)
            return
        exchange = self._open.get((link, frame.number))
        responder = exchange.responder if exchange else None
        if exchange is None or responder is None:
            return  # it is answered
        if frame.body:
            responder.body_arrived(exchange, frame.body)
        if frame.kind is Kind.COMPLETE:
            responder.body_complete(exchange)
        elif frame.kind is Kind.RELEASE:
            if exchange.release is not None:
                exchange.release()
        elif frame.kind is Kind.LOST:
            responder.lost(exchange)
            self.answered(link, frame.number)

    def _begin(self, link: Link, frame: Frame) -> None:
        request = outlined(frame.head)
        exchange = RelayedExchange(self, link, frame.number, request)
        self._open[link, frame.number] = exchange
        try:
            found = self._engine.admission.admit_at_once(request)
        except HandshakeRefused as refusal:
            exchange.refuse(refusal)
            return
        assert found is not None
        exchange.responder = responder = responder_of(found)
        responder.begin(exchange)

    def answered(self, link: Link, number: int) -> None:
        self._open.pop((link, number), None)

    def gone(self, link: Link) -> None:
        """The process that the clients of these requests were connected with has ended, and they with it."""
        for key in [key for key in self._open if key[0] is link]:
            exchange = self._open.pop(key)
            if exchange.responder is not None:
                exchange.responder.lost(exchange)
