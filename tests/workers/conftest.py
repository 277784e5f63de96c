"""What several machines need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trustme

from tests.kit.broker import Valkey


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.end()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()
