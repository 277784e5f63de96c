"""The official JavaScript client in Chromium, over polling, over WebSocket, and upgraded from one to the other."""

import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser

from tests.clients.browser import Visit, chromium, visit
from tests.clients.servers import serve
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("app.py")
TEXT = "plain, “quoted” \\ \n\t, ключ, 发送成功, 👩‍🚀, \u2028\u0000"
BLOB = list(range(256))


@dataclass(frozen=True)
class Way:
    """How the client is told to connect, and what must carry its messages in the end."""

    transports: list[str]
    lane: str

    @property
    def options(self) -> dict[str, Any]:
        return {"transports": self.transports, "forceNew": True}


WAYS = {
    "polling": Way(["polling"], "Polling"),
    "websocket": Way(["websocket"], "FastWebSocket"),
    "upgraded": Way(["polling", "websocket"], "FastWebSocket"),
}


class Client:
    """A page with a connected socket in `window.socket`."""

    def __init__(self, page: Visit, way: Way) -> None:
        self.page = page
        self.way = way

    def connect(
        self, path: str = "/", auth: dict[str, Any] | None = None, name: str = "socket"
    ) -> None:
        options = {**self.way.options, "auth": auth}
        self.page.run(f"window.{name} = await connected(...given)", [path, options])

    def run(self, script: str, argument: Any = None) -> Any:
        return self.page.run(script, argument)

    def assert_lane(self) -> None:
        """Both ends say what carries the messages, so that no run tests another transport than it claims."""
        assert self.run("return socket.io.engine.transport.name") == self.way.transports[-1]
        assert self.run("return await socket.timeout(5000).emitWithAck('lane')") == self.way.lane


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module", params=["run", "flask run"])
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    with serve(request.param) as server:
        yield server


@pytest.fixture(params=WAYS, scope="module")
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


@pytest.fixture(scope="module")
def shared_page(browser: Browser, server: ServerProcess, way: Way) -> Iterator[Visit]:
    with visit(browser, server.url) as page:
        page.open()
        yield page


@pytest.fixture
def page(shared_page: Visit, server: ServerProcess, way: Way) -> Iterator[Visit]:
    """A page without connections, in which nothing may go wrong and nothing foreign be asked for."""
    yield shared_page
    shared_page.run("hangUp()")
    assert shared_page.hosts == {shared_page.own_host}
    errors = shared_page.errors[:]
    shared_page.errors.clear()
    if "polling" in way.transports:
        # On another TCP connection, a client's goodbye may overtake the GET that it has sent before.
        errors = [text for text in errors if "status of 400" not in text]
    assert errors == [], server.log


@pytest.fixture
def client(page: Visit, way: Way) -> Iterator[Client]:
    client = Client(page, way)
    client.connect()
    client.assert_lane()
    yield client
    client.assert_lane()


def farewells(server: ServerProcess, name: str, count: int) -> list[str]:
    """What the server's disconnect handlers said about a visitor, as soon as there are `count` of them."""
    deadline = time.monotonic() + 5
    while True:
        with urllib.request.urlopen(f"{server.url}/farewells/{name}", timeout=5) as answer:
            said = json.load(answer)
        if len(said) >= count or time.monotonic() > deadline:
            return said
        time.sleep(0.02)


def test_the_served_module_connects(browser: Browser, server: ServerProcess) -> None:
    with visit(browser, server.url) as page:
        page.open("/module")
        page.page.wait_for_function("document.title === 'welcome to /'")
        assert page.errors == []
        assert page.hosts == {page.own_host}


def test_text_both_ways(client: Client) -> None:
    assert client.run(
        "const got = next(socket, 'echo'); socket.emit('echo', given); return got", TEXT
    ) == [TEXT]


def test_send_is_the_message_event(client: Client) -> None:
    assert client.run(
        "const got = next(socket, 'message'); socket.send(given); return got", TEXT
    ) == [TEXT]


def test_json_both_ways(client: Client) -> None:
    value = [None, True, -1.5, 2**53 - 1, "", [], {}, {"ключ": [{"a": [[]]}]}]
    script = "const got = next(socket, 'echo'); socket.emit('echo', ...given); return got"
    assert client.run(script, value) == value


def test_a_long_text_arrives_whole(client: Client) -> None:
    text = "длинный 文 " * 30_000
    assert client.run("return await socket.timeout(5000).emitWithAck('echo', given)", text) == text


def test_a_burst_arrives_complete(client: Client) -> None:
    script = """
        const got = [];
        socket.on('told', (number) => got.push(number));
        await socket.emitWithAck('enter', 'mine');
        for (let number = 0; number < 200; number++) socket.emit('tell', 'mine', number);
        await soon('200 numbers', (resolve) => socket.on('told', () => got.length === 200 && resolve()));
        return got;
    """
    assert sorted(client.run(script)) == list(range(200))


def test_binary_to_the_server(client: Client) -> None:
    script = """
        const value = {blob: bytes(...given), text: 'ключ', list: [1, {deep: new Uint8Array([0, 255, 128])}]};
        return await socket.timeout(5000).emitWithAck('describe', value);
    """
    got = client.run(script, BLOB)
    assert got == {
        "types": ["bytes", "bytes"],
        "hex": [bytes(BLOB).hex(), "00ff80"],
        "text": "ключ",
    }


def test_binary_from_the_server(client: Client) -> None:
    got = client.run(
        "const got = next(socket, 'gift'); socket.emit('gift'); return plain(await got)"
    )
    inner = [{"blob": {"ArrayBuffer": BLOB}}, 1]
    assert got == [{"name": "ключ", "inner": inner}, {"ArrayBuffer": [0, 255, 0]}]


def test_binary_there_and_back(client: Client) -> None:
    script = """
        const value = {a: [bytes(...given), {b: bytes()}], c: bytes(1)};
        const event = next(socket, 'echo');
        const ack = await socket.timeout(5000).emitWithAck('echo', value);
        return plain([ack, (await event)[0]]);
    """
    value = {
        "a": [{"ArrayBuffer": BLOB}, {"b": {"ArrayBuffer": []}}],
        "c": {"ArrayBuffer": [1]},
    }
    assert client.run(script, BLOB) == [value, value]


def test_a_large_blob_arrives_whole(client: Client) -> None:
    script = """
        const blob = new Uint8Array(300000).map((_, at) => (at * 7 + (at >> 8)) & 255);
        const back = new Uint8Array(await socket.timeout(5000).emitWithAck('echo', blob.buffer));
        return [back.length, back.every((value, at) => value === blob[at])];
    """
    assert client.run(script) == [300_000, True]


@pytest.mark.parametrize("values", [[], ["one"], ["one", {"two": 2}, None]])
def test_ack_from_the_server(client: Client, values: list[Any]) -> None:
    script = """
        return await soon('the ack', (resolve) => socket.emit('echo', ...given, (...ack) => resolve(ack)));
    """
    assert client.run(script, values) == values


def test_the_event_precedes_the_ack(client: Client) -> None:
    script = """
        const order = [];
        socket.on('echo', () => order.push('event'));
        await soon('the ack', (resolve) => socket.emit('echo', 1, () => { order.push('ack'); resolve(); }));
        return order;
    """
    assert client.run(script) == ["event", "ack"]


def test_ack_from_the_client(client: Client) -> None:
    script = """
        socket.once('question', (question, answer) => answer(question + '?', bytes(1, 2, 255), null));
        const got = next(socket, 'answered');
        socket.emit('ask', 'なぜ');
        return plain(await got);
    """
    assert client.run(script) == ["なぜ?", {"ArrayBuffer": [1, 2, 255]}, None]


def test_auth_accepted(page: Visit, way: Way) -> None:
    options = {**way.options, "auth": {"token": "right", "n": [1, {"k": "ключ"}]}}
    script = """
        const socket = dial(...given);
        const [welcome] = await next(socket, 'welcome');
        return [socket.connected, welcome.auth];
    """
    assert page.run(script, ["/", options]) == [True, options["auth"]]


def test_auth_refused(page: Visit, way: Way) -> None:
    options = {**way.options, "auth": {"token": "wrong"}}
    script = """
        const socket = dial(...given);
        const [error] = await next(socket, 'connect_error');
        return [socket.connected, socket.active, error.message, error.data, inbox];
    """
    refusal = [False, False, "not welcome", {"code": 7, "why": "令牌"}, []]
    assert page.run(script, ["/", options]) == refusal


def test_a_refused_client_may_try_again(page: Visit, way: Way) -> None:
    options = {**way.options, "auth": {"token": "wrong"}}
    script = """
        window.socket = dial(...given);
        await next(socket, 'connect_error');
        socket.auth = {token: 'right'};
        socket.connect();
        const [welcome] = await next(socket, 'welcome');
        return welcome.auth;
    """
    assert page.run(script, ["/", options]) == {"token": "right"}


def test_custom_namespace(page: Visit, way: Way) -> None:
    client = Client(page, way)
    client.connect("/chat")
    assert client.run("return await first()") == [
        "/chat",
        "welcome",
        {"namespace": "/chat", "auth": {}},
    ]
    assert client.run("return await socket.timeout(5000).emitWithAck('whoami')") == [
        "/chat",
        "whoami",
    ]
    assert client.run("const got = next(socket, 'echo'); socket.emit('echo', 1); return got") == [1]
    client.assert_lane()


def test_unknown_namespace(page: Visit, way: Way) -> None:
    script = """
        const [error] = await next(dial('/nowhere', given), 'connect_error');
        return error.message;
    """
    assert page.run(script, way.options) == "Invalid namespace"


def test_namespaces_share_one_connection(client: Client) -> None:
    script = """
        window.chat = socket.io.socket('/chat');
        chat.onAny((...args) => inbox.push([chat.nsp, ...args]));
        await next(chat, 'welcome');
        inbox.length = 0;
        const both = [next(socket, 'echo'), next(chat, 'echo')];
        socket.emit('echo', 'root');
        chat.emit('echo', 'chat');
        await Promise.all(both);
        return [inbox.toSorted(), chat.io.engine === socket.io.engine, chat.id === socket.id];
    """
    inbox = [["/", "echo", "root"], ["/chat", "echo", "chat"]]
    assert client.run(script) == [inbox, True, False]


def test_leaving_one_namespace_keeps_the_other(client: Client, server: ServerProcess) -> None:
    script = """
        window.chat = socket.io.socket('/chat', {auth: {name: given}});
        await soon('connect', (resolve) => chat.once('connect', resolve));
        chat.disconnect();
        return await socket.timeout(5000).emitWithAck('echo', 'still here');
    """
    name = uuid4().hex
    assert client.run(script, name) == "still here"
    assert farewells(server, name, 1) == ["/chat client disconnect"]


def test_disconnected_by_the_server(page: Visit, way: Way, server: ServerProcess) -> None:
    client, name = Client(page, way), uuid4().hex
    client.connect(auth={"name": name})
    script = """
        const gone = next(socket, 'disconnect');
        socket.emit('leave_me');
        return [(await gone)[0], socket.connected];
    """
    assert client.run(script) == ["io server disconnect", False]
    assert farewells(server, name, 1) == ["/ server disconnect"]


def test_disconnected_by_the_client(page: Visit, way: Way, server: ServerProcess) -> None:
    client, name = Client(page, way), uuid4().hex
    client.connect(auth={"name": name})
    script = "const gone = next(socket, 'disconnect'); socket.disconnect(); return (await gone)[0]"
    assert client.run(script) == "io client disconnect"
    assert farewells(server, name, 1) == ["/ client disconnect"]


@pytest.mark.parametrize("name", ["websocket", "upgraded"])
def test_a_closed_page_is_noticed(browser: Browser, server: ServerProcess, name: str) -> None:
    """A WebSocket's end is noticed at once; one that only polls is missed by the heartbeat, much later."""
    with visit(browser, server.url) as page:
        page.open()
        Client(page, WAYS[name]).connect(auth={"name": f"closed-{name}"})
    assert farewells(server, f"closed-{name}", 1) == ["/ transport close"]


def test_reconnects_after_the_server_restarted(browser: Browser, way: Way) -> None:
    with ServerProcess.script(APP) as first, visit(browser, first.url) as page:
        page.open()
        client = Client(page, way)
        client.connect(auth={"name": "comes-back"})
        client.run(
            """
            window.before = socket.id;
            window.gone = next(socket, 'disconnect');
            window.back = soon('connect', (resolve) => socket.on('connect', resolve));
            """
        )
        first.stop()
        assert client.run("return (await gone)[0]") in {"transport close", "transport error"}
        with ServerProcess.script(APP, {"PORT": str(first.address[1])}):
            client.run("await back; await settled(socket, given)", way.options)
            assert client.run("return socket.connected && socket.id !== before")
            client.assert_lane()
            # Signed in once, not twice.
            assert client.run("return await socket.timeout(5000).emitWithAck('connections')") == 1
            assert client.run("return await socket.emitWithAck('echo', 'again')") == "again"
