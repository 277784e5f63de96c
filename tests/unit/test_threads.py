"""Handlers that block: what goes on behind them, and how many threads there are."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from flask_socketio.base.real import start_thread
from flask_socketio.base.told import Told
from flask_socketio.dispatch import inbox, pool
from flask_socketio.dispatch.spare import Spare
from flask_socketio.hub.call import Handler
from tests.unit.rig import PATIENCE, Rig, run


def test_calls_behind_a_blocked_handler_go_on() -> None:
    """Those of other clients and of its own; also those that come later."""

    async def test() -> None:
        rig = Rig()
        released = threading.Event()
        first, others = rig.client(), [rig.client() for _ in range(20)]
        rig.start(first, "blocked", lambda: released.wait(PATIENCE))
        for number in range(100):
            rig.start(others[number % 20], number)
        rig.start(first, "behind it")
        await rig.until(lambda: rig.finished == 101)
        assert rig.started[0] == "blocked" and "behind it" in rig.started
        rig.start(first, "later")
        await rig.until(lambda: rig.finished == 102)
        assert not released.is_set()
        released.set()
        await rig.all_finished(103)

    run(test)


def test_many_handlers_block_at_once() -> None:
    """None of 40 handlers returns before all of them have started."""

    async def test() -> None:
        rig = Rig()
        barrier = threading.Barrier(40)
        for number in range(40):
            rig.start(rig.client(), number, lambda: barrier.wait(PATIENCE))
        await rig.all_finished(40)
        assert len(rig.threads) == 40

    run(test)


def test_one_client_blocks_many_times() -> None:
    async def test() -> None:
        rig = Rig()
        barrier = threading.Barrier(10)
        client = rig.client()
        for number in range(10):
            rig.start(client, number, lambda: barrier.wait(PATIENCE))
        await rig.all_finished(10)
        assert rig.started == list(range(10))

    run(test)


@pytest.mark.timing
def test_who_has_too_much_to_do_holds_up_nobody_else() -> None:
    """Each of one client's handlers returns soon, so that none counts as blocked; but there are a thousand."""

    def work() -> None:
        end = time.perf_counter() + 0.001
        while time.perf_counter() < end:
            pass

    async def test() -> None:
        rig = Rig()
        client, other = rig.client(), rig.client()
        for number in range(1000):
            rig.start(client, number, work)
        await rig.until(lambda: len(rig.started) > 10)
        rig.start(other, "other")
        await rig.all_finished(1001)
        assert rig.started.index("other") < 300
        rig.started.remove("other")
        assert rig.started == list(range(1000))

    run(test)


def test_the_loop_is_never_blocked() -> None:
    async def test() -> None:
        rig = Rig(max_threads=1)
        released = threading.Event()
        for number in range(3):
            rig.start(rig.client(), number, lambda: released.wait(PATIENCE))
        answered: list[int] = []

        async def answer() -> None:
            answered.append(len(rig.started))

        rig.start(rig.client(), "async", answer)
        await rig.until(lambda: bool(answered))
        released.set()
        await rig.all_finished(4)

    run(test)


# How many threads


def test_few_threads_while_handlers_return_at_once() -> None:
    async def test() -> None:
        rig = Rig()
        for turn in range(100):
            clients = [rig.client() for _ in range(25)]
            for number in range(50):
                rig.start(clients[number % 25], (turn, number))
            await asyncio.sleep(0)
        await rig.all_finished(5000)
        assert len(rig.threads) < 10  # 1 on a machine that is not busy

    run(test)


def test_who_waits_for_the_loop_is_not_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that emits faster than the loop can send: more threads would do no more."""
    monkeypatch.setattr(inbox, "_PER_TURN", 8)  # between turns the pool looks at its threads

    async def test() -> None:
        rig = Rig()

        def emit_much() -> None:
            for _ in range(300):
                rig.inbox.post(time.sleep, 0.001)

        rig.start(rig.client(), "emits much", emit_much)
        rig.start(rig.client(), "behind it")
        await rig.all_finished(2)
        assert len(rig.threads) == 1

    run(test)


@pytest.mark.timing
def test_handlers_that_wait_a_little_do_not_wait_for_each_other() -> None:
    """Each is done before it would count as blocked, so one thread for all of them would take 3 s."""

    async def test() -> None:
        rig = Rig()
        begun = time.monotonic()
        for number in range(1000):
            rig.start(rig.client(), number, lambda: time.sleep(0.003))
            if number % 50 == 0:
                await asyncio.sleep(0.005)
        await rig.all_finished(1000)
        assert time.monotonic() - begun < 1.5

    run(test)


def test_what_has_come_before_more_threads_were_seen_to_help_is_shared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All at once, so none of them comes when it is known; one thread for all of them would take 3 s."""
    monkeypatch.setattr(Spare, "is_left", lambda *_: True)  # whatever else the machine does

    async def test() -> None:
        rig = Rig()
        clients = [rig.client() for _ in range(500)]
        begun = time.monotonic()
        for place in range(2):
            for number, client in enumerate(clients):
                rig.start(client, (number, place), lambda: time.sleep(0.003))
        await rig.all_finished(1000)
        assert time.monotonic() - begun < 2
        assert len(rig.threads) > 8
        for number in range(500):
            assert [place for client, place in rig.started if client == number] == [0, 1]

    run(test)


@pytest.mark.skipif(not pool.__file__.endswith(".py"), reason="compiled, it cannot be looked into")
def test_who_has_waited_longest_is_not_put_behind_others_by_sharing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And what is given away goes to another thread, of which there are as many as there may be soon."""
    monkeypatch.setattr(Spare, "is_left", lambda *_: True)  # whatever else the machine does
    share = pool.Worker.share
    shared: list[bool] = []

    def watched(worker: pool.Worker[Any]) -> list[Any]:
        head = next(iter(worker._queue), None)
        given = share(worker)
        shared.append(head in given)
        asyncio.get_running_loop().call_soon(look, worker, given)
        return given

    def look(worker: pool.Worker[Any], given: list[Any]) -> None:
        """It may have become idle and have got some back: alone, and not behind what it kept."""
        queue = list(worker._queue.copy())
        kept = next((place for place, job in enumerate(queue) if job not in given), len(queue))
        shared.append(any(job in given for job in queue[kept:]))

    monkeypatch.setattr(pool.Worker, "share", watched)

    async def test() -> None:
        rig = Rig(max_threads=8)
        handlers = [Handler(lambda: time.sleep(0.002), False, None) for _ in range(50)]
        for number in range(2000):
            rig.start_handler(rig.client(), number, handlers[number % 50])
        await rig.all_finished(2000)
        assert len(rig.threads) == 8

    run(test)
    assert shared
    assert not any(shared)


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_nothing_is_lost_where_no_more_threads_can_be_started(
    allowed: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Spare, "is_left", lambda *_: True)
    monkeypatch.setattr(pool, "_SPREAD", 0.05)
    monkeypatch.setattr(pool, "_told", Told(logging.getLogger("flask_socketio.server")))
    started: list[str] = []

    def start(function: Callable[[], object], name: str) -> None:
        if allowed <= len(started) < 20:
            started.append("refused")
            raise RuntimeError("can't start new thread")
        started.append(name)
        start_thread(function, name)

    monkeypatch.setattr(pool, "start_thread", start)

    async def test() -> None:
        rig = Rig()
        clients = [rig.client() for _ in range(100)]
        for number, client in enumerate(clients):
            for place in range(2):
                rig.start(client, (number, place), lambda: time.sleep(0.01))
        await rig.all_finished(200)
        for number in range(100):
            assert [place for client, place in rig.started if client == number] == [0, 1]

    run(test)
    [line] = [line for line in caplog.messages if "no more than" in line]
    assert (
        f"no more than {allowed} threads for handlers can be started (can't start new thread)"
        in line
    )


def test_nothing_waits_behind_a_handler_that_has_blocked_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The pool looks at its threads once, and never again: calls of a known handler are set apart as they come."""
    monkeypatch.setattr(Spare, "is_left", lambda *_: True)  # whatever else the machine does

    async def test() -> None:
        rig = Rig()
        gate = threading.Event()
        waits = Handler(lambda: gate.wait(PATIENCE), False, None)
        rig.start_handler(rig.client(), "first", waits)
        rig.start(rig.client(), "behind it")
        await rig.until(lambda: rig.finished == 1)
        monkeypatch.setattr(pool, "_WATCH_INTERVAL", 1000)
        await asyncio.sleep(0.05)  # the look that was due with the old interval
        for number in range(8):
            rig.start_handler(rig.client(), number, waits)
        rig.start(rig.client(), "quick")
        await rig.until(lambda: {"quick", *range(8)} <= set(rig.started))
        gate.set()
        await rig.all_finished(11)

    run(test)


def test_idle_threads_are_used_again() -> None:
    async def test() -> None:
        rig = Rig()
        for turn in range(5):
            barrier = threading.Barrier(5)
            for number in range(5):
                rig.start(rig.client(), number, lambda barrier=barrier: barrier.wait(PATIENCE))
            await rig.all_finished(5 * turn + 5)
            workers = rig.dispatcher._pool._workers  # pyright: ignore
            await rig.until(lambda workers=workers: all(worker.idle for worker in workers))
        assert len(rig.threads) < 15  # 5 on a machine that is not busy, 25 if none was used again

    run(test)


def test_at_most_max_threads() -> None:
    async def test() -> None:
        rig = Rig(max_threads=3)
        running, most = 0, 0
        lock = threading.Lock()

        def handler() -> None:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.03)
            with lock:
                running -= 1

        clients = [rig.client() for _ in range(20)]
        for number in range(60):
            rig.start(clients[number % 20], number, handler)
        await rig.all_finished(60)
        assert most == len(rig.threads) == 3
        for number in range(20):
            assert [n for n in rig.started if n % 20 == number] == [
                number,
                number + 20,
                number + 40,
            ]

    run(test)


def test_at_the_limit_whoever_returns_first_goes_on() -> None:
    async def test() -> None:
        rig = Rig(max_threads=2)
        long, short = threading.Event(), threading.Event()
        try:
            rig.start(rig.client(), "long", lambda: long.wait(PATIENCE))
            rig.start(rig.client(), "short", lambda: short.wait(PATIENCE))
            await rig.until(lambda: len(rig.started) == 2)
            await asyncio.sleep(0.05)  # both are known to be blocked
            rig.start(rig.client(), "third")
            await asyncio.sleep(0.05)
            short.set()
            await asyncio.sleep(0.5)
            assert "third" in rig.started
        finally:
            long.set()
            short.set()
        await rig.all_finished(3)

    run(test)


def test_order_at_the_limit() -> None:
    async def test() -> None:
        rig = Rig(max_threads=2)
        long, short = threading.Event(), threading.Event()
        client = rig.client()
        rig.start(rig.client(), "long", lambda: long.wait(PATIENCE))
        rig.start(rig.client(), "short", lambda: short.wait(PATIENCE))
        await rig.until(lambda: len(rig.started) == 2)
        await asyncio.sleep(0.05)  # both are known to be blocked
        rig.start(client, 1)
        await asyncio.sleep(0.05)
        short.set()
        await rig.until(lambda: rig.finished >= 1)  # and what has waited may be done already
        await asyncio.sleep(0.05)
        rig.start(client, 2)
        await asyncio.sleep(0.05)
        long.set()
        await rig.all_finished(4)
        assert [label for label in rig.started if isinstance(label, int)] == [1, 2]

    run(test)


def test_idle_threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_IDLE", 0.05)

    async def test() -> None:
        rig = Rig()
        barrier = threading.Barrier(5)
        for number in range(5):
            rig.start(rig.client(), number, lambda: barrier.wait(PATIENCE))
        await rig.all_finished(5)
        assert len(rig.threads) == 5
        await rig.until(lambda: not any(thread.is_alive() for thread in rig.threads))
        before = set(rig.threads)
        client = rig.client()
        for number in range(3):
            rig.start(client, number)
        await rig.all_finished(8)
        assert rig.started[5:] == [0, 1, 2]
        assert len(rig.threads - before) == 1

    run(test)


def test_threads_end_and_come_back_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment in which a worker ends is the moment in which it is given something: nothing is lost, nor swapped."""
    monkeypatch.setattr(pool, "_IDLE", 0.001)

    async def test() -> None:
        rig = Rig()
        clients = [rig.client() for _ in range(3)]
        for turn in range(200):
            for number in range(3):
                rig.start(clients[number], (number, turn))
            await asyncio.sleep(0.001 if turn % 3 else 0.0015)
        await rig.all_finished(600)
        for number in range(3):
            assert [turn for client, turn in rig.started if client == number] == list(range(200))

    run(test)


# One after the other


def test_async_def_behind_def_at_the_limit() -> None:
    """A call that has no thread yet is before the next one all the same."""

    async def test() -> None:
        rig = Rig(max_threads=1)
        gate = threading.Event()

        async def on_loop() -> None: ...

        rig.start(rig.client(), "blocks", lambda: gate.wait(PATIENCE))
        await rig.until(lambda: rig.started == ["blocks"])
        await asyncio.sleep(0.05)
        client = rig.client()
        rig.start(client, "def")
        await asyncio.sleep(0.05)
        rig.start(client, "async def", on_loop)
        await asyncio.sleep(0.05)
        gate.set()
        await rig.all_finished(3)
        assert rig.started == ["blocks", "def", "async def"]

    run(test)
