"""Heads of WebSocket handshakes that differ from one before in the key and the cookies alone, as those of all clients
of one kind do.

The parser reads the first one, and it is asked whether it may come in. Of the next ones all bytes have to be the same
but for these two values. Anything else, bytes that come in pieces or behind a head among it, is the parser's, which has
not seen any of it then.

That it would have said the same, rests on this: no field is there twice, and the two values consist of characters that
it takes wherever they stand in one. Who may come in depends on neither of them.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ...engine.picows import FastLane
from ...engine.request import EngineRequest, Headers
from .ends import Ends

_KEY = re.compile(rb"\r\nSec-WebSocket-Key: ([A-Za-z0-9+/]{22}==)(?=\r\n)")
_END = b"\r\n\r\n"
#: What is looked for before the expression is.
_COOKIE = b"\r\nCookie: "
_COOKIES = re.compile(_COOKIE + rb"([!-~](?:[ -~]*[!-~])?)(?=\r\n)")
#: Heads that are kept for a server, and the bytes that one may have without its cookies.
_KEPT, _LONGEST = 32, 2048

Environ = dict[str, Any]


class Head(NamedTuple):
    """One that may be known."""

    #: without the two values
    text: bytes
    key: bytes
    #: empty where there are none
    cookies: bytes


class Upgrade:
    """A handshake that was let in."""

    __slots__ = (
        "_cookies_at",
        "_environ",
        "_key_at",
        "_query",
        "_scope",
        "fields",
        "lane",
        "lines",
    )

    def __init__(
        self, request: EngineRequest, environ: Environ, lane: FastLane, lines: bytes
    ) -> None:
        #: what the WSGI environ has of the request, and not of the connection
        self._environ = environ
        self._scope = request.scope
        self._query = request.query
        self.fields: Headers = request.scope["headers"]
        names = [name for name, _ in self.fields]
        self._key_at = names.index(b"sec-websocket-key")
        self._cookies_at = names.index(b"cookie") if b"cookie" in names else None
        self.lane = lane
        #: of the answer, beside those that every answer has
        self.lines = lines

    def request(self, head: Head, ends: Ends) -> EngineRequest:
        """The same request over another connection."""
        environ = ends.environ()
        environ.update(self._environ)
        fields = self.fields.copy()
        fields[self._key_at] = (b"sec-websocket-key", head.key)
        environ["HTTP_SEC_WEBSOCKET_KEY"] = head.key.decode()
        if self._cookies_at is not None:
            fields[self._cookies_at] = (b"cookie", head.cookies)
            environ["HTTP_COOKIE"] = head.cookies.decode()
        scope = {
            **self._scope,
            "headers": fields,
            "server": ends.server,
            "client": ends.client,
        }
        request = EngineRequest(scope, self._query)
        request.environ = environ
        return request


class KnownUpgrades:
    """Those of one server, which has either TLS or not."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        #: by the texts of their heads, the oldest first
        self._kept: dict[bytes, Upgrade] = {}

    def read(self, data: bytes) -> tuple[Upgrade, Head] | None:
        """A handshake that is all of the data, if its like is known; the first that has come over a connection."""
        head = _read(data)
        upgrade = self._kept.get(head.text) if head is not None else None
        return None if upgrade is None or head is None else (upgrade, head)

    def learn(self, data: bytes, upgrade: Upgrade) -> None:
        """Keep a handshake that is all of the data, with the fields that the parser has found in it."""
        head = _read(data)
        if head is None or len(head.text) > _LONGEST or data.find(_END) != len(data) - len(_END):
            return  # a request that came before it is none that every client sends
        told = dict(upgrade.fields)
        found = told[b"sec-websocket-key"], told.get(b"cookie", b"")
        if len(told) == len(upgrade.fields) and found == head[1:]:
            if len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[head.text] = upgrade


def _read(data: bytes) -> Head | None:
    key = _KEY.search(data)
    if key is None:
        return None
    text = data[: key.start(1)] + data[key.end(1) :]
    cookies = _COOKIES.search(text) if _COOKIE in text else None
    if cookies is None:
        return Head(text, key[1], b"")
    return Head(text[: cookies.start(1)] + text[cookies.end(1) :], key[1], cookies[1])
