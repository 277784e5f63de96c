"""Run scenarios against peers in turn, and print a table: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import psutil
import uvloop
from tqdm import tqdm

from . import quick
from .report import Line, merged, plot, read, table, write_readme
from .scenarios import SCENARIOS, Other, Run, Scenario
from .servers import (
    BEFORE,
    CLIENT_CORE,
    PEER_LIST,
    PEERS_BY_NAME,
    Peer,
    Server,
    add_before,
    compile_ours,
    install_peers,
    versions,
)
from .turns import Turns, together

RESULTS = Path(__file__).with_name("results.json")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--scenario", nargs="+", choices=[scenario.name for scenario in SCENARIOS], metavar="NAME",
        help="these alone; there are: %(choices)s",
    )  # fmt: skip
    parser.add_argument(
        "--peer", nargs="+", choices=[peer.name for peer in PEER_LIST], metavar="NAME",
        help="against these alone; there are: %(choices)s",
    )  # fmt: skip
    parser.add_argument(
        "--before", type=Path, metavar="DIRECTORY",
        help="against another checkout of this repository alone, in the scenarios that measure CPU time",
    )  # fmt: skip
    parser.add_argument(
        "--compiled", action="store_true", help="ours is the compiled core; not to be kept"
    )
    parser.add_argument("--pairs", type=int, help="pairs of each, instead of the usual number")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="the main lines, shortly: is any of them better or worse than in the run that is committed? "
        "Exit status 1 if one is worse",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="write what was measured into the table in benchmarks/README.md, and the plot",
    )
    arguments = parser.parse_args()
    if arguments.quick and (arguments.keep or arguments.before):
        parser.error("--quick is compared with the committed run, and not kept")
    if arguments.compiled and arguments.keep:
        parser.error("the table is that of the plain core")
    if arguments.quick and arguments.pairs is None:
        arguments.pairs = quick.PAIRS
    return arguments


class Noise:
    """How much of the machine's cores others used meanwhile."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = servers
        self._begun = self._used()

    def _used(self) -> tuple[float, float, float]:
        machine = psutil.cpu_times()
        own = time.process_time() + sum(server.cpu() for server in self._servers)
        idle = machine.idle + machine.iowait
        return sum(machine) - getattr(machine, "guest", 0), idle, own

    def cores(self) -> float:
        total, idle, own = (b - a for a, b in zip(self._begun, self._used(), strict=True))
        seconds = total / (psutil.cpu_count() or 1)
        return max(0.0, (total - idle - own) / seconds)


class Bench:
    """Measures, and remembers what else the machine was doing."""

    def __init__(self) -> None:
        self.noise: list[float] = []  # of the scenario at hand

    def lines(self, scenario: Scenario, others: list[Other], pairs: int, bar: tqdm) -> list[Line]:
        """What was measured against each of the others."""
        self.noise = []
        contenders = [Contender.of(scenario, other) for other in (None, *others)]
        measure = self._in_turns if scenario.in_turns else self._one_by_one
        samples = measure(scenario, contenders, pairs, bar)
        return [
            Line(
                scenario.name, scenario.what, _label(other), scenario.unit, other.goal,
                scenario.at_most, samples[0], theirs, self.noise,
            )
            for other, theirs in zip(others, samples[1:], strict=True)
        ]  # fmt: skip

    def _in_turns(
        self, scenario: Scenario, contenders: list[Contender], pairs: int, bar: tqdm
    ) -> list[list[float]]:
        """All servers at once, one of them running."""
        bar.set_postfix_str(scenario.name)
        turns = Turns(len(contenders), pairs)
        with ExitStack() as stack:
            servers = [stack.enter_context(Server(each.peer, **each.env)) for each in contenders]
            for server in servers:
                server.turns = turns
            noise = Noise(servers)
            runs = [each.run(server) for each, server in zip(contenders, servers, strict=True)]
            _run(together(runs))
            self.noise.append(noise.cores())
            bar.update(len(contenders) * pairs)
            return [turns.samples_of(server) for server in servers]

    def _one_by_one(
        self, scenario: Scenario, contenders: list[Contender], pairs: int, bar: tqdm
    ) -> list[list[float]]:
        """A server for each figure. A B B A: what drifts meanwhile meets both."""
        samples: list[list[float]] = [[] for _ in contenders]
        for turn in range(pairs):
            order = list(enumerate(contenders))
            for index, each in order if turn % 2 == 0 else reversed(order):
                bar.set_postfix_str(f"{scenario.name}, {each.label}")
                with Server(each.peer, **each.env) as server:
                    noise = Noise([server])
                    samples[index].append(_run(each.run(server))[scenario.figure])
                    self.noise.append(noise.cores())
                bar.update()
        return samples


@dataclass(frozen=True)
class Contender:
    """Ours, or another: what is started, and what is done with it."""

    label: str
    peer: Peer
    run: Run
    env: dict[str, str]

    @classmethod
    def of(cls, scenario: Scenario, other: Other | None) -> Contender:
        peer = PEERS_BY_NAME[other.peer if other else "ours"]
        run = (other and other.run) or scenario.run
        env = scenario.env if other is None or other.env is None else other.env
        return cls(_label(other) if other else "ours", peer, run, env)


T = TypeVar("T")


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


def _label(other: Other) -> str:
    return other.label or other.peer


def choose(arguments: argparse.Namespace) -> list[tuple[Scenario, list[Other]]]:
    """The scenarios, each with those that it is measured against."""
    if arguments.before:
        add_before(arguments.before)
    chosen: list[tuple[Scenario, list[Other]]] = []
    for scenario in SCENARIOS:
        others = [
            other for other in scenario.others
            if (not arguments.peer or other.peer in arguments.peer)
            and (not arguments.quick or quick.is_main(scenario, other))
        ]  # fmt: skip
        if arguments.before:
            others = [Other(BEFORE, None)] if scenario.figure == "cpu" else []
        if others and (not arguments.scenario or scenario.name in arguments.scenario):
            chosen.append((scenario, others))
    return chosen


def main() -> int:
    """Measure what the command line asks for. Returns the exit status."""
    arguments = parse()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if arguments.quick:
        quick.hurry()
    if arguments.compiled:
        compile_ours()
    chosen = choose(arguments)
    install_peers({other.peer for _, others in chosen for other in others})
    os.sched_setaffinity(0, {CLIENT_CORE})
    bench = Bench()
    lines: list[Line] = []
    pairs = {scenario.name: arguments.pairs or scenario.pairs for scenario, _ in chosen}
    total = sum(pairs[scenario.name] * (1 + len(others)) for scenario, others in chosen)
    try:
        with tqdm(total=total, unit="run", dynamic_ncols=True) as bar:
            for scenario, others in chosen:
                lines += bench.lines(scenario, others, pairs[scenario.name], bar)
                tqdm.write(table(lines[-len(others) :]))
    finally:  # one that fails takes nothing with it of what has been measured
        status = (
            conclude_quickly(lines) if arguments.quick else conclude(lines, keep=arguments.keep)
        )
    return status


def conclude(lines: list[Line], *, keep: bool) -> int:
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), "",
    )  # fmt: skip
    about = f"{datetime.now(UTC):%Y-%m-%d}, {psutil.cpu_count()} × {cpu}; {', '.join(versions())}."
    print(f"\n{about} {disturbance(lines)}\n\n{table(lines)}")
    if keep and lines:
        order = [
            (scenario.name, _label(other)) for scenario in SCENARIOS for other in scenario.others
        ]
        lines = merged(lines, read(RESULTS), order)
        RESULTS.write_text(json.dumps([vars(line) for line in lines], indent=1) + "\n")
        write_readme(f"\n{about} {disturbance(lines)}\n\n{table(lines)}\n")
        plot(lines)
    return 0


def conclude_quickly(lines: list[Line]) -> int:
    judged = quick.judge_all(read(RESULTS), lines)
    print(f"\n{disturbance(lines)}\n\n{quick.table(judged)}")
    return int(quick.any_worse(judged))


def disturbance(lines: list[Line]) -> str:
    noise = [cores for line in lines for cores in line.noise] or [0.0]
    return f"Others used {median(noise):.2f} cores meanwhile (median; at most {max(noise):.2f})."


if __name__ == "__main__":
    sys.exit(main())
