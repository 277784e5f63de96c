"""Which rooms concern a server, as other threads see it, and for how long."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import pytest

from flask_socketio.base.promise import Promise
from flask_socketio.cluster import here as module
from flask_socketio.cluster.base import Emission
from flask_socketio.cluster.gaps import Gaps
from flask_socketio.cluster.head import head_of
from flask_socketio.cluster.here import Here, NoTopics
from flask_socketio.cluster.topics import Addresses, Subscriptions, topic_of
from flask_socketio.cluster.wire import addressed, emit_message, numbered, write
from flask_socketio.handling.codec import message_dumps
from flask_socketio.protocol.socketio import JSON

DUMPS = message_dumps(None)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(module, "LINGER", 0.05)
    return 0.05


class Broker:
    """What it was asked for, in order."""

    def __init__(self) -> None:
        self.wanted: list[tuple[int, bool]] = []

    def want(self, topic: int, wanted: bool) -> Promise[None]:
        self.wanted.append((topic, wanted))
        return Promise[None]()


# -- heads -----------------------------------------------------------------------------------------


def text(*args: Any, callback: Any = None, topic: int | None = None, **options: Any) -> bytes:
    values = ["event", *args]
    emission = Emission("/chat", values, JSON.encode_body(values), **options)
    message = addressed(emit_message(emission, DUMPS, callback), topic)
    return numbered(write(message, "a"), 7)


@pytest.mark.parametrize("to", ["hall", 'with "quotes" \\ and ü', 7, None, ["a", "b"]])
def test_a_head_says_whom_an_emission_is_for(to: Any) -> None:
    given = None if to is None else tuple(to) if isinstance(to, list) else (to,)
    head = head_of(text({"callback": None, "event": 1}, to=given, topic=5))
    assert head == {
        "seq": 7, "host_id": "a", "topic": 5, "method": "emit", "namespace": "/chat", "room": to,
    }  # fmt: skip


def test_a_data_that_looks_like_the_end_of_a_head() -> None:
    head = head_of(text('","callback":null,"event":', to=('","callback":null,"event":',)))
    assert head is not None
    assert head["room"] == '","callback":null,"event":'


@pytest.mark.parametrize(
    "text",
    [
        text(to=("hall",), callback=("hall", "/chat", 1)),
        text(to=("r" * 1000,)),
        text(to=("hall",)).decode(),
        b"",
        b"{}",
        b'{"seq":7,"host_id":"a","method":"callback"}',
        b'{"seq":7,"data":[{"x":1,"callback":null,"event":2}]}',
        b'{"method": "emit", "event": "x", "data": [1], "room": "hall", "callback": null}',
    ],
)
def test_what_has_no_head_is_decoded(text: bytes | str) -> None:
    assert head_of(text) is None


# -- rooms -----------------------------------------------------------------------------------------


def test_rooms_and_clients_that_are_here() -> None:
    here = Here({"/": {"sid": object()}}, NoTopics())
    assert here.concerns("/", None)
    assert not here.concerns("/chat", None)
    assert here.concerns("/", "sid")
    assert not here.concerns("/chat", "sid")
    assert not here.concerns("/", "hall")
    here.came("/", "hall")
    assert here.concerns("/", "hall")
    assert here.concerns("/", ["attic", "hall"])
    assert not here.concerns("/", ["attic", "cellar"])
    assert not here.concerns("/chat", "hall")
    with pytest.raises(TypeError):
        here.concerns("/", {})


def test_a_room_concerns_a_server_before_and_after_it_has_members(soon: float) -> None:
    here = Here({}, NoTopics())
    here.expect("/", "hall")
    assert here.concerns("/", "hall")
    here.came("/", "hall")
    time.sleep(2 * soon)
    assert here.concerns("/", "hall")
    here.gone("/", "hall")
    assert here.concerns("/", "hall")
    time.sleep(2 * soon)
    assert not here.concerns("/", "hall")


def test_what_was_expected_and_did_not_come_leaves_nothing(soon: float) -> None:
    broker = Broker()
    here = Here({}, Subscriptions(broker.want, Gaps()))
    for number in range(100):
        here.expect("/", f"room {number}")
    time.sleep(2 * soon)
    here.expect("/", "last")
    topics = {topic_of("/", f"room {number}") for number in range(100)}
    assert {topic for topic, wanted in broker.wanted if not wanted} == topics
    assert len(here._until) == len(here._ending) == 1


def test_who_joins_and_leaves_again_and_again_is_subscribed_once() -> None:
    broker = Broker()
    here = Here({}, Subscriptions(broker.want, Gaps()))
    for _ in range(10):
        first, second = here.expect("/", "hall"), here.expect("/", "hall")
        assert first is second is not None
        here.came("/", "hall")
        here.gone("/", "hall")
    assert broker.wanted == [(topic_of("/", "hall"), True)]


def test_rooms_that_share_a_topic(soon: float) -> None:
    names = (f"room {number}" for number in range(100_000))
    shared: dict[int | None, str] = {}
    for second in names:
        if (first := shared.setdefault(topic_of("/", second), second)) != second:
            break
    broker = Broker()
    here = Here({}, Subscriptions(broker.want, Gaps()))
    here.came("/", first)
    here.came("/", second)
    here.gone("/", first)
    time.sleep(2 * soon)
    assert not here.concerns("/", first)
    assert here.concerns("/", second)
    here.gone("/", second)
    time.sleep(2 * soon)
    assert not here.concerns("/", second)
    topic = topic_of("/", first)
    assert broker.wanted == [(topic, True), (topic, False)]


def test_no_moment_in_which_a_room_is_missed() -> None:
    """Somebody is always in it or about to join it, while one thread looks and others come and go."""
    here = Here({}, NoTopics())
    here.expect("/", "hall")
    ended = threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            here.expect("/", "hall")
            here.came("/", "hall")
            here.gone("/", "hall")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        assert all(here.concerns("/", "hall") for _ in range(100_000))
    finally:
        ended.set()
        thread.join()
        sys.setswitchinterval(interval)


# -- topics ----------------------------------------------------------------------------------------


def emission(*to: Any, **options: Any) -> Emission:
    return Emission("/", ["x"], JSON.encode_body(["x"]), to=to or None, **options)


def test_what_has_a_topic() -> None:
    addresses = Addresses(object)
    assert addresses.of_emission(emission("hall")) == topic_of("/", "hall")
    assert addresses.of_emission(emission()) is None
    assert addresses.of_emission(emission("hall", "attic")) is None
    assert addresses.of_emission(emission(7)) is None
    answer: Any = object()
    assert addresses.of_emission(emission("hall", callback=answer)) is None
    assert Addresses(lambda: None).of_emission(emission("hall")) is None


def test_a_room_that_somebody_elsewhere_joins_has_none_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flask_socketio.cluster.topics.LINGER", 0.05)
    addresses = Addresses(object)
    addresses.joined_elsewhere("/", "hall")
    assert addresses.of_emission(emission("hall")) is None
    time.sleep(0.1)
    assert addresses.of_emission(emission("hall")) == topic_of("/", "hall")
    addresses.joined_elsewhere("/", "attic")
    assert len(addresses._joined) == 1


def test_gaps_are_those_of_a_topic_while_it_is_listened_to() -> None:
    gaps = Gaps()

    def before(number: int, topic: int | None) -> int:
        return gaps.before({"host_id": "a", "seq": number, "topic": topic})

    assert [before(1, None), before(5, 3), before(2, None), before(6, 3)] == [0, 0, 0, 0]
    assert [before(9, 3), before(3, None), before(2, None)] == [2, 0, 0]
    gaps.begin(3)
    assert [before(20, 3), before(22, 3)] == [0, 1]
