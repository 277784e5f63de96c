"""Class-based namespaces: a method `on_<event>` for each event."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from .cluster.base import AckCallback, Room
from .extension import SocketIO
from .handling.methods import NamespaceMethods
from .server import ServerFacade


class Namespace(NamespaceMethods):
    """Subclass it, and hand an instance to `socketio.on_namespace()`.

    `namespace` is its name, `/` where it is None. A method named `error` gets the exceptions that nothing else handles;
    what it returns is the event's ack.
    """

    #: the `SocketIO` it has been handed to, from then on
    socketio: SocketIO
    #: `socketio.server`
    server: ServerFacade

    # -- for the methods of subclasses ---------------------------------------------------------

    def emit(
        self,
        event: str,
        data: Any = None,
        room: Room | Sequence[Room] | None = None,
        include_self: bool = True,
        namespace: str | None = None,
        callback: AckCallback | None = None,
        **kwargs: Any,
    ) -> None:
        """Emit an event to everybody in this namespace, or in a room; takes what `SocketIO.emit` takes."""
        self.socketio.emit(
            event,
            data,
            room=room,
            include_self=include_self,
            namespace=namespace or self.namespace,
            callback=callback,
            **kwargs,
        )

    def send(
        self,
        data: Any,
        room: Room | Sequence[Room] | None = None,
        include_self: bool = True,
        namespace: str | None = None,
        callback: AckCallback | None = None,
        **kwargs: Any,
    ) -> None:
        """Emit the event `message`."""
        self.socketio.send(
            data,
            room=room,
            include_self=include_self,
            namespace=namespace or self.namespace,
            callback=callback,
            **kwargs,
        )

    def call(
        self,
        event: str,
        data: Any = None,
        to: str | None = None,
        sid: str | None = None,
        namespace: str | None = None,
        timeout: float = 60,
    ) -> Any:
        """Emit an event to a client and return what it answers, within `timeout` seconds; see `SocketIO.call`."""
        return self.socketio.call(
            event, data, to=to or sid, namespace=namespace or self.namespace, timeout=timeout
        )

    def close_room(self, room: Room, namespace: str | None = None) -> None:
        """Take everybody out of a room."""
        self.socketio.close_room(room, namespace or self.namespace)

    def enter_room(self, sid: str, room: Room, namespace: str | None = None) -> None:
        """Put a client into a room."""
        self.server.enter_room(sid, room, namespace or self.namespace)

    def leave_room(self, sid: str, room: Room, namespace: str | None = None) -> None:
        """Take a client out of a room."""
        self.server.leave_room(sid, room, namespace or self.namespace)

    def rooms(self, sid: str, namespace: str | None = None) -> list[Room]:
        """The rooms a client is in, its own id first."""
        return self.server.rooms(sid, namespace or self.namespace)

    def get_session(self, sid: str, namespace: str | None = None) -> dict[str, Any]:
        """What was saved for a client; not Flask's session."""
        return self.server.get_session(sid, namespace or self.namespace)

    def save_session(self, sid: str, session: dict[str, Any], namespace: str | None = None) -> None:
        """Keep a dict for a client until it leaves."""
        self.server.save_session(sid, session, namespace or self.namespace)

    def session(
        self, sid: str, namespace: str | None = None
    ) -> AbstractContextManager[dict[str, Any]]:
        """`get_session`, and at the end of the block `save_session`."""
        return self.server.session(sid, namespace or self.namespace)

    def disconnect(self, sid: str, namespace: str | None = None) -> None:
        """Disconnect a client from the namespace."""
        self.server.disconnect(sid, namespace or self.namespace)
