"""`message_queue=`: two servers, processes that only emit, and python-socketio's managers, over real brokers."""

import gc
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
import redis
import socketio as neighbour
from flask import Flask

from flask_socketio import SocketIO
from tests.kit.broker import Nats, postgres_url, rabbitmq_url, redis_server
from tests.kit.daemons import Tansu, ZmqProxy
from tests.kit.neighbour import OrderedClient
from tests.kit.server import ServerProcess

# kombu closes its connections when the process ends; here the emitters that have them end before.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*5672:pytest.PytestUnraisableExceptionWarning"
)

APP = Path(__file__).with_name("app.py")
BROKERS = ["redis", "amqp", "nats", "postgres", "kafka", "zmq"]


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory) as url:
        yield url


@pytest.fixture(scope="module")
def nats_url() -> Iterator[str]:
    server = Nats()
    server.start()
    yield server.url
    server.end()


@pytest.fixture(scope="module")
def kafka_url() -> Iterator[str]:
    server = Tansu()
    server.start()
    yield server.url
    server.end()


@pytest.fixture(scope="module")
def zmq_url() -> Iterator[str]:
    server = ZmqProxy()
    server.start()
    yield server.url
    server.end()


@pytest.fixture(scope="module")
def amqp_url() -> str:
    return rabbitmq_url()


@pytest.fixture(scope="module", name="postgres_url")
def postgres() -> str:
    return postgres_url()


class Servers:
    """Two servers of one application, and what belongs to their queue."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self.url = url
        self.channel = "test-" + uuid.uuid4().hex
        env = {"QUEUE": url, "CHANNEL": self.channel}
        self.pair = [stack.enter_context(ServerProcess.script(APP, env)) for _ in range(2)]
        self.clients = [Client(server) for server in self.pair]
        stack.callback(self._disconnect)
        self._wait_until_both_listen()

    def _disconnect(self) -> None:
        for client in self.clients:
            client.client.disconnect()

    def _wait_until_both_listen(self) -> None:
        deadline = time.monotonic() + 20
        for speaker, listener in (self.clients, self.clients[::-1]):
            while True:
                assert time.monotonic() < deadline, "the servers do not hear each other"
                speaker.client.emit("shout", ("hello", {"include_self": False}))
                if listener.next(0.3) is not None:
                    break
        for client in self.clients:
            while client.next(0.5) is not None:
                pass

    def emitter(self) -> SocketIO:
        return SocketIO(message_queue=self.url, channel=self.channel)


class Client:
    def __init__(self, server: ServerProcess, transport: str = "websocket") -> None:
        self.received: Queue[Any] = Queue()
        self.client = OrderedClient()
        self.client.on("shouted", lambda *args: self.received.put(args))
        self.client.on("question", lambda value: ("answer to", value))
        self.client.on("disconnect", lambda *args: self.received.put("disconnected"))
        self.client.connect(server.url, transports=[transport])
        self.sid: str = self.ask("whoami")

    def ask(self, event: str, *args: Any) -> Any:
        return self.client.call(event, args or None, timeout=10)

    def next(self, timeout: float = 10) -> Any:
        try:
            return self.received.get(timeout=timeout)
        except Empty:
            return None


@pytest.fixture(scope="module", params=BROKERS)
def servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    url = request.getfixturevalue(f"{request.param}_url")
    with ExitStack() as stack:
        yield Servers(url, stack)
    gc.collect()  # the emitters end here, and not in the middle of other tests


VALUES: list[Any] = [1, [None], "ü😀", [1, 2], {"a": [b"\0\xff", {"b": b""}]}, b"bytes"]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_broadcast_reaches_both(servers: Servers, value: Any) -> None:
    here, there = servers.clients
    here.client.emit("shout", (value, {}))
    assert here.next() == (value,)
    assert there.next() == (value,)


@pytest.mark.parametrize("size", [7_000, 8_000, 100_000])
def test_large_messages_arrive_in_their_order(servers: Servers, size: int) -> None:
    here, there = servers.clients
    for number in range(3):
        here.client.emit("shout", ([number, "ü" * (size // 2)], {}))
        here.client.emit("shout", (number, {}))
    for client in (here, there):
        for number in range(3):
            assert client.next() == ([number, "ü" * (size // 2)],)
            assert client.next() == (number,)


def test_rooms_and_exceptions(servers: Servers) -> None:
    here, there = servers.clients
    assert there.ask("join", "attic") == [there.sid, "attic"]
    here.client.emit("shout", ("to the attic", {"to": "attic"}))
    assert there.next() == ("to the attic",)
    here.client.emit("shout", ("to a list", {"to": ["attic", here.sid]}))
    assert (here.next(), there.next()) == (("to a list",), ("to a list",))
    here.client.emit("shout", ("not you", {"skip_sid": there.sid}))
    here.client.emit("shout", ("end", {"to": there.sid}))
    assert (here.next(), there.next()) == (("not you",), ("end",))


def test_what_is_done_to_another_servers_client(servers: Servers) -> None:
    here, there = servers.clients

    def rooms_become(expected: list[str]) -> None:
        deadline = time.monotonic() + 10
        while (rooms := there.ask("rooms")) != expected:
            assert time.monotonic() < deadline, rooms

    there.ask("join", "hall")
    before = [room for room in there.ask("rooms") if room != "hall"]
    here.ask("on behalf", "enter_room", there.sid, "cellar")
    rooms_become([*before, "hall", "cellar"])
    here.ask("on behalf", "leave_room", there.sid, "hall")
    rooms_become([*before, "cellar"])
    here.ask("on behalf", "close_room", "cellar")
    rooms_become(before)


def test_an_ack_comes_back_from_the_other_server(servers: Servers) -> None:
    here, there = servers.clients
    assert here.ask("ask", there.sid, "why") == ("answer to", "why")


def test_an_async_callback_of_the_other_servers_client(servers: Servers) -> None:
    here, there = servers.clients
    servers.pair[0].allow_traceback("of the callback")
    for _ in range(2):
        here.client.emit("ask and tell", (there.sid, "why"))
        assert (here.next(), there.next()) == (("answer to", "why"), ("answer to", "why"))


def test_a_callback_of_everybody_is_an_error(servers: Servers) -> None:
    assert servers.clients[0].ask("everybody, answer") == "Cannot use callback without a room set."


def test_a_process_that_only_emits(servers: Servers) -> None:
    here, there = servers.clients
    emitter = servers.emitter()
    assert emitter.server_options["client_manager"].write_only
    emitter.emit("shouted", {"blob": b"1"})
    assert (here.next(), there.next()) == (({"blob": b"1"},), ({"blob": b"1"},))
    emitter.server.enter_room(there.sid, "from outside")
    emitter.emit("shouted", "in", to="from outside")
    assert there.next() == ("in",)
    emitter.close_room("from outside")
    emitter.emit("shouted", "nobody", to="from outside")
    emitter.send("ignored")
    emitter.emit("shouted", "last")
    assert (here.next(), there.next()) == (("last",), ("last",))
    assert emitter.call("question", 7, to=here.sid) == ("answer to", 7)


def test_a_program_that_ends_at_once_has_published(servers: Servers) -> None:
    program = (
        "from flask_socketio import SocketIO\n"
        f"SocketIO(message_queue={servers.url!r}, channel={servers.channel!r}).emit('shouted', 7)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
    assert [client.next() for client in servers.clients] == [(7,), (7,)]


def test_an_application_that_is_not_served_publishes(servers: Servers) -> None:
    worker = SocketIO(Flask(__name__), message_queue=servers.url, channel=servers.channel)
    worker.emit("shouted", "from a worker")
    assert [client.next() for client in servers.clients] == [("from a worker",)] * 2
    with pytest.raises(RuntimeError, match="test client"):
        worker.test_client(Flask(__name__))


MANAGERS = {
    "redis": neighbour.RedisManager,
    "unix": neighbour.RedisManager,
    "amqp": neighbour.KombuManager,
}


def emitting_manager(servers: Servers) -> Any:
    """python-socketio's, in a process of its own as it were."""
    if servers.url.startswith("kafka"):
        pytest.skip("python-socketio's manager hands its library text, which takes bytes alone")
    if servers.url.startswith("zmq"):
        pytest.skip("python-socketio's manager is eventlet's: a server of theirs has it")
    kind = MANAGERS.get(servers.url.partition(":")[0])
    if kind is None:
        pytest.skip("python-socketio has no manager for this broker")
    return kind(servers.url, channel=servers.channel, write_only=True)


def test_python_socketios_manager_and_ours(servers: Servers) -> None:
    manager = emitting_manager(servers)
    manager.emit("shouted", ("two", {"blob": b"2"}), namespace="/")
    assert [client.next() for client in servers.clients] == [("two", {"blob": b"2"})] * 2
    there = servers.clients[1]
    manager.enter_room(there.sid, "/", "a room")
    manager.emit("shouted", "x", namespace="/", room="a room")
    assert there.next() == ("x",)

    ours = SocketIO(Flask(__name__), client_manager=manager)
    ours.emit("shouted", "by its manager")
    assert [client.next() for client in servers.clients] == [("by its manager",)] * 2


def test_a_server_of_python_socketios_and_ours(servers: Servers) -> None:
    if not servers.url.startswith(("redis", "unix", "zmq")):
        pytest.skip("one that listens with redis-py is enough, and one with ZeroMQ's envelopes")
    env = {"QUEUE": servers.url, "CHANNEL": servers.channel}
    with ServerProcess.script(APP.with_name("neighbour_app.py"), env) as process:
        other, here = Client(process, "polling"), servers.clients[0]
        other.ask("join", "theirs")
        while other.next(0.3) is None:
            here.client.emit("shout", ("hello", {}))
        here.client.emit("shout", ("end", {}))
        for client in (other, *servers.clients):
            while client.next() != ("end",):
                pass

        for value in VALUES:
            here.client.emit("shout", (value, {"to": "theirs"}))
            assert other.next() == (value,)
            other.client.emit("shout", (value, 2))
            assert [client.next() for client in (other, *servers.clients)] == [(value, 2)] * 3
        assert here.ask("ask", other.sid, "why") == ("answer to", "why")
        assert [server.get_json("/counters")["queue_gaps"] for server in servers.pair] == [0, 0]
        other.client.disconnect()


GARBAGE: list[str | bytes] = [
    "",
    "{",
    "[]",
    "1",
    "{}",
    '{"method":"emit"}',
    '{"method":"emit","event":"x","data":["a"],"binary":true}',
    '{"method":"disconnect"}',
    '{"method":"no","sid":"x"}',
    '{"method":"callback","id":[]}',
    b"\xff",
]


def test_garbage_in_the_channel_does_no_harm(servers: Servers) -> None:
    if not servers.url.startswith(("redis", "unix")):
        pytest.skip("once is enough; it is published with redis-py")
    with redis.Redis.from_url(servers.url) as connection:
        for text in GARBAGE:
            connection.publish(servers.channel, text)
    here, there = servers.clients
    here.client.emit("shout", ("still here", {}))
    assert (here.next(), there.next()) == (("still here",), ("still here",))


def test_a_disconnect_of_the_other_servers_client(servers: Servers) -> None:
    other = Client(servers.pair[1])
    servers.clients[0].ask("on behalf", "disconnect", other.sid)
    assert other.next() == "disconnected"
    other.client.disconnect()


def test_a_disconnect_of_this_servers_clients_alone(servers: Servers) -> None:
    here, there = Client(servers.pair[0]), Client(servers.pair[1])
    asking = servers.clients[0]
    asking.ask("on behalf", "disconnect", there.sid, "/", True)
    asking.ask("on behalf", "disconnect", here.sid, "/", True)
    assert here.next() == "disconnected"
    # What comes after it in the queue has arrived, and it has not.
    asking.client.emit("shout", ("still there", {"to": there.sid}))
    assert there.next() == ("still there",)
    for client in (here, there):
        client.client.disconnect()


def test_a_callback_of_this_servers_clients_alone(servers: Servers) -> None:
    here, there = servers.clients
    assert here.ask("everybody here, answer") == "asked"
    assert here.next() == ("here has answered",)
    here.client.emit("shout", ("end", {"to": there.sid}))
    assert there.next() == ("end",)


def test_a_room_that_is_no_json_costs_its_own_message_alone(servers: Servers) -> None:
    here, there = servers.clients
    here.client.emit("shout", ("to nobody there", {"to": b"a room"}))
    here.client.emit("shout", ("goes on", {"to": there.sid}))
    assert there.next() == ("goes on",)
    log = servers.pair[0].log
    assert "bytes is not JSON serializable; the message is lost" in log


RESERVED = ["connect", "disconnect", "connect_error", "disconnecting", "newListener"]


@pytest.mark.parametrize("event", [*RESERVED, None, ["list"], {"a": 1}, True], ids=str)
def test_events_that_clients_do_not_take_are_dropped(servers: Servers, event: Any) -> None:
    manager = emitting_manager(servers)
    logs = [server.log for server in servers.pair]
    manager.emit(event, "x", namespace="/")
    manager.emit("shouted", "goes on", namespace="/")
    for server, client, before in zip(servers.pair, servers.clients, logs, strict=True):
        assert client.next() == ("goes on",)
        (line,) = [line for line in server.log[len(before) :].splitlines() if "ignored" in line]
        assert f"event {event!r} is reserved" in line or f"not {event!r}" in line


def test_a_number_is_an_event_that_clients_take(servers: Servers) -> None:
    client = servers.clients[0]
    client.client.on(7, lambda *args: client.received.put(args))
    emitting_manager(servers).emit(7, "seven", namespace="/")
    assert client.next() == ("seven",)


def test_a_queue_that_is_not_there_is_named_and_nothing_stops(
    caplog: pytest.LogCaptureFixture,
) -> None:
    emitter = SocketIO(message_queue="redis://127.0.0.1:1/0", queue_down="drop")
    emitter.emit("x")
    assert "cannot publish to message queue redis://127.0.0.1:1/0" in caplog.text
    assert "the message is lost" in caplog.text


def test_a_queue_that_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"client_manager=.* has no URL; use message_queue="):
        SocketIO(Flask(__name__), client_manager=object())
