"""That the right code is under test: a run says which class serves its WebSockets, and the server which one did."""

from __future__ import annotations

import pytest

from tests.conformance.servers import ENGINE_PATH, SOCKETIO_PATH, open_session
from tests.kit.engine import EngineWebSocket, RawPolling, assert_lane
from tests.kit.server import ServerProcess


@pytest.mark.parametrize("way", ["websocket", "upgraded"])
def test_a_websocket_is_served_by_the_class_that_the_run_names(
    echo: ServerProcess, app: ServerProcess, lane: str, way: str
) -> None:
    for server, path in ((echo, ENGINE_PATH), (app, SOCKETIO_PATH)):
        client = open_session(server, way, path)
        assert isinstance(client, EngineWebSocket)
        assert server.get(f"/lane/{client.sid}").text == lane
        client.leave()


def test_the_assertion_can_fail(echo: ServerProcess) -> None:
    """A session over polling is not served by a WebSocket's class."""
    client = RawPolling.open(echo.address, ENGINE_PATH)
    with pytest.raises(AssertionError):
        assert_lane(echo, client.sid)
    client.leave()
