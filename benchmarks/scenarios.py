"""What is measured: each scenario drives one server and returns its figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any, Protocol

from .clients import (
    SENTENCE,
    Asker,
    Client,
    EchoClient,
    Enlisted,
    Meter,
    PollingClient,
    Receiver,
    binary_event,
    close_all,
    connect_all,
    hang_up,
    load_page,
    masked_frame,
    text_event,
)
from .pace import PACE
from .servers import Server

#: Seconds for what has to come.
PATIENCE = 30.0
#: Figures by name. "cpu": microseconds of server CPU per message.
Figures = dict[str, float]
Run = Callable[[Server], Coroutine[Any, Any, Figures]]


class Measured(Protocol):
    def cpu(self) -> float:
        """Seconds of CPU used so far."""
        ...


async def measured(server: Measured, meter: Meter) -> Figures:
    """Warm up, then count messages and CPU; in turn with others where the server is one of several."""
    if isinstance(server, Server) and server.turns is not None:
        return {"cpu": median(await server.turns.take(server, meter))}
    await asyncio.sleep(PACE.warm_up)
    meter.reset()
    cpu, begun = server.cpu(), time.perf_counter()
    await asyncio.sleep(PACE.duration)
    await something(meter)
    cpu, elapsed = server.cpu() - cpu, time.perf_counter() - begun
    figures = {"cpu": 1e6 * cpu / meter.count, "rate": meter.count / elapsed}
    if meter.times:
        figures |= {"p50": meter.percentile_ms(50), "p99": meter.percentile_ms(99)}
    return figures


async def something(meter: Meter) -> None:
    """One message at least, however slow the machine is."""
    await until(lambda: meter.count > 0)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does. Raises TimeoutError where it does not."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)


@asynccontextmanager
async def connected(clients: list[Any]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        hang_up(clients)


async def echo(
    server: Server, inflight: int, event: bytes = b"echo", clients: int = 100, idle: int = 0
) -> Figures:
    """An event, answered by an event and the ack."""
    frames = [text_event(number, event=event) for number in range(inflight)]
    async with connected(await connect_all(server.port, Client, PACE.of(idle))):
        return await echoed(server, frames, clients)


async def large_echo(server: Server, size: int, clients: int, *, binary: bool = False) -> Figures:
    """The same with so many bytes of text or binary data, one at a time."""
    data = (SENTENCE * (size // len(SENTENCE) + 1))[:size]
    return await echoed(server, [(binary_event if binary else text_event)(0, data)], clients)


async def echoed(server: Server, frames: list[bytes], clients: int) -> Figures:
    """Each of the clients has these on their way, again and again."""
    meter = Meter()
    echoing = await connect_all(server.port, partial(EchoClient, meter, frames), PACE.of(clients))
    async with connected(echoing):
        for client in echoing:
            client.start()
        figures = await measured(server, meter)
        for client in echoing:
            assert 0 <= client.echoes - client.acks <= len(frames), "an echo comes before its ack"
        return figures


async def fan_out(
    server: Server, receivers: int, ahead: int = 8, per_second: float = 0, *, listed: bool = False
) -> Figures:
    """One client's broadcasts to everybody, or to the list of their ids: so many ahead, or so many a second."""
    meter = Meter()
    kind, event = (Enlisted, b"tell") if listed else (Receiver, b"shout")
    everybody = await connect_all(server.port, partial(kind, meter), PACE.of(receivers))
    frame = masked_frame(b'42["%s",{"text":"%s","n":1234}]' % (event, SENTENCE))
    sent = 0

    async def shout() -> None:
        nonlocal sent
        while True:
            while per_second or sent - meter.total // len(everybody) < ahead:
                everybody[0].send(frame)
                sent += 1
                if per_second:
                    await asyncio.sleep(1 / per_second)
            await asyncio.sleep(0.001)

    async with connected(everybody), background(shout()):
        figures = await measured(server, meter)
        assert meter.total <= sent * len(everybody), "each of them gets it once"
        return figures


@asynccontextmanager
async def background(*coroutines: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run coroutines while the block runs; what goes wrong in them goes wrong here."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def polling(server: Server, clients: int = 50) -> Figures:
    """An echo with its ack over long-polling, one at a time each."""
    meter = Meter()
    opened = [await PollingClient.open(server.port, meter) for _ in range(PACE.of(clients))]
    async with background(*(client.run() for client in opened)):
        return await measured(server, meter)


async def page(server: Server, connections: int = 32) -> Figures:
    """A page of Flask's."""
    meter = Meter()
    async with background(*(load_page(server.port, meter) for _ in range(PACE.of(connections)))):
        return await measured(server, meter)


async def connect(server: Server, count: int = 2000) -> Figures:
    """Connecting over WebSocket and joining the namespace; the server is warm."""
    count = PACE.of(count)
    await close_all(await connect_all(server.port, Client, count))
    before = server.cpu()
    clients = await connect_all(server.port, Client, count)
    cpu = server.cpu() - before
    hang_up(clients)
    return {"cpu": 1e6 * cpu / count}


async def idle_memory(server: Server, count: int = 10_000) -> Figures:
    """KB resident for each client that is connected and says nothing."""
    count = PACE.of(count)
    await close_all(await connect_all(server.port, Client, PACE.of(200)))
    before = server.memory()
    clients = await connect_all(server.port, Client, count)
    await PACE.pause(2)
    memory = (server.memory() - before) / count / 1024
    hang_up(clients)
    return {"memory": memory}


async def memory_after_large_messages(server: Server, count: int = 200) -> Figures:
    """KB resident for each of 200 clients, after each has sent a message of 1 MB."""
    count = PACE.of(count)
    data = b'["swallow","%s"]' % (b"x" * 1_000_000)
    warm = await connect_all(server.port, partial(Asker, data), PACE.of(20))
    await asker_turns(warm)
    await close_all(warm)
    await PACE.pause(2)
    before = server.memory()
    clients = await connect_all(server.port, partial(Asker, data), count)
    await asker_turns(clients)
    await PACE.pause(3)
    memory = (server.memory() - before) / count / 1024
    hang_up(clients)
    return {"memory": memory}


async def asker_turns(clients: list[Asker]) -> None:
    for client in clients:
        client.start()
        await asyncio.wait_for(client.acked, 60)


async def heartbeats(server: Server, count: int = 10_000) -> Figures:
    """A ping and its pong, of clients that do nothing else; every 5 seconds."""
    clients = await connect_all(server.port, Client, PACE.of(count))
    await PACE.pause(6)
    before = server.cpu()
    duration = 10
    await PACE.pause(duration)
    cpu = server.cpu() - before
    hang_up(clients)
    return {"cpu": 1e6 * cpu / (len(clients) * duration / 5)}


async def churn(server: Server, count: int = 20_000) -> Figures:
    """Memory after as many clients again have come and gone, by that after the first; nothing else may grow."""
    await come_and_go(server, count)
    memory, (threads, descriptors) = server.memory(), server.threads_and_descriptors()
    await come_and_go(server, count)
    growth = server.memory() / memory

    def as_before() -> bool:
        now = server.threads_and_descriptors()
        return now[0] <= threads + 2 and now[1] <= descriptors + 2

    await until(as_before)
    return {"growth": growth}


async def come_and_go(server: Server, count: int) -> None:
    for _ in range(count // 1000):
        await close_all(await connect_all(server.port, Client, PACE.of(1000)))
    await PACE.pause(3)


async def beside(server: Server, data: bytes, busy: int) -> Figures:
    """The latency of 50 clients, one echo at a time each, while others keep handlers busy."""
    meter = Meter()
    blocking = await connect_all(server.port, partial(Asker, data, again=True), PACE.of(busy))
    quick = partial(EchoClient, meter, [text_event(0)], pause=0.02)
    echoing = await connect_all(server.port, quick, PACE.of(50))
    async with connected([*blocking, *echoing]):
        for client in echoing:
            client.start()
        await asyncio.sleep(PACE.warm_up)
        meter.reset()
        for asker in blocking:
            asker.start()
        await PACE.pause(4)
        await something(meter)
        return {"p50": meter.percentile_ms(50), "p99": meter.percentile_ms(99)}


SLEEP, BURN = b'["sleep",2]', b'["burn",2]'


@dataclass(frozen=True)
class Other:
    """What ours is compared with: a peer, or ours under other circumstances; and the ratio to reach."""

    peer: str
    goal: float | None
    run: Run | None = None
    label: str = ""
    #: in place of the scenario's
    env: dict[str, str] | None = None


@dataclass(frozen=True)
class Scenario:
    """A line of the table for each of the others. `figure`: which of the figures is compared."""

    name: str
    what: str
    run: Run
    others: list[Other]
    figure: str = "cpu"
    unit: str = "µs"
    #: what ours may be at most, whatever the others are
    at_most: float | None = None
    #: how often it is measured: less often where that takes half a minute
    pairs: int = 5
    env: dict[str, str] = field(default_factory=dict[str, str])
    #: no closed loop, or too many clients for all at once: its servers are measured one after the other
    by_itself: bool = False

    @property
    def in_turns(self) -> bool:
        """Whether its servers take turns in short windows (turns.py)."""
        return self.figure == "cpu" and not self.by_itself


GEVENT, THREADING, PSIO = "flask-socketio-gevent", "flask-socketio-threading", "python-socketio"

SCENARIOS = [
    Scenario(
        "echo", "echo event and ack, `def` handler, 100 clients, 8 in flight", partial(echo, inflight=8),
        [
            Other("node", 0.6), Other("bun", 1.5), Other(GEVENT, 1 / 18), Other(PSIO, None),
            Other("limit", None),
        ],
    ),
    Scenario(
        "echo-1", "the same, 1 in flight", partial(echo, inflight=1),
        [Other("node", 0.7), Other("bun", 1.1), Other(GEVENT, None)],
    ),
    Scenario(
        "echo-1-8", "the same, 1 in flight, 8 clients", partial(echo, inflight=1, clients=8),
        [Other("node", 0.9)],
    ),
    Scenario(
        "echo-threading", "the same, 8 in flight", partial(echo, inflight=8), [Other(THREADING, None)],
    ),
    Scenario(
        "echo-async", "the same, `async def` handler, 8 in flight",
        partial(echo, inflight=8, event=b"async echo"),
        [Other("node", 0.6, partial(echo, inflight=8))],
    ),
    Scenario(
        "echo-middlewares", "echo through 5 middlewares (ours: decorators), 8 in flight",
        partial(echo, inflight=8),
        [Other("ours", None, label="ours, none", env={}), Other("node", None)],
        env={"MIDDLEWARES": "5"},
    ),
    Scenario(
        "echo-metrics", "echo with metrics on, 8 in flight", partial(echo, inflight=8),
        [Other("ours", None, label="ours, off", env={})], env={"METRICS": "1"},
    ),
    *(
        Scenario(
            f"{kind}-{size}", f"echo of {size} of {kind}, {clients} clients, 1 in flight",
            partial(large_echo, size=length, clients=clients, binary=kind == "binary"),
            [Other("node", None)],
        )
        for kind in ("text", "binary")
        for size, length, clients in (("100B", 100, 100), ("10KB", 10_000, 100), ("1MB", 1_000_000, 8))
    ),
    Scenario(
        "rooms", "join a room, an echo to it and ack, leave it, 100 clients, 1 in flight",
        partial(echo, inflight=1, event=b"visit"), [Other("node", None)],
    ),
    Scenario(
        "fan-out", "a delivery of a broadcast to 1,000, as fast as it goes",
        partial(fan_out, receivers=1000),
        [Other("node", 0.35), Other("bun", 0.5), Other(GEVENT, None)],
    ),
    Scenario(
        "fan-out-5000", "the same to 5,000", partial(fan_out, receivers=5000), [Other("node", 0.5)],
    ),
    Scenario(
        "fan-out-paced", "the same to 1,000, 5 broadcasts a second",
        partial(fan_out, receivers=1000, per_second=5), [Other("node", 0.75)],
        by_itself=True,
    ),
    Scenario(
        "ids-100", "a delivery of an emit to a list of 100 ids, one emit at a time",
        partial(fan_out, receivers=100, ahead=1, listed=True), [Other("node", None)],
    ),
    Scenario(
        "ids-1000", "the same to 1,000 ids", partial(fan_out, receivers=1000, ahead=1, listed=True),
        [Other("node", None)],
    ),
    Scenario(
        "ids-10000", "the same to 10,000 ids", partial(fan_out, receivers=10_000, ahead=1, listed=True),
        [
            Other(
                "ours", 1.2, partial(fan_out, receivers=1000, ahead=1, listed=True), "ours, 1,000 ids",
            ),
            Other("node", None),
        ],
        by_itself=True,
    ),
    Scenario(
        "polling", "echo event and ack over long-polling", polling,
        [Other("node", 1.0), Other("bun", 0.9), Other(GEVENT, 1 / 3.5)],
    ),
    Scenario(
        "connect", "connect over WebSocket, to the namespace", connect,
        [Other("node", 0.7), Other("bun", 1.5)], by_itself=True,
    ),
    Scenario(
        "memory", "memory per idle WebSocket client, of 10,000", idle_memory,
        [Other("node", 0.95), Other("bun", 1.0)], figure="memory", unit="KB",
    ),
    Scenario(
        "memory-large", "the same after a message of 1 MB from each of 200", memory_after_large_messages,
        [Other("ours", 1.5, idle_memory, "ours, idle"), Other("node", None)],
        figure="memory", unit="KB",
    ),
    Scenario(
        "churn", "memory after 20,000 clients more have come and gone", churn, [Other("node", None)],
        figure="growth", unit="×", at_most=1.05, pairs=3,
    ),
    Scenario(
        "heartbeats", "a heartbeat, of 10,000 idle clients", heartbeats,
        [Other(PSIO, 1 / 10), Other("node", None)], pairs=3, env={"PING_INTERVAL": "5"},
        by_itself=True,
    ),
    Scenario("page", "a Flask page", page, [Other("granian", 1.1)]),
    Scenario(
        "sleeping-20", "p99 of 50 clients beside 20 handlers that sleep",
        partial(beside, data=SLEEP, busy=20),
        [Other("ours", 2, partial(beside, data=SLEEP, busy=0), "ours, none sleeping")],
        figure="p99", unit="ms", at_most=20,
    ),
    Scenario(
        "sleeping-200", "p99 of 50 clients beside 200 handlers that sleep",
        partial(beside, data=SLEEP, busy=200),
        [Other("ours", 2, partial(beside, data=SLEEP, busy=0), "ours, none sleeping")],
        figure="p99", unit="ms", at_most=20,
    ),
    Scenario(
        "burning", "p99 of 50 clients beside 2 handlers that compute", partial(beside, data=BURN, busy=2),
        [Other("ours", None, partial(beside, data=BURN, busy=0), "ours, none computing")],
        figure="p99", unit="ms", at_most=30,
    ),
    Scenario(
        "receivers", "a delivery to 10,000 receivers, one broadcast at a time",
        partial(fan_out, receivers=10_000, ahead=1),
        [
            Other("ours", 1.2, partial(fan_out, receivers=100, ahead=1), "ours, 100 receivers"),
            Other("node", None),
        ],
        by_itself=True,
    ),
    Scenario(
        "idle-beside", "echo beside 10,000 idle connections", partial(echo, inflight=8, idle=10_000),
        [Other("ours", 1.2, partial(echo, inflight=8), "ours, none idle")],
    ),
]  # fmt: skip
