"""The socket of a WSGI request, which each server keeps in another place, and how to take the connection from it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..base.real import socket_from

Environ = dict[str, Any]


class Found(NamedTuple):
    """A request's connection."""

    socket: Any
    #: the server has answered the WebSocket handshake already
    accepted: bool = False


def find_socket(environ: Environ) -> Found | None:
    """The socket of the request, None where the server keeps it for itself, or where it is encrypted."""
    for look in (_geventwebsocket, _in_the_environ, _eventlet, _behind_the_body):
        found = look(environ)
        if found is not None:
            encrypted = isinstance(found.socket, ssl.SSLSocket) or hasattr(found.socket, "cipher")
            return None if encrypted or not hasattr(found.socket, "detach") else found
    return None


def _geventwebsocket(environ: Environ) -> Found | None:
    """Its handler has accepted every WebSocket before the application is called."""
    websocket: Any = environ.get("wsgi.websocket")
    handler: Any = getattr(websocket, "handler", None)
    if not hasattr(handler, "socket"):
        return None
    websocket.closed = True  # so that the handler does not close it in its turn
    return Found(handler.socket, accepted=True)


def _in_the_environ(environ: Environ) -> Found | None:
    names = ("gunicorn.socket", "gunicorn.sock", "werkzeug.socket")
    return next((Found(environ[name]) for name in names if name in environ), None)


def _eventlet(environ: Environ) -> Found | None:
    get_socket: Callable[[], Any] | None = getattr(
        environ.get("eventlet.input"), "get_socket", None
    )
    return None if get_socket is None else Found(get_socket())


def _behind_the_body(environ: Environ) -> Found | None:
    """gevent's pywsgi shows the file that it reads requests from."""
    raw = getattr(environ.get("wsgi.input"), "raw", None)
    found = getattr(raw, "_sock", None)
    return None if found is None else Found(found)


def take_over(found: Any) -> tuple[socket.socket, DeadEnd]:
    """A socket of our own with the connection of the server's, and what to answer the server with."""
    own = socket_from(found.detach())
    own.setblocking(False)
    dead_end, other_end = socket.socketpair()
    found.__init__(dead_end.family, dead_end.type, dead_end.proto, dead_end.detach())
    return own, DeadEnd(other_end)


class DeadEnd:
    """A WSGI answer without a body. The server writes it to a socket from which nobody reads, shuts that down and
    closes it, as after any answer; should it read the next request, there is none."""

    def __init__(self, other_end: socket.socket) -> None:
        self._other_end = other_end
        other_end.shutdown(socket.SHUT_WR)

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        """Called by the server when it has written the answer (PEP 3333)."""
        self._other_end.close()
