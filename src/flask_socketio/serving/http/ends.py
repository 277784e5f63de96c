"""The two ends of a connection, and what a WSGI environ says of them."""

from __future__ import annotations

import asyncio
import sys
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

from ...engine.request import build_environ

#: Host and port; None of a socket of another kind.
Address = tuple[str, int]


class Ends(NamedTuple):
    """As ASGI has them."""

    scheme: str
    server: tuple[str, int | None] | None
    client: Address | None

    @classmethod
    def of(cls, transport: asyncio.BaseTransport) -> Ends:
        """As uvicorn does it, but that a loop need not make sockets to be asked for their addresses."""
        server, client = map(transport.get_extra_info, ("sockname", "peername"))
        return cls(
            "https" if transport.get_extra_info("sslcontext") else "http",
            (server, None) if isinstance(server, str) else _host_and_port(server),
            _host_and_port(client),
        )

    def environ(self) -> dict[str, Any]:
        """What the WSGI environs of all requests of the connection have in common."""
        environ = _listener_environ(self.scheme, self.server).copy()
        environ["wsgi.input"] = BytesIO()
        environ["wsgi.errors"] = sys.stderr
        if self.client is not None:
            host, port = self.client
            environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = host, str(port)
        return environ


@lru_cache(256)
def _listener_environ(scheme: str, server: tuple[str, int | None] | None) -> dict[str, Any]:
    """What the WSGI environs have in common of all clients that have come to an address of the server's."""
    scope: dict[str, Any] = {
        "path": "", "query_string": b"", "headers": [], "scheme": scheme, "server": server,
    }  # fmt: skip
    return build_environ(scope, BytesIO())


def _host_and_port(address: Any) -> Any:
    """None for a socket of another kind; that of an abstract one has an address of bytes."""
    return address[:2] if isinstance(address, tuple) else None  # pyright: ignore[reportUnknownVariableType]
