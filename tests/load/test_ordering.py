"""What a client may rely on about the order of what it sends and gets, over each transport."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.server import ServerProcess
from tests.load.wire import Client, encode, opened, reading

APP = Path(__file__).with_name("app.py")
LANES = {"polling": "Polling", "websocket": "FastWebSocket"}

Run = Callable[[Callable[[Client], Awaitable[None]]], None]


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(APP) as server:
        yield server


@pytest.fixture(scope="module")
def serial_server() -> Iterator[ServerProcess]:
    with ServerProcess.script(APP, {"OPTIONS": '{"async_handlers": false}'}) as server:
        yield server


@pytest.fixture(params=LANES)
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


def runner(server: ServerProcess, transport: str) -> Run:
    """Runs a test's coroutine with a connected client."""

    async def with_client(test: Callable[[Client], Awaitable[None]]) -> None:
        client = await opened(server.address[1], transport)
        async with asyncio.timeout(20), reading(client):
            assert await client.call("lane") == [LANES[transport]]
            await test(client)

    return lambda test: asyncio.run(with_client(test))


@pytest.fixture
def run(server: ServerProcess, transport: str) -> Run:
    return runner(server, transport)


@pytest.fixture
def run_serially(serial_server: ServerProcess, transport: str) -> Run:
    return runner(serial_server, transport)


async def events(client: Client, count: int) -> list[list[Any]]:
    return [await client.next_event() for _ in range(count)]


def test_quick_handlers_start_in_the_order_of_arrival(run: Run) -> None:
    async def test(client: Client) -> None:
        for number in range(0, 300, 30):
            burst = (
                encode(["note", value], "2", "5", None) for value in range(number, number + 30)
            )
            await client.send([frame for frames in burst for frame in frames])
        assert await client.call("notes") == [list(range(300))]

    run(test)


def test_slow_handlers_of_one_client_overlap(run: Run) -> None:
    async def test(client: Client) -> None:
        begun = time.monotonic()
        await asyncio.gather(*(client.call("block", 0.5) for _ in range(5)))
        assert time.monotonic() - begun < 1.5

    run(test)


def test_a_blocked_handler_does_not_hold_up_the_next_event(run: Run) -> None:
    async def test(client: Client) -> None:
        blocked = asyncio.create_task(client.call("block", 1.5))
        assert await client.next_event() == ["started"]
        assert await client.call("echo", "meanwhile") == ["meanwhile"]
        assert not blocked.done()
        await blocked

    run(test)


def test_without_async_handlers_one_ends_before_the_next_begins(run_serially: Run) -> None:
    async def test(client: Client) -> None:
        for number in range(12):
            await client.emit("note_twice", number, 0.03 if number % 3 == 0 else 0)
        (notes,) = await client.call("notes")
        assert notes == [[edge, number] for number in range(12) for edge in ("begins", "ends")]

    run_serially(test)


def test_what_a_handler_emits_precedes_its_ack(run: Run) -> None:
    async def test(client: Client) -> None:
        order: list[Any] = []
        client.on_event = order.append
        ack = await client.call("emit_many", 50)
        order.append(ack)
        numbers = [["number", n if n % 2 else bytes([n])] for n in range(50)]
        assert order == [*numbers, ["acked"]]

    run(test)


def test_a_room_is_joined_before_the_next_emit_and_left_before_the_one_after(run: Run) -> None:
    async def test(client: Client) -> None:
        await client.call("join_and_tell", 50)
        assert [client.events.get_nowait() for _ in range(50)] == inside(50)
        assert client.events.empty()

    run(test)


def test_a_room_is_joined_before_the_next_emit_from_a_plain_thread(run: Run) -> None:
    async def test(client: Client) -> None:
        await client.call("join_from_a_thread", 50)
        assert [client.events.get_nowait() for _ in range(50)] == inside(50)

    run(test)


def inside(count: int) -> list[list[Any]]:
    return [["told", "inside", number] for number in range(count)]


def test_emits_of_each_of_sixteen_threads_keep_their_order(run: Run) -> None:
    async def test(client: Client) -> None:
        await client.call("emit_from_threads", 16, 50)
        lines = await events(client, 16 * 50)
        for thread in range(16):
            assert [line for _, name, line in lines if name == thread] == list(range(50))
        assert client.events.empty()

    run(test)


def test_emits_arrive_while_their_handler_still_runs(run: Run) -> None:
    async def test(client: Client) -> None:
        handler = asyncio.create_task(client.call("emit_slowly", 5, 0.2))
        times = []
        for number in range(5):
            assert await client.next_event() == ["step", number]
            assert not handler.done()
            times.append(time.monotonic())
        assert await handler == ["acked"]
        assert times[-1] - times[0] > 0.5

    run(test)


def test_emits_of_a_background_task_arrive_in_order(run: Run) -> None:
    async def test(client: Client) -> None:
        await client.call("emit_in_the_background", 20)
        assert await events(client, 20) == [["later", number] for number in range(20)]

    run(test)
