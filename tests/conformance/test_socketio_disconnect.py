"""Socket.IO: every way to part, and that the disconnect handler runs once, with the right reason."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.conformance.servers import OpenClient, final_journal, journal
from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.raw import CLOSE, PING, QUIET, TEXT, frame
from tests.kit.server import ServerProcess
from tests.kit.sio import DISCONNECT, SioClient

pytestmark = pytest.mark.usefixtures("unharmed")


def assert_left_once(server: ServerProcess, sid: str, *reasons: str) -> None:
    """The handlers "connect" and "disconnect" have run, and nothing comes after."""
    connected, disconnected = final_journal(server, sid)
    assert connected == "connect"
    assert disconnected.removeprefix("disconnect:") in reasons
    time.sleep(QUIET / 3)
    assert len(journal(server, sid)) == 2


def test_the_client_leaves(app: ServerProcess, client: SioClient) -> None:
    """The server does not answer; the connection stays, and the namespace can be joined again."""
    sid = client.join()
    client.engine.send("41")
    assert_left_once(app, sid, "client disconnect")
    assert client.join() != sid
    client.emit("message", 1)
    client.expect("message-back", 1)


def test_the_client_leaves_one_namespace_of_two(app: ServerProcess, client: SioClient) -> None:
    sid, custom = client.join(), client.join("/custom")
    client.engine.send("41/custom,")
    assert_left_once(app, custom, "client disconnect")
    client.emit("message", 1)
    client.expect("message-back", 1)
    assert journal(app, sid) == ["connect", "message"]


def test_an_event_after_leaving_closes(app: ServerProcess, client: SioClient) -> None:
    sid = client.join()
    client.engine.send("41", '42["echo",1]')
    client.engine.expect_gone()
    assert_left_once(app, sid, "client disconnect")


def test_who_left_is_not_told(app: ServerProcess, client: SioClient) -> None:
    sid = client.join("/custom")
    client.engine.send("41/custom,")
    assert_left_once(app, sid, "client disconnect")
    app.get(f"/emit?text=x&to={sid}&namespace=/custom")
    app.get("/emit?text=x&namespace=/custom")
    client.join()


@pytest.mark.parametrize("namespace", ["/", "/custom"])
def test_the_server_disconnects(app: ServerProcess, client: SioClient, namespace: str) -> None:
    """The namespace only; the connection stays."""
    sid = client.join(namespace)
    client.emit("kick", namespace=namespace)
    packet = client.recv()
    assert (packet.type, packet.namespace) == (DISCONNECT, namespace)
    assert final_journal(app, sid)[-1] == "disconnect:server disconnect"
    assert journal(app, sid).count("disconnect:server disconnect") == 1
    client.join(namespace)


def test_a_disconnect_packet_from_the_server_is_short(client: SioClient) -> None:
    client.join()
    client.emit("kick")
    assert client.recv_text() == "41"


def test_both_namespaces_are_left_when_the_connection_ends(
    app: ServerProcess, client: SioClient
) -> None:
    sids = [client.join(), client.join("/custom")]
    client.engine.leave()
    for sid in sids:
        assert_left_once(app, sid, "transport close", "client disconnect")


@pytest.fixture
def websocket(app: ServerProcess, open_client: OpenClient) -> EngineWebSocket:
    engine = open_client(app, "websocket").engine
    assert isinstance(engine, EngineWebSocket)
    return engine


@pytest.mark.parametrize(
    ("act", "reasons"),
    [
        pytest.param(lambda ws: ws.abort(), ("transport close",), id="FIN"),
        pytest.param(
            lambda ws: ws.abort(reset=True), ("transport close", "transport error"), id="RST"
        ),
        pytest.param(lambda ws: ws.close(1000), ("transport close",), id="close 1000"),
        pytest.param(lambda ws: ws.close(1001), ("transport close",), id="close 1001"),
        pytest.param(
            lambda ws: ws.send("1"), ("transport close", "client disconnect"), id="close packet"
        ),
        pytest.param(
            lambda ws: ws.send_raw(frame(TEXT, b"4x", masked=False)),
            ("transport error",),
            id="unmasked",
        ),
        pytest.param(
            lambda ws: ws.send_raw(frame(PING, b"x", fin=False)),
            ("transport error",),
            id="fragmented ping",
        ),
        pytest.param(
            lambda ws: ws.send_raw(frame(CLOSE, b"\x00\x00")),
            ("transport error",),
            id="bad close code",
        ),
        pytest.param(
            lambda ws: ws.send("4" + "x" * 1_000_000), ("transport error",), id="too large"
        ),
        pytest.param(lambda ws: ws.send("2"), ("transport error",), id="ping packet"),
    ],
)
def test_the_end_of_a_websocket_has_its_reason(
    app: ServerProcess,
    websocket: EngineWebSocket,
    act: Callable[[object], None],
    reasons: tuple[str, ...],
) -> None:
    sid = SioClient(websocket).join()
    act(websocket.ws)
    assert_left_once(app, sid, *reasons)


@pytest.fixture
def polling(app: ServerProcess, open_client: OpenClient) -> RawPolling:
    engine = open_client(app, "polling").engine
    assert isinstance(engine, RawPolling)
    return engine


def abort_a_poll(client: RawPolling) -> None:
    pending = client.start_poll()
    assert not pending.is_answered(QUIET)
    pending.abort()


def overlap_polls(client: RawPolling) -> None:
    pending = client.start_poll()
    assert not pending.is_answered(QUIET)
    client.poll()
    pending.abort()


def send_a_close_packet(client: RawPolling) -> None:
    client.post("1")


def send_a_ping(client: RawPolling) -> None:
    client.send("2")


@pytest.mark.parametrize(
    ("act", "reasons"),
    [
        (send_a_close_packet, ("transport close", "client disconnect")),
        (abort_a_poll, ("transport error", "transport close")),
        (overlap_polls, ("transport error",)),
        (send_a_ping, ("transport error",)),
    ],
)
def test_the_end_of_polling_has_its_reason(
    app: ServerProcess,
    polling: RawPolling,
    act: Callable[[RawPolling], None],
    reasons: tuple[str, ...],
) -> None:
    sid = SioClient(polling).join()
    act(polling)
    assert_left_once(app, sid, *reasons)


@pytest.mark.waiting
def test_a_missing_pong_has_its_reason(hasty_app: ServerProcess, open_client: OpenClient) -> None:
    client = open_client(hasty_app)
    sid = client.join()
    assert_left_once(hasty_app, sid, "ping timeout")
    client.engine.expect_gone()


def test_disconnect_follows_the_events_before_it(app: ServerProcess, client: SioClient) -> None:
    """Events that arrived before the client left are handled, and "disconnect" starts last."""
    sid = client.join()
    client.engine.send('42["echo",1]', '42["echo",2]', "41")
    assert final_journal(app, sid) == ["connect", "echo", "echo", "disconnect:client disconnect"]
