"""What others say in rooms that nobody here is in: not decoded, and where the broker has topics, not received."""

from __future__ import annotations

import itertools
import random
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from flask_socketio import SocketIO
from flask_socketio.cluster import here as here_module
from flask_socketio.cluster.brokers import make_broker
from flask_socketio.cluster.queue import Addressed, TopicBroker, UnsureError
from flask_socketio.cluster.topics import TOPICS, topic_of
from tests.kit.broker import Nats, redis_server
from tests.kit.neighbour import OrderedClient
from tests.kit.pausing import paused
from tests.kit.server import ServerProcess
from tests.kit.shards import Shards

APP = Path(__file__).with_name("topics_app.py")
BROKEN = Path(__file__).parent.parent / "versions" / "broken"
WITH_TOPICS = ["nats", "one shard", "three shards"]

Texts = Generator[bytes | str | None]


@contextmanager
def running(server: Any) -> Iterator[Any]:
    server.start()
    try:
        yield server
    finally:
        server.end()


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The URL of each kind of broker, started when it is asked for."""
    with ExitStack() as stack:
        found: dict[str, str] = {}

        def start(kind: str) -> str:
            if kind == "redis":
                return stack.enter_context(redis_server(tmp_path_factory))
            if kind == "nats":
                return stack.enter_context(running(Nats())).url
            return stack.enter_context(running(Shards(1 if kind == "one shard" else 3))).url

        yield lambda kind: found.get(kind) or found.setdefault(kind, start(kind))


# -- brokers ---------------------------------------------------------------------------------------


def new_channel() -> str:
    return "test-" + uuid.uuid4().hex


class Heard:
    """A broker that publishes, one that listens, and what that one hears."""

    def __init__(self, url: str) -> None:
        self.channel = new_channel()
        self.speaker, self.listener = self._broker(url), self._broker(url)
        self.texts: Texts = self.listener.listen(0.1)

    def _broker(self, url: str) -> TopicBroker:
        broker = make_broker(url, self.channel)
        assert isinstance(broker, TopicBroker)
        return broker

    def begin(self) -> None:
        assert next(self.texts) is None

    def want(self, *topics: int, wanted: bool = True) -> None:
        for topic in topics:
            coming = self.listener.want(topic, wanted)
            assert coming is not None
            coming.result()

    def say(self, *messages: tuple[str, int | None]) -> None:
        sent = [Addressed(text.encode(), topic) for text, topic in messages]
        assert list(self.speaker.publish_to(sent)) == [None] * len(messages)

    def insist(self, *messages: tuple[str, int | None]) -> int:
        """Once more where nobody knows whether they have arrived: a busy machine may take too long to tell.

        Returns how often they were said.
        """
        for times in itertools.count(1):
            try:
                self.say(*messages)
            except UnsureError:
                continue
            return times
        raise AssertionError

    def take(self, count: int) -> list[str]:
        found: list[str] = []
        while len(found) < count:
            text = next(self.texts)
            if isinstance(text, bytes):
                found.append(text.decode())
        return found


@contextmanager
def hearing(url: str) -> Iterator[Heard]:
    heard = Heard(url)
    with closing(heard.speaker), closing(heard.listener), closing(heard.texts):
        yield heard


@pytest.fixture(params=WITH_TOPICS)
def heard(request: pytest.FixtureRequest, urls: Callable[[str], str]) -> Iterator[Heard]:
    with hearing(urls(request.param)) as found:
        yield found


def test_who_wants_a_topic_hears_it(heard: Heard) -> None:
    assert heard.listener.want(1, True) is None  # nothing listens yet
    assert heard.listener.want(2, True) is None
    assert heard.listener.want(2, False) is None
    heard.begin()
    heard.say(("one", 1), ("two", 2), ("all", None))
    assert sorted(heard.take(2)) == ["all", "one"]
    heard.want(2, 65_535)
    heard.want(1, wanted=False)
    heard.say(("one", 1), ("two", 2), ("last", 65_535), ("again", None))
    assert sorted(heard.take(3)) == ["again", "last", "two"]
    heard.want(1)
    heard.say(("one", 1))
    assert heard.take(1) == ["one"]


def test_what_is_said_from_then_on_arrives(heard: Heard) -> None:
    """As soon as that is promised, each time anew."""
    heard.begin()
    for topic in random.sample(range(TOPICS), 300):
        heard.want(topic)
        heard.say((str(topic), topic))
        assert heard.take(1) == [str(topic)]


def test_thousands_of_topics(heard: Heard) -> None:
    heard.begin()
    topics = random.sample(range(TOPICS), 5_000)
    for topic in topics[:-1]:
        heard.listener.want(topic, True)
    heard.want(topics[-1])
    for first in range(0, 5_000, 50):
        heard.say(*((str(topic), topic) for topic in topics[first : first + 50]))
        assert sorted(heard.take(50)) == sorted(map(str, topics[first : first + 50]))
    for topic in topics[:-1]:
        heard.listener.want(topic, False)
    heard.want(topics[-1], wanted=False)
    heard.say(*((str(topic), topic) for topic in topics), ("end", None))
    assert heard.take(1) == ["end"]


@pytest.mark.parametrize("kind", ["nats", "one shard"])
def test_topics_keep_the_order_of_who_publishes(urls: Callable[[str], str], kind: str) -> None:
    with hearing(urls(kind)) as heard:
        heard.begin()
        heard.want(*range(20))
        said = [(str(number), random.choice([None, *range(20)])) for number in range(3_000)]
        for first in range(0, len(said), 50):
            heard.say(*said[first : first + 50])
        assert heard.take(len(said)) == [text for text, _ in said]


def test_a_shard_keeps_the_order_of_each_topic(urls: Callable[[str], str]) -> None:
    with hearing(urls("three shards")) as heard:
        heard.begin()
        heard.want(*range(20))
        said = [(str(number), random.randrange(20)) for number in range(3_000)]
        for first in range(0, len(said), 50):
            heard.say(*said[first : first + 50])
        found = heard.take(len(said))
        for topic in range(20):
            mine = [text for text, other in said if other == topic]
            assert [text for text in found if text in set(mine)] == mine


def test_a_slot_that_moves_to_another_shard() -> None:
    """Who publishes follows it; who listens has to begin anew, with all that it wants."""
    with running(Shards(2)) as shards, hearing(shards.url) as heard:
        heard.begin()
        heard.want(7)
        heard.say(("before", 7))
        assert heard.take(1) == ["before"]
        shards.move(f"{heard.channel}:7")
        with pytest.raises(ConnectionError, match="a slot has moved"):
            while True:
                next(heard.texts)
        with closing(heard.listener.listen(0.1)) as heard.texts:
            heard.begin()
            times = heard.insist(("after", 7), ("all", None))
            found = heard.take(2)
            while times > 1 and set(found) != {"after", "all"}:
                found += heard.take(1)
            assert sorted(found)[:: len(found) - 1] == ["after", "all"]
            assert len(found) <= 2 * times


# -- rooms -----------------------------------------------------------------------------------------


class Servers:
    """Two servers of one application, and a client of each."""

    def __init__(self, url: str, stack: ExitStack, **env: str) -> None:
        self.url, self.channel = url, new_channel()
        env = {"QUEUE": url, "CHANNEL": self.channel, **env}
        self.pair = [stack.enter_context(ServerProcess.script(APP, env)) for _ in range(2)]
        self.clients = [Client(server) for server in self.pair]
        for client in self.clients:
            stack.callback(client.client.disconnect)
        self._wait_until_both_listen()

    def _wait_until_both_listen(self) -> None:
        deadline = time.monotonic() + 20
        for speaker, listener in (self.clients, self.clients[::-1]):
            while True:
                assert time.monotonic() < deadline, "the servers do not hear each other"
                speaker.shout("hello")
                if listener.next(0.3) is not None:
                    break
        for client in self.clients:
            while client.next(0.5) is not None:
                pass

    def counted(self, name: str) -> list[int]:
        return [server.get_json("/counters")[name] for server in self.pair]


class Client:
    def __init__(self, server: ServerProcess) -> None:
        self.received: Queue[Any] = Queue()
        self.client = OrderedClient()
        self.client.on("shouted", self.received.put)
        self.client.connect(server.url, transports=["websocket"])
        self.sid: str = self.ask("whoami")

    def ask(self, event: str, *args: Any) -> Any:
        return self.client.call(event, args or None, timeout=20)

    def shout(self, data: Any, to: Any = None) -> None:
        self.client.emit("shout", (data, to))

    def next(self, timeout: float = 10) -> Any:
        try:
            return self.received.get(timeout=timeout)
        except Empty:
            return None


@pytest.fixture(scope="module", params=["redis", *WITH_TOPICS])
def servers(request: pytest.FixtureRequest, urls: Callable[[str], str]) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(urls(request.param), stack)


@pytest.mark.parametrize("join", ["join", "join on the loop"])
def test_who_has_joined_hears_what_others_say_from_then_on(servers: Servers, join: str) -> None:
    """Rooms that are new to the server: it has to listen to their topics first."""
    here, there = servers.clients
    for number in range(30):
        room = f"{join} {number} {uuid.uuid4()}"
        assert there.ask(join, room) == "joined"
        here.shout(number, room)
        assert there.next() == number


def test_a_room_of_any_name(servers: Servers) -> None:
    here, there = servers.clients
    for room in [
        "x",
        "a room",
        "ü😀",
        '"\\',
        "a.b.*.>",
        "{x}",
        "r" * 5_000,
        "A" * 20,
        ["a", '"'],
        7,
    ]:
        for each in room if isinstance(room, list) else [room]:
            there.ask("join", each)
        here.shout(room, room)
        assert there.next() == room


def test_somebody_elses_client_joins_and_the_room_is_closed(
    servers: Servers, request: pytest.FixtureRequest
) -> None:
    here, there = servers.clients
    for _ in range(20):
        room = str(uuid.uuid4())
        here.client.emit("put", (there.sid, room))
        assert there.next() == "welcome"
        here.client.emit("close", room)
        here.shout("end", there.sid)
        ends = [there.next(), there.next()]
        # What is for a client may go by another shard than what is for a room.
        assert (sorted(ends) if "three" in request.node.name else ends) == ["closing", "end"]


def test_what_concerns_nobody_there(servers: Servers, request: pytest.FixtureRequest) -> None:
    here, there = servers.clients
    with_topics = "redis" not in request.node.name
    there.ask("join", "theirs")
    received, skipped = servers.counted("queue_received")[1], servers.counted("queue_skipped")[1]
    for number in range(50):
        here.shout(number, f"a room of nobody's {number}")
        here.shout(number, ["of nobody's", "nor of theirs"])
        here.shout(number, "theirs")
        assert there.next() == number
    skipped = servers.counted("queue_skipped")[1] - skipped
    others = servers.counted("queue_received")[1] - received - 50 - skipped
    assert 0 <= others < 10  # what the servers say of themselves
    # Those to several rooms go to everybody; of the others none is even received, but where rooms share a topic.
    assert 50 <= skipped < 60 if with_topics else skipped == 100
    assert servers.counted("queue_gaps") == [0, 0]


def test_what_is_for_one_client(servers: Servers, request: pytest.FixtureRequest) -> None:
    """It goes to the server that has it; with one channel the other passes it by."""
    with_topics = "redis" not in request.node.name
    emitter = SocketIO(message_queue=servers.url, channel=servers.channel)
    _, there = servers.clients
    skipped, _ = servers.counted("queue_skipped")
    for number in range(20):
        emitter.emit("shouted", number, to=there.sid)
        assert there.next() == number
    emitter.server_options["client_manager"].close()
    emitter.emit("shouted", "end")
    for client in servers.clients:
        assert client.next() == "end"
    assert servers.counted("queue_skipped")[0] == skipped + (0 if with_topics else 20)


def test_one_thread_and_one_client(servers: Servers, request: pytest.FixtureRequest) -> None:
    """Room after room, and everybody: in order; over several shards that is so in each room."""
    here, there = servers.clients
    rooms = [str(uuid.uuid4()) for _ in range(5)]
    for room in rooms:
        there.ask("join", room)
    here.client.emit("count", (rooms, 200))
    got = [there.next() for _ in range(1_200)]
    while here.next(0.3) is not None:
        pass
    if "three" in request.node.name:
        got.sort(key=lambda number: number % 6)
        assert got == [number for room in range(6) for number in range(room, 1_200, 6)]
    else:
        assert got == list(range(1_200))


@pytest.mark.parametrize(
    "name",
    [
        "_process_msg",
        pytest.param("_send_command", marks=pytest.mark.versions),
        pytest.param("_flush_pending", marks=pytest.mark.versions),
    ],
)
def test_a_nats_py_whose_private_names_have_changed(urls: Callable[[str], str], name: str) -> None:
    """Everything arrives, in order; also what concerns nobody, which is not decoded."""
    with ExitStack() as stack:
        env = {"BROKEN": f"nats:{name}", "PYTHONPATH": str(BROKEN)}
        servers = Servers(urls("nats"), stack, **env)
        here, there = servers.clients
        assert there.ask("join", "theirs") == "joined"
        here.client.emit("count", (["theirs", "of nobody's"], 100))
        expected = [number for number in range(300) if number % 3 != 1]
        assert [there.next() for _ in expected] == expected
        assert servers.counted("queue_skipped")[1] == 100
        assert servers.counted("queue_gaps") == [0, 0]
        for server in servers.pair:
            (line,) = [line for line in server.log.splitlines() if "as Flask-Duplex knows" in line]
            assert "nats-py" in line
            assert line.endswith("every server gets the messages for all rooms")


# -- who listens to what, and for how long -------------------------------------------------------------


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_room_that_has_emptied_is_not_listened_to_for_long() -> None:
    with running(Shards(1)) as shards, ExitStack() as stack:
        servers = Servers(shards.url, stack)
        here, there = servers.clients
        always = shards.subscriptions()  # what is for everybody, and for the clients of each
        for _ in range(3):
            there.ask("join", "theirs")
            there.ask("leave", "theirs")
        assert shards.subscriptions() == always + 1
        here.shout("nobody is in", "theirs")
        time.sleep(here_module.LINGER)
        here.shout("nobody is in", "theirs")
        wait_until(lambda: shards.subscriptions() == always)
        there.ask("join", "theirs")
        here.shout("again", "theirs")
        assert there.next() == "again"
        assert servers.counted("queue_gaps") == [0, 0]


#: Seconds that a join waits for the broker, or a little less.
MOST = 1.9


def test_who_joins_waits_for_the_broker() -> None:
    """And only who joins: the others' events go on, and so do the joiner's own messages."""
    with running(Nats()) as nats, ExitStack() as stack:
        servers = Servers(nats.url, stack)
        here, there = servers.clients
        joined: Queue[float] = Queue()
        with paused(nats.pids[0]):
            asked = time.monotonic()
            there.client.emit("join", "theirs", callback=lambda *_: joined.put(time.monotonic()))
            there.ask("whoami")
            time.sleep(0.5)
            goes_on = time.monotonic()
        assert joined.get(timeout=10) >= min(goes_on, asked + MOST)
        here.shout("heard", "theirs")
        assert there.next() == "heard"


@pytest.mark.parametrize("kind", [Nats, partial(Shards, 1)], ids=["nats", "one shard"])
def test_topics_after_the_broker_has_come_back(kind: Callable[[], Any]) -> None:
    with running(kind()) as broker, ExitStack() as stack:
        servers = Servers(broker.url, stack)
        here, there = servers.clients
        there.ask("join", "before")
        broker.kill()
        there.ask("join", "meanwhile")
        broker.start()
        for room in ("before", "meanwhile"):
            here.shout(room, room)
            assert there.next(20) == room


def test_ids_of_clients_have_the_topic_of_their_process() -> None:
    """It is their server that has to get it, whatever it listens to."""
    assert topic_of("/", "A1_-" * 5) is None
    assert (
        topic_of("/", "abc-12-_" + "A1_-" * 5) == topic_of("/b", "abc-12-_" + "B" * 20) is not None
    )
    assert topic_of("/", 7) is None
    assert topic_of("/", "a room") == topic_of("/", "a room") != topic_of("/b", "a room")
