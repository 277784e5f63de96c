"""The engine: which sessions there are, who may open one, and their deadlines."""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any, Protocol

from ..base.counters import Counters
from ..protocol import engineio as eio
from ..protocol.errors import (
    BAD_HANDSHAKE_METHOD,
    BAD_REQUEST,
    FORBIDDEN,
    UNKNOWN_SID,
    UNKNOWN_TRANSPORT,
    UNSUPPORTED_PROTOCOL_VERSION,
    HandshakeRefused,
)
from ..protocol.reasons import CloseReason
from ..protocol.states import SessionState, TransportRole
from .config import EngineConfig
from .ids import new_sid
from .memory import MemoryTrimmer
from .origin import OriginPolicy
from .polling import PollingTransport
from .request import EngineRequest
from .session import Receiver, Session, Transport
from .timers import Deadlines, DelayQueue
from .websocket import WebSocketLink, WebSocketTransport

logger = logging.getLogger("flask_socketio.engine")

#: How much before its time a ping may go out together with others: a part of ping_interval, and seconds at most.
_EARLY, _MOST_EARLY = 0.01, 0.1


class Negotiate(Protocol):
    """Who is asked at every handshake: may replace the request's environ and add headers to the answer."""

    @property
    def is_needed(self) -> bool:
        """Whether there is anybody to ask."""
        ...

    async def __call__(self, request: EngineRequest) -> None:
        """Raises HandshakeRefused."""


class Engine:
    """One per loop.

    `open_session` is called with every new session and returns who handles it.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        config: EngineConfig,
        open_session: Callable[[Session], Receiver],
        negotiate: Negotiate | None = None,
        counters: Counters | None = None,
    ) -> None:
        limits = config.limits
        self.loop = loop
        self.config = config
        self.counters = counters or Counters()
        self.memory = MemoryTrimmer(loop)
        self.origins = OriginPolicy(config.cors_allowed_origins, config.cors_credentials)
        self.sessions: dict[str, Session] = {}
        self.draining = False
        self._open_session = open_session
        self._negotiate = negotiate
        self._pongs = Deadlines(loop, config.ping_timeout, self._pong_overdue)
        self._pings = DelayQueue(
            loop,
            config.ping_interval,
            Session.ping,
            early=min(config.ping_interval * _EARLY, _MOST_EARLY),
            then=self._pongs,
        )
        self._upgrades = Deadlines(loop, limits.upgrade_timeout, Session.upgrade_timed_out)
        self._lingering: Deadlines[Session] = Deadlines(loop, limits.close_timeout, self._forget)

    # -- the handshake, one for all transports -------------------------------------------------

    def has_to_wait(self, request: EngineRequest) -> bool:
        """Whether it takes time to admit the request: a handshake's middlewares run on a thread."""
        return (
            self._negotiate is not None and self._negotiate.is_needed and request.query.sid is None
        )

    async def admit(self, request: EngineRequest) -> Session | None:
        """Check a request; return the session that it names, None if it asks for a new one.

        Raises HandshakeRefused.
        """
        if self._negotiate is not None and self.has_to_wait(request):
            try:
                self._check(request)
                await self._negotiate(request)
            except HandshakeRefused as refusal:
                self._tell(request, refusal)
                raise
        return self.admit_at_once(request)

    def admit_at_once(self, request: EngineRequest) -> Session | None:
        """As `admit`, for a request that does not have to wait."""
        try:
            session = self._check(request)
            self._check_origin(request, session)
        except HandshakeRefused as refusal:
            self._tell(request, refusal)
            raise
        return session

    def _check(self, request: EngineRequest) -> Session | None:
        session = self._named_session(request)
        if session is None:
            self._check_handshake(request)
        return session

    def _tell(self, request: EngineRequest, refusal: HandshakeRefused) -> None:
        self.counters.handshakes_refused += 1
        logger.warning("%s %s refused: %s", request.method, self.config.path, refusal)

    def _check_origin(self, request: EngineRequest, session: Session | None) -> None:
        # Which host the server is known by, the handshake has told, behind proxies as well.
        environ = request.environ if session is None else session.environ
        origin = request.header(b"origin")
        if not self.origins.allows(environ, origin):
            raise HandshakeRefused(
                FORBIDDEN,
                f"origin {origin!r} is not accepted, {self.origins.expected(environ)}; see cors_allowed_origins",
            )
        request.response_headers += self.origins.response_headers(origin)

    def _named_session(self, request: EngineRequest) -> Session | None:
        query = request.query
        if query.transport not in self.config.transports:
            raise HandshakeRefused(UNKNOWN_TRANSPORT, f"transport={query.transport[:64]!r}")
        if query.sid is None:
            return None
        session = self._find(query.sid)
        # One that has ended is there for a last poll.
        if session is None or (request.is_websocket and session.state is not SessionState.OPEN):
            raise HandshakeRefused(
                UNKNOWN_SID,
                "the session has ended, or another process has it: several workers need workers=N",
            )
        if query.revision != eio.REVISION:
            raise HandshakeRefused(
                BAD_REQUEST, f"EIO={query.revision[:16]!r} in a session of revision 4"
            )
        upgrade = query.transport == "websocket"
        name = session.transport.name
        if upgrade != request.is_websocket or (not upgrade and name != "polling"):
            raise HandshakeRefused(BAD_REQUEST, f"the session's transport is {name}")
        if upgrade and not self.config.allow_upgrades:
            raise HandshakeRefused(BAD_REQUEST, "allow_upgrades is off")
        return session

    def _find(self, sid: str) -> Session | None:
        session = self.sessions.get(sid)
        if session is not None and self._pongs.has_passed(session) and _was_away(session.transport):
            self._pong_overdue(session)  # the request was read before the timer fired
            session = self.sessions.get(sid)
        return session

    def _check_handshake(self, request: EngineRequest) -> None:
        query = request.query
        if request.method != "GET":
            raise HandshakeRefused(BAD_HANDSHAKE_METHOD, f"{request.method} without a session")
        if (query.transport == "websocket") != request.is_websocket:
            raise HandshakeRefused(
                BAD_REQUEST, "transport=websocket goes with a WebSocket handshake"
            )
        if query.revision != eio.REVISION:
            raise HandshakeRefused(
                UNSUPPORTED_PROTOCOL_VERSION,
                f"the client speaks Engine.IO revision {query.revision[:16]!r}, this server 4: "
                "it needs socket.io-client 3 or later",
            )
        if self.draining:
            raise HandshakeRefused(BAD_REQUEST, "the server is shutting down")

    # -- opening -------------------------------------------------------------------------------

    def open_polling(self, environ: dict[str, Any]) -> Session:
        """A session that starts over polling."""
        return self._open(environ, PollingTransport(self))

    def open_websocket(
        self, request: EngineRequest, session: Session | None, link: WebSocketLink
    ) -> WebSocketTransport:
        """A WebSocket that `admit` has let in: it carries a new session, or may take over from polling.

        Where the session has a WebSocket already, the new one is closed at once.
        """
        if session is not None:
            return self._open_probe(session, link)
        transport = WebSocketTransport(link, TransportRole.CURRENT)
        self._open(request.environ, transport)
        return transport

    def _open(self, environ: dict[str, Any], transport: Transport) -> Session:
        session = transport.session = Session(self, new_sid(), environ, transport)
        self.sessions[session.sid] = session
        self.counters.sessions_opened += 1
        session.send(eio.open_packet(self.config.handshake_fields(session.sid, transport.name)))
        self._pings.add(session)
        session.receiver = self._open_session(session)
        logger.debug(
            "session %s opened over %s (%s)", session.sid, transport.name, transport.carrier
        )
        return session

    # -- upgrade -------------------------------------------------------------------------------

    def _open_probe(self, session: Session, link: WebSocketLink) -> WebSocketTransport:
        transport = WebSocketTransport(link, TransportRole.PROBING)
        transport.session = session
        if session.probe is None and session.transport.name == "polling":
            session.probe = transport
            self._upgrades.add(session)
        else:
            transport.abandon("the session has a WebSocket already")
        return transport

    def upgrade_finished(self, session: Session) -> None:
        """The probe has succeeded, or failed."""
        self._upgrades.discard(session)

    # -- heartbeat -----------------------------------------------------------------------------

    def pong_received(self, session: Session) -> None:
        if session in self._pongs:
            self._pongs.discard(session)
            self._pings.add(session)

    def pong_extended(self, session: Session) -> None:
        """The pong has not come, but another sign of life: wait for it as long again."""
        if session in self._pongs:
            self._pongs.add(session)

    def _pong_overdue(self, session: Session) -> None:
        if session.reading_paused:
            self._pongs.add(session)
        else:
            session.close(CloseReason.PING_TIMEOUT)

    # -- end -----------------------------------------------------------------------------------

    def linger(self, session: Session) -> None:
        """Keep a closed polling session until its last packets are fetched, for close_timeout at most."""
        self._lingering.add(session)

    def session_closed(self, session: Session, reason: CloseReason) -> None:
        """Called by the session as it ends."""
        self._pings.discard(session)
        self._pongs.discard(session)
        self.counters.sessions_closed += 1
        self.counters.closed_by[reason.value] = self.counters.closed_by.get(reason.value, 0) + 1
        if session not in self._lingering:
            self._forget(session)

    def last_poll_answered(self, session: Session) -> None:
        """A closed polling session has had its last packets fetched."""
        self._lingering.discard(session)
        self._forget(session)

    def _forget(self, session: Session) -> None:
        if self.sessions.pop(session.sid, None) is not None:
            del session.transport  # which has the session: no circle of references

    def close(self, reason: CloseReason = CloseReason.SERVER_SHUTDOWN) -> None:
        """End every session, and open no more."""
        self.draining = True
        for session in list(self.sessions.values()):
            session.close(reason)
        for queue in (self._pings, self._pongs, self._upgrades, self._lingering):
            queue.close()


def _was_away(transport: Transport) -> bool:
    """Whether the client has not even heard the last ping, so that no pong can be on its way."""
    return isinstance(transport, PollingTransport) and transport.keeps(eio.PING_PACKET)
