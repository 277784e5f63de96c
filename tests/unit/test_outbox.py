"""What waits for one client, whatever is added and taken in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_socketio.base.counters import Counters
from flask_socketio.engine.config import Limits, SlowConsumer
from flask_socketio.engine.outbox import Outbox, Queueing
from flask_socketio.protocol.engineio import PING_PACKET
from flask_socketio.protocol.message import EventMessage, Message

LIMIT = 2_000
# An event or another packet of a size, or None: some are taken.
steps = st.lists(
    st.none() | st.tuples(st.booleans(), st.integers(1, 300) | st.integers(1, 3 * LIMIT)),
    max_size=60,
)


def make(policy: SlowConsumer, limit: int = LIMIT) -> tuple[Outbox[Message], Counters]:
    counters = Counters()
    return Outbox(Queueing(Limits(max_queued=limit, slow_consumer=policy), counters)), counters


def text(item: Message) -> bytes:
    assert item.text is not None
    return item.text


@given(steps, st.sampled_from(["disconnect", "drop-oldest", "drop-new"]))
def test_nothing_but_events_is_dropped_and_each_is_counted(
    steps: list[tuple[bool, int] | None], policy: SlowConsumer
) -> None:
    outbox, counters = make(policy)
    given: list[Message] = []
    taken: list[bytes] = []
    for number, step in enumerate(steps):
        if step is None:
            taken += map(text, outbox.take())
            continue
        is_event, size = step
        kind = EventMessage if is_event else Message
        given.append(kind(b"%d:" % number + bytes(size)))
        kept = outbox.add(given[-1])
        sizes = [item.size for item in outbox.items]
        assert outbox.size == sum(sizes)
        assert sum(sizes) - max(sizes, default=0) <= LIMIT * (2 if policy == "drop-new" else 1)
        if not kept:
            assert not outbox.items
            assert counters.limits_reached == {"max_queued": 1}
            return
    taken += map(text, outbox.take_all())
    present = set(taken)
    missing = [item for item in given if text(item) not in present]
    assert taken == [text(item) for item in given if text(item) in present]
    assert all(isinstance(item, EventMessage) for item in missing)
    assert counters.events_dropped == len(missing)


@pytest.mark.parametrize("policy", ["disconnect", "drop-oldest", "drop-new"])
def test_one_of_any_size(policy: SlowConsumer) -> None:
    outbox, counters = make(policy)
    for size in (1, 20 * LIMIT, 1, 1):
        assert outbox.add(EventMessage(bytes(size)))
    assert len(outbox.items) == 4
    assert counters.events_dropped == 0


def test_no_bound() -> None:
    outbox, _ = make("disconnect", limit=0)
    assert all(outbox.add(EventMessage(bytes(1_000_000))) for _ in range(100))


def test_pings_overtake_where_much_waits() -> None:
    outbox, _ = make("disconnect", limit=10_000_000)
    outbox.add(EventMessage(b"1"))
    outbox.add(PING_PACKET)
    outbox.add(EventMessage(b"0" * 100_000))
    outbox.add(PING_PACKET)
    assert [text(item)[:1] for item in outbox.items] == [b"2", b"1", b"2", b"0"]
