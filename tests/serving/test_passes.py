"""A handshake's way through WSGI middlewares is its own."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from tests.kit.engine import target
from tests.kit.raw import RawWebSocket, start_request
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("passes_app.py")


def test_handshakes_go_on_while_all_views_wait() -> None:
    with ServerProcess.script(APP) as server, ExitStack() as stack:
        for _ in range(220):
            exchange = start_request(server.address, "GET", "/wait")
            stack.callback(exchange.abort)
        begun = time.monotonic()
        websocket = RawWebSocket.connect(server.address, target("/socket.io/", "websocket"))
        websocket.recv()
        assert time.monotonic() - begun < 2
        websocket.close()
