"""An Engine.IO session: one client's connection, whichever transport carries it at the moment."""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop
from typing import Protocol

from ..base.counters import Counters
from ..base.told import Told
from ..protocol import engineio as eio
from ..protocol.errors import ProtocolError
from ..protocol.message import Message
from ..protocol.reasons import CloseReason
from ..protocol.states import EngineAction, SessionState, TransportRole, engine_action
from .config import EngineConfig
from .memory import MemoryTrimmer
from .outbox import Queueing
from .request import EngineRequest

logger = logging.getLogger("flask_socketio.engine")

_told = Told(logger)

# Looking up a member of an enum takes as long as a call.
_OPEN, _CLOSING, _CLOSED = SessionState.OPEN, SessionState.CLOSING, SessionState.CLOSED
_MESSAGE = eio.MESSAGE


class Receiver(Protocol):
    """Who a session's messages are for. May raise ProtocolError: the session is closed then."""

    def on_text(self, text: str) -> None: ...

    def on_binary(self, data: bytes) -> None: ...

    def on_close(self, reason: CloseReason) -> None:
        """Called once, after which nothing can be sent."""

    @property
    def is_busy(self) -> bool:
        """Whether something is under way that the end of the session would cut off."""
        ...


class Transport(Protocol):
    """What a session needs of its transport."""

    session: Session

    @property
    def name(self) -> str:
        """polling or websocket"""
        ...

    @property
    def carrier(self) -> str:
        """The class that serves it, for logs and tests."""
        ...

    def send(self, message: Message) -> None:
        """Hand over one packet; it is written by the end of the loop's turn at the latest."""
        ...

    def close(self, reason: CloseReason) -> None:
        """Deliver what was sent, tell the client, and let go of the connection."""
        ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def probe_answered(self) -> None:
        """Another transport is about to take over."""

    def retire(self) -> list[Message]:
        """Another transport has taken over: stop, and return what was not delivered."""
        ...


class Probe(Transport, Protocol):
    """A WebSocket that may take over from polling."""

    def abandon(self, why: str) -> None:
        """It does not; the session goes on as it was."""


class Keeper(Protocol):
    """Who keeps the sessions, an engine: what they and their transports need of it."""

    @property
    def loop(self) -> AbstractEventLoop: ...

    @property
    def config(self) -> EngineConfig: ...

    @property
    def counters(self) -> Counters: ...

    @property
    def memory(self) -> MemoryTrimmer: ...

    @property
    def queueing(self) -> Queueing: ...

    def pong_received(self, session: Session) -> None: ...

    def pong_extended(self, session: Session) -> None:
        """The pong has not come, but another sign of life: wait for it as long again."""

    def upgrade_finished(self, session: Session) -> None:
        """The probe has succeeded, or failed."""

    def linger(self, session: Session) -> None:
        """Keep a closed polling session until its last packets are fetched, for close_timeout at most."""

    def last_poll_answered(self, session: Session) -> None:
        """A closed polling session has had its last packets fetched."""

    def session_closed(self, session: Session, reason: CloseReason) -> None: ...


class Session:
    """Touched on the engine's loop alone."""

    __deletable__ = ("receiver", "transport")  # compiled classes want to know

    __slots__ = (
        "_keeper",
        "_may_extend",
        "environ",
        "probe",
        "reading_paused",
        "receiver",
        "revision",
        "sid",
        "state",
        "transport",
    )

    def __init__(
        self, keeper: Keeper, sid: str, request: EngineRequest, transport: Transport
    ) -> None:
        self._keeper = keeper
        self.sid = sid
        #: of Engine.IO, in which client and server speak
        self.revision = request.query.revision
        #: the WSGI environ of the request that opened the session
        self.environ = request.environ
        self.transport = transport
        #: the WebSocket that may take over from polling
        self.probe: Probe | None = None
        self.state = _OPEN
        self.reading_paused = False
        self.receiver: Receiver
        self._may_extend = False

    # -- out -----------------------------------------------------------------------------------

    def send(self, message: Message) -> None:
        """Send a packet; nothing happens once the session is closed."""
        if self.state is _OPEN:
            self.transport.send(message)

    # -- in ------------------------------------------------------------------------------------

    def receive_text(self, packet: str) -> None:
        """Take a text packet from the transport that carries the session."""
        try:
            if packet[:1] == _MESSAGE:
                if self._may_extend:
                    self._extend()
                self.receiver.on_text(packet[1:])
                return
            action = engine_action(TransportRole.CURRENT, packet)
        except ProtocolError as error:
            self.fail(error)
            return
        if action is EngineAction.PONG:
            self._keeper.pong_received(self)
        elif action is EngineAction.CLOSE:
            self.close(CloseReason.TRANSPORT_CLOSE)

    def receive_binary(self, data: bytes) -> None:
        """Take a binary packet, which is always a message."""
        if self._may_extend:
            self._extend()
        try:
            self.receiver.on_binary(data)
        except ProtocolError as error:
            self.fail(error)

    # -- heartbeat (Engine.IO v4, "Heartbeat") -------------------------------------------------

    def ping(self) -> None:
        self._may_extend = True
        self.send(eio.PING_PACKET)

    def _extend(self) -> None:
        """A message shows life as well; the pong may be stuck behind it. Once per ping the timeout starts anew."""
        self._may_extend = False
        self._keeper.pong_extended(self)

    # -- back-pressure -------------------------------------------------------------------------

    def pause_reading(self) -> None:
        """Take no more from the client for now; it is not pronounced dead meanwhile."""
        if not self.reading_paused and self.state is _OPEN:
            self.reading_paused = True
            self._keeper.counters.reading_paused += 1
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if self.reading_paused:
            self.reading_paused = False
            self.transport.resume_reading()
            self._keeper.pong_extended(self)  # it could not send one

    # -- upgrade (Engine.IO v4, "Upgrade") -----------------------------------------------------

    def probe_answered(self) -> None:
        self.transport.probe_answered()

    def probe_failed(self, probe: Probe) -> None:
        """This WebSocket does not become the transport, perhaps because the session has one already."""
        if self.probe is probe:
            self.probe = None
            self._keeper.upgrade_finished(self)

    def probe_abandoned(self, probe: Probe) -> None:
        """As `probe_failed`, by its own fault or because it is one too many."""
        self._keeper.counters.upgrades_abandoned += 1
        self.probe_failed(probe)

    def upgrade_timed_out(self) -> None:
        if self.probe is not None:
            self.probe.abandon("not finished within upgrade_timeout")

    def switch(self, websocket: Probe) -> None:
        """The probe has succeeded and the client has let go of polling: the WebSocket carries the session now."""
        self._keeper.upgrade_finished(self)
        polling, self.transport = self.transport, websocket
        self.probe = None
        for message in polling.retire():
            websocket.send(message)
        if self.reading_paused:
            websocket.pause_reading()
        self._keeper.counters.upgrades += 1
        logger.debug("session %s upgraded to websocket (%s)", self.sid, websocket.carrier)

    # -- end -----------------------------------------------------------------------------------

    def fail(self, error: ProtocolError) -> None:
        """The client broke the protocol."""
        self.count_limit(error)
        _told.warning("session %s: %s; closing the connection", self.sid, error)
        self.close(CloseReason.PARSE_ERROR)

    def count_limit(self, error: ProtocolError) -> None:
        """Where it was a limit that the client came to."""
        if error.limit:
            self._keeper.counters.limit_reached(error.limit)

    def give_up(self) -> None:
        """The client does not read what it is sent."""
        self._keeper.memory.large_message()
        self.close(CloseReason.SLOW_CONSUMER)

    def close(self, reason: CloseReason) -> None:
        """End the session. The only way out: every cause comes through here, and only the first one counts."""
        if self.state is not _OPEN:
            return
        self.state = _CLOSING
        self.resume_reading()
        if self.probe is not None:
            self.probe.close(reason)
            self.probe_failed(self.probe)
        self.transport.close(reason)
        self.state = _CLOSED
        self._keeper.session_closed(self, reason)
        logger.debug("session %s closed: %s", self.sid, reason.value)
        self.receiver.on_close(reason)
        # No circle of references: memory would wait for the garbage collector.
        del self.receiver
