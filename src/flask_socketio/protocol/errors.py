"""What the peer did wrong, as types.

    ProtocolError                 anything a peer may not send
    ├── EngineProtocolError       Engine.IO: unknown packet type, packet in the wrong state, bad payload
    ├── SocketProtocolError       Socket.IO: malformed packet, wrong namespace, attachments that do not match
    └── WebSocketProtocolError    RFC 6455: carries the close code that the specification asks for

    HandshakeRefused              an HTTP request the engine answers with an error (Engine.IO v4, "Handshake")

Mistakes of the application itself (an argument that is no JSON, say) are TypeError and ValueError, raised to it.
"""

from __future__ import annotations

from http import HTTPStatus


class ProtocolError(Exception):
    """The peer broke the protocol; the connection it came on is closed.

    `limit` is the option that names how much is too much, empty where it is no matter of quantity.
    """

    def __init__(self, message: str, limit: str = "") -> None:
        super().__init__(message)
        self.limit = limit


class EngineProtocolError(ProtocolError):
    """Engine.IO: unknown packet type, packet in the wrong state, malformed payload."""


class SocketProtocolError(ProtocolError):
    """Socket.IO: malformed packet, a namespace the client is not in, attachments that do not match."""


class WebSocketProtocolError(ProtocolError):
    """RFC 6455; `code` is the status code for the close frame (section 7.4.1)."""

    def __init__(self, code: int, message: str, limit: str = "") -> None:
        super().__init__(message, limit)
        self.code = code


class HandshakeRefused(Exception):  # noqa: N818 - a verdict, not a failure
    """An HTTP request that the engine does not serve.

    `code` and `message` are the reference server's (0 to 5), `status` the HTTP status that goes with them;
    `detail` is for the log alone, where refusals of one `kind`, by default those with the same message, are told
    together; `is_usual`: of what need not be looked at.
    """

    def __init__(
        self,
        code: int,
        detail: str = "",
        *,
        message: str | None = None,
        status: HTTPStatus | None = None,
        kind: str | None = None,
        is_usual: bool = False,
    ) -> None:
        self.code = code
        self.message = message or MESSAGES[code]
        usual = HTTPStatus.FORBIDDEN if code == FORBIDDEN else HTTPStatus.BAD_REQUEST
        self.status = status or usual
        self.detail = detail
        self.kind = kind or self.message
        self.is_usual = is_usual
        super().__init__(f"{self.message}: {detail}" if detail else self.message)


UNKNOWN_TRANSPORT = 0
UNKNOWN_SID = 1
BAD_HANDSHAKE_METHOD = 2
BAD_REQUEST = 3
FORBIDDEN = 4
UNSUPPORTED_PROTOCOL_VERSION = 5

MESSAGES = {
    UNKNOWN_TRANSPORT: "Transport unknown",
    UNKNOWN_SID: "Session ID unknown",
    BAD_HANDSHAKE_METHOD: "Bad handshake method",
    BAD_REQUEST: "Bad request",
    FORBIDDEN: "Forbidden",
    UNSUPPORTED_PROTOCOL_VERSION: "Unsupported protocol version",
}
