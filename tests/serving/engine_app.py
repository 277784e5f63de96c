"""An engine whose handshakes two middlewares look at, and whose unknown session ids somebody else answers for.

PORT comes from the environment, and LANE: fast or asgi.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from flask_socketio.engine.answers import HttpAnswer, Receive, Send, respond
from flask_socketio.engine.config import EngineConfig
from flask_socketio.engine.engine import Engine
from flask_socketio.engine.polling import TEXT, Exchange
from flask_socketio.engine.request import EngineRequest
from flask_socketio.engine.session import Session
from flask_socketio.protocol.engineio import text_message
from flask_socketio.protocol.errors import FORBIDDEN, HandshakeRefused
from flask_socketio.protocol.reasons import CloseReason
from flask_socketio.serving.asgi import EngineApp
from tests.kit.lane import serve

CONFIG = EngineConfig()


class Stamp:
    """A middleware that takes a moment, and leaves its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_needed = True

    async def __call__(self, request: EngineRequest) -> None:
        await asyncio.sleep(0.01)
        if request.header(b"x-refused-by") == self.name:
            raise HandshakeRefused(FORBIDDEN, message=f"refused by {self.name}")
        stamps = request.environ.get("stamps", "")
        request.environ = {**request.environ, "stamps": stamps + self.name}
        request.response_headers.append((f"x-{self.name}".encode(), b"was asked"))


class Neighbour:
    """Has every session that the engine does not know. It takes its time, and for `silent` for ever."""

    def __init__(self) -> None:
        self.lost_requests = 0
        self._bodies: dict[Exchange, bytes] = {}

    def begin(self, exchange: Exchange) -> None:
        if exchange.request.is_websocket:
            self._answer_soon(exchange, (503, b"text/plain", b"not by WebSocket"))
        else:
            self._bodies[exchange] = b""

    def body_arrived(self, exchange: Exchange, data: bytes) -> None:
        self._bodies[exchange] += data

    def body_complete(self, exchange: Exchange) -> None:
        request = exchange.request
        text = f"{request.method} {request.query.sid} ".encode() + self._bodies.pop(exchange)
        if request.query.sid == "refused":
            exchange.refuse(HandshakeRefused(FORBIDDEN))
        elif request.query.sid != "silent":
            self._answer_soon(exchange, (200, TEXT, text))

    def lost(self, exchange: Exchange) -> None:
        self.lost_requests += 1

    def _answer_soon(self, exchange: Exchange, answer: HttpAnswer) -> None:
        asyncio.get_running_loop().call_later(0.01, exchange.answer, answer)


class TellStamps:
    def __init__(self, session: Session) -> None:
        self.session = session

    def on_text(self, text: str) -> None:
        self.session.send(text_message(self.session.environ["stamps"]))

    def on_binary(self, data: bytes) -> None: ...

    def on_close(self, reason: CloseReason) -> None: ...


class App(EngineApp):
    async def make_engine(self) -> Engine:
        self.neighbour = Neighbour()
        loop = asyncio.get_running_loop()
        middlewares = [Stamp("first"), Stamp("second"), Stamp("idle")]
        middlewares[2].is_needed = False
        return Engine(loop, CONFIG, TellStamps, middlewares=middlewares, elsewhere=self.neighbour)

    async def other(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """How many requests the neighbour has lost."""
        await respond(send, (200, b"text/plain", str(self.neighbour.lost_requests).encode()))


if __name__ == "__main__":
    serve(App(CONFIG), int(os.environ.get("PORT", "3000")))
