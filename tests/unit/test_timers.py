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

from flask_socketio.engine.timers import DelayQueue

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

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.start = self.loop.time()
        self.fired: list[str] = []
        self.times: list[float] = []
        self.on_fire: dict[str, Callable[[], None]] = {}
        self.queue: DelayQueue[str] = DelayQueue(self.loop, DELAY, self._fire)

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


def run(test: Callable[[Recorder], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        recorder = Recorder()
        await test(recorder)
        recorder.queue.close()

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(main())


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
