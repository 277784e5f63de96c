"""The connection of a WSGI request, which each server keeps in another place, and how to take it from the server."""

from __future__ import annotations

import os
import socket
import ssl
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from ..base.real import patched_by, socket_from
from .wsgi_tls import decrypted

Environ = dict[str, Any]


class Connection(Protocol):
    """A connection that the server lets go of."""

    #: the server has answered the WebSocket handshake already
    accepted: bool

    def take(self, loop: AbstractEventLoop) -> tuple[socket.socket, Iterable[bytes]]:
        """A socket of our own with the connection, for that loop, and what to answer the server with."""
        ...


def find_connection(environ: Environ) -> Connection | None:
    """The connection of the request; None where the server keeps it for itself, or encrypts it in its own way."""
    for look in (_geventwebsocket, _in_the_environ, _eventlet, _uwsgi, _behind_the_body):
        found = look(environ)
        if found is not None:
            return found
    return None


# -- where they are --------------------------------------------------------------------------------


def _geventwebsocket(environ: Environ) -> Connection | None:
    """Its handler has accepted every WebSocket before the application is called."""
    websocket: Any = environ.get("wsgi.websocket")
    handler: Any = getattr(websocket, "handler", None)
    if not hasattr(handler, "socket"):
        return None
    websocket.closed = True  # so that the handler does not close it in its turn
    return _if_takable(handler.socket, accepted=True)


def _in_the_environ(environ: Environ) -> Connection | None:
    names = ("gunicorn.socket", "gunicorn.sock", "werkzeug.socket")
    found = next((environ[name] for name in names if name in environ), None)
    return None if found is None else _if_takable(found)


def _eventlet(environ: Environ) -> Connection | None:
    get: Callable[[], Any] | None = getattr(environ.get("eventlet.input"), "get_socket", None)
    return None if get is None else _if_takable(get())


def _uwsgi(environ: Environ) -> Connection | None:
    """Where its own HTTP router stands in front, that has to make a tunnel of it: --http-websockets."""
    uwsgi: Any = sys.modules.get("uwsgi")
    get: Callable[[], int] | None = getattr(uwsgi, "connection_fd", None)
    if get is None:
        return None
    options = {os.fsdecode(name) for name in uwsgi.opt}
    tunnels = "http-websockets" in options or not options & {"http", "https", "https-socket"}
    return _Descriptor(get()) if tunnels else None


def _behind_the_body(environ: Environ) -> Connection | None:
    """gevent's pywsgi shows the file that it reads requests from."""
    body = environ.get("wsgi.input")
    found = getattr(getattr(getattr(body, "rfile", body), "raw", None), "_sock", None)
    return None if found is None else _if_takable(found)


def _if_takable(found: Any, *, accepted: bool = False) -> Connection | None:
    if type(found) is ssl.SSLSocket and not patched_by() and not accepted:
        return _Encrypted(found)
    encrypted = hasattr(found, "cipher")
    return None if encrypted or not hasattr(found, "detach") else _Object(found, accepted)


# -- how they are taken ----------------------------------------------------------------------------


class _Object:
    """A socket object, Python's, gevent's or eventlet's."""

    def __init__(self, found: Any, accepted: bool) -> None:
        self._found = found
        self.accepted = accepted

    def take(self, loop: AbstractEventLoop) -> tuple[socket.socket, DeadEnd]:
        own = socket_from(self._found.detach())
        end = DeadEnd()
        self._found.__init__(*end.for_server())
        if self.accepted:
            end.close()  # there is no answer to be written
        return _unblocked(own), end


class _Encrypted:
    """A socket of Python's that encrypts. What it knows of that cannot be taken from it."""

    accepted = False

    def __init__(self, found: ssl.SSLSocket) -> None:
        self._found = found

    def take(self, loop: AbstractEventLoop) -> tuple[socket.socket, Iterable[bytes]]:
        return decrypted(loop, self._found), ()


class _Descriptor:
    """A descriptor that the server closes."""

    accepted = False

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def take(self, loop: AbstractEventLoop) -> tuple[socket.socket, DeadEnd]:
        own = socket_from(os.dup(self._descriptor))
        end = DeadEnd(b"\n")  # without a body it would write the head when the other end is closed
        *_, descriptor = end.for_server()
        os.dup2(descriptor, self._descriptor)
        os.close(descriptor)
        return _unblocked(own), end


def read_ahead(source: Any) -> bytes:
    """What the server has read behind the request, the connection's first frames; nothing where it does not say.

    To be called when the connection has been taken: the server's end is a dead one then, so nothing waits for more.
    """
    try:
        source = getattr(source, "rfile", source)  # eventlet
        if hasattr(source, "peek"):  # a buffered reader: Werkzeug, gevent
            return source.peek()
        return source.reader.unreader.read()  # gunicorn
    except (AttributeError, TypeError, ValueError, OSError):
        return b""


def _unblocked(own: socket.socket) -> socket.socket:
    own.setblocking(False)
    return own


class DeadEnd:
    """A WSGI answer. The server writes it to a socket from which nobody reads, shuts that down and
    closes it, as after any answer; should it read the next request, there is none."""

    def __init__(self, body: bytes = b"") -> None:
        self._body = body
        self._servers, self._other = socket.socketpair()
        self._other.shutdown(socket.SHUT_WR)

    def for_server(self) -> tuple[int, int, int, int]:
        """Family, type, protocol and descriptor of the server's end, which is the caller's from now on."""
        end = self._servers
        return end.family, end.type, end.proto, end.detach()

    def __iter__(self) -> Iterator[bytes]:
        return iter((self._body,) if self._body else ())

    def close(self) -> None:
        """Called by the server when it has written the answer (PEP 3333)."""
        self._other.close()
