"""Commands from threads to the loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Self

import pytest

from flask_socketio.dispatch import inbox as inbox_module
from flask_socketio.dispatch.inbox import Inbox
from flask_socketio.errors import NotServingError

PATIENCE = 10.0


def on_a_thread(function: Callable[[], Any]) -> Any:
    """Run it on a thread of its own, return its result or raise its error; give up on one that does not end."""
    outcome: list[Any] = []

    def main() -> None:
        try:
            outcome.append((function(), None))
        except BaseException as error:  # noqa: BLE001 - raised again below
            outcome.append((None, error))

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert outcome, "it waits for ever"
    result, error = outcome[0]
    if error is not None:
        raise error
    return result


class Loop:
    """A loop on a thread of its own, with an inbox; a context manager.

    The thread outlives the loop, so that no other thread gets its number.
    """

    def __init__(self) -> None:
        self.inbox: Any = None
        self.closed = threading.Event()
        self._ready = threading.Event()
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        asyncio.run(self._main())
        self.closed.set()
        self._left.wait()

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.ending = asyncio.Event()
        self.inbox = Inbox(self.loop)
        self._ready.set()
        await self.ending.wait()

    def end(self) -> None:
        """Close the loop, not the inbox."""
        self.loop.call_soon_threadsafe(self.ending.set)
        assert self.closed.wait(PATIENCE)


@pytest.mark.parametrize("threads", [1, 8])
def test_commands_of_a_thread_keep_their_order(threads: int) -> None:
    async def main() -> None:
        inbox = Inbox(asyncio.get_running_loop())
        received: list[tuple[int, int]] = []
        where: set[int] = set()

        def command(thread: int, number: int) -> None:
            received.append((thread, number))
            where.add(threading.get_ident())

        def post(thread: int) -> int:
            for number in range(2000):
                inbox.post(command, thread, number)
            return inbox.ask(lambda: sum(mine == thread for mine, _ in received))

        counts = await asyncio.gather(*(asyncio.to_thread(post, n) for n in range(threads)))
        assert counts == [2000] * threads  # what was posted before it was asked has been done
        assert len(received) == 2000 * threads
        for thread in range(threads):
            assert [n for mine, n in received if mine == thread] == list(range(2000))
        assert where == {threading.get_ident()}
        inbox.close()

    asyncio.run(main())


def test_a_thread_is_never_far_ahead() -> None:
    async def main() -> None:
        inbox = Inbox(asyncio.get_running_loop())
        posted = 0
        leads: list[int] = []

        def command(number: int) -> None:
            leads.append(posted - number)
            time.sleep(0.00002)

        def post() -> None:
            nonlocal posted
            for number in range(5_000):
                posted += 1
                inbox.post(command, number)
            inbox.ask(lambda: None)

        await asyncio.to_thread(post)
        assert len(leads) == 5_000
        assert max(leads) < 600
        inbox.close()

    asyncio.run(main())


class _CaughtUpMeanwhile(deque[Any]):
    """Commands that have all been carried out when a thread that is to wait for that comes to say so."""

    def __init__(self) -> None:
        super().__init__()
        self.held = threading.Event()

    def append(self, command: Any) -> None:
        if getattr(command[0], "__name__", "") == "keep":
            self.held.set()
            while self:
                time.sleep(0.001)
        super().append(command)


def test_who_waits_for_a_loop_that_has_caught_up_goes_on_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox_module, "_PATIENCE", 3 * PATIENCE)
    with Loop() as loop:
        loop.inbox._commands = commands = _CaughtUpMeanwhile()
        done: list[int] = []

        def post() -> None:
            loop.inbox.post(commands.held.wait, PATIENCE)
            for number in range(2 * inbox_module._AHEAD):
                loop.inbox.post(done.append, number)
            loop.inbox.ask(lambda: None)

        on_a_thread(post)
        loop.end()
    assert commands.held.is_set()
    assert done == list(range(2 * inbox_module._AHEAD))


def test_on_the_loop_it_happens_at_once() -> None:
    async def main() -> None:
        inbox = Inbox(asyncio.get_running_loop())
        done: list[str] = []
        assert inbox.on_loop
        inbox.post(done.append, "post")
        assert done == ["post"]
        assert inbox.ask(lambda: "answer") == "answer"
        with pytest.raises(ZeroDivisionError):
            inbox.ask(lambda: 1 // 0)
        assert not await asyncio.to_thread(lambda: inbox.on_loop)

    asyncio.run(main())


def test_ask_returns_and_raises() -> None:
    async def main() -> None:
        inbox = Inbox(asyncio.get_running_loop())
        ident = await asyncio.to_thread(inbox.ask, threading.get_ident)
        assert ident == threading.get_ident()
        assert await asyncio.to_thread(inbox.ask, divmod, 7, 2) == (3, 1)
        assert await asyncio.to_thread(lambda: inbox.ask(sorted, [1, 2], reverse=True)) == [2, 1]
        with pytest.raises(KeyError, match="nothing"):
            await asyncio.to_thread(inbox.ask, {}.__getitem__, "nothing")
        inbox.close()

    asyncio.run(main())


def test_a_command_that_fails_is_logged_and_no_other_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        inbox = Inbox(asyncio.get_running_loop())
        done: list[int] = []

        def post() -> int:
            inbox.post(done.append, 1)
            inbox.post(divmod, 1, 0)
            inbox.post(done.append, 2)
            return inbox.ask(lambda: len(done))

        assert await asyncio.to_thread(post) == 2

    asyncio.run(main())
    [record] = caplog.records
    assert record.exc_info is not None and record.exc_info[0] is ZeroDivisionError


def test_the_loop_has_its_turn_between_many_commands() -> None:
    """A flood from a thread does not keep the network waiting until it is over."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        inbox = Inbox(loop)
        done: list[int] = []
        order: list[int] = []

        def post() -> None:
            inbox.post(loop.call_soon, lambda: order.append(len(done)))
            for number in range(20_000):
                inbox.post(done.append, number)

        thread = threading.Thread(target=post)
        thread.start()
        thread.join()  # the loop stands still meanwhile
        await asyncio.to_thread(inbox.ask, lambda: None)
        assert len(done) == 20_000
        assert order[0] < 10_000

    asyncio.run(main())


def test_a_command_posts_another() -> None:
    async def main() -> None:
        inbox = Inbox(asyncio.get_running_loop())
        done: list[str] = []

        def first() -> None:
            inbox.post(done.append, "second")
            done.append("first")

        await asyncio.to_thread(inbox.ask, first)
        assert done == ["second", "first"]  # it was on the loop already

    asyncio.run(main())


# In what context

_set = ContextVar("_set", default="nothing")


def test_a_command_sees_what_was_set_when_the_loop_began() -> None:
    """Not what has been by the one who posts it, or by the one who has woken the loop for an earlier one."""

    async def main() -> None:
        _set.set("by the server")
        inbox = Inbox(asyncio.get_running_loop())
        found: list[str] = []

        async def coroutine() -> None:
            found.append(_set.get())

        def command() -> None:
            found.append(_set.get())

        def post() -> None:
            _set.set("by who posts")
            inbox.post(command)
            inbox.ask(command)
            inbox.run(coroutine())

        async def post_on_loop() -> None:
            _set.set("by who posts")
            inbox.post(command)
            inbox.ask(command)
            inbox.start(coroutine())

        await asyncio.to_thread(post)
        await asyncio.create_task(post_on_loop())
        await asyncio.sleep(0)
        assert found == ["by the server"] * 6

    asyncio.run(main())


# The end


def test_close_carries_out_what_was_posted() -> None:
    async def main() -> None:
        inbox = Inbox(asyncio.get_running_loop())
        done: list[int] = []

        def post() -> None:
            for number in range(2000):
                inbox.post(done.append, number)

        thread = threading.Thread(target=post)
        thread.start()
        thread.join()
        assert done == []
        inbox.close()
        assert done == list(range(2000))

    asyncio.run(main())


def test_ask_after_close() -> None:
    async def main() -> None:
        inbox = Inbox(asyncio.get_running_loop())
        inbox.close()
        with pytest.raises(NotServingError):
            await asyncio.wait_for(asyncio.to_thread(inbox.ask, lambda: 1), PATIENCE)

    asyncio.run(main())


def test_after_the_loop_has_ended() -> None:
    with Loop() as loop:
        assert on_a_thread(lambda: loop.inbox.ask(lambda: "answer")) == "answer"
        loop.end()
        done: list[int] = []
        on_a_thread(lambda: loop.inbox.post(done.append, 1))  # nobody is left to send to
        with pytest.raises(NotServingError):
            on_a_thread(lambda: loop.inbox.ask(done.append, 2))
        assert done == []


def test_the_loop_ends_while_someone_waits() -> None:
    with Loop() as loop:
        asked = threading.Event()

        def ask() -> Any:
            asked.set()
            return loop.inbox.ask(lambda: "just in time")

        def end() -> None:
            """Keep the loop busy until the question has been posted, then let it end."""
            assert asked.wait(PATIENCE)
            threading.Event().wait(0.05)
            loop.ending.set()

        loop.loop.call_soon_threadsafe(end)
        with contextlib.suppress(NotServingError):
            assert on_a_thread(ask) == "just in time"
        assert loop.closed.wait(PATIENCE)


def test_close_while_someone_waits() -> None:
    async def main() -> None:
        inbox = Inbox(asyncio.get_running_loop())
        asked = threading.Event()

        def ask() -> str:
            asked.set()
            return inbox.ask(lambda: "answer")

        task = asyncio.create_task(asyncio.to_thread(ask))
        await asyncio.sleep(0)
        assert asked.wait(PATIENCE)
        inbox.close()
        with contextlib.suppress(NotServingError):  # it came in the moment after
            assert await asyncio.wait_for(task, PATIENCE) == "answer"

    asyncio.run(main())


@pytest.mark.parametrize("closed", [True, False])
def test_ask_on_the_thread_that_had_the_loop(closed: bool) -> None:
    """As in a script, after run() has returned. Another thread may have its number by then, too."""

    async def main() -> Inbox:
        inbox = Inbox(asyncio.get_running_loop())
        if closed:
            inbox.close()
        return inbox

    inbox = asyncio.run(main())
    done: list[int] = []
    with pytest.raises(NotServingError):
        inbox.ask(done.append, 1)
    assert done == []


# While threads are given something to do


def test_what_they_post_meanwhile_is_carried_out_at_once() -> None:
    done: list[int] = []

    async def main() -> None:
        inbox = Inbox(asyncio.get_running_loop())
        inbox.attend(on_a_thread, lambda: [inbox.post(done.append, number) for number in range(3)])
        assert done == [0, 1, 2], "the loop has not had a turn in between"

    asyncio.run(main())


@pytest.mark.parametrize("fails", [False, True])
def test_what_they_post_afterwards_wakes_the_loop(fails: bool) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        inbox = Inbox(loop)
        posted, come = threading.Event(), asyncio.Event()

        def later() -> None:
            assert posted.wait(PATIENCE)
            inbox.post(come.set)

        thread = threading.Thread(target=later, daemon=True)

        def hand_over() -> None:
            thread.start()
            if fails:
                raise RuntimeError("no thread can be started")

        with pytest.raises(RuntimeError) if fails else contextlib.nullcontext():
            inbox.attend(hand_over)
        loop.call_later(0.05, posted.set)
        async with asyncio.timeout(PATIENCE):
            await come.wait()
        thread.join(PATIENCE)

    asyncio.run(main())


def test_what_they_post_runs_in_the_context_of_the_loop() -> None:
    whose = ContextVar("whose", default="the loop's")
    seen: list[str] = []

    async def main() -> None:
        inbox = Inbox(asyncio.get_running_loop())
        whose.set("a request's")
        inbox.attend(on_a_thread, lambda: inbox.post(lambda: seen.append(whose.get())))

    asyncio.run(main())
    assert seen == ["the loop's"]
