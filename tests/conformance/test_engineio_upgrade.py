"""Engine.IO: the upgrade from polling to WebSocket, and the ways in which it is not completed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.conformance.servers import ENGINE_PATH, SOCKETIO_PATH, RunApp, our_own_lane
from tests.kit.engine import (
    EngineWebSocket,
    RawPolling,
    assert_lane,
    assert_lane_soon,
    target,
    upgrade,
)
from tests.kit.raw import QUIET, TEXT, ConnectionClosed, RawWebSocket, Refused, frame
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

BAD_REQUEST = {"code": 3, "message": "Bad request"}


@pytest.fixture
def polling(echo: ServerProcess) -> Iterator[RawPolling]:
    client = RawPolling.open(echo.address, ENGINE_PATH)
    yield client
    client.leave()


def connect(client: RawPolling) -> RawWebSocket:
    """A WebSocket with the session's id, before any packet."""
    return RawWebSocket.connect(client.address, target(client.path, "websocket", client.sid))


def probe(client: RawPolling) -> RawWebSocket:
    """A WebSocket that has been probed."""
    ws = connect(client)
    ws.send("2probe")
    assert ws.recv() == "3probe"
    return ws


def assert_closed_at_once(client: RawPolling) -> None:
    """More WebSockets for the session are accepted, closed by the server, and nothing on them is taken."""
    for packets in ([], ["2probe", "5", "4intruder"], ["1"]):
        ws = connect(client)
        for packet in packets:
            ws.send(packet)
        messages, code = ws.read_to_end()
        assert messages == []
        assert code is not None


def assert_works(client: RawPolling | EngineWebSocket) -> None:
    client.send("4hello")
    assert client.recv() == "4hello"


def assert_works_soon(client: RawPolling) -> None:
    """As `assert_works`, past the noops that a probe may have left behind."""
    client.send("4hello")
    while (packet := client.recv()) == "6":
        pass
    assert packet == "4hello"


def test_an_upgrade(echo: ServerProcess, polling: RawPolling) -> None:
    pending = polling.start_poll()
    assert not pending.is_answered(QUIET)
    ws = probe(polling)
    assert pending.reply().body == b"6"
    ws.send("5")
    ws.send("4hello")
    assert ws.recv() == "4hello"
    assert_lane(echo, polling.sid)
    ws.close()


def test_a_poll_begun_after_the_probe_is_ended_too(polling: RawPolling) -> None:
    ws = probe(polling)
    assert polling.poll().body == b"6"
    ws.send("5")
    ws.send("4hello")
    assert ws.recv() == "4hello"
    ws.abort()


def test_the_upgrade_packet_may_come_at_once(polling: RawPolling) -> None:
    """Without waiting for the noop that ends the poll."""
    pending = polling.start_poll()
    assert not pending.is_answered(QUIET)
    ws = probe(polling)
    ws.send("5")
    ws.send("4hello")
    assert ws.recv() == "4hello"
    assert pending.reply().body in (b"6", b"6\x1e1", b"1")
    ws.abort()


def test_polling_is_refused_after_an_upgrade(echo: ServerProcess, polling: RawPolling) -> None:
    client = upgrade(echo, polling)
    for reply in (polling.poll(), polling.post("4lost")):
        assert (reply.status, reply.json()) == (400, BAD_REQUEST)
    assert_works(client)
    client.leave()


def test_a_second_websocket_is_closed_after_an_upgrade(
    echo: ServerProcess, polling: RawPolling
) -> None:
    client = upgrade(echo, polling)
    assert_closed_at_once(polling)
    assert_works(client)
    client.leave()


def test_a_second_websocket_is_closed_for_a_websocket_session(echo: ServerProcess) -> None:
    client = EngineWebSocket.open(echo.address, ENGINE_PATH)
    polling = RawPolling(echo.address, ENGINE_PATH)
    polling.handshake = client.handshake
    assert_closed_at_once(polling)
    assert_works(client)
    client.leave()


@pytest.mark.parametrize("probed", [False, True], ids=["connected", "probed"])
def test_a_second_websocket_is_closed_during_an_upgrade(polling: RawPolling, probed: bool) -> None:
    ws = probe(polling) if probed else connect(polling)
    assert_closed_at_once(polling)
    if not probed:
        ws.send("2probe")
        assert ws.recv() == "3probe"
    ws.send("5")
    ws.send("4hello")
    assert ws.recv() == "4hello"
    ws.abort()


def test_a_websocket_is_refused_for_a_session_that_has_ended(polling: RawPolling) -> None:
    """Also while what was sent to the client before can still be fetched."""
    assert polling.post("4last").status == 200
    polling.start_post(b"4half", **{"Content-Length": "100"}).abort()
    time.sleep(QUIET)
    with pytest.raises(Refused) as refused:
        connect(polling)
    reply = refused.value.reply
    assert (reply.status, reply.json()) == (400, {"code": 1, "message": "Session ID unknown"})
    assert polling.poll().body.startswith(b"4last")


@our_own_lane
def test_the_probe_may_come_with_the_handshake(polling: RawPolling) -> None:
    packets = b"".join(frame(TEXT, packet) for packet in (b"2probe", b"5", b"4hello"))
    ws = RawWebSocket.connect(
        polling.address, target(polling.path, "websocket", polling.sid), early=packets
    )
    assert [ws.recv(), ws.recv()] == ["3probe", "4hello"]
    ws.abort()


def test_messages_of_the_switch_arrive_in_order(echo: ServerProcess, polling: RawPolling) -> None:
    """What waits when polling pauses goes out over the WebSocket, before what comes later."""
    ws = probe(polling)
    assert polling.post("4one\x1ebAQI=\x1e4two").body == b"ok"
    ws.send("5")
    ws.send("4three")
    assert [ws.recv() for _ in range(4)] == ["4one", b"\x01\x02", "4two", "4three"]
    assert_lane(echo, polling.sid)
    ws.abort()


def test_messages_during_the_probe_go_over_polling(polling: RawPolling) -> None:
    ws = probe(polling)
    polling.send("4hello")
    received = polling.recv()
    while received == "6":
        received = polling.recv()
    assert received == "4hello"
    assert ws.is_quiet()
    ws.abort()


@pytest.mark.parametrize("probed", [False, True], ids=["connected", "probed"])
@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_polling_goes_on_after_an_abandoned_upgrade(
    echo: ServerProcess, polling: RawPolling, probed: bool, reset: bool
) -> None:
    ws = probe(polling) if probed else connect(polling)
    ws.abort(reset)
    time.sleep(0.05)
    assert_works(polling)
    client = upgrade(echo, polling)
    assert_works(client)
    client.leave()


def test_a_poll_that_waits_survives_an_abandoned_upgrade(polling: RawPolling) -> None:
    pending = polling.start_poll()
    assert not pending.is_answered(QUIET)
    connect(polling).abort()
    assert not pending.is_answered(QUIET)
    polling.send("4hello")
    assert pending.reply().body == b"4hello"


@pytest.mark.parametrize(
    "packet", ["4hello", "3probe", "2", "2other", "6", "1", "abc", "", b"\x01"]
)
def test_anything_but_a_probe_closes_the_websocket(
    polling: RawPolling, packet: str | bytes
) -> None:
    ws = connect(polling)
    ws.send(packet)
    ws.expect_close()
    assert_works(polling)


def test_an_upgrade_packet_without_a_probe_closes_the_websocket(polling: RawPolling) -> None:
    ws = connect(polling)
    ws.send("5")
    ws.expect_close()
    assert_works(polling)


def test_anything_but_an_upgrade_after_the_probe_closes_the_websocket(polling: RawPolling) -> None:
    ws = probe(polling)
    ws.send("4hello")
    ws.expect_close()
    assert_works_soon(polling)


def test_a_framing_violation_during_the_probe_leaves_polling(polling: RawPolling) -> None:
    ws = probe(polling)
    ws.send_raw(b"\xf1\x80mask")
    assert ws.expect_close() == 1002
    assert_works(polling)


def test_the_end_of_the_session_ends_the_probe(polling: RawPolling) -> None:
    ws = probe(polling)
    polling.post("1")
    ws.expect_close()
    polling.expect_gone()


@pytest.mark.waiting
def test_an_unfinished_upgrade_times_out(run_app: RunApp) -> None:
    server = run_app(upgrade_timeout=0.4)
    polling = RawPolling.open(server.address, SOCKETIO_PATH)
    ws = probe(polling)
    started = time.monotonic()
    ws.expect_close()
    assert 0.3 < time.monotonic() - started < 1.0
    client = SioClient(polling)
    polling.send("40")
    while (text := client.recv_text()) == "6":
        pass
    assert text.startswith('40{"sid":')
    polling.leave()


@pytest.mark.waiting
def test_a_connected_websocket_without_a_probe_times_out(run_app: RunApp) -> None:
    server = run_app(upgrade_timeout=0.4)
    polling = RawPolling.open(server.address, SOCKETIO_PATH)
    connect(polling).expect_close(1.0)
    assert polling.post("40").status == 200
    polling.leave()


@pytest.mark.waiting
def test_a_finished_upgrade_does_not_time_out(run_app: RunApp) -> None:
    server = run_app(upgrade_timeout=0.4)
    client = upgrade(server, RawPolling.open(server.address, SOCKETIO_PATH))
    with pytest.raises(TimeoutError):
        client.recv(0.6)
    SioClient(client).join()
    client.leave()


def test_upgrades_can_be_turned_off(run_app: RunApp) -> None:
    server = run_app(allow_upgrades=False)
    polling = RawPolling.open(server.address, SOCKETIO_PATH)
    assert polling.handshake["upgrades"] == []
    with pytest.raises(Refused) as refused:
        connect(polling)
    assert (refused.value.reply.status, refused.value.reply.json()) == (400, BAD_REQUEST)
    SioClient(polling).join()
    polling.leave()


def test_the_heartbeat_goes_on_after_an_upgrade(hasty_echo: ServerProcess) -> None:
    polling = RawPolling.open(hasty_echo.address, ENGINE_PATH)
    client = upgrade(hasty_echo, polling)
    assert_lane_soon(hasty_echo, polling.sid)
    for _ in range(2):
        assert client.recv(1) == "2"
        client.send("3")
    assert client.recv(1) == "2"
    with pytest.raises(ConnectionClosed):
        client.recv(1)
    client.leave()
