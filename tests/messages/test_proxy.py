"""A proxy that does not pass on what a WebSocket handshake needs, as nginx without its two lines."""

from __future__ import annotations

import json

from tests.kit.engine import RawPolling
from tests.kit.server import ServerProcess

from .conftest import Serve

SAID = "a proxy has taken the Upgrade header away; nginx needs in its location: proxy_http_version 1.1;"
#: What is left of the handshake behind nginx: HTTP/1.0 or 1.1, `Connection: close`, no `Upgrade`.
HEADERS = {
    "Connection": "close",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def handshake(server: ServerProcess, sid: str = "") -> int:
    query = "EIO=4&transport=websocket" + (f"&sid={sid}" if sid else "")
    reply = server.get(f"/socket.io/?{query}", **HEADERS)
    assert json.loads(reply.body)["message"] == "Bad request"
    return reply.status


def test_an_upgrade(serve: Serve) -> None:
    with serve("socketio = SocketIO(app)") as server:
        polling = RawPolling.open(server.address, "/socket.io/")
        # Another bad request before it does not swallow the line.
        other = server.get(f"/socket.io/?EIO=3&transport=polling&sid={polling.sid}")
        assert json.loads(other.body)["message"] == "Bad request"
        assert [handshake(server, polling.sid) for _ in range(3)] == [400] * 3
        assert server.log.count(SAID) == 1
        polling.post("1")


def test_a_client_that_begins_with_websocket(serve: Serve) -> None:
    with serve("socketio = SocketIO(app)") as server:
        assert handshake(server) == 400
        assert server.log.count(SAID) == 1
