"""Which code serves a WebSocket, and how a server is started so that this code serves it."""

from __future__ import annotations

from flask_socketio import SocketIO

# One line a lane: the class that must serve every WebSocket, and the environment that makes the apps under test use it.
LANES: dict[str, dict[str, str]] = {
    "FastWebSocket": {},
}


def lane_of(socketio: SocketIO, sid: str) -> str:
    """The class name for an Engine.IO session id, or a client's id in a namespace."""
    runtime = socketio.running()

    def find() -> str:
        for session in runtime.engine.sessions.values():
            sockets = session.handler.sockets.values()  # pyright: ignore[reportAttributeAccessIssue]
            if sid == session.sid or sid in [socket.sid for socket in sockets]:
                return session.transport.lane
        raise KeyError(sid)

    return runtime.inbox.ask(find)
