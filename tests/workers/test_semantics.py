"""Several processes with the same folder: see tests/kit/semantics.py."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryDirectory

import pytest

from tests.kit.semantics import Cluster, Semantics


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with (
        TemporaryDirectory(prefix="w", dir="/tmp") as folder,
        Cluster({"workers_dir": folder}, sees_death=True) as cluster,
    ):
        yield cluster
        assert all(one.status["queue"] is None for one in cluster.ones)


class TestSemantics(Semantics):
    pass
