"""Each kind of broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.broker import Nats, postgres_url, rabbitmq_url, redis_server


@pytest.fixture(params=["redis", "amqp", "nats", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "redis":
        with redis_server(tmp_path_factory) as found:
            yield found
    elif request.param == "nats":
        server = Nats()
        server.start()
        yield server.url
        server.end()
    else:
        yield rabbitmq_url() if request.param == "amqp" else postgres_url()
