"""A load client in a process of its own; `python -m tests.load.echo_clients PORT` prints JSON.

Fifty clients have a handler of theirs blocked, one more has its handler burn CPU, and meanwhile
fifty others send an echo every 100 ms, staggered. Each echo counts twice: once as the event that
comes back and once as the ack.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field

from tests.load.wire import Client, opened, reading

BLOCKED = 50
ECHOING = 50
BLOCK = 5.0
ECHOES_EACH = 40
INTERVAL = 0.1


@dataclass
class Figures:
    """Times are in seconds; clock times are comparable with the server's."""

    sent: int = 0
    lanes: set[str] = field(default_factory=set)
    events: list[float] = field(default_factory=list)
    acks: list[float] = field(default_factory=list)
    first_echo: float = 0.0
    last_echo: float = 0.0
    handlers_ended: list[float] = field(default_factory=list)


async def occupy(client: Client, event: str, started: asyncio.Semaphore, figures: Figures) -> None:
    """Have one handler of the server's occupied, and note when it ended by the server's clock."""

    async def note_start() -> None:
        assert await client.next_event() == ["started"]
        started.release()

    async with reading(client), asyncio.TaskGroup() as tasks:
        tasks.create_task(note_start())
        (ended,) = await client.call(event, BLOCK)
        figures.handlers_ended.append(ended)


async def echo(client: Client, delay: float, figures: Figures) -> None:
    """Echo at a steady pace; a late answer does not put off the next question."""
    sent: dict[int, float] = {}
    client.on_event = lambda event: figures.events.append(time.monotonic() - sent[event[1]])

    async def ask(number: int) -> None:
        sent[number] = time.monotonic()
        figures.sent += 1
        assert await client.call("echo", number) == [number]
        figures.acks.append(time.monotonic() - sent[number])

    async with reading(client):
        figures.lanes.update(await client.call("lane"))
        begun = time.monotonic() + delay
        async with asyncio.TaskGroup() as tasks:
            for number in range(ECHOES_EACH):
                await asyncio.sleep(begun + number * INTERVAL - time.monotonic())
                tasks.create_task(ask(number))


async def main(port: int) -> None:
    figures = Figures()
    started = asyncio.Semaphore(0)
    echoing = [await opened(port, "websocket") for _ in range(ECHOING)]
    blocked = [await opened(port, "websocket") for _ in range(BLOCKED)]
    burning = await opened(port, "websocket")
    async with asyncio.TaskGroup() as tasks:
        for client in blocked:
            tasks.create_task(occupy(client, "block", started, figures))
        tasks.create_task(occupy(burning, "burn", started, figures))
        async with asyncio.timeout(BLOCK):
            for _ in range(BLOCKED + 1):
                await started.acquire()
        figures.first_echo = time.time()
        async with asyncio.TaskGroup() as echoes:
            for number, client in enumerate(echoing):
                echoes.create_task(echo(client, number * INTERVAL / ECHOING, figures))
        figures.last_echo = time.time()
    print(json.dumps(asdict(figures), default=sorted))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
