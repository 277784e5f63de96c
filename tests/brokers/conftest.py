"""Each kind of broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.broker import Nats, postgres_url, rabbitmq_url, redis_server
from tests.kit.daemons import Tansu, ZmqProxy

#: Those that each test starts for itself.
DAEMONS = {"nats": Nats, "kafka": Tansu, "zmq": ZmqProxy}


@pytest.fixture(params=["redis", "amqp", "nats", "postgres", "kafka", "zmq"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "redis":
        with redis_server(tmp_path_factory) as found:
            yield found
    elif request.param in DAEMONS:
        server = DAEMONS[request.param]()
        server.start()
        yield server.url
        server.end()
    else:
        yield rabbitmq_url() if request.param == "amqp" else postgres_url()
