"""A line that repeats is told once, and how often it was in the end."""

from __future__ import annotations

import asyncio
import logging

import pytest

from flask_socketio.base.told_once import ToldOnce

logger = logging.getLogger("tests.told_once")


def told(interval: float) -> ToldOnce:
    return ToldOnce(logger, logging.WARNING, "%s of %s", interval)


def test_the_first_is_told(caplog: pytest.LogCaptureFixture) -> None:
    tell = told(60)
    for number in range(1_000):
        tell(number, "many")
    assert caplog.messages == ["0 of many"]


def test_the_loop_tells_the_last(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        tell = told(0.05)
        for number in range(1_000):
            tell(number, "many")
        while len(caplog.messages) < 2:  # noqa: ASYNC110 - it is a log that is waited for
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        tell(1, "another")

    asyncio.run(asyncio.wait_for(main(), 10))
    assert caplog.messages == [
        "0 of many",
        "999 of many (and 998 more of this kind)",
        "1 of another",
    ]


def test_the_next_tells_of_those_before(caplog: pytest.LogCaptureFixture) -> None:
    """Where no loop has: there is none, or it has ended."""
    tell = told(0.05)
    tell(1, "one")
    while len(caplog.messages) < 2:
        tell(2, "two")
    assert caplog.messages[1].startswith("2 of two (and ")


def test_a_loop_that_has_ended_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    tell = told(0.05)

    async def main() -> None:
        tell(1, "one")
        tell(2, "two")

    asyncio.run(main())
    while len(caplog.messages) < 2:
        tell(3, "three")
    assert caplog.messages[1].startswith("3 of three (and ")
