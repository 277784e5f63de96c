"""The WebSocket handshake of the fast lane.

uvicorn hands every one of them to us. We answer it ourselves, because picows would refuse what Firefox sends and could
not wait for an answer, and then give the connection to the lane.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote

from ..protocol import websocket as ws
from ..protocol.errors import BAD_REQUEST, HandshakeRefused
from .fastlane import FastLane, FastWebSocket
from .http import header_lines, refusal_answer
from .request import EngineRequest


class Handshake(asyncio.Protocol):
    """Owns a connection from its request to the answer."""

    def __init__(self, lane: FastLane, connections: set[Any]) -> None:
        self._lane = lane
        #: what has to be closed when the server stops
        self._connections = connections
        self._early = b""
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def begin(self, request: EngineRequest) -> None:
        """Start to answer the request."""
        self._transport.pause_reading()
        self._task = asyncio.get_running_loop().create_task(self._negotiate(request))

    def data_received(self, data: bytes) -> None:
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._task is not None:
            self._task.cancel()

    def shutdown(self) -> None:
        """Called by uvicorn when it stops."""
        self._transport.close()

    async def _negotiate(self, request: EngineRequest) -> None:
        try:
            accept = self._check(request)
            session = await self._lane.engine.admit(request)
        except HandshakeRefused as refusal:
            self._refuse(refusal)
            return
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b%b\r\n\r\n" % (accept, header_lines(request.response_headers))
        )
        self._connections.discard(self)
        connection = FastWebSocket(self._lane, self._transport, self._connections)
        connection.transport = self._lane.engine.open_websocket(request, session, connection)
        connection.start(self._early)

    def _check(self, request: EngineRequest) -> bytes:
        if not request.path.startswith(self._lane.engine.config.path):
            raise HandshakeRefused(BAD_REQUEST, f"no WebSocket at {request.path[:64]!r}")
        try:
            return ws.accept_token(request.headers).encode()
        except ValueError as error:
            raise HandshakeRefused(BAD_REQUEST, str(error)) from None

    def _refuse(self, refusal: HandshakeRefused) -> None:
        (status, content_type, body), headers = refusal_answer(refusal)
        phrase = HTTPStatus(status).phrase.encode()
        self._transport.write(
            b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close%b\r\n\r\n%b"
            % (status, phrase, content_type, len(body), header_lines(headers), body)
        )
        self._transport.close()


class UvicornHandshake(Handshake):
    """Given to uvicorn as its WebSocket class. Subclassed per server, for uvicorn passes nothing of ours to it."""

    #: set when the engine has been made, before the first connection
    lane: FastLane

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(self.lane, server_state.connections)
        self._root_path: str = config.root_path

    def data_received(self, data: bytes) -> None:
        """uvicorn has parsed the request already and repeats it here whole, with lower-case header names."""
        if self._task is None:
            self.begin(EngineRequest(self._scope(data)))
        else:
            super().data_received(data)

    def _scope(self, request: bytes) -> dict[str, Any]:
        head, *lines = request.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
        method, target, _ = head.split(b" ", 2)
        path, _, query = target.partition(b"?")
        get_info = self._transport.get_extra_info
        secure = get_info("ssl_object") is not None
        return {
            "type": "websocket",
            "method": method.decode(),
            "scheme": "wss" if secure else "ws",
            "http_version": "1.1",
            "root_path": self._root_path,
            "path": self._root_path + unquote(path.decode("latin-1")),
            "raw_path": path,
            "query_string": query,
            "headers": [
                (name, value) for name, _, value in (line.partition(b": ") for line in lines)
            ],
            "client": get_info("peername"),
            "server": get_info("sockname"),
        }
