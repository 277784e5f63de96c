"""What is wrong with a request's head, which the parser has found to be one."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from httptools import HttpRequestParser

from ...engine.config import HttpLimits
from ...engine.request import Headers, size_of

_NAME = itemgetter(0)
#: The longest method has fewer bytes, with what stands between it and the target.
_METHOD = 32


class BadHead(Exception):  # noqa: N818 - a verdict, not a failure
    """What the client is answered in place of what it asked for; `reason` is one of a few."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def too_large(target: bytes, limits: HttpLimits) -> BadHead:
    """Which part of a head is too large, of one that may be incomplete."""
    if len(target) > limits.max_header_size - _METHOD:
        return BadHead(414, "target too long")
    return BadHead(431, "head too large")


def check_size(target: bytes, headers: Headers, limits: HttpLimits) -> None:
    """Raises BadHead for a head that is over a limit."""
    size = limits.max_header_size
    if 0 < size < len(target):
        raise BadHead(414, "target too long")
    if 0 < limits.max_header_fields < len(headers):
        raise BadHead(431, "too many header fields")
    if 0 < size < len(target) + size_of(headers):
        raise BadHead(431, "head too large")


def has_one_host(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """What HTTP/1.1 asks of a request (RFC 9112, 3.2)."""
    return [*map(_NAME, headers)].count(b"host") == 1


def is_websocket(method: bytes, headers: Headers) -> bool:
    """Whether an upgrade that the parser has found is one to WebSocket."""
    upgrade = b"".join([value for name, value in headers if name == b"upgrade"][-1:])
    return method != b"CONNECT" and upgrade.lower() == b"websocket"


def feed_without_upgrade(
    parser: HttpRequestParser, old: Any, target: bytes, headers: Headers
) -> None:
    """Show a parser the head that another one has read, as if the client had not asked for an upgrade.

    Such a parser leaves the body alone, as it would be another protocol's.
    """
    line = b"%b %b HTTP/%b" % (old.get_method(), target, old.get_http_version().encode())
    fields = [b"%b: %b" % header for header in headers if header[0] != b"upgrade"]
    parser.feed_data(b"\r\n".join([line, *fields, b"", b""]))
