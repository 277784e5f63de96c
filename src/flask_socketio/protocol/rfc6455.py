"""RFC 6455, the server's side: frames out, messages assembled from frames in, the opening handshake."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha1
from struct import Struct

from .errors import WebSocketProtocolError

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

NORMAL_CLOSURE = 1000
GOING_AWAY = 1001
PROTOCOL_ERROR = 1002
INVALID_TEXT = 1007
POLICY_VIOLATION = 1008
MESSAGE_TOO_BIG = 1009
INTERNAL_ERROR = 1011

#: Fragments in one message. Each costs the receiver more than its bytes (ws: CVE-2026-48779).
MAX_FRAGMENTS = 4096

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#: 16 bytes in base64.
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
_LENGTH_16 = Struct("!BBH").pack
_LENGTH_64 = Struct("!BBQ").pack


#: The heads of short frames, by opcode and length.
_SHORT = [[bytes((0x80 | opcode, length)) for length in range(126)] for opcode in range(16)]


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """An unfragmented, unmasked frame (section 5.2)."""
    length = len(payload)
    if length < 126:
        return _SHORT[opcode][length] + payload
    if length < 65536:
        return _LENGTH_16(0x80 | opcode, 126, length) + payload
    return _LENGTH_64(0x80 | opcode, 127, length) + payload


def encode_close(code: int, reason: str = "") -> bytes:
    """A close frame (section 5.5.1)."""
    return encode_frame(CLOSE, code.to_bytes(2, "big") + cut_reason(reason).encode())


def cut_reason(reason: str) -> str:
    """As much of a close frame's reason as fits: 123 bytes (section 5.5)."""
    return reason.encode()[:123].decode(errors="ignore")


def close_code(payload: bytes) -> int:
    """The status code of a close frame's payload, 1000 where it has none (sections 5.5.1 and 7.4).

    Raises WebSocketProtocolError for a code that may not be sent.
    """
    if not payload:
        return NORMAL_CLOSURE
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not (
        1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
    ):
        raise WebSocketProtocolError(PROTOCOL_ERROR, f"close code {code}")
    decode_text(payload[2:])
    return code


class MessageAssembler:
    """Makes messages of data frames (section 5.4), where the frame parser leaves that to us.

    The parser below has unmasked the payload and checked opcodes, lengths and control frames.
    """

    __slots__ = ("_fragments", "_opcode", "_size", "max_size")

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self._opcode = CONTINUATION
        self._fragments: list[bytes] = []
        self._size = 0

    @property
    def idle(self) -> bool:
        """Whether no fragmented message is under way."""
        return self._opcode == CONTINUATION

    @property
    def size(self) -> int:
        """Bytes that there are of that message."""
        return self._size

    def feed(self, opcode: int, fin: bool, payload: bytes) -> str | bytes | None:
        """Take one data frame; return the message it completes, text as str.

        Raises WebSocketProtocolError with code 1002, 1007, 1008 or 1009.
        """
        if (opcode == CONTINUATION) == self.idle:
            raise WebSocketProtocolError(PROTOCOL_ERROR, "continuation frame out of sequence")
        self._size += len(payload)
        if self._size > self.max_size:
            raise too_big(self.max_size)
        if len(self._fragments) >= MAX_FRAGMENTS:
            raise WebSocketProtocolError(
                POLICY_VIOLATION, f"more than {MAX_FRAGMENTS} fragments", "fragments"
            )
        if opcode != CONTINUATION:
            self._opcode = opcode
        self._fragments.append(payload)
        return self._finish() if fin else None

    def _finish(self) -> str | bytes:
        opcode, message = self._opcode, b"".join(self._fragments)
        self._opcode, self._fragments, self._size = CONTINUATION, [], 0
        return decode_text(message) if opcode == TEXT else message


def too_big(limit: int) -> WebSocketProtocolError:
    """For a message over the limit."""
    return WebSocketProtocolError(
        MESSAGE_TOO_BIG,
        f"message exceeds max_http_buffer_size ({limit} bytes)",
        "max_http_buffer_size",
    )


def decode_text(payload: bytes) -> str:
    """The text of a message (section 8.1); raises WebSocketProtocolError 1007."""
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise WebSocketProtocolError(INVALID_TEXT, "text message is not UTF-8") from None


def accept_token(headers: Mapping[str, str]) -> str:
    """Check the client's opening handshake (section 4.2.1); return the Sec-WebSocket-Accept value.

    `headers` has lower-case names. Raises ValueError that says what is wrong.
    """
    if headers.get("upgrade", "").lower() != "websocket":
        raise ValueError("the Upgrade header is not 'websocket'")
    connection = headers.get("connection", "").lower()
    if connection != "upgrade" and "upgrade" not in map(str.strip, connection.split(",")):
        raise ValueError("the Connection header has no 'upgrade'")
    if headers.get("sec-websocket-version") != "13":
        raise ValueError("Sec-WebSocket-Version is not 13")
    key = headers.get("sec-websocket-key", "")
    if _KEY.fullmatch(key) is None:
        raise ValueError("Sec-WebSocket-Key is not 16 bytes in base64")
    return accept_value(key.encode()).decode()


def accept_value(key: bytes) -> bytes:
    """The Sec-WebSocket-Accept value for a Sec-WebSocket-Key."""
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
