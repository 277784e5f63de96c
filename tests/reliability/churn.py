"""Clients that come and go, at a steady rate, over all transports, a tenth of them without a word."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.kit.sampler import MIB, Sample, Sampler, wait_until
from tests.kit.server import ServerProcess
from tests.load.wire import Client, opened, reading

#: So that those who leave without a word are missed soon.
OPTIONS = {"ping_interval": 2, "ping_timeout": 2}
WAYS = ("polling", "websocket", "upgraded")
#: Clients that may be on their way at the same time: a server that is slower than the rate has fewer to serve.
AT_A_TIME = 200
#: One in so many leaves without a word, with an answer due.
RUDE = 10
#: Seconds after which a client that gets no answer has failed, and in which all have to be gone.
PATIENCE = 30.0


@dataclass(frozen=True)
class State:
    """What a server holds when nobody is connected."""

    sample: Sample
    objects: int
    tasks: int


@dataclass(frozen=True)
class Outcome:
    """What there is more of than after the warm-up: `memory` in MiB, `objects` for each client."""

    memory: float
    threads: int
    descriptors: int
    tasks: int
    objects: float
    clients: int
    failed: Counter[str]


def churn(server: ServerProcess, rate: float, seconds: float, warm_up: float) -> Outcome:
    """So many clients a second for so long, after a while that does not count; the server has OPTIONS."""
    return asyncio.run(Churn(server, rate).run(seconds, warm_up))


@dataclass
class Churn:
    server: ServerProcess
    rate: float
    #: clients that were accepted
    accepted: int = 0
    failed: Counter[str] = field(default_factory=Counter[str])

    async def run(self, seconds: float, warm_up: float) -> Outcome:
        await self._come_and_go(warm_up)
        before = await self._state()
        count = await self._come_and_go(seconds)
        after = await self._state()
        return Outcome(
            (after.sample.memory - before.sample.memory) / MIB,
            after.sample.threads - before.sample.threads,
            after.sample.descriptors - before.sample.descriptors,
            after.tasks - before.tasks,
            (after.objects - before.objects) / count,
            count,
            self.failed,
        )

    async def _come_and_go(self, seconds: float) -> int:
        """Returns how many there were."""
        loop = asyncio.get_running_loop()
        begun, gate = loop.time(), asyncio.Semaphore(AT_A_TIME)
        async with asyncio.TaskGroup() as tasks:
            for number in itertools.count():
                await asyncio.sleep(begun + number / self.rate - loop.time())
                await gate.acquire()
                if loop.time() > begun + seconds:
                    return number
                tasks.create_task(self._visit(number, gate))
        raise AssertionError("it counts for ever")

    async def _visit(self, number: int, gate: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._be_a_client(number)
        except Exception as error:  # noqa: BLE001 - it is counted
            self.failed[type(error).__name__] += 1
        finally:
            gate.release()

    async def _be_a_client(self, number: int) -> None:
        """Come, say something and leave; or be cut before there is an answer."""
        client = await _opened(self.server.address[1], WAYS[number % len(WAYS)])
        self.accepted += 1
        async with reading(client):
            await client.emit("echo", number, bytes(100))
            if number % RUDE:
                assert await client.next_event() == ["echo", number, bytes(100)]
                await client.send(["1"])

    async def _state(self) -> State:
        """When all have gone, and their handlers have run."""
        sampler = Sampler(self.server.pid)
        await asyncio.to_thread(wait_until, self._all_gone, PATIENCE)
        state = await asyncio.to_thread(self.server.get_json, "/state")
        return State(sampler.sample(), state["objects"], await self._tasks(state))

    def _all_gone(self) -> bool:
        return self.server.get_json("/state")["gone"] >= self.accepted

    async def _tasks(self, state: dict[str, Any]) -> int:
        """Those of the server's loop, where it has one."""
        if not state["counters"]:
            return 0
        client = await opened(self.server.address[1], "websocket")
        self.accepted += 1
        async with reading(client):
            return (await client.call("tasks"))[0]


async def _opened(port: int, way: str) -> Client:
    if way != "upgraded":
        return await opened(port, way)
    client = await opened(port, "polling")
    websocket = await client.dial()
    await websocket.send("2probe")
    assert await websocket.recv() == "3probe"
    await websocket.send("5")
    client.websocket = websocket
    return client
