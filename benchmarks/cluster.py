"""A simulation: servers that share a broker, without clients, and what listening costs each of them, and the broker.

    python -m benchmarks.cluster                                  # all kinds, 1 to 8 servers
    python -m benchmarks.cluster --kinds ours-redis,node-redis --listeners 4 --rates 500,2000,0
    python -m benchmarks.cluster --source ../other-checkout/src   # another state of ours
    python -m benchmarks.cluster --url postgresql://127.0.0.1/test --rates 0

Each of 1,000 rooms has a member on one server (--homes: on so many), and one further process emits to one room after
the other, so many messages a second for each server (0: as fast as it goes): with more servers there are more messages
for all of them together, and as many for each as before. CPU time is that of whole processes, in user and kernel mode:
a server's in µs a message for its rooms, the others' in µs a message that was published. The kinds take turns. Valkey,
its cluster and NATS are started here (make .venv/installed-dev), Node's packages installed beside its program.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .servers import NODE, install_peers

HERE = Path(__file__).resolve().parent
ROOMS = 1_000


@dataclass(frozen=True)
class Kind:
    name: str
    broker: str
    argv: tuple[str, ...]


_OURS = (sys.executable, "-m", "benchmarks.apps.cluster_ours")
_NODE = ("node", str(NODE / "cluster.mjs"))
KINDS = [
    Kind("ours-redis", "valkey", _OURS),
    Kind("ours-nats", "nats", _OURS),
    Kind("ours-sharded", "shard", _OURS),
    Kind("ours-3-shards", "shards", _OURS),
    Kind("python-socketio-redis", "valkey", (sys.executable, "-m", "benchmarks.apps.cluster_psio")),
    Kind("node-redis", "valkey", _NODE),
    Kind("node-sharded", "shard", _NODE),
]
KINDS_BY_NAME = {kind.name: kind for kind in KINDS}


@dataclass
class Run:
    """In µs a published message, but for `listening` and `seconds`."""

    kind: str
    listeners: int
    homes: int
    rate: float
    #: CPU time of the process that emits
    emitting: float
    #: of the mean listener, in µs a message for rooms of its own
    listening: float
    #: of the broker, all of its processes
    broker: float
    #: from the first message to the broker's last answer
    seconds: float
    #: of the messages that members should have got
    lost: int


# -- brokers ---------------------------------------------------------------------------------------


class Brokers:
    """Each started when it is asked for, and its processes."""

    def __init__(self, stack: ExitStack, url: str | None) -> None:
        self._stack = stack
        self._found: dict[str, tuple[str, list[int]]] = {}
        if url is not None:
            self._found["url"] = (url, [])

    def get(self, name: str) -> tuple[str, list[int]]:
        """The URL, and the ids of its processes."""
        if name not in self._found:
            self._found[name] = self._stack.enter_context(_broker(name))
        return self._found[name]


@contextmanager
def _broker(name: str) -> Iterator[tuple[str, list[int]]]:
    from tests.kit.broker import Nats, Valkey
    from tests.kit.shards import Shards

    with TemporaryDirectory() as folder:
        server: Any
        if name == "valkey":
            server = Valkey(Path(folder))
        elif name == "nats":
            server = Nats()
        else:
            server = Shards(1 if name == "shard" else 3)
        server.start()
        try:
            yield server.url, server.pids
        finally:
            server.end()


def cpu_of(pids: list[int]) -> float:
    """Seconds, to the nanosecond: all threads of these processes."""
    threads = [path for pid in pids for path in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((path / "schedstat").read_text().split()[0]) for path in threads) / 1e9


# -- the processes ---------------------------------------------------------------------------------


class Worker:
    """A process that does what it is told, see `apps/cluster_process.py`."""

    def __init__(self, kind: Kind, spec: dict[str, Any], source: Path) -> None:
        paths = [str(source), str(HERE.parent)]
        self._process = subprocess.Popen(
            [*kind.argv, json.dumps(spec)],
            cwd=HERE.parent,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_it_listens(self) -> None:
        assert self._answer() == "listens"

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def order(self, do: str, **more: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:  # python-socketio's thread listens for ever
            self._process.kill()
            self._process.wait()


def rooms_of(listener: int, listeners: int, homes: int) -> list[str]:
    """The rooms that have a member there: each has one on so many servers."""
    return [
        f"room {number}"
        for number in range(ROOMS)
        if (listener - number) % listeners < min(homes, listeners)
    ]


def measure(kind: Kind, brokers: Brokers, given: argparse.Namespace, **what: Any) -> Run:
    url, pids = brokers.get(kind.broker)
    listeners, homes = what["listeners"], what["homes"]
    spec = {"url": url, "channel": "bench-" + uuid.uuid4().hex, "size": given.size}
    with ExitStack() as stack:
        workers: list[Worker] = []
        for number in range(listeners + 1):
            rooms = rooms_of(number, listeners, homes) if number < listeners else []
            workers.append(Worker(kind, {**spec, "rooms": rooms}, given.source))
            stack.callback(workers[-1].end)
        for worker in workers:
            worker.wait_until_it_listens()
        return _measured(workers, pids, given, kind=kind.name, **what)


def _measured(
    workers: list[Worker], pids: list[int], given: argparse.Namespace, **what: Any
) -> Run:
    *listening, speaker = workers
    _wait_until_all_hear(listening, speaker)
    count = round(what["rate"] * len(listening) * given.seconds) or given.messages
    before = sum(worker.order("report")["delivered"] for worker in listening)
    expected = before + count * min(what["homes"], len(listening))
    for worker in workers:
        worker.order("begin")
    cpu = cpu_of(pids)
    rooms = [f"room {number * 7 % ROOMS}" for number in range(count)]
    said = speaker.order("publish", to=rooms, rate=what["rate"] * len(listening))
    heard = _settled(listening, expected)
    cpu = cpu_of(pids) - cpu
    return Run(
        **what,
        emitting=said["cpu"] / count * 1e6,
        listening=sum(report["cpu"] for report in heard) / (expected - before) * 1e6,
        broker=cpu / count * 1e6,
        seconds=said["seconds"],
        lost=expected - sum(report["delivered"] for report in heard),
    )


def _wait_until_all_hear(listening: list[Worker], speaker: Worker) -> None:
    deadline = time.monotonic() + 30
    before = [worker.order("report")["delivered"] for worker in listening]
    while True:
        speaker.order("publish", to=[None] * 10, rate=1000)
        time.sleep(0.1)
        now = [worker.order("report")["delivered"] for worker in listening]
        if all(new > old for new, old in zip(now, before, strict=True)):
            break
        assert time.monotonic() < deadline, "not all listen"
    _settled(listening, None)


def _settled(listening: list[Worker], expected: int | None) -> list[dict[str, Any]]:
    """What they report when all has been delivered, or nothing more is."""
    quiet, delivered = 0, -1
    while True:
        reports = [worker.order("report") for worker in listening]
        total = sum(report["delivered"] for report in reports)
        quiet = quiet + 1 if total == delivered else 0
        if total == expected or quiet == 20:
            return reports
        delivered = total
        time.sleep(0.05)


# -- all of it -------------------------------------------------------------------------------------


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kinds", default=",".join(KINDS_BY_NAME), help=", ".join(KINDS_BY_NAME))
    parser.add_argument(
        "--url", help="ours alone, with this broker, whose own CPU time is not known"
    )
    parser.add_argument("--listeners", type=numbers, default=[1, 2, 4, 8])
    parser.add_argument("--homes", type=int, default=1, help="servers that have a member of a room")
    parser.add_argument(
        "--rates", type=numbers, default=[250], help="for each server, a second; 0: any"
    )
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--messages", type=int, default=10_000, help="where the rate is 0")
    parser.add_argument("--size", type=int, default=100, help="bytes of text in each message")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--source", type=Path, default=HERE.parent / "src")
    parser.add_argument("--output", type=Path, help="where the figures go, and a plot beside them")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    kinds = [KINDS_BY_NAME[name] for name in given.kinds.split(",")]
    if given.url is not None:
        kinds = [Kind("ours", "url", _OURS)]
    if any(kind.argv[0] == "node" for kind in kinds):
        install_peers({"node"})
    runs: list[Run] = []
    with ExitStack() as stack:
        brokers = Brokers(stack, given.url)
        for _ in range(given.runs):
            for listeners in given.listeners:
                for rate in given.rates:
                    for kind in kinds:
                        what = {"listeners": listeners, "homes": given.homes, "rate": rate}
                        runs.append(measure(kind, brokers, given, **what))
                        print(line(runs[-1:]), flush=True)
            if given.output is not None:
                keep(runs, given.output)
    print(f"\n{table(runs)}")


def keep(runs: list[Run], path: Path) -> None:
    """What there is after each round."""
    path.write_text(json.dumps([asdict(run) for run in runs], indent=1) + "\n")
    plot(runs, path.with_suffix(".svg"))


def cells(runs: list[Run]) -> dict[tuple[int, float, str], list[Run]]:
    found: dict[tuple[int, float, str], list[Run]] = {}
    for run in runs:
        found.setdefault((run.listeners, run.rate, run.kind), []).append(run)
    return found


def line(runs: list[Run]) -> str:
    def middle(name: str) -> str:
        values = [getattr(run, name) for run in runs]
        spread = 50 * (max(values) - min(values)) / (statistics.median(values) or 1)
        return f"{statistics.median(values):.1f} ±{spread:.0f}%"

    first = runs[0]
    return (
        f"| {first.kind} | {first.listeners} | {first.rate or 'any'} | {middle('listening')} | {middle('emitting')} "
        f"| {middle('broker')} | {sum(run.lost for run in runs)} |"
    )


def table(runs: list[Run]) -> str:
    head = "| kind | servers | messages/s | a server, µs | who emits, µs | broker, µs | lost |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *map(line, cells(runs).values())])


def plot(runs: list[Run], path: Path) -> None:
    """What one server and the broker spend on a message, by the number of servers; one line for each kind."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "flask-duplex"
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    rate = max(run.rate for run in runs)
    for axis, name in zip(axes, ("listening", "broker"), strict=True):
        for kind in dict.fromkeys(run.kind for run in runs):
            groups = {key: group for key, group in cells(runs).items() if key[1:] == (rate, kind)}
            middle = [
                statistics.median(getattr(run, name) for run in group) for group in groups.values()
            ]
            axis.plot([key[0] for key in groups], middle, marker="o", label=kind)
        axis.set_xscale("log", base=2)
        axis.set_xlabel("servers")
        axis.set_ylim(bottom=0)
    axes[0].set_ylabel("a server: µs CPU a message for its own rooms")
    axes[1].set_ylabel("the broker: µs CPU a published message")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
