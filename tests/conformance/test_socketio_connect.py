"""Socket.IO: joining namespaces, being refused, and what a client may not do before it has joined."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.servers import (
    SOCKETIO_PATH,
    OpenClient,
    RunApp,
    final_journal,
    journal,
    runs,
)
from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.raw import QUIET
from tests.kit.server import ServerProcess
from tests.kit.sio import CONNECT, DISCONNECT, SioClient, connect_packet, prefix

pytestmark = pytest.mark.usefixtures("unharmed")

REJECTED = {"message": "Connection rejected by server"}


@pytest.fixture
def token() -> str:
    """Names one slow connect handler."""
    return uuid4().hex


def begin_slow(server: ServerProcess, client: SioClient, **auth: Any) -> str:
    """Start to join "/slow"; returns the sid as soon as its connect handler waits."""
    client.engine.send(connect_packet("/slow", auth))
    return server.get(f"/pending/{auth['token']}").text


@pytest.mark.parametrize("namespace", ["/", "/custom"])
@pytest.mark.parametrize("auth", [None, {}, {"token": "123", "nested": {"ключ": [1, None]}}])
def test_a_namespace_is_joined(client: SioClient, namespace: str, auth: Any) -> None:
    client.engine.send(connect_packet(namespace, auth))
    packet = client.recv()
    assert packet.text.startswith(f'40{prefix(namespace)}{{"sid":"')
    assert list(packet.data) == ["sid"]
    assert len(packet.data["sid"]) >= 20
    client.expect("auth", auth or {}, namespace=namespace)


def test_the_comma_after_a_namespace_may_be_missing(client: SioClient) -> None:
    client.engine.send("40/custom")
    packet = client.recv()
    assert (packet.type, packet.namespace) == (CONNECT, "/custom")


def test_the_sid_is_not_the_one_of_the_engine(client: SioClient) -> None:
    """The engine's sid is a secret between client and server, a socket's sid is shown to others."""
    sids = {client.engine.sid, client.join(), client.join("/custom")}
    assert len(sids) == 3


def test_namespaces_share_a_connection(client: SioClient) -> None:
    client.join()
    client.join("/custom")
    client.emit("message", 1, namespace="/custom")
    client.expect("message-back", 1, namespace="/custom")
    client.emit("message", 2)
    client.expect("message-back", 2)


def test_an_unknown_namespace_is_refused(client: SioClient) -> None:
    client.engine.send("40/nope,")
    assert client.recv_text() == '44/nope,{"message":"Invalid namespace"}'
    client.join()


def test_a_query_string_is_part_of_the_namespace(client: SioClient) -> None:
    """Revision 5 has no query string in a packet; such a namespace does not exist."""
    client.engine.send("40/custom?token=1,")
    assert client.recv_text() == '44/custom?token=1,{"message":"Invalid namespace"}'


@pytest.mark.parametrize(
    ("how", "error"),
    [
        pytest.param("false", REJECTED, id="False"),
        pytest.param([], REJECTED, id="no argument"),
        pytest.param(["no"], {"message": "no"}, id="a message"),
        pytest.param(["no", {"a": 1}], {"message": "no", "data": {"a": 1}}, id="data"),
        pytest.param(["no", 1, "b"], {"message": "no", "data": [1, "b"]}, id="more data"),
        pytest.param("builtin", {"message": "Connection refused by server"}, id="builtin"),
    ],
)
def test_a_refusal_says_why(client: SioClient, how: Any, error: dict[str, Any]) -> None:
    client.engine.send(connect_packet("/refuse", {"how": how}))
    text = client.recv_text()
    assert text.startswith("44/refuse,{")
    assert json.loads(text.removeprefix("44/refuse,")) == error


def test_a_connect_handler_that_fails_refuses(app: ServerProcess, client: SioClient) -> None:
    app.allow_traceback("this connect handler fails on purpose")
    client.engine.send(connect_packet("/refuse", {"how": "error"}))
    text = client.recv_text()
    assert text.startswith("44/refuse,{")
    assert "on purpose" not in text
    client.join()


def test_a_refused_client_may_try_again(app: ServerProcess, client: SioClient) -> None:
    client.engine.send(connect_packet("/refuse", {"how": "false"}))
    client.recv()
    sid = client.connect("/refuse", {"how": "accept"})
    client.engine.send("41/refuse,")
    assert final_journal(app, sid) == ["connect", "disconnect:client disconnect"]


def test_a_refused_client_gets_nothing(app: ServerProcess, client: SioClient) -> None:
    """Neither what its handler emitted nor what goes to the room that it joined there."""
    client.engine.send(connect_packet("/refuse", {"how": "emit"}))
    assert client.recv_text() == '44/refuse,{"message":"Connection rejected by server"}'
    app.get("/emit?text=x&to=refused&namespace=/refuse")
    app.get("/emit?text=x&namespace=/refuse")
    client.join()


def test_an_event_after_a_refusal_closes(app: ServerProcess, client: SioClient) -> None:
    client.engine.send(connect_packet("/refuse", {"how": "false"}))
    client.recv()
    client.emit("echo", 1, namespace="/refuse")
    client.engine.expect_gone()


@pytest.mark.parametrize(
    "packets",
    [
        pytest.param(('42["echo",1]',), id="event"),
        pytest.param(('42/custom,["echo",1]',), id="event, namespace"),
        pytest.param(('42/nope,["echo",1]',), id="event, unknown namespace"),
        pytest.param(('421["ack","value"]',), id="event with id"),
        pytest.param(('451-["echo",{"_placeholder":true,"num":0}]', b"\x01"), id="binary event"),
        pytest.param(('430["x"]',), id="ack"),
        pytest.param(("41",), id="disconnect"),
        pytest.param(('44{"message":"x"}',), id="connect error"),
        pytest.param((b"\x01",), id="binary"),
        pytest.param(("4",), id="nothing"),
        pytest.param(("4abc",), id="no packet"),
        pytest.param(("47",), id="type 7"),
    ],
)
def test_anything_but_a_connect_first_closes(
    app: ServerProcess, client: SioClient, packets: tuple[str | bytes, ...]
) -> None:
    before = runs(app)
    client.engine.send(*packets)
    client.engine.expect_gone()
    assert runs(app) == before


@pytest.mark.parametrize("auth", ["[1]", "[]", '"x"', "true", "null", "1.5", "{", '{"a":NaN}'])
@pytest.mark.parametrize("namespace", ["/", "/custom"])
def test_auth_that_is_no_object_closes(
    app: ServerProcess, client: SioClient, namespace: str, auth: str
) -> None:
    before = runs(app)
    client.engine.send(f"40{prefix(namespace)}{auth}")
    client.engine.expect_gone()
    assert runs(app) == before


@pytest.mark.parametrize("namespace", ["/", "/custom"])
def test_a_second_connect_closes(app: ServerProcess, client: SioClient, namespace: str) -> None:
    sid = client.join(namespace)
    before = runs(app)
    client.engine.send(connect_packet(namespace))
    client.engine.expect_gone()
    assert len(final_journal(app, sid)) == 2
    assert runs(app) == before


def test_a_second_connect_while_pending_closes(
    app: ServerProcess, client: SioClient, token: str
) -> None:
    sid = begin_slow(app, client, token=token)
    client.engine.send(connect_packet("/slow", {"token": token}))
    client.engine.expect_gone()
    assert journal(app, sid) == ["begin"]
    app.get(f"/release/{token}")
    assert final_journal(app, sid)[:2] == ["begin", "end"]
    assert runs(app)["begin"] == runs(app)["end"]


def test_an_event_while_pending_closes(app: ServerProcess, client: SioClient, token: str) -> None:
    sid = begin_slow(app, client, token=token)
    client.emit("echo", 1, namespace="/slow")
    client.engine.expect_gone()
    app.get(f"/release/{token}")
    assert "echo" not in final_journal(app, sid)


def test_a_connect_handler_holds_up_nobody_else(
    app: ServerProcess, client: SioClient, token: str
) -> None:
    """Not even the other namespaces of the same connection."""
    begin_slow(app, client, token=token)
    client.join()
    client.emit("message", 1)
    client.expect("message-back", 1)
    app.get(f"/release/{token}")
    assert client.recv().namespace == "/slow"


def test_what_a_connect_handler_emits_comes_after_the_connect_packet(
    app: ServerProcess, client: SioClient, token: str
) -> None:
    """As does what others send to the pending client, by its sid or by a room."""
    sid = begin_slow(app, client, token=token)
    app.get(f"/emit?text=by-sid&to={sid}&namespace=/slow")
    app.get(f"/emit?text=by-room&to=slow-{token}&namespace=/slow")
    time.sleep(QUIET)
    app.get(f"/release/{token}")
    packet = client.recv()
    assert (packet.type, packet.namespace, packet.data) == (CONNECT, "/slow", {"sid": sid})
    client.expect("early", token, namespace="/slow")
    client.expect("told", "by-sid", namespace="/slow")
    client.expect("told", "by-room", namespace="/slow")
    client.emit("echo", "later", namespace="/slow")
    client.expect("echo", "later", namespace="/slow")


def test_what_is_sent_to_a_pending_client_is_discarded_when_it_is_refused(
    app: ServerProcess, client: SioClient, token: str
) -> None:
    sid = begin_slow(app, client, token=token, refuse=True)
    app.get(f"/emit?text=by-sid&to={sid}&namespace=/slow")
    app.get(f"/emit?text=by-room&to=slow-{token}&namespace=/slow")
    app.get(f"/release/{token}")
    assert client.recv_text() == '44/slow,{"message":"Connection rejected by server"}'
    client.join()
    assert journal(app, sid) == ["begin", "end"]


def test_disconnect_follows_the_end_of_the_connect_handler(
    app: ServerProcess, client: SioClient, token: str
) -> None:
    """A client that leaves while its connect handler runs."""
    sid = begin_slow(app, client, token=token)
    client.engine.leave()
    time.sleep(QUIET)
    assert journal(app, sid) == ["begin"]
    app.get(f"/release/{token}")
    lines = final_journal(app, sid)
    assert lines[:2] == ["begin", "end"]
    time.sleep(QUIET)
    assert len(journal(app, sid)) == 3


def test_always_connect_sends_the_connect_packet_first(
    run_app: RunApp, open_client: OpenClient, token: str
) -> None:
    server = run_app(always_connect=True)
    client = open_client(server)
    client.engine.send(connect_packet("/slow", {"token": token}))
    assert client.recv().type == CONNECT
    client.expect("early", token, namespace="/slow")
    server.get(f"/release/{token}")


def test_always_connect_refuses_with_a_disconnect_packet(
    run_app: RunApp, open_client: OpenClient
) -> None:
    client = open_client(run_app(always_connect=True))
    client.engine.send(connect_packet("/refuse", {"how": "false"}))
    assert client.recv().type == CONNECT
    packet = client.recv()
    assert (packet.type, packet.namespace) == (DISCONNECT, "/refuse")


@pytest.mark.waiting
def test_a_session_that_joins_no_namespace_is_closed(
    run_app: RunApp, open_client: OpenClient
) -> None:
    client = open_client(run_app(connect_timeout=0.4))
    started = time.monotonic()
    client.engine.expect_gone()
    assert 0.2 < time.monotonic() - started < 1.2


@pytest.mark.waiting
def test_a_refused_session_is_closed_too(run_app: RunApp, open_client: OpenClient) -> None:
    client = open_client(run_app(connect_timeout=0.4))
    client.engine.send(connect_packet("/nope"))
    client.recv()
    client.engine.expect_gone()


@pytest.mark.waiting
def test_a_session_that_left_its_last_namespace_is_closed(
    run_app: RunApp, open_client: OpenClient
) -> None:
    client = open_client(run_app(connect_timeout=0.4))
    client.join()
    client.engine.send("41")
    client.engine.expect_gone()


@pytest.mark.waiting
def test_a_session_that_joins_no_namespace_is_told(run_app: RunApp) -> None:
    server = run_app(connect_timeout=0.4)
    waiting = RawPolling.open(server.address, SOCKETIO_PATH)
    pending = waiting.start_poll()
    away = RawPolling.open(server.address, SOCKETIO_PATH)
    away.send("40/nope,")
    websocket = EngineWebSocket.open(server.address, SOCKETIO_PATH)
    assert websocket.ws.expect_close() == 1008
    assert pending.reply().body == b"1"
    assert away.poll().text == '44/nope,{"message":"Invalid namespace"}\x1e1'


@pytest.mark.waiting
def test_a_session_that_joined_is_not_closed(run_app: RunApp, open_client: OpenClient) -> None:
    client = open_client(run_app(connect_timeout=0.4))
    client.join()
    time.sleep(0.6)
    client.emit("message", 1)
    client.expect("message-back", 1)
