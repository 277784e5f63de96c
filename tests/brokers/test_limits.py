"""A message that is larger than a broker takes: refused by name, counted, and no other one is lost."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import pytest

from flask_socketio import SocketIO
from flask_socketio.cluster.brokers import make_broker
from flask_socketio.errors import MessageQueueError
from tests.brokers.test_contract import heard, new_channel, take
from tests.kit.broker import Nats
from tests.kit.daemons import RabbitMq, Tansu, Valkey

MIB = 1024 * 1024


class Server(Protocol):
    url: str

    def start(self) -> None: ...

    def end(self) -> None: ...


def valkey(folder: Path) -> Server:
    """What it takes is 512 MiB, and here the least that it can be told."""
    return Valkey(folder, "--save", "", "--proto-max-bulk-len", MIB)


#: What the broker, or its library, says.
SAYS = {
    "amqp": "message size 1100",
    "kafka": "larger than the maximum request size",
    "nats": "nats: maximum payload exceeded",
    "redis": "Protocol error: invalid bulk length",
}
MAKERS = {
    "amqp": RabbitMq,
    "kafka": lambda _folder: Tansu(),
    "nats": lambda _folder: Nats(),
    "redis": valkey,
}


@pytest.fixture(scope="module", params=MAKERS)
def limited(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The URL, and what is said of a message that is too large."""
    server: Server = MAKERS[request.param](tmp_path_factory.mktemp(request.param))
    server.start()
    yield server.url, SAYS[request.param]
    server.end()


def test_it_is_refused_by_name_and_counted(
    limited: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    url, words = limited
    channel = "test-" + uuid.uuid4().hex
    emitter = SocketIO(message_queue=url, channel=channel)
    manager = emitter.server_options["client_manager"]
    with closing(manager), closing(make_broker(url, channel).listen(0.1)) as texts:
        assert next(texts) is None
        emitter.emit("x", "before")
        with pytest.raises(MessageQueueError, match=re.escape(words)):
            emitter.emit("x", "y" * 1_100_000)
        emitter.emit("x", "after")
        assert len(take(texts, 2)) == 2
        counters: dict[str, Any] = emitter.server.counters()
    assert counters["queue_published"] == 2
    assert counters["queue_lost_by"] == {"refused": 1}
    assert counters["queue_unsure"] == 0
    (line,) = [line for line in caplog.messages if "cannot publish" in line]
    assert words in line
    assert line.endswith("; the message is lost")


def test_those_of_the_same_batch_arrive(limited: tuple[str, str]) -> None:
    url, words = limited
    if url.startswith("redis"):
        return  # it ends the connection: those behind are counted as unsure
    with heard(url, new_channel()) as (broker, texts):
        before, refusal, after = broker.publish([b"before", b"x" * 1_100_000, b"after"])
        assert (before, after) == (None, None)
        assert words in str(refusal)
        assert take(texts, 2) == [b"before", b"after"]


def test_a_megabyte_that_fits(url: str) -> None:
    """Of brokers with limits, a little less."""
    sizes = {"nats": 1_040_000, "kafka": 1_040_000}
    message = b"x" * sizes.get(url.partition(":")[0], 2_000_000)
    with heard(url, new_channel()) as (broker, texts):
        assert list(broker.publish([b"before", message, b"after"])) == [None] * 3
        assert take(texts, 3) == [b"before", message, b"after"]
