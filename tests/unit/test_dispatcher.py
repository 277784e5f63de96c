"""Which thread a handler runs on, in what order handlers start, and how many threads there are.

Every test has a real loop and real threads. What is waited for is an event; the only times are those after which a test
gives up.
"""

from __future__ import annotations

import asyncio
import inspect
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from types import SimpleNamespace
from typing import Any

import pytest

from flask_socketio.dispatch import pool
from flask_socketio.dispatch.dispatcher import Dispatcher
from flask_socketio.dispatch.inbox import Inbox
from flask_socketio.engine.config import Limits
from flask_socketio.hub.call import Call, CallKind, Handler
from flask_socketio.hub.client import Client
from flask_socketio.hub.load import Load
from flask_socketio.protocol.socketio import JSON

PATIENCE = 10.0


class _Loop:
    """Awaiting it suspends a coroutine until there is a loop."""

    def __await__(self) -> Generator[None]:
        yield


class Rig:
    """A dispatcher with what it needs of the hub: a count of each client's calls, and their ends told to it."""

    def __init__(self, *, serial: bool = False, max_threads: int = 1000) -> None:
        self.loop = asyncio.get_running_loop()
        self.inbox = Inbox(self.loop)
        self.dispatcher = Dispatcher(
            self.loop,
            self.inbox,
            self._begin,
            serial=serial,
            max_threads=max_threads,
        )
        self.lock = threading.Lock()
        #: what has started, in that order, and the threads it started on
        self.started: list[Any] = []
        self.threads: set[threading.Thread] = set()
        self.finished = 0
        self._done = asyncio.Event()

    def client(self) -> Client:
        hub: Any = SimpleNamespace(limits=Limits(), load=Load(Limits()), codec=JSON)
        connection: Any = SimpleNamespace()
        return Client(hub, connection)

    def start(self, client: Client, label: Any, function: Callable[[], Any] | None = None) -> None:
        """Have the dispatcher run a handler, as the hub would."""
        handler = Handler(function or (lambda: None), asyncio.iscoroutinefunction(function), None)
        self.start_handler(client, label, handler)

    def start_handler(self, client: Client, label: Any, handler: Handler) -> None:
        socket: Any = SimpleNamespace(client=client)
        client.in_flight += 1
        self.dispatcher.submit(Call(socket, socket.client, CallKind.EVENT, None, (label,), handler))

    def _note(self, call: Call) -> None:
        with self.lock:
            self.started.append(call.args[0])
            self.threads.add(threading.current_thread())

    def _begin(self, call: Call) -> Coroutine[Any, Any, None] | None:
        if call.handler.is_async:
            return self._run_async(call)
        self._note(call)
        rest = call.handler.function()
        if inspect.iscoroutine(rest):
            return self._finish(call, rest)
        self.inbox.post(self._finished, call)
        return None

    async def _finish(self, call: Call, rest: Coroutine[Any, Any, None]) -> None:
        await _Loop()
        self._note(call)
        await rest
        self._finished(call)

    async def _run_async(self, call: Call) -> None:
        self._note(call)
        await call.handler.function()
        self._finished(call)

    def _finished(self, call: Call) -> None:
        call.socket.client.in_flight -= 1
        self.dispatcher.finished(call)
        self.finished += 1
        self._done.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def all_finished(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.finished < count:
                self._done.clear()
                await self._done.wait()
        assert len(self.started) == self.finished == count
        assert self.dispatcher.running == 0


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


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


def test_def_behind_async_def_behind_def_starts_in_order() -> None:
    check_mixed([on_thread, on_loop, on_thread])


def test_async_def_is_not_overtaken_while_its_thread_has_not_come_to_hand_it_over() -> None:
    """A thread that waits for a core longer than the pool's patience is not one whose handler blocks."""

    async def test() -> None:
        rig = Rig()
        post = rig.inbox.post

        def post_late(*args: Any) -> None:
            if not rig.inbox.on_loop and args[0] == rig.dispatcher._go_on:  # pyright: ignore
                time.sleep(10 * pool._WATCH_INTERVAL)  # pyright: ignore
            post(*args)

        rig.inbox.post = post_late  # type: ignore[method-assign]
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


# A handler that blocks


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


def test_nothing_waits_behind_a_handler_that_has_blocked_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The pool looks at its threads once, and never again: calls of a known handler are set apart as they come."""
    monkeypatch.setattr(pool, "_LITTLE", 100)  # whatever else the machine does
    monkeypatch.setattr(pool, "_ON_TIME", PATIENCE)

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
        await rig.until(lambda: rig.finished == 1)
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
