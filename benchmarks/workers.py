"""What several workers cost: an echo, a delivery, and a polling request that another process has to answer.

    python -m benchmarks.workers                       # everything, a few minutes
    python -m benchmarks.workers --only polling
    python -m benchmarks.workers --source DIR/src      # another state of ours

CPU time of all processes of the server, in µs, and the ratio to what one worker needs, or to a request that came to the
right process at once. Both sides of a ratio are measured in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from .clients import Meter, PollingClient
from .scenarios import background, echo, fan_out, measured
from .servers import PEERS_BY_NAME, Peer, Server

WORKERS = (1, 2, 4)
#: per worker: clients with an echo at a time, and those that get broadcasts to everybody
ECHOING, RECEIVERS = 100, 40
#: each with an echo at a time
POLLING_CLIENTS = (1, 10, 50)
Table = dict[str, list[float]]


class Machine:
    """Processes that share a folder: what one does not have is another's."""

    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers

    def cpu(self) -> float:
        return sum(server.cpu() for server in self.servers)


async def polling(machine: Machine, clients: int, *, relayed: bool) -> float:
    """Echoes over polling whose requests come to the session's process, or all to the other one."""
    own, other = (server.port for server in machine.servers)
    meter = Meter()
    opened = [await PollingClient.open(own, meter) for _ in range(clients)]
    for client in opened:
        await client.go_to(other if relayed else own)
    async with background(*(client.run() for client in opened)):
        return (await measured(machine, meter))["cpu"]


async def echoes(server: Server) -> float:
    return (await echo(server, 1, clients=ECHOING * int(server.peer.env["WORKERS"])))["cpu"]


async def deliveries(server: Server) -> float:
    workers = int(server.peer.env["WORKERS"])
    return (await fan_out(server, RECEIVERS * workers))["cpu"]


def measure_polling(peer: Peer) -> Table:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        servers = [stack.enter_context(Server(peer, WORKERS_DIR=folder)) for _ in range(2)]
        machine = Machine(servers)
        return {
            f"{clients} {way}": [asyncio.run(polling(machine, clients, relayed=way == "relayed"))]
            for clients in POLLING_CLIENTS
            for way in ("local", "relayed")
        }


def measure_workers(run: Callable[[Server], Awaitable[float]]) -> Callable[[Peer], Table]:
    def measure(peer: Peer) -> Table:
        table: Table = {}
        for count in WORKERS:
            peer_of = Peer(peer.name, peer.argv, {**peer.env, "WORKERS": str(count)})
            with Server(peer_of) as server:
                table[f"{count} workers"] = [asyncio.run(_of(run, server))]
        return table

    return measure


async def _of(run: Callable[[Server], Awaitable[float]], server: Server) -> float:
    await asyncio.sleep(1)  # the workers find each other
    return await run(server)


SCENARIOS: dict[str, Callable[[Peer], Table]] = {
    "polling": measure_polling,
    "echo": measure_workers(echoes),
    "delivery": measure_workers(deliveries),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", choices=SCENARIOS, action="append")
    parser.add_argument("--source", type=Path, help="the folder of the package, of another state")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    peer = PEERS_BY_NAME["ours"]
    env = {"PYTHONPATH": str(given.source)} if given.source else {}
    peer = Peer(peer.name, peer.argv, {**peer.env, **env})
    for name in given.only or SCENARIOS:
        tables = [SCENARIOS[name](peer) for _ in range(given.runs)]
        report(name, {way: [table[way][0] for table in tables] for way in tables[0]})


def report(name: str, table: Table) -> None:
    base = next(iter(table.values()))
    for way, figures in table.items():
        if way.endswith(" local"):
            base = figures
        ratio = statistics.median(one / other for one, other in zip(figures, base, strict=True))
        spread = f"{min(figures):.1f} to {max(figures):.1f}"
        print(f"{name:9} {way:11} {statistics.median(figures):7.1f} µs  ({spread})  {ratio:.2f}")


if __name__ == "__main__":
    main()
