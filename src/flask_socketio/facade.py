"""`socketio.server`: what applications reach for below the extension's own methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cluster.base import Room

if TYPE_CHECKING:
    from .extension import SocketIO


class ServerFacade:
    """Thin: every method asks the running server."""

    def __init__(self, socketio: SocketIO) -> None:
        self._socketio = socketio

    def transport(self, sid: str, namespace: str = "/") -> str:
        """The transport that carries the client: polling or websocket. Raises KeyError for an unknown client."""
        runtime = self._socketio.running()

        def find() -> str:
            socket = runtime.adapter.find(namespace, sid)
            if socket is None:
                raise KeyError(f"client {sid!r} is not connected to namespace {namespace!r}")
            return runtime.engine.sessions[socket.client.connection.sid].transport.name

        return runtime.inbox.ask(find)

    def rooms(self, sid: str, namespace: str = "/") -> list[Room]:
        """The client's rooms, its own id first."""
        runtime = self._socketio.running()
        return runtime.inbox.ask(runtime.adapter.rooms, namespace, sid)
