"""A WebSocket as a transport, whichever lane it came in on."""

from __future__ import annotations

import logging

from ..base.told import Told
from ..protocol import engineio as eio
from ..protocol import rfc6455 as ws
from ..protocol.errors import EngineProtocolError, ProtocolError
from ..protocol.message import Message
from ..protocol.reasons import CloseReason
from ..protocol.states import EngineAction, TransportRole, engine_action
from .link import WebSocketLink
from .session import Session

logger = logging.getLogger("flask_socketio.engine")

_told = Told(logger)

# Looking up a member of an enum takes as long as a call.
_CURRENT = TransportRole.CURRENT

_CLOSE_CODES = {
    CloseReason.SERVER_SHUTDOWN: ws.GOING_AWAY,
    CloseReason.PARSE_ERROR: ws.PROTOCOL_ERROR,
    CloseReason.TRANSPORT_ERROR: ws.PROTOCOL_ERROR,
    CloseReason.SLOW_CONSUMER: ws.POLICY_VIOLATION,
    CloseReason.CONNECT_TIMEOUT: ws.POLICY_VIOLATION,
}
#: A client that broke the rules, or shows no life, need not be waited for.
_NO_ANSWER = {CloseReason.PARSE_ERROR, CloseReason.TRANSPORT_ERROR, CloseReason.PING_TIMEOUT}

#: Seconds for which a client whose answer is not awaited can still read the close frame.
DRAIN_TIME = 0.25


class WebSocketTransport:
    """Between a session and a lane's link: probes, and then carries the session."""

    __slots__ = ("_link", "role", "send", "session")

    name = "websocket"

    session: Session

    def __init__(self, link: WebSocketLink, role: TransportRole) -> None:
        self._link = link
        self.role = role
        #: no step in between: this is called for every packet
        self.send = link.write

    @property
    def carrier(self) -> str:
        return self._link.carrier

    @property
    def traffic(self) -> tuple[int, int]:
        """Bytes received and sent so far."""
        return self._link.received, self._link.sent

    # -- the session's side --------------------------------------------------------------------

    def close(self, reason: CloseReason) -> None:
        code = _CLOSE_CODES.get(reason, ws.NORMAL_CLOSURE)
        self._link.close(code, reason.value, await_answer=reason not in _NO_ANSWER)

    def pause_reading(self) -> None:
        self._link.pause_reading()

    def resume_reading(self) -> None:
        self._link.resume_reading()

    def probe_answered(self) -> None:
        raise NotImplementedError("a WebSocket is the last transport of a session")

    def retire(self) -> list[Message]:
        raise NotImplementedError("a WebSocket is the last transport of a session")

    # -- the lane's side -----------------------------------------------------------------------

    def receive_text(self, packet: str) -> None:
        if self.role is _CURRENT:
            self.session.receive_text(packet)
        else:
            self._probe(packet)

    def receive_binary(self, data: bytes) -> None:
        if self.role is _CURRENT:
            self.session.receive_binary(data)
        else:
            self.abandon("a binary frame before the upgrade")

    def lost(self, reason: CloseReason) -> None:
        """The connection is gone, or cannot go on."""
        if self.role is _CURRENT:
            self.session.close(reason)
        else:
            self.session.probe_failed(self)

    def overflow(self) -> None:
        """The client does not read what it is sent."""
        self.session.give_up()

    # -- upgrade -------------------------------------------------------------------------------

    def _probe(self, packet: str) -> None:
        try:
            action = engine_action(self.role, packet)
        except EngineProtocolError as error:
            self.abandon(str(error))
            return
        if action is EngineAction.ANSWER_PROBE:
            self.role = TransportRole.PROBED
            self._link.write(eio.PROBE_ANSWER)
            self.session.probe_answered()
        elif action is EngineAction.SWITCH:
            self.role = TransportRole.CURRENT
            self.session.switch(self)

    def abandon(self, why: str) -> None:
        """This WebSocket does not become the transport; the session goes on as it was."""
        _told.warning("session %s: upgrade abandoned: %s", self.session.sid, why)
        self.session.probe_abandoned(self)
        self._link.close(ws.PROTOCOL_ERROR, f"upgrade abandoned: {why}", await_answer=False)

    def protocol_error(self, error: ProtocolError, code: int) -> None:
        """The frames themselves were wrong (RFC 6455)."""
        self.session.count_limit(error)
        sid = self.session.sid
        _told.warning("session %s: WebSocket: %s; closing the connection", sid, error)
        self._link.close(code, str(error), await_answer=False)
        self.lost(CloseReason.TRANSPORT_ERROR)
