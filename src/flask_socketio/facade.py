"""`socketio.server`: what applications reach for below the extension's own methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .cluster.base import Room
from .engine.config import EngineConfig

if TYPE_CHECKING:
    from .extension import SocketIO


class ServerFacade:
    """Thin: every method asks the running server."""

    def __init__(self, socketio: SocketIO) -> None:
        self._socketio = socketio

    @property
    def environ(self) -> dict[str, dict[str, Any]]:
        """The WSGI environ of each connection's handshake, by the connection's id (Engine.IO's)."""
        runtime = self._socketio.running()
        return runtime.inbox.ask(runtime.environs)

    @property
    def eio(self) -> EngineConfig:
        """The Engine.IO options in use."""
        return self._socketio.options.engine

    def transport(self, sid: str, namespace: str = "/") -> str:
        """The transport that carries the client: polling or websocket. Raises KeyError for an unknown client."""
        runtime = self._socketio.running()

        def find() -> str:
            socket = runtime.adapter.find(namespace, sid)
            if socket is None:
                raise KeyError(f"client {sid!r} is not connected to namespace {namespace!r}")
            return runtime.transport_name(socket.client.connection.sid)

        return runtime.inbox.ask(find)

    def enter_room(self, sid: str, room: Room, namespace: str = "/") -> None:
        """Put a client into a room. Raises ValueError for a client that is gone or another client's own room."""
        runtime = self._socketio.running()
        runtime.inbox.ask(runtime.adapter.join, namespace, sid, room)

    def leave_room(self, sid: str, room: Room, namespace: str = "/") -> None:
        """Take a client out of a room; it need not be in it."""
        runtime = self._socketio.running()
        runtime.inbox.ask(runtime.adapter.leave, namespace, sid, room)

    def disconnect(self, sid: str, namespace: str = "/") -> None:
        """Disconnect a client from the namespace; its connection stays."""
        runtime = self._socketio.running()
        runtime.inbox.ask(runtime.adapter.disconnect, namespace, sid)

    def rooms(self, sid: str, namespace: str = "/") -> list[Room]:
        """The client's rooms, its own id first."""
        runtime = self._socketio.running()
        return runtime.inbox.ask(runtime.adapter.rooms, namespace, sid)
