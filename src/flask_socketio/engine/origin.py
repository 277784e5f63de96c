"""Which pages may talk to the server, and by which names of it: the headers Origin and Host.

They are checked on polling requests and WebSocket handshakes alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

from werkzeug.sansio.utils import host_is_trusted

from .config import AllowedOrigins

#: An IPv6 address in a Host header.
_ADDRESS = re.compile(r"(\[[^]]*\])(?::[0-9]+)?")


class OriginPolicy:
    """Answers whether an origin is allowed, and the headers that tell a browser so.

    `any_host`: a proxy's word for the server's host is taken. Else it is the environ's, which has been checked.
    """

    def __init__(
        self, allowed: AllowedOrigins, credentials: bool, *, any_host: bool = True
    ) -> None:
        self._allowed = (allowed,) if isinstance(allowed, str) else allowed
        self._credentials = credentials
        self._any_host = any_host
        self._asks_environ = callable(allowed) and _takes_two(allowed)
        #: what was allowed once is, of the same origin and the same server, for ever; a list may change
        self.are_fixed = allowed is None or isinstance(allowed, (str, tuple))

    def expected(self, environ: Mapping[str, Any]) -> str:
        """What would have been allowed, for the log."""
        if callable(self._allowed):
            return f"the callable {getattr(self._allowed, '__qualname__', self._allowed)!s} says"
        return f"expected one of {list(dict.fromkeys(self._accepted(environ)))}"

    def _accepted(self, environ: Mapping[str, Any]) -> Sequence[str]:
        """The origins that are allowed; none at all, or a `*` among them, stands for any."""
        if self._allowed is None:
            return same_origins(environ, self._any_host)
        assert not callable(self._allowed)
        return self._allowed

    def allows(self, environ: Mapping[str, Any], origin: str | None) -> bool:
        """Whether this Origin header may connect to the server of the environ. None is no browser's page: allowed."""
        if origin is None:
            return True
        if self._allowed is None and origin == _origin_of(environ):  # what nearly all are
            return True
        if callable(self._allowed):
            return bool(
                self._allowed(origin, environ) if self._asks_environ else self._allowed(origin)
            )
        accepted = self._accepted(environ)
        return not accepted or "*" in accepted or origin in accepted

    def response_headers(self, origin: str | None) -> list[tuple[bytes, bytes]]:
        """The CORS headers of an answer to an origin that has passed `allows`."""
        # An empty list turns the check off, and the headers with it, as it always did.
        if origin is None or (self._allowed is not None and self._allowed == []):
            return []
        headers = [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]
        if self._credentials:
            headers.append((b"access-control-allow-credentials", b"true"))
        return headers


def is_allowed_host(host: str | None, allowed: Sequence[str]) -> bool:
    """Whether a Host header names one of these, whatever its port."""
    name = (host or "").lower()
    if name.startswith("["):  # an IPv6 address, which Werkzeug finds in no list
        found = _ADDRESS.fullmatch(name)
        return found is not None and found[1] in allowed
    return bool(allowed) and host_is_trusted(name, allowed)  # to which none listed means any


def same_origins(environ: Mapping[str, Any], any_host: bool) -> list[str]:
    """The origins of the page that this server itself would have served, seen directly and through a proxy."""
    scheme, host = environ["wsgi.url_scheme"], environ.get("HTTP_HOST", "")
    origins = [_origin_of(environ)]
    proto = environ.get("HTTP_X_FORWARDED_PROTO")
    forwarded = environ.get("HTTP_X_FORWARDED_HOST") if any_host else None
    if proto or forwarded:
        first = [value.split(",")[0].strip() if value else None for value in (proto, forwarded)]
        origins.append(f"{first[0] or scheme}://{first[1] or host}")
    return origins


def _origin_of(environ: Mapping[str, Any]) -> str:
    return f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"


def _takes_two(function: Callable[..., bool]) -> bool:
    try:
        signature(function).bind(None, None)
    except (TypeError, ValueError):
        return False
    return True
