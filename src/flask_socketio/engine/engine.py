"""The engine: which sessions there are, and their deadlines."""

from __future__ import annotations

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Sequence
from math import ceil

from ..base.counters import Counters
from ..protocol import engineio as eio
from ..protocol.message import Message
from ..protocol.reasons import CloseReason
from ..protocol.states import SessionState, TransportRole
from .admission import Admission, ConnectionMiddleware
from .config import EngineConfig
from .ids import Origin
from .link import WebSocketLink
from .memory import MemoryTrimmer
from .outbox import Queueing
from .polling import PollingTransport, Responder
from .request import EngineRequest
from .session import Keeper, Receiver, Session, Transport
from .timers import Deadlines, DelayQueue
from .watched import NewSession
from .websocket import WebSocketTransport

logger = logging.getLogger("flask_socketio.engine")

_CURRENT = TransportRole.CURRENT  # looking up a member of an enum takes as long as a call

#: How much before its time a ping may go out together with others: a part of ping_interval, and seconds at most.
_EARLY, _MOST_EARLY = 0.01, 0.1
#: Seconds between two batches of clients that are told that the server stops, at most.
_DRAIN_STEP = 0.1


class Engine:
    """One per loop.

    `open_session` is called with every new session and returns who its messages are for. `middlewares` are asked at
    every handshake, one after the other; `elsewhere` answers for sessions that another process may have, and which one
    that is, ids of sessions say by beginning with its `node`.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        config: EngineConfig,
        open_session: Callable[[Session], Receiver],
        *,
        middlewares: Sequence[ConnectionMiddleware] = (),
        elsewhere: Responder | None = None,
        node: str = "",
        counters: Counters | None = None,
        new_session: NewSession = Session,
        new_polling: Callable[[Keeper], PollingTransport] = PollingTransport,
    ) -> None:
        limits = config.limits
        self.loop = loop
        self.config = config
        self.counters = counters or Counters()
        self.memory = MemoryTrimmer(loop)
        self.queueing = Queueing(limits, self.counters)
        self.sessions: dict[str, Session] = {}
        self._origin = origin = Origin(node)
        self.admission = Admission(config, self.counters, self.find, origin, middlewares, elsewhere)
        #: what stands before and behind the id in an open packet, by the transport
        self._openings: dict[str, tuple[bytes, bytes]] = {}
        self._open_session = open_session
        self._new_session = new_session
        self._new_polling = new_polling
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

    # -- sessions ------------------------------------------------------------------------------

    def find(self, sid: str) -> Session | None:
        """The session with this id; also one that has ended, and whose last packets have not been fetched."""
        session = self.sessions.get(sid)
        if session is not None and self._pongs.has_passed(session) and _was_away(session.transport):
            self._pong_overdue(session)  # the request was read before the timer fired
            session = self.sessions.get(sid)
        return session

    def open_polling(self, request: EngineRequest) -> Session:
        """A session that starts over polling."""
        return self._open(request, self._new_polling(self))

    def open_websocket(
        self, request: EngineRequest, session: Session | None, link: WebSocketLink
    ) -> WebSocketTransport:
        """A WebSocket that has been let in: it carries a new session, or may take over from polling.

        Where the session has a WebSocket already, the new one is closed at once.
        """
        if session is not None:
            return self._open_probe(session, link)
        transport = WebSocketTransport(link, _CURRENT)
        self._open(request, transport)
        return transport

    def _open(self, request: EngineRequest, transport: Transport) -> Session:
        sid = next(self._origin.sids)
        session = transport.session = self._new_session(self, sid, request, transport)
        self.sessions[sid] = session
        self.counters.sessions_opened += 1
        session.send(self._open_packet(sid, transport.name))
        self._pings.add(session)
        session.receiver = self._open_session(session)
        logger.debug(
            "session %s opened over %s (%s)", session.sid, transport.name, transport.carrier
        )
        return session

    def _open_packet(self, sid: str, transport: str) -> Message:
        """Those of two sessions differ in their ids alone."""
        opening = self._openings.get(transport)
        if opening is None:
            packet = eio.open_packet(self.config.handshake_fields("", transport)).text or b""
            before, _, after = packet.partition(b'""')
            opening = self._openings[transport] = before + b'"', b'"' + after
        return Message(sid.encode().join(opening))

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

    async def drain(self, seconds: float) -> None:
        """Open no more sessions, and end those that there are over so many seconds, so that not all come back at once.

        Those for which something is under way come last.
        """
        self.admission.draining = True
        sessions = [
            session for session in self.sessions.values() if session.state is SessionState.OPEN
        ]
        left = deque(sessions)
        begun = self.loop.time()
        while left and (passed := self.loop.time() - begun) < seconds:
            due = ceil(len(sessions) * passed / seconds) - (len(sessions) - len(left))
            for _ in range(min(due, len(left))):
                session = left.popleft()
                if session.state is SessionState.OPEN and session.receiver.is_busy:
                    left.append(session)
                else:
                    session.close(CloseReason.SERVER_SHUTDOWN)
            await asyncio.sleep(min(_DRAIN_STEP, seconds / 10))

    def close(self, reason: CloseReason = CloseReason.SERVER_SHUTDOWN) -> None:
        """End every session, and open no more."""
        self.admission.draining = True
        for session in list(self.sessions.values()):
            session.close(reason)
        for queue in (self._pings, self._pongs, self._upgrades, self._lingering):
            queue.close()


def _was_away(transport: Transport) -> bool:
    """Whether the client has not even heard the last ping, so that no pong can be on its way."""
    return isinstance(transport, PollingTransport) and transport.keeps(eio.PING_PACKET)
