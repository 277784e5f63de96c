"""Each scenario with a server of ours, for a moment and with few clients: that it runs, and what it counts."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Iterator

import pytest

from benchmarks.pace import PACE
from benchmarks.scenarios import SCENARIOS, Figures, Run
from benchmarks.servers import PEERS_BY_NAME, Server
from tests.kit.missing import skip_or_fail

#: What no machine is off by, in the unit of each figure: µs of CPU, KB, times as much.
SANE = {"cpu": 200_000, "memory": 20_000, "growth": 2, "p99": 30_000}
Env = tuple[tuple[str, str], ...]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        skip_or_fail("the benchmarks are for Linux alone")
    for name, share in {"warm_up": 0.02, "duration": 0.1, "crowd": 0.01, "pauses": 0.02}.items():
        monkeypatch.setattr(PACE, name, share)


def runs_of_ours() -> Iterator[tuple[Env, str, str, Run]]:
    """Environment, name, figure, and what runs: the scenarios, and what else they compare ours with."""
    for scenario in SCENARIOS:
        yield tuple(scenario.env.items()), scenario.name, scenario.figure, scenario.run
        for other in scenario.others:
            if other.peer == "ours" and other.run is not None:
                yield tuple(scenario.env.items()), other.label, scenario.figure, other.run


@pytest.mark.parametrize("env", sorted({env for env, *_ in runs_of_ours()}), ids=str)
def test_each_scenario_runs(env: Env) -> None:
    with Server(PEERS_BY_NAME["ours"], **dict(env)) as server:
        for its, name, figure, run in runs_of_ours():
            if its == env:
                check(name, figure, asyncio.run(once(run, server)))


def test_the_limit_has_an_echo_to_be_compared_with() -> None:
    echo = next(scenario for scenario in SCENARIOS if scenario.name == "echo")
    with Server(PEERS_BY_NAME["limit"]) as server:
        check("limit", "cpu", asyncio.run(once(echo.run, server)))


async def once(run: Run, server: Server) -> Figures:
    return await run(server)


def check(name: str, figure: str, figures: Figures) -> None:
    value = figures[figure]
    assert math.isfinite(value), f"{name}: {figures}"
    assert abs(value) < SANE[figure], f"{name}: {figures}"


def test_names_are_unlike_each_other() -> None:
    """A line of the table is found again by its scenario and whom it is against."""
    lines = [(s.name, other.label or other.peer) for s in SCENARIOS for other in s.others]
    assert len(lines) == len(set(lines))
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
