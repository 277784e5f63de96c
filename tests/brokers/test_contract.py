"""What `cluster/queue.py` asks of every `Broker`, of each of them."""

from __future__ import annotations

import gc
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psutil
import psycopg
import pytest

from flask_socketio.cluster.brokers import looped, make_broker
from flask_socketio.cluster.queue import Broker, UnreachableError, UnsureError
from tests.kit.broker import Nats, postgres_url, rabbitmq_url
from tests.kit.daemons import Tansu, ZmqProxy
from tests.kit.ports import free_port

Texts = Generator[bytes | str | None]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a broker may take is not looked at here, and a busy machine's takes longer."""
    monkeypatch.setattr(looped, "PATIENCE", 10.0)


@contextmanager
def heard(url: str, channel: str) -> Iterator[tuple[Broker, Texts]]:
    """A broker, and what one that listens to the same channel hears."""
    broker = make_broker(url, channel)
    with closing(broker), closing(make_broker(url, channel).listen(0.1)) as texts:
        assert next(texts) is None
        yield broker, texts


#: In what follows no two of a batch are equal, as they never are with their numbers: PostgreSQL would send one of them.
def take(texts: Texts, count: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < count:
        text = next(texts)
        if text is not None:
            found.append(text if isinstance(text, bytes) else text.encode())
    return found


def new_channel() -> str:
    return "Test." + uuid.uuid4().hex


def test_a_batch_arrives_in_its_order(url: str) -> None:
    messages = [b'{"number":%d}' % number for number in range(50)]
    with heard(url, new_channel()) as (broker, texts):
        for _ in range(3):
            assert list(broker.publish(messages)) == [None] * 50
        assert take(texts, 150) == messages * 3


def test_none_where_there_is_nothing(url: str) -> None:
    with heard(url, new_channel()) as (broker, texts):
        assert next(texts) is None
        assert list(broker.publish([])) == []
        assert next(texts) is None


SCHEMES = ["redis", "amqp", "nats", "postgresql", "kafka", "zmq+tcp"]


def nowhere(scheme: str) -> str:
    """The URL of a broker that is not there."""
    ports = f"{free_port()}+{free_port()}" if scheme == "zmq+tcp" else free_port()
    return f"{scheme}://127.0.0.1:{ports}"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_broker_that_is_not_there(scheme: str) -> None:
    broker = make_broker(nowhere(scheme), "channel")
    for messages in ([], [b"{}"]):
        with pytest.raises(UnreachableError):
            list(broker.publish(messages))
    with pytest.raises(Exception, match=r"(?i)refused|connect"):
        next(broker.listen(0.1))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_trying_in_vain_leaves_nothing_behind(scheme: str) -> None:
    """Not many times as many threads, sockets and whatever else has a descriptor as once."""
    url, process = nowhere(scheme), psutil.Process()

    def try_in_vain(times: int) -> tuple[int, int]:
        broker = make_broker(url, "channel")
        for _ in range(times):
            with pytest.raises(UnreachableError):
                list(broker.publish([]))
            with (
                pytest.raises(Exception, match=r"(?i)refused|connect"),
                closing(broker.listen(0.1)) as texts,
            ):
                next(texts)
        gc.collect()
        return process.num_fds(), process.num_threads()

    descriptors, threads = try_in_vain(3)
    found = try_in_vain(30)
    assert found[0] <= descriptors + 8
    assert found[1] <= threads + 2


@pytest.mark.parametrize("make", [Nats, Tansu, ZmqProxy])
def test_a_broker_that_was_away_while_nothing_was_published(make: type[Any]) -> None:
    """A message that is published later is published, and certainly."""
    server = make()
    server.start()
    with closing(make_broker(server.url, new_channel())) as broker:
        assert list(broker.publish([b"one"])) == [None]
        server.kill()
        time.sleep(1.1)  # within a second Kafka is not asked again
        server.start()
        assert list(broker.publish([b"two"])) == [None]
    server.end()


# -- NATS ------------------------------------------------------------------------------------------


@pytest.fixture
def nats() -> Iterator[Nats]:
    server = Nats()
    server.start()
    yield server
    server.end()


def test_one_of_several_nats_servers_is_enough(nats: Nats) -> None:
    urls = f"nats://127.0.0.1:{free_port()},{nats.url}"
    for _ in range(3):
        with heard(urls, "channel") as (broker, texts):
            assert list(broker.publish([b"x"])) == [None]
            assert take(texts, 1) == [b"x"]


@pytest.mark.parametrize("channel", ["", "two words", "all.>", "*", "a..b"])
def test_a_channel_that_is_no_subject(channel: str) -> None:
    with pytest.raises(ValueError, match="is no subject of NATS"):
        make_broker("nats://127.0.0.1", channel)


# -- RabbitMQ --------------------------------------------------------------------------------------


def test_one_of_several_amqp_servers_is_enough() -> None:
    dead = f"amqp://guest:guest@127.0.0.1:{free_port()}//"
    for urls in (f"{dead};{rabbitmq_url()}", f"{rabbitmq_url()};{dead}"):
        with heard(urls, new_channel()) as (broker, texts):
            assert list(broker.publish([b"x"])) == [None]
            assert take(texts, 1) == [b"x"]


# -- Kafka -----------------------------------------------------------------------------------------


@pytest.fixture
def kafka() -> Iterator[Tansu]:
    server = Tansu()
    server.start()
    yield server
    server.end()


def numbers(first: int, end: int) -> list[bytes]:
    return [b'{"number":%d}' % number for number in range(first, end)]


def heard_again(broker: Broker, count: int) -> list[bytes]:
    """What one gets who listens again, until he ends."""
    with closing(broker.listen(0.1)) as texts:
        return take(texts, count)


def test_kafka_keeps_what_a_listener_has_missed(kafka: Tansu) -> None:
    channel = new_channel()
    with closing(make_broker(kafka.url, channel)) as broker:
        listener = make_broker(kafka.url, channel)
        with closing(listener.listen(0.1)) as texts:
            assert next(texts) is None
            for first in (0, 50):
                list(broker.publish(numbers(first, first + 50)))
            assert take(texts, 100) == numbers(0, 100)
        list(broker.publish(numbers(100, 150)))
        assert heard_again(listener, 50) == numbers(100, 150)


@pytest.mark.parametrize("count", [5, 200])
def test_a_log_that_kafka_has_begun_anew_is_read_from_its_beginning(
    kafka: Tansu, count: int
) -> None:
    channel = new_channel()
    listener = make_broker(kafka.url, channel)
    with closing(make_broker(kafka.url, channel)) as broker:
        with closing(listener.listen(0.1)) as texts:
            assert next(texts) is None
            list(broker.publish(numbers(0, 50)))
            assert take(texts, 50) == numbers(0, 50)
        kafka.kill()
        with pytest.raises((UnreachableError, UnsureError)):
            list(broker.publish([b"lost"]))
        kafka.start()
        list(broker.publish(numbers(50, 50 + count)))
        assert heard_again(listener, count) == numbers(50, 50 + count)


@pytest.mark.parametrize("channel", ["", "two words", "ä", "a/b", "x" * 250, ".."])
def test_a_channel_that_is_no_topic(channel: str) -> None:
    with pytest.raises(ValueError, match="is no topic of Kafka's"):
        make_broker("kafka://127.0.0.1", channel)


def test_an_option_that_kafka_does_not_have() -> None:
    with pytest.raises(ValueError, match=r"group is no option; security_protocol and sasl_mecha"):
        make_broker("kafka://127.0.0.1?group=1", "channel")


# -- ZeroMQ ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["zmq://", "zmq+tcp://127.0.0.1:5555", "zmq+tcp://a:1+b"])
def test_a_url_that_is_not_zeromqs(url: str) -> None:
    with pytest.raises(ValueError, match=r"the form is zmq\+tcp://host:port1\+port2"):
        make_broker(url, "channel")


# -- PostgreSQL ------------------------------------------------------------------------------------


@pytest.fixture
def postgres() -> str:
    return postgres_url()


def execute(url: str, query: Any) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(query)
        return found.fetchall() if found.description else []


@pytest.mark.parametrize("channel", ['with "quotes"; --', "Ä" * 31, "%s"])
def test_any_channel_of_postgresqls(postgres: str, channel: str) -> None:
    with heard(postgres, channel) as (broker, texts):
        assert list(broker.publish([b"x"])) == [None]
        assert take(texts, 1) == [b"x"]


def test_a_channel_that_is_too_long_for_postgresql(postgres: str) -> None:
    with pytest.raises(ValueError, match="is longer than PostgreSQL's 63 bytes"):
        make_broker(postgres, "Ä" * 32)


@pytest.fixture
def own_schema(postgres: str) -> Iterator[str]:
    """The same database, without what other tests have in it."""
    name = f"test_{uuid.uuid4().hex}"
    execute(postgres, f"CREATE SCHEMA {name}")
    yield f"{postgres}{'&' if '?' in postgres else '?'}options=-csearch_path%3D{name}"
    execute(postgres, f"DROP SCHEMA {name} CASCADE")


def test_the_table_is_made_and_cleaned(own_schema: str) -> None:
    postgres = own_schema
    large = [b"one", b"x" * 7999, b"y" * 8000, b"four", "ü".encode() * 500_000]
    with heard(postgres, new_channel()) as (broker, texts):
        assert list(broker.publish(large)) == [None] * 5
        assert take(texts, 5) == large
        assert execute(postgres, "SELECT count(*) FROM flask_duplex_messages") == [(2,)]
    execute(postgres, "UPDATE flask_duplex_messages SET created = created - interval '61 seconds'")
    with heard(postgres, new_channel()) as (broker, texts):
        list(broker.publish([b"z" * 8000]))
        assert take(texts, 1) == [b"z" * 8000]
    assert execute(postgres, "SELECT count(*) FROM flask_duplex_messages") == [(1,)]


def test_a_connection_that_postgresql_has_ended_costs_no_message(postgres: str) -> None:
    postgres += "?application_name=ending"
    with heard(postgres, new_channel()) as (broker, texts):
        list(broker.publish([b"one"]))
        execute(
            postgres,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'ending'"
            " AND query LIKE '%pg_notify%' AND pid <> pg_backend_pid()",
        )
        assert list(broker.publish([b"two"])) == [None]
        assert take(texts, 2) == [b"one", b"two"]
