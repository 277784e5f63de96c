"""The origins of `cors_allowed_origins`, as browsers send them: scheme, host, and a port other than the scheme's."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

from ..engine.config import AllowedOrigins

logger = logging.getLogger("flask_socketio.server")

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*://)?([^/\s]+)(/.*)?", re.I | re.S)
#: What a browser leaves out of an origin.
_PORTS = {"http://": ":80", "https://": ":443"}
#: Any, and what pages without an origin send: a file, a sandboxed frame.
_AS_THEY_ARE = {"*", "null"}
_MENDED = "cors_allowed_origins: no browser sends the origin %r, so %s is taken for it"
_WILDCARD = (
    "cors_allowed_origins: %r allows nobody, there are no patterns; give a function that takes an origin and returns "
    "whether it is allowed"
)


def origins(value: AllowedOrigins) -> AllowedOrigins:
    """The same, or where some of them would never match, those that are meant, with a warning for each."""
    if value is None or callable(value):
        return value
    given: list[Any] = [value] if isinstance(value, str) else list(value)
    mended = [
        origin for one in given for origin in (_mended(one) if isinstance(one, str) else (one,))
    ]
    return value if mended == given else mended


def _mended(text: str) -> Sequence[str]:
    if "*" in text and text != "*":
        logger.warning(_WILDCARD, text)
        return [text]
    meant = [origin for part in text.split(",") for origin in _meant(part.strip())]
    if meant != [text]:
        logger.warning(_MENDED, text, " or ".join(map(repr, meant)))
    return meant


def _meant(text: str) -> Sequence[str]:
    found = _ORIGIN.fullmatch(text)
    if found is None or text in _AS_THEY_ARE:
        return [text]
    scheme, host, _ = found.groups()
    return [_origin(one.lower(), host.lower()) for one in ([scheme] if scheme else _PORTS)]


def _origin(scheme: str, host: str) -> str:
    return scheme + host.removesuffix(_PORTS.get(scheme, ""))
