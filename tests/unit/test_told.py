"""A line that repeats is told once, and how often it was in the end."""

from __future__ import annotations

import asyncio
import logging

import pytest

from flask_socketio.base.told import Told

logger = logging.getLogger("tests.told")
TEXT = "%s of %s"


def test_the_first_is_told(caplog: pytest.LogCaptureFixture) -> None:
    told = Told(logger)
    for number in range(1_000):
        told.warning(TEXT, number, "many")
    told.warning("another kind")
    told.warning(TEXT, "kind", "its own", kind="own")
    assert caplog.messages == ["0 of many", "another kind", "kind of its own"]


@pytest.mark.parametrize("given", [True, False])
def test_the_loop_tells_the_last(caplog: pytest.LogCaptureFixture, *, given: bool) -> None:
    async def main() -> None:
        told = Told(logger, asyncio.get_running_loop() if given else None, 0.4)
        for number in range(1_000):
            told.warning(TEXT, number, "many")
        while len(caplog.messages) < 2:  # noqa: ASYNC110 - it is a log that is waited for
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.8)
        told.warning(TEXT, 1, "another")

    asyncio.run(asyncio.wait_for(main(), 10))
    assert caplog.messages == [
        "0 of many",
        "999 more like it within a minute, the last: 999 of many",
        "1 of another",
    ]


def test_the_next_tells_of_those_before(caplog: pytest.LogCaptureFixture) -> None:
    """Where no loop has: there is none, or it has ended."""
    caplog.set_level(logging.INFO)
    told = Told(logger, interval=0.05)

    async def begin() -> None:
        told.info(TEXT, 1, "one")

    asyncio.run(begin())
    told.info(TEXT, 2, "two")
    while len(caplog.messages) < 3:
        told.info(TEXT, 3, "three")
    assert caplog.messages[0] == "1 of one"
    assert "more like it within a minute, the last: " in caplog.messages[1]
    assert caplog.messages[2] == "3 of three"
