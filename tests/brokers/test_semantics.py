"""Several servers on a message queue: see tests/kit/semantics.py."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.kit.broker import Nats, postgres_url, rabbitmq_url, redis_server
from tests.kit.semantics import Cluster, Semantics


@pytest.fixture(scope="module", params=["redis", "nats", "postgres", "amqp"])
def queue_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
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


@pytest.fixture(scope="module")
def cluster(queue_url: str) -> Iterator[Cluster]:
    options = {"message_queue": queue_url, "channel": f"test-{uuid.uuid4().hex}"}
    with Cluster(options, sees_death=False) as cluster:
        yield cluster
        for one in cluster.ones:
            status = one.status
            assert status["queue"]["connected"]
            assert (status["lost"], status["gaps"], status["ignored"]) == (0, 0, {})


class TestSemantics(Semantics):
    pass
