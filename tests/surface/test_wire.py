"""What a client sees of the API's promises: the options, connecting, acknowledgements, why a client left."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.kit.engine import EngineClient, EngineWebSocket, RawPolling, decode_payload, target
from tests.kit.raw import Reply, request
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient, connect_packet

PATH = "/socket.io/"
APP = Path(__file__).with_name("app.py")
Start = Callable[..., ServerProcess]


def server_with(**options: Any) -> ServerProcess:
    return ServerProcess([sys.executable, str(APP)], {"OPTIONS": json.dumps(options)})


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with server_with() as server:
        yield server


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the app with other options."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(server_with(**options))


@pytest.fixture(params=[RawPolling, EngineWebSocket])
def engine(server: ServerProcess, request: pytest.FixtureRequest) -> Iterator[EngineClient]:
    client = request.param.open(server.address, PATH)
    yield client
    client.leave()


@pytest.fixture
def client(engine: EngineClient) -> SioClient:
    client = SioClient(engine)
    client.connect()
    return client


def handshake(server: ServerProcess, path: str = PATH, **headers: str) -> Reply:
    return request(server.address, "GET", target(path, "polling"), headers=headers)


def fields(server: ServerProcess) -> dict[str, Any]:
    """What the server tells about itself."""
    return RawPolling.open(server.address, PATH).handshake


# Connecting

REFUSED = {
    "false": '44{"message":"Connection rejected by server"}',
    "none": '44{"message":"Connection rejected by server"}',
    "one": '44{"message":"members only"}',
    "two": '44{"message":"members only","data":{"code":7}}',
    "three": '44{"message":"members only","data":[7,"later"]}',
    "builtin": '44{"message":"Connection refused by server"}',
}


@pytest.mark.parametrize("how", REFUSED)
def test_refused(engine: EngineClient, how: str) -> None:
    client = SioClient(engine)
    engine.send(connect_packet(auth={"refuse": how}))
    assert client.recv_text() == REFUSED[how]
    client.connect()  # the connection is still there


@pytest.mark.parametrize("how", ["false", "two"])
def test_refused_after_the_connect_packet(start: Start, how: str) -> None:
    engine = EngineWebSocket.open(start(always_connect=True).address, PATH)
    client = SioClient(engine)
    client.engine.send(connect_packet(auth={"refuse": how}))
    assert client.recv_text().startswith('40{"sid":')
    assert client.recv_text().startswith("41")
    engine.leave()


def test_a_sid_per_namespace(client: SioClient) -> None:
    assert client.connect("/room") != client.sids["/"] != client.engine.sid
    assert client.call("hello", "Ada", namespace="/room") == ["hello Ada"]


def test_namespaces_without_handlers(start: Start) -> None:
    server = start(namespaces=["/quiet"])
    client = SioClient(EngineWebSocket.open(server.address, PATH))
    client.connect("/quiet")
    client.engine.send(connect_packet("/unknown"))
    assert client.recv_text().startswith("44/unknown,")
    client.engine.leave()


# Events and acknowledgements

ACKS = {
    "none": [],
    "false": [False],
    "zero": [0],
    "empty": [""],
    "list": [[1, 2]],
    "tuple": [1, "two"],
    "no elements": [],
    "pair in a tuple": [[1, 2]],
    "dict": [{"a": [None]}],
    "bytes": [b"\x00\x01"],
}


@pytest.mark.parametrize("which", ACKS)
def test_what_a_handler_returns_is_its_ack(client: SioClient, which: str) -> None:
    assert client.call("result", which) == ACKS[which]


def test_nobody_acknowledges_an_unknown_event(client: SioClient) -> None:
    client.emit("unknown", id=5)
    assert client.call("result", "zero") == [0]


def test_no_ack_without_the_wish_for_one(client: SioClient) -> None:
    client.emit("result", "list")
    assert client.call("result", "zero") == [0]


def test_arguments_and_values(client: SioClient) -> None:
    client.emit("arguments", 1, None, {"a": []}, "text")
    client.expect("arguments", 1, None, {"a": []}, "text")
    client.emit("message", "text")
    client.expect("message", ["text"])
    client.emit("message", {"a": 1})
    client.expect("json", [{"a": 1}])
    client.emit("values")
    for arguments in [], [], ["text"], [1, 2], [[1, 2]], [{"n": 1.5}], [True]:
        client.expect("value", *arguments)
    client.expect("value", [b"\x01", {"b": b"\x02"}])


def test_a_callback_runs_in_its_clients_contexts(client: SioClient) -> None:
    client.emit("with callback")
    question = client.recv()
    assert question.data == ["question", 42]
    client.engine.send(f'43{question.id}["a",[1]]')
    client.expect("answered", {"message": None, "args": ["a", [1]]}, ["a", [1]])


@pytest.mark.parametrize(
    ("ack", "answer"), [("[]", None), ('["yes"]', "yes"), ('["yes",[1]]', ["yes", [1]])]
)
def test_call(client: SioClient, ack: str, answer: Any) -> None:
    client.emit("asking", 10, id=3)
    question = client.recv()
    assert question.data == ["question", 42]
    client.engine.send(f"43{question.id}{ack}")
    packet = client.recv()
    assert (packet.id, packet.data) == (3, [{"answer": answer}])


def test_call_without_an_answer(client: SioClient) -> None:
    client.emit("asking", 0.2, id=3)
    client.expect("question", 42)
    assert client.recv().data == ["TimeoutError"]


# Leaving


def watcher(server: ServerProcess) -> SioClient:
    client = SioClient(EngineWebSocket.open(server.address, PATH))
    client.connect()
    assert client.call("watch") is not None
    return client


def test_disconnected_by_a_handler_which_goes_on(server: ServerProcess, client: SioClient) -> None:
    watching = watcher(server)
    client.emit("throw me out", id=1)
    assert client.recv_text() == "41"
    watching.expect("gone", "server disconnect")
    watching.engine.leave()


def test_disconnected_by_the_client(server: ServerProcess, client: SioClient) -> None:
    watching = watcher(server)
    client.engine.send("41")
    watching.expect("gone", "client disconnect")
    client.connect()  # and comes back
    watching.engine.leave()


def test_a_closed_transport(server: ServerProcess) -> None:
    watching = watcher(server)
    engine = EngineWebSocket.open(server.address, PATH)
    SioClient(engine).connect()
    engine.ws.abort()
    watching.expect("gone", "transport close")
    watching.engine.leave()


def test_a_ping_that_nobody_answers(start: Start) -> None:
    server = start(ping_interval=1, ping_timeout=1)
    watching = watcher(server)
    silent = EngineWebSocket.open(server.address, PATH)
    SioClient(silent).connect()
    watching.expect("gone", "ping timeout")
    watching.engine.leave()


# Options


def test_defaults(server: ServerProcess) -> None:
    told = fields(server)
    assert len(told.pop("sid")) == 20
    assert told == {
        "upgrades": ["websocket"],
        "pingInterval": 25000,
        "pingTimeout": 20000,
        "maxPayload": 1000000,
    }


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"ping_interval": 7, "ping_timeout": 3}, {"pingInterval": 7000, "pingTimeout": 3000}),
        ({"ping_interval": [10, 5]}, {"pingInterval": 15000, "pingTimeout": 20000}),
        ({"max_http_buffer_size": 4096}, {"maxPayload": 4096}),
        ({"allow_upgrades": False}, {"upgrades": []}),
    ],
    ids=str,
)
def test_told_in_the_handshake(start: Start, options: dict[str, Any], told: dict[str, Any]) -> None:
    answer = fields(start(**options))
    assert answer | told == answer


@pytest.mark.ours('upgrades in the handshake, with transports="polling"')
@pytest.mark.parametrize("transports", ["polling", ["polling"]])
def test_no_upgrade_to_a_transport_that_is_off(start: Start, transports: Any) -> None:
    assert fields(start(transports=transports))["upgrades"] == []


def test_transports(start: Start) -> None:
    server = start(transports="websocket")
    assert handshake(server).status == 400
    EngineWebSocket.open(server.address, PATH).leave()


@pytest.mark.parametrize("options", [{"path": "/ws"}, {"path": "ws"}, {"resource": "ws"}], ids=str)
def test_path(start: Start, options: dict[str, Any]) -> None:
    server = start(**options)
    assert handshake(server, "/ws/").status == 200
    for elsewhere in "/ws", "/socket.io/":
        assert handshake(server, elsewhere).status == 404
    assert server.get("/").text == "a page"


def test_the_path_without_its_slash_is_the_apps(server: ServerProcess) -> None:
    assert handshake(server, "/socket.io").status == 404


@pytest.mark.parametrize(
    ("cookie", "attributes"),
    [
        ("io", {"path": "/", "SameSite": "Lax"}),
        (
            {"name": "io", "path": "/x", "SameSite": "Strict", "HttpOnly": True},
            {"path": "/x", "SameSite": "Strict", "HttpOnly": None},
        ),
    ],
    ids=str,
)
def test_cookie(start: Start, cookie: Any, attributes: dict[str, str | None]) -> None:
    reply = handshake(start(cookie=cookie))
    sid = json.loads(decode_payload(reply.body)[0][1:])["sid"]
    first, *others = reply.headers["set-cookie"].split("; ")
    assert first == f"io={sid}"
    assert {name: value or None for name, _, value in (o.partition("=") for o in others)} == (
        attributes
    )


def test_no_cookie(server: ServerProcess) -> None:
    assert "set-cookie" not in handshake(server).headers


FRIEND, STRANGER = "http://friend.example", "http://stranger.example"


@pytest.mark.parametrize(
    ("allowed", "friend", "stranger"),
    [
        (None, False, False),
        (FRIEND, True, False),
        ([FRIEND, "http://other.example"], True, False),
        ("callable", True, False),
        ("*", True, True),
        (["*"], True, True),
        ([], True, True),
    ],
    ids=str,
)
def test_origins(start: Start, allowed: Any, friend: bool, stranger: bool) -> None:
    server = start(cors_allowed_origins=allowed)
    for origin, welcome in (FRIEND, friend), (STRANGER, stranger), (server.url, allowed is None):
        if origin == server.url and not welcome:
            continue
        assert (handshake(server, origin=origin).status == 200) is welcome
    reply = handshake(server, origin=FRIEND)
    if friend and allowed:
        assert reply.headers["access-control-allow-origin"] == FRIEND
        assert reply.headers["access-control-allow-credentials"] == "true"
    if not friend:
        assert "access-control-allow-origin" not in reply.headers


def test_no_credentials(start: Start) -> None:
    server = start(cors_allowed_origins=FRIEND, cors_credentials=False)
    headers = handshake(server, origin=FRIEND).headers
    assert headers["access-control-allow-origin"] == FRIEND
    assert "access-control-allow-credentials" not in headers


def large_answer(server: ServerProcess, size: int) -> Reply:
    """The answer to a GET that carries an event of `size` letters."""
    polling = RawPolling.open(server.address, PATH)
    SioClient(polling).connect()
    polling.send(f'42["large",{size}]')
    headers = {"accept-encoding": "gzip"}
    reply = request(server.address, "GET", polling.target, headers=headers)
    polling.leave()
    return reply


@pytest.mark.parametrize(
    ("options", "size", "compressed"),
    [
        ({}, 2000, True),
        ({}, 500, False),
        ({"compression_threshold": 100}, 500, True),
        ({"http_compression": False}, 2000, False),
    ],
    ids=str,
)
def test_compression(start: Start, options: dict[str, Any], size: int, compressed: bool) -> None:
    reply = large_answer(start(**options), size)
    assert reply.headers.get("content-encoding") == ("gzip" if compressed else None)
    body = gzip.decompress(reply.body) if compressed else reply.body
    assert decode_payload(body) == [f'42["large","{"x" * size}"]']


@pytest.mark.ours("a WebSocket message over max_http_buffer_size")
def test_a_message_over_the_limit(start: Start) -> None:
    server = start(max_http_buffer_size=1000)
    client = SioClient(EngineWebSocket.open(server.address, PATH))
    client.connect()
    client.emit("arguments", "x" * 900)
    client.expect("arguments", "x" * 900)
    client.emit("arguments", "x" * 1100)
    client.engine.expect_gone()
