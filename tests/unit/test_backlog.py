"""What waits for a message queue, without one; and its URL without what is secret."""

from __future__ import annotations

import time

import pytest

from flask_socketio.cluster.backlog import Backlog, Bounds
from flask_socketio.cluster.masking import Masked

Dropped = list[tuple[str, int]]


def backlog_of(bounds: Bounds) -> tuple[Backlog[str], Dropped]:
    dropped: Dropped = []
    return Backlog[str](bounds, lambda why, count: dropped.append((why, count))), dropped


def taken(backlog: Backlog[str]) -> str:
    return "".join(waiting.item for waiting in backlog.take(100, 1000))


def test_the_oldest_are_dropped() -> None:
    backlog, dropped = backlog_of(Bounds(messages=3))
    for item in "abcde":
        backlog.put(item, 1)
    assert dropped == [("backlog", 1)] * 2
    assert taken(backlog) == "cde"


def test_as_many_as_a_large_one_needs() -> None:
    backlog, dropped = backlog_of(Bounds(bytes=10))
    for item in "abc":
        backlog.put(item, 3)
    assert not dropped
    backlog.put("d", 7)
    backlog.put("e", 100)
    assert dropped == [("backlog", 2)] * 2
    assert taken(backlog) == "e"


def test_what_has_been_taken_makes_room() -> None:
    backlog, dropped = backlog_of(Bounds(messages=1, bytes=5))
    for item in "abc":
        backlog.put(item, 5)
        assert taken(backlog) == item
    assert not backlog
    assert not dropped


def test_as_much_is_taken_as_is_wanted_and_may_be_put_back() -> None:
    backlog, dropped = backlog_of(Bounds(bytes=10))
    for item in "abcd":
        backlog.put(item, 2)
    first = backlog.take(3, 5)
    assert [waiting.item for waiting in first] == ["a", "b"]
    assert [waiting.item for waiting in backlog.take(1, 1)] == ["c"]  # one in any case
    backlog.put_back(first)
    assert taken(backlog) == "abd"
    backlog.put("e", 9)
    backlog.put_back(first)
    assert dropped == [("backlog", 2)]
    assert taken(backlog) == "e"


def test_what_waits_for_too_long() -> None:
    backlog, dropped = backlog_of(Bounds(age=0.05))
    backlog.put("a", 1)
    time.sleep(0.06)
    backlog.put("b", 1)
    backlog.expire()
    assert dropped == [("age", 1)]
    assert taken(backlog) == "b"


def test_it_can_be_cleared() -> None:
    backlog, dropped = backlog_of(Bounds())
    backlog.put("a", 1)
    assert backlog.clear() == 1
    backlog.close()
    assert not backlog.wait()
    assert not dropped


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
