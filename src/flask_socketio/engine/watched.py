"""Sessions that tell what happens to them; those of a server that nobody watches do not ask whether to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ..base.hooks import overriding
from ..protocol.message import Message
from ..protocol.reasons import CloseReason
from ..protocol.states import SessionState
from .request import EngineRequest
from .session import Keeper, Probe, Session, Transport
from .watcher import SessionWatcher

#: Makes a session, as the class does.
NewSession = Callable[[Keeper, str, EngineRequest, Transport], Session]


def session_maker(watchers: Sequence[SessionWatcher]) -> NewSession:
    """What makes the sessions of a server."""
    told = _Told(watchers)
    made: NewSession = Session
    if told.received or told.sent:
        made = partial(_PacketsWatched, told)
    elif told.opened or told.upgraded or told.closed:
        made = partial(_Watched, told)
    return made


class _Told:
    """Whom to tell."""

    def __init__(self, watchers: Sequence[SessionWatcher]) -> None:
        wanting = partial(overriding, watchers, SessionWatcher)
        self.opened = wanting("session_opened")
        self.upgraded = wanting("session_upgraded")
        self.closed = wanting("session_closed")
        self.received = wanting("packet_received")
        self.sent = wanting("packet_sent")


class _Watched(Session):
    __slots__ = ("_told",)

    def __init__(
        self, told: _Told, keeper: Keeper, sid: str, request: EngineRequest, transport: Transport
    ) -> None:
        super().__init__(keeper, sid, request, transport)
        self._told = told
        for tell in told.opened:
            tell(self)

    def switch(self, websocket: Probe) -> None:
        super().switch(websocket)
        for tell in self._told.upgraded:
            tell(self)

    def close(self, reason: CloseReason) -> None:
        if self.state is SessionState.OPEN:  # only the first cause counts
            super().close(reason)
            for tell in self._told.closed:
                tell(self, reason)


class _PacketsWatched(_Watched):
    __slots__ = ()

    def send(self, message: Message) -> None:
        if self.state is SessionState.OPEN:
            for tell in self._told.sent:
                tell(self, message)
            super().send(message)

    def receive_text(self, packet: str) -> None:
        for tell in self._told.received:
            tell(self, packet)
        super().receive_text(packet)

    def receive_binary(self, data: bytes) -> None:
        for tell in self._told.received:
            tell(self, data)
        super().receive_binary(data)
