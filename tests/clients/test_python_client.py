"""python-socketio's client, a peer written by others, over polling, over WebSocket, and upgraded."""

import gc
import json
import queue
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
import socketio
from engineio.payload import Payload

from tests.clients.servers import KINDS, serve
from tests.kit.neighbour import OrderedClient
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("app.py")
TEXT = "plain, “quoted” \\ \n\t, ключ, 发送成功, 👩‍🚀, \u2028\u0000"
BLOB = bytes(range(256))
NESTED = {"a": [BLOB, {"b": b""}], "ключ": b"\x00", "n": [None, True, -1.5, 2**53 - 1, {}]}
WAIT = 5

# This client leaves the socket of a broken connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*<socket.socket:pytest.PytestUnraisableExceptionWarning"
)


@dataclass(frozen=True)
class Way:
    """How the client is told to connect, and what must carry its messages in the end."""

    transports: list[str] | None
    name: str
    lane: str


WAYS = {
    "polling": Way(["polling"], "polling", "Polling"),
    "websocket": Way(["websocket"], "websocket", "FastWebSocket"),
    "upgraded": Way(None, "websocket", "FastWebSocket"),
}


class Client:
    """A client whose events are kept in the order of their arrival, one inbox a namespace and event."""

    def __init__(self, url: str, way: Way) -> None:
        self.url = url
        self.way = way
        self.inboxes: dict[tuple[str, str], queue.Queue[tuple[Any, ...]]] = {}
        self.answers: dict[str, Any] = {}
        self.session = requests.Session()
        self.peer = OrderedClient(
            reconnection_delay=0.1, reconnection_delay_max=0.2, http_session=self.session
        )
        for namespace in ("/", "/chat"):
            self.peer.on("*", self._keeper(namespace), namespace=namespace)
            for event in ("connect", "connect_error", "disconnect"):
                self.peer.on(event, self._keeper(namespace, event), namespace=namespace)

    def _keeper(self, namespace: str, *first: str) -> Any:
        def keep(*args: Any) -> Any:
            event, *values = (*first, *args)
            self.inbox(event, namespace).put(tuple(values))
            return self.answers.get(event)

        return keep

    def inbox(self, event: str, namespace: str = "/") -> queue.Queue[tuple[Any, ...]]:
        return self.inboxes.setdefault((namespace, event), queue.Queue())

    def next(self, event: str, namespace: str = "/") -> tuple[Any, ...]:
        return self.inbox(event, namespace).get(timeout=WAIT)

    def connect(self, namespaces: list[str] | None = None, auth: Any = None) -> None:
        self.peer.connect(
            self.url,
            transports=self.way.transports,
            namespaces=namespaces or ["/"],
            auth=auth,
            wait_timeout=WAIT,
        )

    def close(self) -> None:
        self.peer.shutdown()
        self.peer.eio.wait()
        self.session.close()
        gc.collect()  # the sockets it left open: now, under the filter above

    def call(self, event: str, *args: Any, namespace: str = "/") -> Any:
        return self.peer.call(event, args or None, namespace=namespace, timeout=WAIT)

    def assert_lane(self, namespace: str = "/") -> None:
        """Both ends say what carries the messages, so that no run tests another transport than it claims."""
        assert self.peer.transport() == self.way.name
        assert self.call("lane", namespace=namespace) == self.way.lane


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    with serve(request.param) as server:
        yield server


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, server: ServerProcess) -> Way:
    way = WAYS[request.param]
    return way if way.name == "polling" else replace(way, lane=server.lane)


@pytest.fixture
def stranger(server: ServerProcess, way: Way) -> Iterator[Client]:
    """A client that has not connected yet."""
    client = Client(server.url, way)
    yield client
    client.close()


@pytest.fixture
def client(stranger: Client) -> Client:
    stranger.connect()
    stranger.assert_lane()
    return stranger


def farewells(server: ServerProcess, name: str) -> list[str]:
    """What the server's disconnect handlers said about a visitor, as soon as they said anything."""
    deadline = time.monotonic() + WAIT
    while True:
        with urllib.request.urlopen(f"{server.url}/farewells/{name}", timeout=WAIT) as answer:
            said = json.load(answer)
        if said or time.monotonic() > deadline:
            return said
        time.sleep(0.02)


@pytest.mark.parametrize("value", [TEXT, "", {"k": [1, {}]}, NESTED, BLOB], ids=str)
def test_events_and_acks_both_ways(client: Client, value: Any) -> None:
    assert client.call("echo", value) == value
    assert client.next("echo") == (value,)
    client.assert_lane()


def test_send_is_the_message_event(client: Client) -> None:
    client.peer.send(TEXT)
    assert client.next("message") == (TEXT,)


def test_long_messages_arrive_whole(client: Client) -> None:
    text, blob = "длинный 文 " * 10_000, bytes(range(256)) * 1200
    assert client.call("echo", text) == text
    assert client.call("echo", blob) == blob


def test_a_burst_arrives_complete(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # Out of the box this client gives up on a payload of more than 16 packets, whichever server sends it.
    monkeypatch.setattr(Payload, "max_decode_packets", 500)
    client.call("enter", "mine")
    for number in range(200):
        client.peer.emit("tell", ("mine", number))
    assert sorted(client.next("told")[0] for _ in range(200)) == list(range(200))


def test_binary_reaches_the_app_as_bytes(client: Client) -> None:
    value = {"blob": BLOB, "text": "ключ", "list": [1, {"deep": b"\x00\xff\x80"}]}
    assert client.call("describe", value) == {
        "types": ["bytes", "bytes"],
        "hex": [BLOB.hex(), "00ff80"],
        "text": "ключ",
    }


def test_binary_from_the_server(client: Client) -> None:
    client.peer.emit("gift")
    assert client.next("gift") == ({"name": "ключ", "inner": [{"blob": BLOB}, 1]}, b"\x00\xff\x00")


def test_acks_with_none_and_several_values(client: Client) -> None:
    assert client.call("echo", 1, {"two": b"2"}, None) == (1, {"two": b"2"}, None)
    assert client.call("gift") is None


def test_the_server_gets_the_clients_ack(client: Client) -> None:
    client.answers["question"] = ("ответ", {"blob": b"\x01\xff"}, None)
    client.peer.emit("ask", "なぜ")
    assert client.next("question") == ("なぜ",)
    assert client.next("answered") == ("ответ", {"blob": b"\x01\xff"}, None)


def test_auth_accepted(stranger: Client) -> None:
    auth = {"token": "right", "n": [1, {"k": "ключ"}]}
    stranger.connect(auth=auth)
    assert stranger.next("welcome") == ({"namespace": "/", "auth": auth},)
    stranger.assert_lane()


def test_auth_refused(stranger: Client) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        stranger.connect(auth={"token": "wrong"})
    refusal = {"message": "not welcome", "data": {"code": 7, "why": "令牌"}}
    assert stranger.next("connect_error") == (refusal,)
    assert not stranger.peer.connected


def test_custom_namespace(stranger: Client) -> None:
    stranger.connect(["/chat"])
    assert stranger.next("welcome", "/chat") == ({"namespace": "/chat", "auth": {}},)
    assert stranger.call("whoami", namespace="/chat") == ["/chat", "whoami"]
    stranger.assert_lane("/chat")


def test_namespaces_share_one_connection(stranger: Client) -> None:
    stranger.connect(["/", "/chat"])
    assert stranger.call("echo", "root") == "root"
    assert stranger.call("echo", "chat", namespace="/chat") == "chat"
    assert stranger.next("echo") == ("root",)
    assert stranger.next("echo", "/chat") == ("chat",)
    assert stranger.inbox("echo").empty()
    assert stranger.inbox("echo", "/chat").empty()
    assert stranger.peer.get_sid("/") != stranger.peer.get_sid("/chat")


def test_leaving_one_namespace_keeps_the_other(stranger: Client, server: ServerProcess) -> None:
    name = uuid4().hex
    stranger.connect(["/", "/chat"], auth={"name": name})
    stranger.peer.emit("leave_me", namespace="/chat")
    assert stranger.next("disconnect", "/chat") == ("server disconnect",)
    assert farewells(server, name) == ["/chat server disconnect"]
    assert stranger.call("echo", "still here") == "still here"


def test_disconnected_by_the_server(stranger: Client, server: ServerProcess) -> None:
    name = uuid4().hex
    stranger.connect(auth={"name": name})
    stranger.peer.emit("leave_me")
    assert stranger.next("disconnect") == ("server disconnect",)
    assert farewells(server, name) == ["/ server disconnect"]


def test_disconnected_by_the_client(stranger: Client, server: ServerProcess) -> None:
    name = uuid4().hex
    stranger.connect(auth={"name": name})
    # While its request with the CONNECT packet is unanswered, it would throw its goodbye away and just fall silent.
    stranger.peer.eio.queue.join()
    stranger.peer.disconnect()
    assert stranger.next("disconnect") == ("client disconnect",)
    # This client may close its WebSocket before its goodbye is on the wire: then the close is all that the server sees.
    assert farewells(server, name) in (["/ client disconnect"], ["/ transport close"])


@pytest.mark.parametrize("server", ["run"], indirect=True)
def test_reconnects_after_the_server_restarted(way: Way) -> None:
    with ServerProcess.script(APP) as first:
        client = Client(first.url, way)
        client.connect(auth={"name": "comes-back"})
        client.next("connect")
        before = client.peer.get_sid()
        first.stop()
        assert client.next("disconnect") in {("transport close",), ("transport error",)}
    with ServerProcess.script(APP, {"PORT": str(first.address[1])}):
        client.next("connect")
        assert client.peer.get_sid() != before
        client.assert_lane()
        assert client.call("connections") == 1
        client.close()
