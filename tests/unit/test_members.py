"""Who is in the cluster, as one of its processes learns it: over a bus of our own, with a clock of our own."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from flask_socketio.cluster.members import Members
from flask_socketio.cluster.nodes import new_node, owner_of, prefix_of
from flask_socketio.cluster.wire import Message, member_of
from flask_socketio.engine.ids import new_sids


class Queue:
    """What one says, all others hear, as JSON."""

    def __init__(self) -> None:
        self.now = 0.0
        self.members: list[Members] = []
        self.said = 0

    def clock(self) -> float:
        return self.now

    def join(self, *, serves: bool = True) -> Members:
        members = Members(new_node(), lambda message: None, serves=serves, clock=self.clock)
        members._publish = self._to_others(members)  # pyright: ignore[reportPrivateUsage]
        self.members.append(members)
        members.listening()
        return members

    def _to_others(self, sender: Members) -> Callable[[Message], None]:
        def publish(message: Message) -> None:
            self.said += 1
            text = orjson.dumps(message)
            for members in self.members:
                if members is not sender:
                    members.received(member_of(orjson.loads(text)))

        return publish

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 0.25
            for members in self.members:
                if self.now >= members.due:
                    members.tick()


def test_they_know_each_other_and_when_that_is_all() -> None:
    queue = Queue()
    one, two, three = queue.join(), queue.join(), queue.join()
    assert not three.knows_all
    queue.wait(2)
    assert not three.knows_all
    queue.wait(1)
    for members in (one, two, three):
        assert members.knows_all
        assert {*members.nodes, members.node} == {one.node, two.node, three.node}


def test_many_that_come_at_once_are_answered_together() -> None:
    queue = Queue()
    for _ in range(50):
        queue.join()
    queue.wait(1)
    assert all(len(members.nodes) == 49 for members in queue.members)
    assert queue.said <= 50 * 4


def test_one_that_says_goodbye_is_gone_at_once_and_a_silent_one_after_30_seconds() -> None:
    queue = Queue()
    one, two, three = queue.join(), queue.join(), queue.join()
    queue.wait(60)
    gone: list[str] = []
    one.on_gone.append(gone.append)
    two.leave()
    assert gone == [two.node]
    queue.members.remove(three)
    queue.wait(19)
    assert gone == [two.node]
    queue.wait(22)  # each looks every ten seconds
    assert gone == [two.node, three.node]
    assert not one.nodes


def test_who_serves_nobody_knows_the_others_and_is_no_member() -> None:
    queue = Queue()
    one = queue.join()
    asking = queue.join(serves=False)
    queue.wait(3)
    assert asking.knows_all
    assert list(asking.nodes) == [one.node]
    assert not one.nodes


def test_an_outage_is_nobodys_silence() -> None:
    queue = Queue()
    one, two = queue.join(), queue.join()
    queue.wait(2)
    for members in (one, two):
        members.deaf()
    assert not one.knows_all
    queue.wait(100)
    one.listening()
    assert list(one.nodes) == [two.node]
    queue.wait(1)
    assert not one.knows_all
    two.listening()
    queue.wait(2)
    assert one.knows_all
    assert list(one.nodes) == [two.node]


def test_facts_that_are_added_arrive_and_changes_are_told() -> None:
    queue = Queue()
    one, two = queue.join(), queue.join()
    came: list[object] = []
    one.on_came.append(lambda *known: came.append(known))
    two.facts["address"] = "10.0.0.1:7000"
    two.announce()
    two.announce()
    assert came == [(two.node, {"address": "10.0.0.1:7000"})]
    assert one.facts_of(two.node) == {"address": "10.0.0.1:7000"}
    assert one.facts_of("nobody") is None


def test_an_id_says_whose_it_is() -> None:
    node = new_node()
    assert owner_of(next(new_sids(prefix_of(node)))) == node
    for other in (
        next(new_sids()),
        next(new_sids(node)),
        "x" * 28,
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        7,
        None,
    ):
        assert owner_of(other) is None
