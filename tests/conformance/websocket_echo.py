"""A WebSocket server that sends back every message, for the Autobahn test suite.

Between the network and this file is what production uses: LANE=fast (picows) or asgi (uvicorn's own WebSockets). PORT
comes from the environment too.
"""

from __future__ import annotations

import asyncio
import os

from flask_socketio.engine.admission import Admission
from flask_socketio.engine.config import EngineConfig, Limits
from flask_socketio.engine.engine import Engine
from flask_socketio.engine.ids import Origin
from flask_socketio.engine.link import WebSocketLink
from flask_socketio.engine.request import EngineRequest
from flask_socketio.engine.session import Session
from flask_socketio.engine.websocket import WebSocketTransport
from flask_socketio.protocol.errors import ProtocolError
from flask_socketio.protocol.message import Message
from flask_socketio.protocol.reasons import CloseReason
from flask_socketio.protocol.states import TransportRole
from flask_socketio.serving.asgi import EngineApp
from flask_socketio.serving.run.listen import announcement, listen
from flask_socketio.serving.run.server import make_server

LARGEST = 32 * 1024 * 1024
CONFIG = EngineConfig(path="/", limits=Limits(max_payload=LARGEST, max_queued=4 * LARGEST))


class EchoTransport(WebSocketTransport):
    """In place of the transport that carries a session: nothing of Engine.IO."""

    def __init__(self, link: WebSocketLink) -> None:
        super().__init__(link, TransportRole.CURRENT)
        self.link = link

    def receive_text(self, packet: str) -> None:
        self.link.write(Message(packet.encode()))

    def receive_binary(self, data: bytes) -> None:
        self.link.write(Message(None, (data,)))

    def lost(self, reason: CloseReason) -> None:
        pass

    def protocol_error(self, error: ProtocolError, code: int) -> None:
        self.link.close(code, str(error), await_answer=False)


class Everybody(Admission):
    """Is let in."""

    def admit_at_once(self, request: EngineRequest) -> None:
        return None

    def admit_again(self, request: EngineRequest) -> None:
        return None


class EchoEngine(Engine):
    def open_websocket(
        self, request: EngineRequest, session: Session | None, link: WebSocketLink
    ) -> WebSocketTransport:
        return EchoTransport(link)


class EchoApp(EngineApp):
    async def make_engine(self) -> Engine:
        def nobody(session: Session) -> None:
            raise NotImplementedError

        engine = EchoEngine(asyncio.get_running_loop(), CONFIG, nobody)  # pyright: ignore[reportArgumentType]
        engine.admission = Everybody(CONFIG, engine.counters, engine.find, Origin(""))
        return engine


if __name__ == "__main__":
    listener = listen("127.0.0.1", int(os.environ.get("PORT", "9001")))
    server = make_server(EchoApp(CONFIG), announcement("127.0.0.1", listener))
    if os.environ.get("LANE") == "asgi":
        server.config.http = "httptools"
        server.config.ws = "websockets-sansio"
        server.config.ws_max_size = LARGEST
        server.config.ws_per_message_deflate = False
        server.config.ws_ping_interval = None
    server.run(sockets=[listener])
