"""One client that stops to read, and healthy ones that are sent to as well."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tests.kit.engine import EngineWebSocket
from tests.kit.sampler import MIB, Sampler, wait_until
from tests.kit.sequence import Sequence, check
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient
from tests.load.wire import Client, opened, reading

PATH = "/socket.io/"
LISTENERS = 20
#: One message in so many goes to the listeners as well.
EVERY = 100
SIZE = 1024


@dataclass(frozen=True)
class Outcome:
    """`growth` is MiB; `closed` the seconds after the last message until the paused client was gone, or None."""

    growth: float
    closed: float | None
    heard: list[Sequence]
    seconds: float


def pause(server: ServerProcess, count: int, patience: float) -> Outcome:
    """Send so many messages of 1 KiB to a client that does not read; wait for its end for so many seconds."""
    paused = SioClient(EngineWebSocket.open(server.address, PATH))
    sid = paused.connect()
    sampler = Sampler(server.pid)
    before = sampler.reset_peak()
    begun = time.monotonic()
    heard = asyncio.run(_listen(server, count, sid))
    seconds = time.monotonic() - begun
    closed = wait_until(lambda: server.get_json("/state")["gone"] > LISTENERS, patience)
    took = time.monotonic() - begun - seconds
    growth = (sampler.sample().peak - before.memory) / MIB
    paused.engine.leave()
    return Outcome(growth, took if closed else None, heard, seconds)


async def _listen(server: ServerProcess, count: int, sid: str) -> list[Sequence]:
    """What each of the listeners has heard of its share."""
    clients = [await opened(server.address[1], "websocket") for _ in range(LISTENERS)]
    async with asyncio.TaskGroup() as tasks:
        numbers = [tasks.create_task(_numbers(client)) for client in clients]
        for client in clients:
            await client.emit("join", "listeners")
        await asyncio.sleep(0.2)
        await clients[0].emit("shout", count, sid, EVERY, SIZE)
    return [check(task.result(), count // EVERY) for task in numbers]


async def _numbers(client: Client) -> list[int]:
    """What arrives until it is over."""
    numbers: list[int] = []
    async with reading(client):
        while (event := await client.next_event(300))[0] != "over":
            numbers.append(event[1])
    return numbers
