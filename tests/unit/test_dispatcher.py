"""Which thread a handler runs on, and in what order handlers start."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import Any

import pytest

from flask_socketio.dispatch import pool
from flask_socketio.hub.call import Handler
from tests.unit.rig import PATIENCE, Rig, run

# Where


def test_def_on_a_thread_and_async_def_on_the_loop() -> None:
    async def test() -> None:
        rig = Rig()
        where: dict[str, int] = {}

        async def on_loop() -> None:
            where["async"] = threading.get_ident()

        def on_thread() -> None:
            where["def"] = threading.get_ident()

        rig.start(rig.client(), 1, on_thread)
        rig.start(rig.client(), 2, on_loop)
        await rig.all_finished(2)
        assert where["async"] == threading.get_ident() != where["def"]

    run(test)


def test_nothing_starts_within_the_turn() -> None:
    async def test() -> None:
        rig = Rig()

        async def on_loop() -> None: ...

        rig.start(rig.client(), 1, on_loop)
        rig.start(rig.client(), 2)
        assert rig.started == []
        await rig.all_finished(2)

    run(test)


# In what order


@pytest.mark.parametrize("max_threads", [1000, 3, 2, 1])
@pytest.mark.parametrize("seed", range(3))
def test_calls_of_a_client_start_in_order(seed: int, max_threads: int) -> None:
    """Over many turns of the loop, with handlers that block now and then, so that their workers are given up."""
    dice = random.Random(seed)

    async def test() -> None:
        rig = Rig(max_threads=max_threads)
        clients = [rig.client() for _ in range(8)]
        sent = [0] * len(clients)
        quick = Handler(lambda: None, False, None)
        slow = Handler(lambda: time.sleep(0.02), False, None)
        for _ in range(60):
            for _ in range(dice.randrange(20)):
                number = dice.randrange(len(clients))
                handler = slow if dice.random() < 0.03 else quick
                rig.start_handler(clients[number], (number, sent[number]), handler)
                sent[number] += 1
            await asyncio.sleep(dice.choice([0, 0, 0.001, 0.01]))
        await rig.all_finished(sum(sent))
        for number, count in enumerate(sent):
            mine = [place for client, place in rig.started if client == number]
            assert mine == list(range(count))

    run(test)


@pytest.mark.parametrize("max_threads", [1000, 2, 1])
def test_a_call_whose_thread_has_had_no_core_is_before_the_next_one(max_threads: int) -> None:
    """On a busy machine a thread may stand for long between the call that it has taken and its handler."""

    async def test() -> None:
        rig = Rig(max_threads=max_threads)
        rig.before_entering = lambda call: time.sleep(0.05) if call.args[0] == (0, 0) else None
        clients = [rig.client() for _ in range(2)]
        for place in range(5):
            for number, client in enumerate(clients):
                rig.start(client, (number, place))
            await asyncio.sleep(0.005)
        await rig.all_finished(10)
        for number in range(2):
            assert [place for client, place in rig.started if client == number] == list(range(5))

    run(test)


@pytest.mark.parametrize("seed", range(4))
def test_async_calls_of_a_client_start_in_order(seed: int) -> None:
    dice = random.Random(seed)

    async def test() -> None:
        rig = Rig()
        clients = [rig.client() for _ in range(5)]
        sent = [0] * len(clients)

        async def sleeps() -> None:
            await asyncio.sleep(dice.choice([0, 0, 0.002]))

        for _ in range(40):
            for _ in range(dice.randrange(10)):
                number = dice.randrange(len(clients))
                rig.start(clients[number], (number, sent[number]), sleeps)
                sent[number] += 1
            await asyncio.sleep(0)
        await rig.all_finished(sum(sent))
        for number, count in enumerate(sent):
            assert [place for client, place in rig.started if client == number] == list(
                range(count)
            )

    run(test)


async def on_loop() -> None:
    await asyncio.sleep(0)


def on_thread() -> None:
    pass


MIXED = [
    [on_thread, on_loop],
    [on_loop, on_thread],
    [on_loop, on_thread, on_loop],
    [on_loop, on_loop, on_thread, on_thread],
    [on_thread, on_thread, on_loop, on_loop],
]


@pytest.mark.parametrize("functions", MIXED, ids=lambda items: "-".join(f.__name__ for f in items))
def test_def_and_async_def_of_a_client_start_in_order(functions: list[Any]) -> None:
    check_mixed(functions)


def test_def_and_async_def_start_in_order_where_they_are_too_many_for_a_turn() -> None:
    async def test() -> None:
        rig = Rig()
        dice = random.Random(1)
        clients = [rig.client() for _ in range(3)]
        sent = [0] * len(clients)
        for _ in range(1000):
            number = dice.randrange(len(clients))
            rig.start(clients[number], (number, sent[number]), dice.choice([on_loop, on_thread]))
            sent[number] += 1
        await rig.all_finished(1000)
        for number, count in enumerate(sent):
            mine = [place for client, place in rig.started if client == number]
            assert mine == list(range(count))

    run(test)


def test_def_behind_async_def_behind_def_starts_in_order() -> None:
    check_mixed([on_thread, on_loop, on_thread])


def test_async_def_is_not_overtaken_while_its_thread_has_not_come_to_hand_it_over() -> None:
    """A thread that waits for a core longer than the pool's patience is not one whose handler blocks."""

    async def test() -> None:
        rig = Rig()

        class Late(deque[Any]):
            def append(self, command: Any) -> None:
                if command[0] == rig.dispatcher._go_on:  # pyright: ignore
                    time.sleep(10 * pool._WATCH_INTERVAL)  # pyright: ignore
                super().append(command)

        rig.inbox._commands = Late()  # pyright: ignore
        client = rig.client()
        for place, function in enumerate([on_thread, on_loop, on_thread]):
            rig.start(client, place, function)
        await rig.all_finished(3)
        assert rig.started == [0, 1, 2]

    run(test)


def check_mixed(functions: list[Any]) -> None:
    async def test() -> None:
        rig = Rig()
        for _ in range(200):
            client = rig.client()
            rig.started.clear()
            rig.finished = 0
            for place, function in enumerate(functions):
                rig.start(client, place, function)
            await rig.all_finished(len(functions))
            assert rig.started == list(range(len(functions)))

    run(test)


def test_what_a_def_handler_returns_begins_before_the_next_call() -> None:
    """What it returns can be awaited, and is, on the loop; what comes next on the worker waits until that has begun."""

    async def test() -> None:
        rig = Rig()
        where: set[int] = set()

        async def rest() -> None:
            where.add(threading.get_ident())
            await asyncio.sleep(0.001)

        for _ in range(50):
            client = rig.client()
            rig.started.clear()
            rig.finished = 0
            rig.start(client, 0, rest)
            rig.start_handler(client, 1, Handler(rest, False, None))
            rig.start(client, 2)
            rig.start_handler(client, 3, Handler(rest, False, None))
            await rig.until(lambda: rig.finished == 4)
            assert rig.started == [0, 1, 1, 2, 3, 3]
        assert where == {threading.get_ident()}
        assert rig.dispatcher.running == 0

    run(test)


@pytest.mark.parametrize("is_async", [False, True])
def test_serial(is_async: bool) -> None:
    """A client's calls never overlap; those of two clients do."""

    async def test() -> None:
        rig = Rig(serial=True)
        inside: Counter[int] = Counter()
        clients = [rig.client() for _ in range(4)]

        def make(number: int) -> Callable[[], Any]:
            def enter() -> None:
                inside[number] += 1
                assert inside[number] == 1

            def handler() -> None:
                enter()
                time.sleep(0.001)
                inside[number] -= 1

            async def async_handler() -> None:
                enter()
                await asyncio.sleep(0.001)
                inside[number] -= 1

            return async_handler if is_async else handler

        for place in range(25):
            for number, client in enumerate(clients):
                rig.start(client, (number, place), make(number))
            if place % 5 == 0:
                await asyncio.sleep(0)
        await rig.all_finished(100)
        for number in range(4):
            mine = [place for client, place in rig.started if client == number]
            assert mine == list(range(25))

    run(test)


def test_serial_clients_overlap() -> None:
    async def test() -> None:
        rig = Rig(serial=True)
        barrier = threading.Barrier(3)
        clients = [rig.client() for _ in range(3)]
        for place in range(5):
            for number in range(3):
                rig.start(clients[number], (number, place), lambda: barrier.wait(PATIENCE))
        await rig.all_finished(15)

    run(test)


def test_serial_waits_for_a_blocked_handler() -> None:
    async def test() -> None:
        rig = Rig(serial=True)
        released = threading.Event()
        client = rig.client()
        rig.start(client, 1, lambda: released.wait(PATIENCE))
        rig.start(client, 2)
        rig.start(rig.client(), "other")
        await rig.until(lambda: rig.finished == 1)
        await asyncio.sleep(0.05)
        assert 2 not in rig.started
        released.set()
        await rig.all_finished(3)

    run(test)


def test_a_turn_of_the_loop_starts_some_of_many() -> None:
    """The network, and whatever else the loop has to do, does not wait until all have begun."""

    async def test() -> None:
        rig = Rig()
        turn = 0
        begun: Counter[int] = Counter()

        def next_turn() -> None:
            nonlocal turn
            turn += 1
            rig.loop.call_soon(next_turn)

        async def handler() -> None:
            begun[turn] += 1

        next_turn()
        for place in range(1000):
            rig.start(rig.client(), place, handler)
        await rig.all_finished(1000)
        assert max(begun.values()) <= 100
        assert rig.started == list(range(1000))

    run(test)


# In what context

_set = ContextVar("_set", default="nothing")


@pytest.mark.parametrize("serial", [True, False])
def test_what_a_handler_sets_is_not_there_for_the_next_one(serial: bool) -> None:
    """Not even for one that begins because it has ended, or because of what it has done (disconnect(), say)."""

    async def test() -> None:
        rig = Rig(serial=serial)
        client = rig.client()
        found: list[str] = []

        async def handler() -> None:
            found.append(_set.get())
            _set.set(f"by handler {len(found)}")
            if len(found) < 3:
                rig.start(client, len(found), handler)

        rig.start(client, 0, handler)
        await rig.all_finished(3)
        assert found == ["nothing"] * 3

    run(test)


def test_handlers_on_the_loop_see_what_was_set_when_it_began() -> None:
    async def test() -> None:
        _set.set("by the server")
        rig = Rig()
        found: list[str] = []

        async def handler() -> None:
            found.append(_set.get())

        rig.loop.call_soon(rig.start, rig.client(), 0, handler, context=Context())
        await rig.all_finished(1)
        assert found == ["by the server"]

    run(test)


def test_every_call_on_the_loop_is_a_task_of_its_own() -> None:
    async def test() -> None:
        rig = Rig()
        tasks: list[object] = []

        async def handler() -> None:
            tasks.append(asyncio.current_task())
            async with asyncio.timeout(PATIENCE):
                await asyncio.sleep(0)
            assert tasks.count(asyncio.current_task()) == 1

        client = rig.client()
        for place in range(3):
            rig.start(client, place, handler)
        await rig.all_finished(3)
        assert None not in tasks

    run(test)


# The end


def test_drain() -> None:
    async def test() -> None:
        rig = Rig()
        assert await rig.dispatcher.drain(0)
        released = threading.Event()
        rig.start(rig.client(), 1, lambda: released.wait(PATIENCE))
        rig.start(rig.client(), 2, on_loop)
        assert not await rig.dispatcher.drain(0.05)
        rig.loop.call_later(0.02, released.set)
        assert await rig.dispatcher.drain(PATIENCE)
        assert rig.finished == 2

    run(test)
