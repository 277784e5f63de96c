"""Two hundred upgrades: whatever happens, every message arrives once and in order."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.server import ServerProcess
from tests.load.upgrades import run_all, sessions

APP = Path(__file__).with_name("app.py")
SESSIONS = 200


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    # One handler after the other, so that the order in which they note messages is the order of arrival.
    with ServerProcess.script(APP, {"OPTIONS": '{"async_handlers": false}'}) as server:
        yield server


def test_nothing_is_lost_doubled_or_reordered(server: ServerProcess) -> None:
    upgrading = sessions(server.address[1], SESSIONS)
    results = asyncio.run(run_all(upgrading))
    for session, told in zip(upgrading, results, strict=True):
        assert isinstance(told, dict), (session.fate, told)
        session.check(told)
    fates = Counter(session.fate for session in upgrading)
    assert fates.total() - fates[""] == SESSIONS // 10
    sizes = {name: sum(len(s.got[name]) for s in upgrading) for name in ("down", "tick")}
    print(f"{dict(fates)}, messages: {sizes}")
