"""Which code serves a WebSocket, and how a server is started so that this code serves it."""

from __future__ import annotations

import os
from typing import Any

from flask_socketio import SocketIO
from flask_socketio.serving.asgi import EngineApp
from flask_socketio.serving.run.listen import announcement, listen
from flask_socketio.serving.run.server import make_server

# One line a lane: the class that must serve every WebSocket, and the environment that makes the apps under test use it.
LANES: dict[str, dict[str, str]] = {
    "FastWebSocket": {"LANE": "fast"},
    "AsgiWebSocket": {"LANE": "asgi"},
}


def serve(app: EngineApp, port: int) -> None:
    """Serve until stopped: as `run()` does, or as any ASGI server would, with uvicorn's own HTTP and WebSocket."""
    listener = listen("127.0.0.1", port)
    server = make_server(app, announcement("127.0.0.1", listener))
    if os.environ.get("LANE") == "asgi":
        server.config.http = "httptools"
        server.config.ws = "websockets-sansio"
        server.config.ws_max_size = 1_000_000
        server.config.ws_per_message_deflate = False
        server.config.ws_ping_interval = None
    server.run(sockets=[listener])


def lane_of(socketio: SocketIO, sid: str) -> str:
    """The class name for an Engine.IO session id, or a client's id in a namespace."""
    connections = socketio.server.eio.sockets
    for session in connections.values():
        client: Any = getattr(session, "receiver", None)  # none: it waits for a last poll
        sockets = () if client is None else list(client.sockets.values())
        if sid == session.sid or sid in [socket.sid for socket in sockets]:
            return session.transport.carrier
    raise KeyError(sid)
