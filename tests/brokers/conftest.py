"""Each kind of broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.kit.broker import Nats, postgres_url, rabbitmq_url, redis_server
from tests.kit.daemons import Tansu, ZmqProxy

#: Those that each test starts for itself.
DAEMONS = {"nats": Nats, "kafka": Tansu, "zmq": ZmqProxy}


KINDS = ["redis", "amqp", "nats", "postgres", "kafka", "zmq"]


@contextmanager
def broker(kind: str, folders: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of one."""
    if kind == "redis":
        with redis_server(folders) as found:
            yield found
    elif kind in DAEMONS:
        server = DAEMONS[kind]()
        server.start()
        yield server.url
        server.end()
    else:
        yield rabbitmq_url() if kind == "amqp" else postgres_url()


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with broker(request.param, tmp_path_factory) as found:
        yield found
