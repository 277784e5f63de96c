"""What waits for a message queue, without one; and its URL without what is secret."""

from __future__ import annotations

import pytest

from flask_socketio.cluster.backlog import Backlog, Bounds
from flask_socketio.cluster.masking import Masked


def taken(backlog: Backlog[str]) -> str:
    backlog.close()
    return "".join(iter(backlog.get, None))


def test_the_oldest_are_dropped() -> None:
    backlog = Backlog[str](Bounds(messages=3))
    assert [backlog.put(item, 1) for item in "abcde"] == [0, 0, 0, 1, 1]
    assert taken(backlog) == "cde"


def test_as_many_as_a_large_one_needs() -> None:
    backlog = Backlog[str](Bounds(bytes=10))
    assert [backlog.put(item, 3) for item in "abc"] == [0, 0, 0]
    assert backlog.put("d", 7) == 2
    assert backlog.put("e", 100) == 2
    assert taken(backlog) == "e"


def test_what_has_been_taken_makes_room() -> None:
    backlog = Backlog[str](Bounds(messages=1, bytes=5))
    for item in "abc":
        assert backlog.put(item, 5) == 0
        assert backlog.get() == item
    assert not backlog


def test_it_can_be_cleared() -> None:
    backlog = Backlog[str](Bounds())
    backlog.put("a", 1)
    assert backlog.clear() == 1
    assert taken(backlog) == ""


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://", "redis://"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://me:pw@host", "redis://me:***@host"),
        ("redis://:pw@host", "redis://:***@host"),
        ("redis://:p@w/x@host/0", "redis://:***@host/0"),
        ("nats://token@host", "nats://***@host"),
        ("unix:///run/redis?db=1&password=pw", "unix:///run/redis?db=1&password=***"),
        ("rediss://h?ssl_password=pw&ssl_keyfile=k", "rediss://h?ssl_password=***&ssl_keyfile=k"),
        ("amqp://a:pw@one;amqp://b:pw@two", "amqp://a:***@one;amqp://b:***@two"),
        ("me:pw@host", "me:***@host"),
    ],
)
def test_a_url_is_shown_without_secrets(url: str, shown: str) -> None:
    masked = Masked(url)
    assert str(masked) == repr(masked) == shown
    assert masked.text(f"cannot read {url!r}: 'pw' at pwd") == f"cannot read {shown!r}: " + (
        "'***' at pwd" if "pw" in url and "p@w" not in url else "'pw' at pwd"
    )
