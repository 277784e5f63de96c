"""An HTTP request as the engine sees it, whichever server and transport brought it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import chain
from typing import IO, Any, TypeVar
from urllib.parse import unquote_to_bytes

from ..protocol.engineio import Query, parse_query

Headers = list[tuple[bytes, bytes]]
Key = TypeVar("Key", str, str | None)

#: Between the values of a repeated header, if it is not a comma (RFC 6265, 5.4).
_SEPARATORS: dict[str | None, str] = {"cookie": "; ", "HTTP_COOKIE": "; "}


class EngineRequest:
    """Wraps an ASGI scope (`http` or `websocket`), and its query if that has been read already.

    What is not asked for is not worked out.
    """

    __slots__ = (
        "_environ",
        "_headers",
        "_query",
        "_told",
        "is_websocket",
        "method",
        "on_wait",
        "response_headers",
        "scope",
    )

    def __init__(self, scope: dict[str, Any], query: Query | None = None) -> None:
        self.scope = scope
        self.method: str = scope.get("method", "GET")
        self.is_websocket: bool = scope["type"] == "websocket"
        #: called when a poll begins to wait for packets, with what ends that
        self.on_wait: Callable[[Callable[[], None]], object] | None = None
        #: to be added to the answer
        self.response_headers: Headers = []
        self._headers: dict[str, str] | None = None
        #: of each name the last one
        self._told: dict[bytes, bytes] | None = None
        self._query = query
        self._environ: dict[str, Any] | None = None

    @property
    def path(self) -> str:
        """Without what the application is mounted at."""
        return path_of(self.scope)

    @property
    def headers(self) -> dict[str, str]:
        """Lower-case names; repeated headers are joined."""
        if self._headers is None:
            self._headers = join_headers(self.scope["headers"])
        return self._headers

    def header(self, name: bytes) -> str | None:
        """One header, by its lower-case name; cheaper than all of them. Repeated ones are joined."""
        headers = self.scope["headers"]
        if self._told is None:
            self._told = dict(headers)
        value = self._told.get(name)
        if value is None:
            return None
        if len(self._told) < len(headers):
            value = b",".join([value for key, value in headers if key == name])
        return value.decode("latin-1")

    @property
    def query(self) -> Query:
        if self._query is None:
            self._query = parse_query(self.scope["query_string"])
        return self._query

    @property
    def environ(self) -> dict[str, Any]:
        """The request as a WSGI environ, which is what Flask's contexts are made of. A handshake may replace it."""
        if self._environ is None:
            self._environ = build_environ(self.scope, BytesIO())
        return self._environ

    @environ.setter
    def environ(self, environ: dict[str, Any]) -> None:
        self._environ = environ


def join_headers(pairs: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header pairs with lower-case names -> a dict; repeated ones are joined as RFC 9110 and 6265 say."""
    return _joined(pairs, lambda name: name.decode("latin-1"))


def _joined(pairs: Sequence[tuple[bytes, bytes]], key_of: Callable[[bytes], Key]) -> dict[Key, str]:
    headers = {key_of(name): value.decode("latin-1") for name, value in pairs}
    if len(headers) < len(pairs):
        values: dict[Key, list[str]] = {}
        for name, value in pairs:
            values.setdefault(key_of(name), []).append(value.decode("latin-1"))
        headers = {key: _SEPARATORS.get(key, ",").join(found) for key, found in values.items()}
    return headers


def size_of(headers: Headers) -> int:
    """The bytes of header fields on the wire, each with its colon, space and line's end."""
    return sum(map(len, chain.from_iterable(headers))) + 4 * len(headers)


def build_environ(scope: dict[str, Any], body: IO[bytes]) -> dict[str, Any]:
    """A WSGI environ (PEP 3333) of an ASGI scope."""
    host, port = _address(scope.get("server")) or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.get("method", "GET"),
        "SCRIPT_NAME": _latin1(scope.get("root_path", "")),
        "PATH_INFO": _latin1(path_of(scope)),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "REQUEST_URI": _request_uri(scope),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if scope.get("scheme") in ("https", "wss") else "http",
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if client := _address(scope.get("client")):
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client[0], str(client[1])
    if "\ufffd" in scope["path"]:  # which may stand for what is no text
        environ["PATH_INFO"] = _path_bytes(scope) or environ["PATH_INFO"]
    add_headers(environ, scope["headers"])
    return environ


def add_headers(environ: dict[Any, Any], pairs: Sequence[tuple[bytes, bytes]]) -> None:
    """Put headers into a WSGI environ that has none; repeated ones are joined."""
    environ.update(_joined(pairs, _environ_key))
    environ.pop(None, None)


@lru_cache(256)
def _environ_key(header: bytes) -> str | None:
    if b"_" in header:
        return None  # it would pass for the header with a hyphen
    key = header.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def path_of(scope: dict[str, Any]) -> str:
    """A scope's path, without what the application is mounted at."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


def _address(value: Any) -> tuple[str, int | None] | None:
    """Host and port; of a Unix socket there may be nothing, a path, or a path and None."""
    return (value[0], value[1]) if isinstance(value, (tuple, list)) and value else None  # pyright: ignore[reportUnknownVariableType]


def _path_bytes(scope: dict[str, Any]) -> str | None:
    """A path in which there are bytes that are no UTF-8; None where ASGI's `path` is not the one that was asked for."""
    found = unquote_to_bytes(scope.get("raw_path") or b"")
    if found.decode(errors="replace") != scope["path"]:
        return None
    return found.removeprefix(scope.get("root_path", "").encode()).decode("latin-1")


def _latin1(text: str) -> str:
    """Text as WSGI wants it: UTF-8 bytes in a str of Latin-1 characters."""
    return text.encode().decode("latin-1")


def _request_uri(scope: dict[str, Any]) -> str:
    path = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")
