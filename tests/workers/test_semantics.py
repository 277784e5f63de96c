"""Several processes with the same folder: see tests/kit/semantics.py."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from tempfile import TemporaryDirectory

import pytest

from tests.kit.broker import redis_server
from tests.kit.semantics import Cluster, Semantics


@pytest.fixture(scope="module", params=["workers", "workers with a queue"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    with (
        redis_server(tmp_path_factory) as url,
        TemporaryDirectory(prefix="w", dir="/tmp") as folder,
    ):
        queue = {"message_queue": url, "channel": f"test-{uuid.uuid4().hex}"}
        has_queue = request.param == "workers with a queue"
        options = {"workers_dir": folder, **(queue if has_queue else {})}
        with Cluster(options, sees_death=True) as cluster:
            yield cluster
            for one in cluster.ones:
                assert (one.status["queue"] is None) is not has_queue


class TestSemantics(Semantics):
    pass
