"""Engine.IO: the server pings, the client answers in time or is closed. 300 ms and 200 ms here."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.conformance.servers import ENGINE_PATH, echo_process, open_session, our_own_lane
from tests.kit.engine import EngineClient, EngineWebSocket, RawPolling, target, upgrade
from tests.kit.raw import WAIT, RawWebSocket
from tests.kit.server import ServerProcess

pytestmark = pytest.mark.waiting

INTERVAL = 0.3
TIMEOUT = 0.2
# What a busy machine may add.
SLACK = 0.25


def get(connection: http.client.HTTPConnection, path: str) -> bytes:
    """A GET on a connection that is kept, and the body of its answer."""
    connection.request("GET", path)
    return connection.getresponse().read()


@pytest.fixture
def client(hasty_echo: ServerProcess, transport: str) -> Iterator[EngineClient]:
    client = open_session(hasty_echo, transport, ENGINE_PATH)
    yield client
    client.leave()


def test_pings_come_at_the_interval(hasty_echo: ServerProcess, transport: str) -> None:
    before = time.monotonic()
    client = open_session(hasty_echo, transport, ENGINE_PATH)
    after = time.monotonic()
    for number in range(1, 4):
        assert client.recv() == "2"
        now = time.monotonic()
        client.send("3")
        assert before + number * INTERVAL <= now < after + number * INTERVAL + SLACK
    client.leave()


def test_pongs_keep_the_session(client: EngineClient) -> None:
    for _ in range(2):  # longer than the session would last without
        assert client.recv() == "2"
        client.send("3")
    client.send("4hello")
    assert client.recv() == "4hello"


def test_without_a_pong_the_session_is_closed(hasty_echo: ServerProcess, transport: str) -> None:
    """Not before the time, and not later: a pending poll is answered, a WebSocket's TCP closed."""
    before = time.monotonic()
    client = open_session(hasty_echo, transport, ENGINE_PATH)
    after = time.monotonic()
    assert client.recv() == "2"
    client.expect_gone(INTERVAL + TIMEOUT + 1)
    now = time.monotonic()
    assert before + INTERVAL + TIMEOUT <= now < after + INTERVAL + TIMEOUT + SLACK


@our_own_lane
def test_tcp_ends_though_nobody_answers_the_close_frame(hasty_echo: ServerProcess) -> None:
    """A client that does not answer pings does not answer a close frame either."""
    client = EngineWebSocket.open(hasty_echo.address, ENGINE_PATH)
    messages, _ = client.ws.read_to_end(INTERVAL + TIMEOUT + 1, answer=False)
    assert messages == ["2"]


@pytest.mark.parametrize("keep_alive", [False, True], ids=["new connection", "kept connection"])
def test_a_polling_client_that_stays_away_is_closed(
    hasty_echo: ServerProcess, keep_alive: bool
) -> None:
    """After exactly pingInterval + pingTimeout: what makes either late must not add up.

    Two of the eight may be spared: whoever asks while the machine holds up the server has the benefit of the doubt.
    """
    unknown = {"code": 1, "message": "Session ID unknown"}
    away: list[tuple[float, str, http.client.HTTPConnection]] = []
    with ExitStack() as stack:
        for _ in range(8):
            connection = http.client.HTTPConnection(*hasty_echo.address, timeout=WAIT)
            stack.callback(connection.close)
            sid = json.loads(get(connection, target(ENGINE_PATH, "polling"))[1:])["sid"]
            away.append((time.monotonic(), sid, connection))
            time.sleep(0.017)
        bodies: list[Any] = []
        for answered, sid, connection in away:
            time.sleep(max(0.0, answered + INTERVAL + TIMEOUT - time.monotonic()))
            if not keep_alive:
                connection.close()  # the next request opens another one
            bodies.append(json.loads(get(connection, target(ENGINE_PATH, "polling", sid))))
    assert bodies.count(unknown) >= 6, bodies


def test_a_pong_that_waits_to_be_read_is_in_time(
    hasty_echo: ServerProcess, client: EngineClient
) -> None:
    """The server stands still past the deadline; the pong came before it did."""
    busy = open_session(hasty_echo, "websocket", ENGINE_PATH)
    assert client.recv() == "2"
    busy.send(f"4stand still {2 * TIMEOUT}")
    time.sleep(TIMEOUT / 4)
    client.send("3")
    assert client.recv() == "2"
    client.send("3")
    client.send("4hello")
    assert client.recv() == "4hello"
    busy.leave()


def test_a_post_that_never_ends_ends_with_the_session(hasty_echo: ServerProcess) -> None:
    client = RawPolling.open(hasty_echo.address, ENGINE_PATH)
    unfinished = client.start_post(b"4half", **{"Content-Length": "10"})
    reply = unfinished.reply_or_none(INTERVAL + TIMEOUT + 1)
    assert reply is None or reply.status == 400
    client.expect_gone()


def test_a_missing_pong_ends_an_upgrade_under_way(hasty_echo: ServerProcess) -> None:
    client = RawPolling.open(hasty_echo.address, ENGINE_PATH)
    ws = RawWebSocket.connect(client.address, target(client.path, "websocket", client.sid))
    ws.send("2probe")
    assert ws.recv() == "3probe"
    assert ws.read_to_end(INTERVAL + TIMEOUT + SLACK)[0] == []
    client.expect_gone()


def test_a_pong_may_come_over_the_transport_after_an_upgrade(lane: str) -> None:
    """The ping was sent over polling."""
    with echo_process(lane, 0.2, 0.6) as server:
        polling = RawPolling.open(server.address, ENGINE_PATH)
        assert polling.recv() == "2"
        client = upgrade(server, polling)
        client.send("3")
        for _ in range(4):  # more than the time for the first pong
            assert client.recv(1) == "2"
            client.send("3")
        client.leave()


def test_a_message_in_place_of_the_pong_extends_the_time_once(client: EngineClient) -> None:
    """Something that arrived shows life: the time starts anew, once for each ping."""
    assert client.recv() == "2"
    started = time.monotonic()
    time.sleep(TIMEOUT * 0.75)
    client.send("4one")
    assert client.recv() == "4one"
    time.sleep(TIMEOUT * 0.5)
    client.send("4two")
    assert client.recv() == "4two"
    client.expect_gone()
    elapsed = time.monotonic() - started
    assert TIMEOUT * 1.5 < elapsed < TIMEOUT * 1.75 + SLACK


def test_the_heartbeat_goes_on_after_messages(client: EngineClient) -> None:
    """Messages both ways do not postpone the ping for ever."""
    deadline = time.monotonic() + 3 * INTERVAL
    while time.monotonic() < deadline:
        client.send("4busy")
        if client.recv() == "2":
            return
    pytest.fail("no ping while messages came and went")
