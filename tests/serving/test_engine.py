"""What an engine can be given: middlewares for handshakes, and who answers for sessions that it does not know."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.engine import EngineWebSocket, RawPolling, target
from tests.kit.lane import LANES
from tests.kit.raw import WAIT, RawWebSocket, Refused, Reply, request, start_request
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("engine_app.py")
PATH = "/engine.io/"
TRANSPORTS = pytest.mark.parametrize("transport", ["polling", "websocket"])


@pytest.fixture(scope="module", params=LANES)
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    with ServerProcess.script(APP, LANES[request.param]) as server:
        yield server


def handshake(server: ServerProcess, transport: str, **headers: str) -> Reply:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    address = target(PATH, transport)
    if transport == "polling":
        return request(server.address, "GET", address, headers=names)
    try:
        ws = RawWebSocket.connect(server.address, address, names)
    except Refused as refused:
        return refused.reply
    ws.abort()
    return ws.response


# -- middlewares -----------------------------------------------------------------------------------


@TRANSPORTS
def test_each_sees_what_the_one_before_made_of_the_environ(
    server: ServerProcess, transport: str
) -> None:
    kinds: Any = {"polling": RawPolling, "websocket": EngineWebSocket}
    client = kinds[transport].open(server.address, PATH)
    client.send("4stamps")
    assert client.recv() == "4firstsecond"
    client.leave()


@TRANSPORTS
def test_each_adds_its_headers(server: ServerProcess, transport: str) -> None:
    headers = handshake(server, transport).headers
    assert headers["x-first"] == headers["x-second"] == "was asked"
    assert "x-idle" not in headers


@TRANSPORTS
@pytest.mark.parametrize("name", ["first", "second"])
def test_each_can_refuse(server: ServerProcess, transport: str, name: str) -> None:
    reply = handshake(server, transport, x_refused_by=name)
    assert reply.status == 403
    assert reply.json() == {"code": 4, "message": f"refused by {name}"}


@TRANSPORTS
def test_one_that_is_not_needed_is_not_asked(server: ServerProcess, transport: str) -> None:
    assert handshake(server, transport, x_refused_by="idle").status in (101, 200)


# -- sessions that somebody else has ---------------------------------------------------------------


def stranger(server: ServerProcess, sid: str) -> RawPolling:
    """A client with a session of another server."""
    client = RawPolling(server.address, PATH)
    client.handshake = {"sid": sid}
    return client


def test_somebody_else_answers_polls(server: ServerProcess) -> None:
    reply = stranger(server, "theirs").poll()
    assert (reply.status, reply.text) == (200, "GET theirs ")


@pytest.mark.parametrize("size", [3, 300_000])
def test_somebody_else_answers_posts(server: ServerProcess, size: int) -> None:
    reply = stranger(server, "theirs").post("x" * size)
    assert (reply.status, reply.text) == (200, "POST theirs " + "x" * size)


def test_somebody_else_may_refuse(server: ServerProcess) -> None:
    reply = stranger(server, "refused").poll()
    assert reply.status == 403
    assert reply.json() == {"code": 4, "message": "Forbidden"}


def test_somebody_else_answers_websocket_handshakes(server: ServerProcess) -> None:
    with pytest.raises(Refused) as refused:
        RawWebSocket.connect(server.address, target(PATH, "websocket", "theirs"))
    assert (refused.value.reply.status, refused.value.reply.text) == (503, "not by WebSocket")


def test_somebody_else_is_told_that_the_client_hung_up(server: ServerProcess) -> None:
    before = int(server.get("/").text)
    start_request(server.address, "GET", target(PATH, "polling", "silent")).abort()
    deadline = time.monotonic() + WAIT
    while int(server.get("/").text) != before + 1:
        assert time.monotonic() < deadline, "it is not told"
        time.sleep(0.01)


def test_own_sessions_are_not_others(server: ServerProcess) -> None:
    client = RawPolling.open(server.address, PATH)
    client.send("4stamps")
    assert client.recv() == "4firstsecond"
    client.leave()
