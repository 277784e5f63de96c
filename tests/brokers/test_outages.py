"""A message queue that is stopped, killed or out of reach: what is bounded, counted, said, and goes on afterwards."""

from __future__ import annotations

import json
import pickle
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import kombu
import pytest
import redis

from flask_socketio import SocketIO
from flask_socketio.errors import MessageQueueError
from tests.kit.broker import Valkey, listens
from tests.kit.missing import skip_or_fail
from tests.kit.neighbour import OrderedClient
from tests.kit.proxy import Proxy
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("outage_app.py")
MIB = 1024 * 1024

# kombu's connections are let go without a word when the broker does not listen.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.end()


@contextmanager
def served(url: str, **env: str) -> Iterator[tuple[ServerProcess, str]]:
    """A server, and the channel of its queue."""
    channel = "test-" + uuid.uuid4().hex
    with ServerProcess.script(APP, {"QUEUE": url, "CHANNEL": channel, **env}) as server:
        yield server, channel


@contextmanager
def heard(url: str, channel: str) -> Iterator[Callable[[], int]]:
    """What comes through the queue: the numbers of the messages, one after the other."""
    with redis.Redis.from_url(url, socket_timeout=20) as client, client.pubsub() as pubsub:
        pubsub.subscribe(channel)
        pubsub.parse_response()

        def next_number() -> int:
            while (message := json.loads(pubsub.parse_response()[2]))["method"] != "emit":
                pass
            return message["data"][0]

        yield next_number


def lines(server: ServerProcess) -> list[str]:
    return [line for line in server.log.splitlines() if "message queue" in line]


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Of ours: clients of other tests may have something to say, half a minute after they have ended."""
    records = [record for record in caplog.records if record.name.startswith("flask_socketio")]
    return [record.getMessage() for record in records]


def health(server: ServerProcess) -> tuple[str, list[str]]:
    """The status, and what cannot be done with the queue."""
    found = server.get_json("/socket.io/health")
    return found["status"], [reason.partition(" message queue")[0] for reason in found["reasons"]]


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# -- a server --------------------------------------------------------------------------------------


def test_a_stopped_queue_holds_up_nobody_and_costs_little_memory(valkey: Valkey) -> None:
    with served(valkey.url) as (server, channel):
        received = Queue[int]()
        client = OrderedClient()
        client.on("shouted", lambda number, text: received.put(number))
        client.connect(server.url, transports=["websocket"])
        with heard(valkey.url, channel) as next_number:
            server.get("/emit/0/50/100000/elsewhere")
            assert [next_number() for _ in range(50)] == list(range(50))
            before = server.get_json("/memory")["bytes"]
            with valkey.stopped():
                for first in range(50, 649, 10):  # more at once would take memory on their way
                    server.get(f"/emit/{first}/{min(first + 10, 649)}/100000/elsewhere")
                server.get("/emit/649/650/1")
                assert received.get(timeout=1) == 649
                assert client.call("echo", "here", timeout=1) == "here"
                wait_until(lambda: server.get_json("/counters")["queue_unsure"] > 0)
                grown = server.get_json("/memory")["bytes"] - before
                print(f"memory: {grown / MIB:+.0f} MiB")
                assert grown < 24 * MIB  # 16 are what the backlog may hold
            server.get("/emit/650/651/1")
            numbers = list[int]()
            while not numbers or numbers[-1] < 650:
                numbers.append(next_number())
            assert numbers == sorted(set(numbers))
            counters = server.get_json("/counters")
            assert counters["queue_lost_by"] == {"backlog": counters["queue_lost"]}
            unsure = counters["queue_unsure"]
            assert counters["queue_published"] + counters["queue_lost"] + unsure == 651
            # Those of which the server is not sure may have arrived when the queue went on.
            assert 0 <= len(numbers) - (counters["queue_published"] - 50) <= unsure
            wait_until(lambda: len(lines(server)) == 2)
        client.disconnect()
        lost, back = lines(server)
        assert re.search(r"cannot (publish to|keep up with) message queue unix://", lost)
        count = counters["queue_lost"]
        assert re.search(
            rf"is back after .* s: {count} messages lost, {unsure} that may be lost", back
        )


def test_a_killed_queue_gets_what_has_waited(valkey: Valkey) -> None:
    with served(valkey.url, MAX_BACKLOG="100") as (server, channel):
        server.get("/emit/0/1/1")
        wait_until(lambda: server.get_json("/counters")["queue_published"] == 1)
        valkey.kill()
        server.get("/emit/1/301/10")
        wait_until(lambda: server.get_json("/counters")["queue_lost"] > 0)
        time.sleep(1)  # it tries again, and says nothing
        assert health(server) == (
            "degraded",
            ["cannot keep up with", "cannot listen to", "cannot publish to"],
        )
        valkey.start()
        with heard(valkey.url, channel):
            wait_until(lambda: server.get_json("/counters")["queue_published"] > 100)
        counters = server.get_json("/counters")
        assert counters["queue_published"] + counters["queue_lost"] == 301
        assert counters["queue_unsure"] == 0
        assert 301 - counters["queue_lost"] in (101, 102)  # one may be under way already
        wait_until(lambda: health(server) == ("ok", []))
        wait_until(lambda: len(lines(server)) == 2)
        assert "is back after" in lines(server)[1]


def test_a_server_that_stops_says_what_it_could_not_publish(valkey: Valkey) -> None:
    with served(valkey.url) as (server, _channel):
        valkey.kill()
        server.get("/emit/0/30/10")
        wait_until(lambda: "cannot" in server.log)
        assert server.stop()
        assert "is not there when the server stops; 30 messages are lost" in server.log


def test_what_has_waited_for_too_long_is_dropped(valkey: Valkey) -> None:
    with served(valkey.url, MAX_BACKLOG_AGE="1") as (server, channel):
        valkey.kill()
        server.get("/emit/0/30/10")
        wait_until(lambda: server.get_json("/counters")["queue_lost_by"] == {"age": 30})
        assert health(server)[0] == "degraded"
        valkey.start()
        wait_until(lambda: health(server) == ("ok", []))
        with heard(valkey.url, channel) as number:
            server.get("/emit/30/31/10")
            assert number() == 30
        assert len(lines(server)) == 2
        assert "30 messages lost, 0 that may be lost" in lines(server)[1]


# -- an emitter ------------------------------------------------------------------------------------


class Emitting:
    """What only emits, and the time that takes."""

    def __init__(self, url: str) -> None:
        self.channel = "test-" + uuid.uuid4().hex
        self.socketio = SocketIO(message_queue=url, channel=self.channel, queue_down="drop")

    def emit(self, number: int) -> float:
        began = time.monotonic()
        self.socketio.emit("shouted", number)
        return time.monotonic() - began

    @property
    def counters(self) -> dict[str, Any]:
        counters: dict[str, Any] = self.socketio.server.counters()
        return counters

    def close(self) -> None:
        self.socketio.server_options["client_manager"].close()

    def emit_for(self, seconds: float) -> list[float]:
        """Every 10 ms, or as often as it can."""
        deadline, times = time.monotonic() + seconds, list[float]()
        while time.monotonic() < deadline:
            times.append(self.emit(-1))
            time.sleep(0.01)
        return times

    def emit_until_published(self) -> None:
        before = self.counters["queue_published"]
        wait_until(lambda: bool(self.emit(-2)) and self.counters["queue_published"] > before)


def test_a_stopped_queue_costs_an_emitter_a_third_of_its_time(
    valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Emitting(valkey.url)) as emitter, heard(valkey.url, emitter.channel) as number:
        for sent in range(1000):
            emitter.emit(sent)
        assert [number() for _ in range(1000)] == list(range(1000))
        with valkey.stopped():
            times = emitter.emit_for(8)
        assert max(times) < 3
        assert len([seconds for seconds in times if seconds > 0.2]) <= 3
        counters = emitter.counters
        assert counters["queue_published"] == 1000
        assert counters["queue_unsure"] == 1
        assert counters["queue_lost_by"] == {"unreachable": len(times) - 1}
        emitter.emit_until_published()
        assert (number(), number()) == (-1, -2)
    lost, back = messages(caplog)
    assert lost.endswith("the message may be lost")
    assert "is back after" in back


def test_a_killed_queue_loses_nothing_but_what_is_emitted_meanwhile(
    valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Emitting(valkey.url)) as emitter:
        emitter.emit(0)
        valkey.kill()
        assert max(emitter.emit_for(0.5)) < 0.3
        valkey.start()
        emitter.emit_until_published()
        # A connection that the queue has closed while nothing was emitted costs no message.
        valkey.kill()
        valkey.start()
        before = emitter.counters
        emitter.emit(1)
        assert emitter.counters["queue_published"] == before["queue_published"] + 1
        assert emitter.counters["queue_unsure"] == 0
    unheard, lost, back = messages(caplog)
    assert "nobody listens" in unheard
    assert "the message is lost" in lost
    assert "is back after" in back


def test_rabbitmq_out_of_reach(caplog: pytest.LogCaptureFixture) -> None:
    if not listens(5672):
        skip_or_fail("no RabbitMQ at 127.0.0.1:5672")
    with Proxy(("127.0.0.1", 5672)) as proxy:
        url = f"amqp://guest:guest@127.0.0.1:{proxy.port}//"
        with closing(Emitting(url)) as emitter, amqp_heard(emitter.channel) as numbers:
            for sent in range(200):
                emitter.emit(sent)
            assert numbers(200) == list(range(200))
            proxy.swallow()
            times = emitter.emit_for(8)
            assert max(times) < 5
            assert len([seconds for seconds in times if seconds > 0.5]) <= 3
            assert emitter.counters["queue_published"] == 200
            assert emitter.counters["queue_unsure"] == 1
            proxy.carry()
            emitter.emit_until_published()
            assert numbers(1) == [-2]
            proxy.carry()  # a connection that has ended meanwhile costs no message
            before = emitter.counters
            emitter.emit(7)
            assert emitter.counters["queue_published"] == before["queue_published"] + 1
            assert numbers(1) == [7]
    assert len(messages(caplog)) == 2


@contextmanager
def amqp_heard(channel: str) -> Iterator[Callable[[int], list[int]]]:
    received: list[int] = []
    exchange = kombu.Exchange(channel, type="fanout", durable=False)
    queue = kombu.Queue("test-" + uuid.uuid4().hex, exchange, exclusive=True, durable=False)

    def receive(body: Any, _message: Any) -> None:
        received.append(json.loads(body)["data"][0])

    with (
        kombu.Connection("amqp://guest:guest@127.0.0.1:5672//") as connection,
        connection.Consumer(queue, callbacks=[receive], no_ack=True),
    ):

        def numbers(count: int) -> list[int]:
            while len(received) < count:
                connection.drain_events(timeout=10)
            taken = received[:count]
            del received[:count]
            return taken

        yield numbers


def test_who_emits_is_told_what_is_lost(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    emitter = SocketIO(message_queue=valkey.url)
    emitter.emit("x", 0)
    valkey.kill()
    times = list[float]()
    for _ in range(20):
        began = time.monotonic()
        with pytest.raises(
            MessageQueueError, match=r"cannot publish to .*socket: .*; the message is lost"
        ):
            emitter.emit("x", 1)
        times.append(time.monotonic() - began)
    assert max(times) < 0.5
    assert emitter.server.counters()["queue_lost_by"] == {"unreachable": 20}
    status = emitter.cluster.status
    assert not status["queue"]["connected"]
    assert status["queue"]["troubles"] == ["cannot publish to"]
    assert time.time() - status["queue"]["since"] < 20
    assert len([line for line in messages(caplog) if "cannot publish" in line]) == 1
    with pytest.raises(MessageQueueError, match=r"cannot (publish|listen) to message queue"):
        emitter.call("x", to="somebody", timeout=10)
    valkey.start()
    wait_until(lambda: published(emitter))
    wait_until(lambda: emitter.cluster.status["queue"]["connected"])


def published(emitter: SocketIO) -> bool:
    try:
        emitter.emit("x", 2)
    except MessageQueueError:
        return False
    return True


def test_a_message_that_may_be_lost_is_told_as_well(valkey: Valkey) -> None:
    emitter = SocketIO(message_queue=valkey.url)
    emitter.emit("x", 0)
    with valkey.stopped(), pytest.raises(MessageQueueError, match="the message may be lost"):
        emitter.emit("x", 1)


def test_that_nobody_listens_is_said_once(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    emitter = SocketIO(message_queue=valkey.url, channel="lonely")
    for _ in range(3):
        emitter.emit("x")
    [line] = messages(caplog)
    assert line.startswith(f"nobody listens to message queue {valkey.url} on this channel")
    with heard(valkey.url, "lonely"):
        emitter.emit("x", 0)
    emitter.emit("x", 0)
    assert messages(caplog) == [line, line]
    with pytest.raises(TimeoutError):
        emitter.call("x", to="nobody", timeout=0.1)  # now it listens itself
    emitter.emit("x", 0)
    assert messages(caplog) == [line, line]


def test_pickles_are_refused_counted_and_named_once(valkey: Valkey) -> None:
    with served(valkey.url) as (server, channel), redis.Redis.from_url(valkey.url) as client:
        wait_until(lambda: client.publish(channel, "{}") == 1)
        # It has been heard, which is not yet counted.
        wait_until(lambda: server.get_json("/counters")["queue_ignored"] == {"malformed": 1})
        for number in range(100):
            client.publish(channel, pickle.dumps({"method": "emit", "event": "x", "data": number}))
        client.publish(channel, "{")
        wait_until(
            lambda: server.get_json("/counters")["queue_ignored"] == {"malformed": 2, "pickle": 100}
        )
        [line] = [line for line in server.log.splitlines() if "it is a pickle" in line]
        assert "as python-socketio before 5.14 sends" in line


# -- passwords -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "redis://me:s3cret%2Fword@127.0.0.1:1",
        "redis://:s3cret/word@127.0.0.1:1",
        "redis://127.0.0.1:1?password=s3cret%2Fword",
        "redis+sentinel://:s3cret%2Fword@127.0.0.1:1/0/name",
        "amqp://me:s3cret%2Fword@127.0.0.1:1//",
        "amqp://me:s3cret%2Fword@127.0.0.1:1;amqp://you:s3cret%2Fword@127.0.0.1:1",
        "redis+sentinel://:x@s3cret/word@127.0.0.1:1/0/name",
        "nats://me:s3cret%2Fword@127.0.0.1:1",
        "nats://s3cret%2Fword@127.0.0.1:1,nats://s3cret%2Fword@127.0.0.1:1",
        "nats://me:s3cret%2Fword@127.0.0.1:1?ssl_ca_certs=/nowhere",
        "kafka://me:s3cret%2Fword@127.0.0.1:1",
        "redis+sentinel://127.0.0.1:1/0/name?password=s3cret%2Fword",
        "postgresql://me:s3cret%2Fword@127.0.0.1:1/name",
        "postgresql://127.0.0.1:1/name?password=s3cret%2Fword",
    ],
)
def test_no_password_is_shown(url: str, valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    emitter = SocketIO(message_queue=url)
    queue = emitter.server_options["client_manager"]
    try:
        emitter.emit("x")
    except (ValueError, MessageQueueError) as error:
        shown = str(error)
    else:
        shown = caplog.text
    assert "***" in shown
    for text in (shown, caplog.text, repr(queue)):
        assert "s3cret" not in text
        assert "word@" not in text


def test_a_wrong_password_is_not_shown(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("requirepass", "another")
        with pytest.raises(MessageQueueError) as refused:
            SocketIO(message_queue=f"{valkey.url}?password=s3cret").emit("x")
        client.config_set("requirepass", "")
    for text in (str(refused.value), caplog.text):
        assert f"cannot publish to message queue {valkey.url}?password=***" in text
        assert "s3cret" not in text
