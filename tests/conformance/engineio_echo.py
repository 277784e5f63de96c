"""A raw Engine.IO server that sends back every message: the engine standing alone.

`stand still 0.5` makes it do nothing at all for so many seconds first, as a handler does that computes on the loop.

PORT, PING_INTERVAL and PING_TIMEOUT (seconds) come from the environment, and LANE: fast or asgi.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from flask_socketio.engine.answers import Receive, Send, respond
from flask_socketio.engine.config import EngineConfig
from flask_socketio.engine.engine import Engine
from flask_socketio.engine.session import Session
from flask_socketio.protocol.engineio import binary_message, text_message
from flask_socketio.protocol.reasons import CloseReason
from flask_socketio.serving.asgi import EngineApp
from flask_socketio.serving.run.listen import announcement, listen
from flask_socketio.serving.run.server import make_server

CONFIG = EngineConfig(
    ping_interval=float(os.environ.get("PING_INTERVAL", "0.3")),
    ping_timeout=float(os.environ.get("PING_TIMEOUT", "0.2")),
)


class Echo:
    def __init__(self, session: Session) -> None:
        self.session = session

    def on_text(self, text: str) -> None:
        if text.startswith("stand still "):
            time.sleep(float(text.split()[-1]))
        self.session.send(text_message(text))

    def on_binary(self, data: bytes) -> None:
        self.session.send(binary_message(data))

    def on_close(self, reason: CloseReason) -> None:
        pass


class EchoApp(EngineApp):
    async def make_engine(self) -> Engine:
        return Engine(asyncio.get_running_loop(), CONFIG, Echo)

    async def other(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """GET /lane/<sid>: the class that serves the session."""
        session = self.engine.sessions[scope["path"].rpartition("/")[2]]
        await respond(send, (200, b"text/plain", session.transport.carrier.encode()))


if __name__ == "__main__":
    listener = listen("127.0.0.1", int(os.environ.get("PORT", "3000")))
    server = make_server(EchoApp(CONFIG), announcement("127.0.0.1", listener))
    if os.environ.get("LANE") == "asgi":  # the standard lane: uvicorn's own WebSockets
        server.config.http = "httptools"
        server.config.ws = "websockets-sansio"
        server.config.ws_max_size = CONFIG.limits.max_payload
        server.config.ws_per_message_deflate = False
        server.config.ws_ping_interval = None
    server.run(sockets=[listener])
