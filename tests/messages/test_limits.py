"""A limit that a client has exceeded is named as the option that sets it."""

from __future__ import annotations

import re

from tests.kit.engine import EngineWebSocket
from tests.kit.sio import SioClient

from .conftest import Serve


def test_a_message_that_is_too_large(serve: Serve) -> None:
    with serve("socketio = SocketIO(app, max_http_buffer_size=5_000)") as server:
        client = SioClient(EngineWebSocket.open(server.address, "/socket.io/"))
        client.connect()
        client.emit("x", "x" * 5_000)
        server.wait_for_log(re.compile(r"exceeds max_http_buffer_size \(5000 bytes\)"), 10)
