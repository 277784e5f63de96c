"""Threads of the app that emit, join, leave and disconnect all at once; what a client hears is in the order of each."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tests.kit.sequence import Sequence, check
from tests.kit.server import ServerProcess
from tests.load.wire import Client, Event, opened, reading

#: Seconds after which they hang.
WATCHDOG = 120.0


@dataclass(frozen=True)
class Outcome:
    """What became of each thread's messages, what was heard after leaving its room, and other faults."""

    heard: list[Sequence]
    outside: int
    faults: list[str]


def mingle(server: ServerProcess, threads: int, rounds: int, switch: float = 1e-6) -> Outcome:
    """So many threads, which the interpreter changes every `switch` seconds; raises TimeoutError where they hang."""
    return asyncio.run(_mingle(server, threads, rounds, switch))


async def _mingle(server: ServerProcess, threads: int, rounds: int, switch: float) -> Outcome:
    heard: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))

    def take(event: Event) -> None:
        heard[event[0]][event[1]].append(event[2])

    port = server.address[1]
    async with AsyncExitStack() as stack:
        caller = await opened(port, "websocket")
        caller.on_event = take
        others = [await opened(port, "websocket") for _ in range(threads)]
        for client in [caller, *others]:
            await stack.enter_async_context(reading(client))
        sids = [await _sid(client) for client in others]
        (faults,) = await caller.call("threads", sids, rounds, switch, patience=WATCHDOG)
        faults += await _still_there(others)
    sequences = [check(heard["inside"][name], rounds) for name in range(threads)]
    return Outcome(sequences, sum(map(len, heard["outside"].values())), faults)


async def _sid(client: Client) -> str:
    (sid,) = await client.call("sid")
    return str(sid)


async def _still_there(clients: list[Client]) -> list[str]:
    """Those who have not been told that they are disconnected."""
    waiting = [asyncio.create_task(client.ended.wait(), name=client.sid) for client in clients]
    _, left = await asyncio.wait(waiting, timeout=10)
    for task in left:
        task.cancel()
    return [f"{task.get_name()} is still there" for task in left]
