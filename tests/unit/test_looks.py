"""When the pool looks at its threads, and what it takes for blocked; the test has the loop's timers in its hands."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from flask_socketio.base.counters import Counters
from flask_socketio.dispatch.pool import Pool
from flask_socketio.dispatch.spare import Spare

PATIENCE = 10.0
#: Seconds that are longer than those between two looks.
LONG = 0.01


class Timers:
    """The part of a loop that a pool uses."""

    time = staticmethod(time.monotonic)

    def __init__(self) -> None:
        self.due: list[Callable[[], object]] = []

    def call_later(self, delay: float, call: Callable[[], object]) -> object:
        self.due.append(call)
        return call

    def fire(self) -> None:
        due, self.due = self.due, []
        for call in due:
            call()


class Owner:
    worker: object = None


class Rig:
    def __init__(self) -> None:
        self.timers, self.counters = Timers(), Counters()
        loop: Any = self.timers
        self.pool: Pool[Any] = Pool(loop, lambda job: job.work(), 10, "test", self.counters)
        self.gate = threading.Event()
        self.begun = threading.Event()

    def submit(self, *works: Callable[[], object]) -> None:
        self.pool.submit(
            [
                SimpleNamespace(
                    owner=Owner(),
                    handler=None,
                    starts_on_loop=False,
                    entered=True,
                    work=work,
                )
                for work in works
            ]
        )

    def wait_at_the_gate(self) -> None:
        self.begun.set()
        self.gate.wait(PATIENCE)

    def until_idle(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.pool.census()["idle"] != 1:
            assert time.monotonic() < deadline
            time.sleep(0.001)


@pytest.fixture
def rig() -> Iterator[Rig]:
    """One that has a worker, which has done something and been looked at."""
    rig = Rig()
    rig.submit(rig.wait_at_the_gate)
    assert rig.begun.wait(PATIENCE)
    time.sleep(LONG)
    rig.timers.fire()
    rig.gate.set()
    rig.until_idle()
    rig.gate.clear()
    rig.begun.clear()
    yield rig
    rig.gate.set()


def test_a_look_that_comes_early_tells_nothing(rig: Rig) -> None:
    """A loop's time stands still within a turn: behind a long one its timers are due at once."""
    rig.submit(rig.wait_at_the_gate, lambda: None)
    assert rig.begun.wait(PATIENCE)
    time.sleep(LONG)
    rig.timers.fire()  # it has begun one since the last look
    rig.timers.fire()
    assert not rig.counters.batches_taken_over
    time.sleep(LONG)
    rig.timers.fire()
    assert rig.counters.batches_taken_over == 1


def test_who_has_just_been_given_something_is_not_blocked(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Spare, "begin", lambda *_: None)  # which would let other threads go on
    monkeypatch.setattr(Spare, "seconds", LONG)
    monkeypatch.setattr(Spare, "is_left", lambda *_: True)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(PATIENCE)
    try:
        rig.submit(rig.wait_at_the_gate, lambda: None)
        rig.timers.fire()
    finally:
        sys.setswitchinterval(interval)
    assert not rig.counters.batches_taken_over
    assert rig.begun.wait(PATIENCE)
    time.sleep(LONG)
    rig.timers.fire()
    time.sleep(LONG)
    rig.timers.fire()
    assert rig.counters.batches_taken_over == 1
