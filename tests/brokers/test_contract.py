"""What `cluster/queue.py` asks of every `Broker`, of each of them."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from flask_socketio.cluster.brokers import make_broker
from flask_socketio.cluster.queue import Broker, UnreachableError
from tests.kit.broker import Nats, free_port, postgres_url

Texts = Generator[bytes | str | None]


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


@pytest.mark.parametrize("scheme", ["redis", "amqp", "nats", "postgresql", "kafka", "zmq+tcp"])
def test_a_broker_that_is_not_there(scheme: str) -> None:
    ports = f"{free_port()}+{free_port()}" if scheme == "zmq+tcp" else free_port()
    broker = make_broker(f"{scheme}://127.0.0.1:{ports}", "channel")
    for messages in ([], [b"{}"]):
        with pytest.raises(UnreachableError):
            list(broker.publish(messages))
    with pytest.raises(Exception, match=r"(?i)refused|connect"):
        next(broker.listen(0.1))


# -- NATS ------------------------------------------------------------------------------------------


@pytest.fixture
def nats() -> Iterator[Nats]:
    server = Nats()
    server.start()
    yield server
    server.end()


def test_what_nats_refuses_takes_no_others_with_it(nats: Nats) -> None:
    with heard(nats.url, "channel") as (broker, texts):
        before, refusal, after = broker.publish([b"before", b"x" * 1_100_000, b"after"])
        assert (before, str(refusal), after) == (None, "nats: maximum payload exceeded", None)
        assert take(texts, 2) == [b"before", b"after"]


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


def test_the_table_is_made_and_cleaned(postgres: str) -> None:
    execute(postgres, "DROP TABLE IF EXISTS flask_duplex_messages")
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
