"""Engine.IO: the handshake over both transports, and every way to fail it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.servers import ENGINE_PATH, SOCKETIO_PATH, RunApp, echo_process
from tests.kit.engine import EngineWebSocket, RawPolling, open_engine, target
from tests.kit.raw import ConnectionClosed, RawWebSocket, Refused, Reply, request
from tests.kit.server import ServerProcess

TRANSPORT_UNKNOWN = {"code": 0, "message": "Transport unknown"}
SESSION_UNKNOWN = {"code": 1, "message": "Session ID unknown"}
BAD_METHOD = {"code": 2, "message": "Bad handshake method"}
BAD_REQUEST = {"code": 3, "message": "Bad request"}
BAD_VERSION = {"code": 5, "message": "Unsupported protocol version"}

# Query strings that no session comes of, whatever the transport. T stands for the transport.
BAD_QUERIES = [
    pytest.param("transport=T", BAD_VERSION, id="EIO missing"),
    pytest.param("EIO=3&transport=T", BAD_VERSION, id="EIO=3"),
    pytest.param("EIO=abc&transport=T", BAD_VERSION, id="EIO=abc"),
    pytest.param("EIO=4", TRANSPORT_UNKNOWN, id="transport missing"),
    pytest.param("EIO=4&transport=abc", TRANSPORT_UNKNOWN, id="transport=abc"),
    pytest.param("EIO=4&transport=__proto__", TRANSPORT_UNKNOWN, id="transport=__proto__"),
    pytest.param("EIO=4&transport=T&sid=abc", SESSION_UNKNOWN, id="sid=abc"),
    pytest.param("EIO=4&transport=T&sid=__proto__", SESSION_UNKNOWN, id="sid=__proto__"),
]


def assert_refused(reply: Reply, error: dict[str, Any], status: int = 400) -> None:
    assert (reply.status, reply.json()) == (status, error)
    assert reply.headers["content-type"].startswith("application/json")


def refused_upgrade(server: ServerProcess, query: str, **headers: str) -> Reply:
    """The answer to a WebSocket handshake that must be refused."""
    with pytest.raises(Refused) as refused:
        RawWebSocket.connect(server.address, f"{ENGINE_PATH}?{query}", headers)
    return refused.value.reply


@pytest.mark.parametrize("way", ["polling", "websocket"])
def test_the_open_packet_has_all_fields(echo: ServerProcess, way: str) -> None:
    client = open_engine(echo, way, ENGINE_PATH)
    client.leave()
    fields = client.handshake
    sid = fields.pop("sid")
    assert isinstance(sid, str)
    assert len(sid) >= 20
    assert fields == {
        "upgrades": ["websocket"] if way == "polling" else [],
        "pingInterval": 25000,
        "pingTimeout": 20000,
        "maxPayload": 1000000,
    }


def test_the_open_packet_is_json_of_one_spelling(echo: ServerProcess) -> None:
    """Clients in other languages read it too: integers are integers, nothing stands around them."""
    reply = request(echo.address, "GET", target(ENGINE_PATH, "polling"))
    assert reply.body.startswith(b'0{"sid":"')
    assert b'"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}' in reply.body


@pytest.mark.parametrize(
    ("interval", "timeout", "milliseconds"),
    [(0.3, 0.2, (300, 200)), (2.5, 1.25, (2500, 1250))],
)
def test_the_heartbeat_is_told_to_the_millisecond(
    lane: str, interval: float, timeout: float, milliseconds: tuple[int, int]
) -> None:
    with echo_process(lane, interval, timeout) as server:
        fields = RawPolling.open(server.address, ENGINE_PATH).handshake
    assert (fields["pingInterval"], fields["pingTimeout"]) == milliseconds
    assert isinstance(fields["pingInterval"], int)


def test_jsonp_is_not_spoken(echo: ServerProcess) -> None:
    """Revision 4 has no `j`: the answer is the ordinary one."""
    reply = request(echo.address, "GET", target(ENGINE_PATH, "polling", j="0"))
    assert reply.status == 200
    assert reply.body.startswith(b'0{"sid":"')
    assert reply.headers["content-type"] == "text/plain; charset=UTF-8"


def test_every_session_has_an_id_of_its_own(echo: ServerProcess) -> None:
    sids = {RawPolling.open(echo.address, ENGINE_PATH).sid for _ in range(20)}
    assert len(sids) == 20


def test_a_polling_answer_is_plain_text_and_never_stored(echo: ServerProcess) -> None:
    reply = request(echo.address, "GET", target(ENGINE_PATH, "polling"))
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/plain; charset=UTF-8"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("query", "error"), BAD_QUERIES)
def test_a_bad_query_is_refused_over_polling(
    echo: ServerProcess, query: str, error: dict[str, Any]
) -> None:
    query = query.replace("=T", "=polling")
    assert_refused(request(echo.address, "GET", f"{ENGINE_PATH}?{query}"), error)


@pytest.mark.parametrize(("query", "error"), BAD_QUERIES)
def test_a_bad_query_refuses_the_websocket(
    echo: ServerProcess, query: str, error: dict[str, Any]
) -> None:
    assert_refused(refused_upgrade(echo, query.replace("=T", "=websocket")), error)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_handshake_is_a_get(echo: ServerProcess, method: str) -> None:
    reply = request(echo.address, method, target(ENGINE_PATH, "polling"), body=b"")
    assert_refused(reply, BAD_METHOD)


def test_a_websocket_handshake_needs_the_upgrade_headers(echo: ServerProcess) -> None:
    assert_refused(request(echo.address, "GET", target(ENGINE_PATH, "websocket")), BAD_REQUEST)


def test_a_websocket_is_no_polling_transport(echo: ServerProcess) -> None:
    """Refused with a status, or closed right after the handshake as the reference server does."""
    try:
        ws = RawWebSocket.connect(echo.address, target(ENGINE_PATH, "polling"))
    except Refused as refused:
        assert_refused(refused.reply, BAD_REQUEST)
    else:
        with pytest.raises(ConnectionClosed):
            ws.recv()
        ws.abort()


def test_no_compression_is_negotiated(echo: ServerProcess) -> None:
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    ws = RawWebSocket.connect(echo.address, target(ENGINE_PATH, "websocket"), offer)
    assert "sec-websocket-extensions" not in ws.response.headers
    ws.abort()


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-WebSocket-Key": "short"}, id="key"),
        pytest.param({"Sec-WebSocket-Version": "12"}, id="version"),
        pytest.param({"Upgrade": "h2c"}, id="Upgrade"),
        pytest.param({"Connection": "keep-alive"}, id="Connection"),
    ],
)
def test_a_bad_websocket_handshake_is_refused(echo: ServerProcess, headers: dict[str, str]) -> None:
    reply = refused_upgrade(echo, "EIO=4&transport=websocket", **headers)
    assert 400 <= reply.status < 500


@pytest.mark.parametrize("name", ["__proto__", "constructor", "hasOwnProperty"])
def test_an_unknown_extension_is_not_negotiated(echo: ServerProcess, name: str) -> None:
    headers = {"Sec-WebSocket-Extensions": name}
    client = EngineWebSocket.open(echo.address, ENGINE_PATH, headers)
    client.send("4hello")
    assert client.recv() == "4hello"
    assert "sec-websocket-extensions" not in client.ws.response.headers
    client.leave()


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_a_foreign_origin_is_forbidden(app: ServerProcess, origin: str) -> None:
    """The default is the same origin, over polling and on the WebSocket handshake alike."""
    headers = {"Origin": origin}
    polling = request(app.address, "GET", target(SOCKETIO_PATH, "polling"), headers=headers)
    with pytest.raises(Refused) as refused:
        RawWebSocket.connect(app.address, target(SOCKETIO_PATH, "websocket"), headers)
    for reply in (polling, refused.value.reply):
        assert reply.status == 403
        assert reply.json()["code"] == 4
        assert isinstance(reply.json()["message"], str)
        assert reply.headers["content-type"].startswith("application/json")


def test_a_foreign_origin_is_forbidden_in_a_session_too(app: ServerProcess) -> None:
    client = RawPolling.open(app.address, SOCKETIO_PATH)
    headers = {"Origin": "http://evil.example"}
    reply = client.start_post(b"40", **headers).reply()
    assert (reply.status, reply.json()["code"]) == (403, 4)
    with pytest.raises(Refused) as refused:
        RawWebSocket.connect(app.address, target(SOCKETIO_PATH, "websocket", client.sid), headers)
    assert refused.value.reply.status == 403
    assert client.post("40").status == 200
    client.leave()


def test_the_same_origin_is_accepted(app: ServerProcess) -> None:
    headers = {"Origin": app.url}
    assert RawPolling.open(app.address, SOCKETIO_PATH, headers).sid
    client = EngineWebSocket.open(app.address, SOCKETIO_PATH, headers)
    assert client.sid
    client.leave()


def test_an_allowed_origin_is_accepted(run_app: RunApp) -> None:
    server = run_app(cors_allowed_origins=["http://friend.example"])
    headers = {"Origin": "http://friend.example"}
    reply = request(server.address, "GET", target(SOCKETIO_PATH, "polling"), headers=headers)
    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == "http://friend.example"
    EngineWebSocket.open(server.address, SOCKETIO_PATH, headers).leave()
    headers = {"Origin": "http://evil.example"}
    reply = request(server.address, "GET", target(SOCKETIO_PATH, "polling"), headers=headers)
    assert (reply.status, reply.json()["code"]) == (403, 4)
