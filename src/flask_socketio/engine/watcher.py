"""Who wants to know what happens to sessions."""

from __future__ import annotations

from ..protocol.message import Message
from ..protocol.reasons import CloseReason
from .session import Session


class SessionWatcher:
    """What happens to connections. Called on the loop; a method that is left as it is costs nothing."""

    def session_opened(self, session: Session) -> None:
        """The handshake has succeeded; nothing has been sent yet."""

    def session_upgraded(self, session: Session) -> None:
        """A WebSocket carries it now."""

    def session_closed(self, session: Session, reason: CloseReason) -> None:
        """Nothing more comes or goes, and its clients have been told of as disconnected."""

    def packet_received(self, session: Session, packet: str | bytes) -> None:
        """An Engine.IO packet has come, perhaps a malformed one; one of bytes is always a message."""

    def packet_sent(self, session: Session, message: Message) -> None:
        """A packet has been handed to the transport. A broadcast's message is the same for all who receive it."""
