"""What people write in place of a message queue's URL, and libraries that are not installed."""

from __future__ import annotations

import sys

import pytest

from flask_socketio import SocketIO
from tests.kit import warm

MEANT = [
    ("localhost:6379", "'localhost:6379' has no scheme: redis://localhost:6379"),
    ("localhost:6379/0", "has no scheme: redis://localhost:6379/0"),
    (":secret@queue:6379", "'***@queue:6379' has no scheme: redis://queue:6379"),
    ("10.0.0.1:4222", "has no scheme: nats://10.0.0.1:4222"),
    ("redis:6379/1", "'redis:6379/1' is no URL: redis://redis:6379/1"),
    ("kafka:9092", "'kafka:9092' is no URL: kafka://kafka:9092"),
    ("redis:localhost", "'redis:localhost' is no URL: redis://localhost"),
    ("redis:/localhost", "is no URL: redis://localhost"),
    ("redis", "'redis' is no URL: redis://localhost"),
    ("http://localhost:6379", "'http://localhost:6379': redis://localhost:6379, not http://"),
    ("tcp://u:secret@queue:5432/x", "postgresql://queue:5432/x, not tcp://"),
    ("reddis://localhost", "there is no reddis://, did you mean 'redis'?"),
    ("postgre://localhost", "there is no postgre://, did you mean 'postgres'?"),
    ("amqb://localhost", "there is no amqb://, did you mean 'amqp'?"),
    ("wholly-other://:secret@localhost", "there is no wholly-other://"),
]
TAKEN = [
    "redis://", "rediss://u:p@h/1", "valkey+sentinel://a,b/main", "kafka://h", "zmq+tcp://h", "postgres://h/x",
    "amqp://", "pyamqp://h//", "rabbit.internal", "guest:guest@rabbit.internal:5672//", "sqs://a:b@", "memory://",
    "sqla+sqlite:///x.db", "my.own:Transport://h", "redis://a;redis://b", "unix:///run/redis.sock", "nats://a,nats://b",
]  # fmt: skip


@pytest.mark.parametrize(("given", "said"), MEANT)
def test_what_is_no_url(given: str, said: str) -> None:
    with pytest.raises(ValueError, match="message_queue=") as raised:
        SocketIO(message_queue=given)
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("given", TAKEN)
def test_what_is_one(given: str) -> None:
    SocketIO(message_queue=given)


MISSING = [
    ("redis", "SocketIO(message_queue='redis://').emit('x')", "flask-duplex[redis]"),
    ("nats", "SocketIO(message_queue='nats://').emit('x')", "flask-duplex[nats]"),
    ("psycopg", "SocketIO(message_queue='postgresql://').emit('x')", "flask-duplex[postgres]"),
    ("aiokafka", "SocketIO(message_queue='kafka://').emit('x')", "flask-duplex[kafka]"),
    ("zmq", "SocketIO(message_queue='zmq://').emit('x')", "flask-duplex[zmq]"),
    ("kombu", "SocketIO(message_queue='amqp://').emit('x')", "flask-duplex[kombu]"),
    ("msgpack", "SocketIO(Flask('app'), serializer='msgpack')", "flask-duplex[msgpack]"),
]


@pytest.mark.parametrize(("library", "code", "extra"), MISSING)
def test_a_library_that_is_missing(library: str, code: str, extra: str) -> None:
    """The command that installs it is the last line of what is shown."""
    before = f"import sys; sys.modules[{library!r}] = None\nfrom flask import Flask\n"
    before += "from flask_socketio import SocketIO\n"
    ended = warm.run([sys.executable, "-c", before + code])
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith(f"pip install '{extra}'")
