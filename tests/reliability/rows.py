"""What `make reliability` measures: a row is a name and a function that tries it on one of the servers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.kit.sampler import Sampler
from tests.kit.sequence import Sequence
from tests.kit.server import ROOT, ServerProcess
from tests.load.upgrades import run_all, sessions
from tests.reliability import bounds
from tests.reliability.attacks import ATTACKS, Attack
from tests.reliability.churn import OPTIONS, churn
from tests.reliability.dripping import KINDS, drip
from tests.reliability.half_open import vanish
from tests.reliability.healthy import Healthy
from tests.reliability.paused import pause
from tests.reliability.servers import ORIGINAL, serve
from tests.reliability.threads import mingle

LOAD_APP = ROOT / "tests/load/app.py"


@dataclass(frozen=True)
class Figure:
    """A number, or a word where there is none, and what it may be at most."""

    what: str
    value: float | str
    unit: str = ""
    bound: float | None = None

    def is_over(self, times: float = 1.0) -> bool:
        """Whether it is more than so many times its bound."""
        if self.bound is None:
            return False
        return isinstance(self.value, str) or self.value > self.bound * times

    def __str__(self) -> str:
        shown = self.value if isinstance(self.value, str) else f"{self.value:.4g}"
        bound = "" if self.bound is None else f" (≤ {self.bound:.4g})"
        return f"{self.what} {shown}{self.unit}{bound}".strip()


#: Tries one of the servers.
Row = Callable[[str], list[Figure]]


def faults(heard: list[Sequence]) -> list[Figure]:
    """Of all sequences together."""
    return [
        Figure("lost", sum(one.missing for one in heard), bound=0),
        Figure("doubled", sum(one.doubled for one in heard), bound=0),
        Figure("out of order", sum(one.late for one in heard), bound=0),
    ]


# -- attacks ---------------------------------------------------------------------------------------


def attacked(attack: Attack) -> Row:
    """Fresh servers: none has to suffer for what another attack has left."""

    def row(which: str) -> list[Figure]:
        with serve(which) as server:
            return attack_beside(server, attack)

    return row


def attack_beside(server: ServerProcess, attack: Attack, calm: float = 1.0) -> list[Figure]:
    """What became of it, and how long the slowest echo of a healthy client took, and memory."""
    with Healthy(server) as healthy:
        bound = stall_bound(healthy.turns_for(calm).worst)
        sampler = Sampler(server.pid)
        before = sampler.reset_peak()
        fate = attack(server.address)
        stall = healthy.turns().worst
        return [
            Figure("", fate),
            Figure("echo", stall * 1000, " ms", bound * 1000),
            Figure("memory", sampler.growth(before), " MiB", bounds.ATTACK_MEMORY),
        ]


def stall_bound(calm: float) -> float:
    """Seconds, by the slowest echo without an attack."""
    return max(bounds.STALL, bounds.STALL_TIMES * calm)


# -- slow, vanished, many --------------------------------------------------------------------------


def paused(which: str, count: int = 300_000) -> list[Figure]:
    with serve(which) as server:
        outcome = pause(server, count, 1 if which == ORIGINAL else 5)
        closed = "not closed" if outcome.closed is None else outcome.closed
        return [
            Figure("memory", outcome.growth, " MiB", bounds.PAUSED_MEMORY),
            Figure("closed after", closed, " s", bounds.PAUSED_CLOSED),
            *faults(outcome.heard),
        ]


def dripping(which: str, count: int = 70 * len(KINDS)) -> list[Figure]:
    """With the deadlines that there are by default."""
    patience = bounds.DRIP_HEAD + 5 if which == ORIGINAL else bounds.DRIP_ANY
    with serve(which) as server:
        outcome = drip(server, count, patience)
    slowest = "not all" if outcome.open else outcome.slowest
    heads = [outcome.cut.get(name, patience + 1) for name in KINDS if "head" in name]
    return [
        Figure("still open", sum(outcome.open.values()), bound=0),
        Figure("heads cut within", max(heads), " s", bounds.DRIP_HEAD),
        Figure("all within", slowest, " s", bounds.DRIP_ANY),
        Figure("a request's p99", outcome.connect_p99 * 1000, " ms", bounds.CONNECT_P99 * 1000),
    ]


def half_open(which: str, count: int = 100, seconds: float = 1.0) -> list[Figure]:
    with serve(which, ping_interval=seconds, ping_timeout=seconds) as server:
        outcome = vanish(server, count, 10 * seconds)
    gone = "not all" if outcome.gone is None else outcome.gone
    return [
        Figure("gone after", gone, " s", 2 * seconds + bounds.HALF_OPEN_SLACK),
        Figure("handlers that ran twice", outcome.twice, bound=0),
        Figure("descriptors left", outcome.descriptors, bound=0),
    ]


def blocked(which: str) -> list[Figure]:
    with serve(which, LOAD_APP) as server:
        argv = [sys.executable, "-m", "tests.load.echo_clients", str(server.address[1])]
        run = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    events = sorted(json.loads(run.stdout)["events"])
    p99 = events[int(len(events) * 0.99)]
    return [Figure("an echo's p99", p99 * 1000, " ms", bounds.BLOCKED_P99 * 1000)]


def threads(which: str, count: int = 32, rounds: int = 2_000) -> list[Figure]:
    if which == ORIGINAL:
        rounds //= 20
    with serve(which) as server:
        begun = time.monotonic()
        outcome = mingle(server, count, rounds)
        rate = 4 * count * rounds / (time.monotonic() - begun)
    return [
        *faults(outcome.heard),
        Figure("heard outside the room", outcome.outside, bound=0),
        Figure("other faults", len(outcome.faults), bound=0),
        Figure("", rate, " operations/s"),
    ]


def come_and_go(
    which: str, seconds: float = bounds.CHURN_SECONDS, rate: float = 200
) -> list[Figure]:
    with serve(which, **OPTIONS) as server:
        outcome = churn(server, rate, seconds, min(seconds, 20))
    return [
        Figure("memory", outcome.memory, " MiB", bounds.CHURN_MEMORY),
        Figure("threads", outcome.threads, bound=bounds.CHURN_THREADS),
        Figure("descriptors", outcome.descriptors, bound=bounds.CHURN_DESCRIPTORS),
        Figure("tasks", outcome.tasks, bound=bounds.CHURN_TASKS),
        Figure("objects a client", outcome.objects, bound=bounds.CHURN_OBJECTS),
        Figure("clients that failed", outcome.failed.total(), bound=0),
        Figure("", outcome.clients / seconds, " clients/s"),
    ]


def upgrades(which: str, count: int = 200) -> list[Figure]:
    with serve(which, LOAD_APP, async_handlers=False) as server:
        upgrading = sessions(server.address[1], count)
        results = asyncio.run(run_all(upgrading))
    ended = [
        (session, told)
        for session, told in zip(upgrading, results, strict=True)
        if isinstance(told, dict)
    ]
    heard = [one for session, told in ended for one in session.sequences(told)]
    return [Figure("failed", count - len(ended), bound=0), *faults(heard)]


ROWS: dict[str, Row] = {
    "a client that does not read, 300,000 × 1 KiB": paused,
    "490 connections that drip": dripping,
    "100 clients whose network is dead": half_open,
    "50 handlers that block, and one that burns": blocked,
    "32 threads that emit, join, leave": threads,
    "200 clients a second come and go": come_and_go,
    "200 upgrades with messages both ways": upgrades,
    **{name: attacked(attack) for name, attack in ATTACKS.items()},
}
