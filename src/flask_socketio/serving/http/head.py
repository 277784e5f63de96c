"""What is wrong with a request's head, which the parser has found to be one."""

from __future__ import annotations

from typing import Any

from ...engine.config import HttpLimits
from ...engine.request import Headers, size_of

#: The longest method has fewer bytes, with what stands between it and the target.
_METHOD = 32

#: RFC 8446, 5.1: a record of a handshake, of any version.
_TLS_HANDSHAKE = b"\x16\x03"
_HTTPS = "this port is for http://, not for https:// (run() has certfile= and keyfile=)"


class BadHead(Exception):  # noqa: N818 - a verdict, not a failure
    """What the client is answered in place of what it asked for; `reason` is one of a few."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def no_request(data: bytes) -> BadHead:
    """What cannot be read as a request."""
    return BadHead(400, _HTTPS if data.startswith(_TLS_HANDSHAKE) else "invalid request")


def too_large(target: bytes, limits: HttpLimits) -> BadHead:
    """Which part of a head is too large, of one that may be incomplete."""
    if len(target) > limits.max_header_size - _METHOD:
        return BadHead(414, "target too long")
    return BadHead(431, "head too large")


def check_size(target: bytes, headers: Headers, limits: HttpLimits) -> BadHead | None:
    """What is wrong with the size of a head, if anything is."""
    size = limits.max_header_size
    if 0 < size < len(target):
        return BadHead(414, "target too long")
    if 0 < limits.max_header_fields < len(headers):
        return BadHead(431, "too many header fields")
    if 0 < size < len(target) + size_of(headers):
        return BadHead(431, "head too large")
    return None


def check_version(version: str, names: list[bytes]) -> BadHead | None:
    """What is wrong with a request's version, or with fields that it asks for or does not have."""
    hosts = names.count(b"host")
    if version == "1.1" and hosts == 1:
        return None
    if version not in ("1.0", "1.1"):
        return BadHead(505, "not HTTP/1")
    if hosts > 1 or version == "1.1":
        return BadHead(400, "not one Host")
    return BadHead(400, "HTTP/1.0 has no chunks") if b"transfer-encoding" in names else None


def is_websocket(method: bytes, headers: Headers) -> bool:
    """Whether an upgrade that the parser has found is one to WebSocket."""
    return method != b"CONNECT" and dict(headers).get(b"upgrade", b"").lower() == b"websocket"


def without_upgrade(parser: Any, target: bytes, headers: Headers) -> bytes:
    """The head that a parser has read, as if the client had not asked for an upgrade.

    The parser has left the body alone, as if it were another protocol's.
    """
    line = b"%b %b HTTP/%b" % (parser.get_method(), target, parser.get_http_version().encode())
    fields = [b"%b: %b" % header for header in headers if header[0] != b"upgrade"]
    return b"\r\n".join([line, *fields, b"", b""])
