"""DelayQueue: many equal delays on one timer.

The loop is asyncio's own, its clock is not: where it would wait, time jumps. So what is asserted does not depend on how
busy the machine is.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from flask_socketio.engine.timers import Deadlines, DelayQueue

DELAY = 25.0
#: the clock's resolution and what the queue allows itself on top
EARLY = 0.002


class JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is not None:
            self.now += timeout
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.clock = JumpingSelector()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now


class Recorder:
    """A queue of strings, what has fired and when; `on_fire` acts in the middle of it."""

    def __init__(self, kind: type[DelayQueue[str]] = DelayQueue, **options: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.start = self.loop.time()
        self.fired: list[str] = []
        self.times: list[float] = []
        self.on_fire: dict[str, Callable[[], None]] = {}
        self.queue: DelayQueue[str] = kind(self.loop, DELAY, self._fire, **options)

    def _fire(self, item: str) -> None:
        self.fired.append(item)
        self.times.append(self.loop.time() - self.start)
        self.on_fire.pop(item, lambda: None)()

    def add(self, items: str) -> None:
        for item in items:
            self.queue.add(item)

    async def until(self, count: int) -> None:
        """Wait until all must have fired, those added again included."""
        await asyncio.sleep(5 * DELAY)
        assert len(self.fired) == count

    def stand_still(self, seconds: float) -> None:
        """As a handler that computes makes the loop do."""
        self.loop.clock.now += seconds  # pyright: ignore[reportAttributeAccessIssue]


def run(test: Callable[[Recorder], Coroutine[Any, Any, None]], **options: Any) -> None:
    async def main() -> None:
        recorder = Recorder(**options)
        await test(recorder)
        recorder.queue.close()

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(main())


def jumping(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """As `run`, for a test that makes its own queues."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(test())


def test_fires_once_in_order_and_not_early() -> None:
    async def test(recorder: Recorder) -> None:
        recorder.add("abc")
        assert len(recorder.queue) == 3 and "b" in recorder.queue
        await asyncio.sleep(DELAY / 3)
        recorder.add("de")
        assert recorder.fired == []
        await recorder.until(5)
        assert "".join(recorder.fired) == "abcde"
        assert len(recorder.queue) == 0 and "b" not in recorder.queue
        assert min(recorder.times[:3]) >= DELAY - EARLY
        assert min(recorder.times[3:]) >= DELAY + DELAY / 3 - EARLY

    run(test)


def test_on_a_clock_that_does_not_jump() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        fired: asyncio.Future[float] = loop.create_future()
        queue: DelayQueue[int] = DelayQueue(
            loop, 0.02, lambda _: fired.set_result(loop.time() - start)
        )
        queue.add(1)
        assert await asyncio.wait_for(fired, 10) >= 0.02 - EARLY

    asyncio.run(main())


def test_many() -> None:
    async def test(recorder: Recorder) -> None:
        items = [chr(0x4E00 + number) for number in range(5000)]
        recorder.add("".join(items))
        await recorder.until(5000)
        assert recorder.fired == items

    run(test)


def test_adding_again_starts_anew() -> None:
    async def test(recorder: Recorder) -> None:
        recorder.add("abc")
        await asyncio.sleep(DELAY / 2)
        recorder.add("a")
        await recorder.until(3)
        assert "".join(recorder.fired) == "bca"
        assert recorder.times[2] >= 1.5 * DELAY - EARLY

    run(test)


def test_discarded_does_not_fire() -> None:
    async def test(recorder: Recorder) -> None:
        recorder.add("abc")
        recorder.queue.discard("a")
        recorder.queue.discard("not there")
        await asyncio.sleep(DELAY / 2)
        recorder.queue.discard("c")
        await recorder.until(1)
        assert recorder.fired == ["b"]

    run(test)


def test_discarded_and_added_again() -> None:
    async def test(recorder: Recorder) -> None:
        recorder.add("ab")
        recorder.queue.discard("a")
        recorder.add("a")
        await recorder.until(2)
        assert "".join(recorder.fired) == "ba"

    run(test)


def test_goes_on_after_all_were_discarded() -> None:
    async def test(recorder: Recorder) -> None:
        recorder.add("ab")
        recorder.queue.discard("a")
        recorder.queue.discard("b")
        await asyncio.sleep(2 * DELAY)
        assert recorder.fired == []
        recorder.add("c")
        await recorder.until(1)
        assert recorder.fired == ["c"]

    run(test)


def test_firing_discards_another_that_is_due() -> None:
    async def test(recorder: Recorder) -> None:
        recorder.on_fire["a"] = lambda: recorder.queue.discard("b")
        recorder.add("abc")
        await recorder.until(2)
        assert "".join(recorder.fired) == "ac"

    run(test)


def test_firing_adds_itself_again() -> None:
    """As a heartbeat does."""

    async def test(recorder: Recorder) -> None:
        recorder.on_fire["a"] = lambda: recorder.queue.add("a")
        recorder.add("ab")
        await recorder.until(3)
        assert "".join(recorder.fired) == "aba"
        assert recorder.times[2] - recorder.times[0] >= DELAY - EARLY

    run(test)


def test_firing_adds_another_that_is_due() -> None:
    """That one's delay starts anew as well."""

    async def test(recorder: Recorder) -> None:
        recorder.on_fire["a"] = lambda: recorder.queue.add("b")
        recorder.add("abc")
        await recorder.until(3)
        assert "".join(recorder.fired) == "acb"
        assert recorder.times[2] - recorder.times[0] >= DELAY - EARLY

    run(test)


def test_firing_closes() -> None:
    async def test(recorder: Recorder) -> None:
        recorder.on_fire["a"] = recorder.queue.close
        recorder.add("abc")
        await recorder.until(1)
        assert recorder.fired == ["a"]

    run(test)


def test_closed_fires_nothing() -> None:
    async def test(recorder: Recorder) -> None:
        recorder.add("abc")
        recorder.queue.close()
        assert len(recorder.queue) == 0
        await asyncio.sleep(2 * DELAY)
        assert recorder.fired == []

    run(test)


def test_an_error_in_one_does_not_hold_up_the_others() -> None:
    async def test(recorder: Recorder) -> None:
        errors: list[Any] = []
        recorder.loop.set_exception_handler(lambda _, context: errors.append(context))

        def fail() -> None:
            raise ZeroDivisionError

        recorder.on_fire["a"] = fail
        recorder.add("abc")
        await asyncio.sleep(DELAY / 2)
        recorder.add("d")
        await recorder.until(4)
        assert "".join(recorder.fired) == "abcd"
        assert len(errors) == 1

    run(test)


@pytest.mark.parametrize("delay", [0.0, 0.001])
def test_short_delays(delay: float) -> None:
    async def main() -> None:
        fired: list[int] = []
        queue: DelayQueue[int] = DelayQueue(asyncio.get_running_loop(), delay, fired.append)
        for number in range(10):
            queue.add(number)
        assert fired == []  # not before the next turn
        await asyncio.sleep(0.1)
        assert fired == list(range(10))

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(main())


# -- neither early nor late ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [DelayQueue, Deadlines])
def test_fires_at_its_time_however_long_that_is(kind: type[DelayQueue[str]]) -> None:
    """Not a part of the delay later: what is late by a hundredth adds up from queue to queue."""

    async def test(recorder: Recorder) -> None:
        for item in "abc":
            recorder.add(item)
            await asyncio.sleep(0.01)
        await recorder.until(3)
        for number, time in enumerate(recorder.times):
            assert DELAY <= time - number * 0.01 <= DELAY + EARLY

    run(test, kind=kind)


def test_what_is_due_soon_fires_along_with_the_first() -> None:
    async def test(recorder: Recorder) -> None:
        for item in "abcd":
            recorder.add(item)
            await asyncio.sleep(0.1)
        await recorder.until(4)
        together = recorder.times[0]
        assert recorder.times[:3] == [together] * 3
        assert DELAY <= together <= DELAY + EARLY
        assert recorder.times[3] >= DELAY + 0.3

    run(test, early=0.25)


def test_nothing_fires_early_by_itself() -> None:
    """Where the item that the timer was for has gone, there is no first one to fire along with."""

    async def test(recorder: Recorder) -> None:
        recorder.add("a")
        await asyncio.sleep(0.1)
        recorder.add("b")
        recorder.queue.discard("a")
        await recorder.until(1)
        assert recorder.times[0] >= DELAY + 0.1

    run(test, early=0.25)


def test_the_second_delay_counts_from_the_end_of_the_first() -> None:
    """Whether the first fired early, along with another, or a little late."""

    async def test() -> None:
        loop = asyncio.get_running_loop()
        ended: dict[str, float] = {}
        second = Deadlines[str](loop, 20.0, lambda item: ended.update({item: loop.time()}))
        first = DelayQueue[str](loop, DELAY, lambda _: None, early=0.25, then=second)
        first.add("a")
        await asyncio.sleep(0.2)
        first.add("b")
        await asyncio.sleep(5 * DELAY)
        assert DELAY + 20 <= ended["a"] <= DELAY + 20 + EARLY
        assert DELAY + 20.2 <= ended["b"] <= DELAY + 20.2 + EARLY
        first.close()
        second.close()

    jumping(test)


def test_who_was_asked_late_has_the_whole_time() -> None:
    """A loop that stood still asks late: the answer is not due any sooner for it."""

    async def test() -> None:
        loop = asyncio.get_running_loop()
        times: list[float] = []
        second = Deadlines[str](loop, 20.0, lambda _: times.append(loop.time()))
        first = DelayQueue[str](loop, DELAY, lambda _: times.append(loop.time()), then=second)
        first.add("a")
        loop.call_later(DELAY - 1, lambda: setattr(loop.clock, "now", DELAY + 9))  # pyright: ignore[reportAttributeAccessIssue]
        await asyncio.sleep(5 * DELAY)
        assert times[0] == DELAY + 9
        assert times[1] - times[0] >= 20 - 0.1

    jumping(test)


# -- deadlines -------------------------------------------------------------------------------------


def test_what_was_done_in_time_counts_though_it_is_read_late() -> None:
    """The loop stands still past a deadline; what has arrived meanwhile is read after the timer fired."""

    async def test(recorder: Recorder) -> None:
        def stall() -> None:
            recorder.stand_still(2.0)
            recorder.loop.call_later(0.5, recorder.queue.discard, "a")

        recorder.loop.call_later(DELAY - 1, stall)
        recorder.add("ab")
        await asyncio.sleep(5 * DELAY)
        assert recorder.fired == ["b"]
        assert DELAY + 1.5 <= recorder.times[0] <= DELAY + 2 + EARLY  # as late again, once

    run(test, kind=Deadlines)


def test_a_loop_that_is_always_late_still_fires() -> None:
    async def test(recorder: Recorder) -> None:
        busy = True

        def turn() -> None:
            recorder.stand_still(1.0)
            if busy:
                recorder.loop.call_soon(turn)

        recorder.loop.call_soon(turn)
        recorder.add("a")
        await asyncio.sleep(2 * DELAY)
        busy = False
        assert recorder.fired == ["a"]
        assert recorder.times[0] <= DELAY + 5

    run(test, kind=Deadlines)


def test_no_more_time_than_the_delay_is_given() -> None:
    """A process that was stopped for an hour does not keep the dead for another."""

    async def test(recorder: Recorder) -> None:
        recorder.loop.call_later(1, recorder.stand_still, 3600.0)
        recorder.add("a")
        await asyncio.sleep(3600 + 5 * DELAY)
        assert recorder.times[0] <= 3601 + DELAY + EARLY

    run(test, kind=Deadlines)


def test_a_deadline_has_passed_before_its_timer_fires() -> None:
    async def test(recorder: Recorder) -> None:
        queue = recorder.queue
        assert isinstance(queue, Deadlines)
        recorder.add("a")
        assert not queue.has_passed("a")
        assert not queue.has_passed("not there")
        recorder.stand_still(DELAY - 0.1)
        assert not queue.has_passed("a")
        recorder.stand_still(0.101)
        assert queue.has_passed("a")
        recorder.stand_still(1.0)  # now nobody knows what waits to be read
        assert not queue.has_passed("a")
        await recorder.until(1)
        assert not queue.has_passed("a")

    run(test, kind=Deadlines)
