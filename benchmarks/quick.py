"""Whether a short run is better or worse than the one that is committed, as far as the spread of both lets one tell.

Ratios to a peer of the same run are compared, never figures: the committed ones are of another machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import log
from statistics import median

from .pace import PACE
from .report import Line, half_range, spread
from .scenarios import Other, Scenario

PAIRS, SECONDS = 3, 1.0
#: The main rows: the scenario, and whom ours is measured against.
ROWS = {
    "echo": "node",
    "echo-1": "node",
    "fan-out": "node",
    "polling": "node",
    "connect": "node",
    "page": "granian",
}
#: Less than this is no difference, however close together a few pairs happen to lie.
LEAST = 0.05


class Verdict(StrEnum):
    BETTER = "better"
    SAME = "same"
    WORSE = "**worse**"
    NEW = "not measured before"


#: A line of this run, the same one of the committed run if there is one, and the verdict.
Judged = tuple[Line, Line | None, Verdict]


def hurry() -> None:
    """What is measured from here on takes a second; the warm-up stays, because Node needs it."""
    PACE.duration = SECONDS


def is_main(scenario: Scenario, other: Other) -> bool:
    return ROWS.get(scenario.name) == other.peer


def judge(before: Sequence[float], now: Sequence[float]) -> Verdict:
    """By the ratios of two runs: do their medians lie further apart than both spreads together?"""
    moved = log(median(now) / median(before))
    tolerance = log(1 + max(LEAST, half_range(before) + half_range(now)))
    if abs(moved) <= tolerance:
        verdict = Verdict.SAME
    else:
        verdict = Verdict.WORSE if moved > 0 else Verdict.BETTER
    return verdict


def judge_all(
    before: Sequence[Line], now: Sequence[Line]
) -> list[tuple[Line, Line | None, Verdict]]:
    """Each line of this run, the same one of the earlier run if there is one, and the verdict."""
    earlier = {(line.scenario, line.other): line for line in before}
    judged: list[tuple[Line, Line | None, Verdict]] = []
    for line in now:
        old = earlier.get((line.scenario, line.other))
        verdict = Verdict.NEW if old is None else judge(old.ratios, line.ratios)
        judged.append((line, old, verdict))
    return judged


def any_worse(judged: Sequence[Judged]) -> bool:
    return any(verdict is Verdict.WORSE for *_, verdict in judged)


def table(judged: Sequence[Judged]) -> str:
    rows = ["| scenario | against | committed | now | |", "|---|---|---|---|---|"]
    for line, old, verdict in judged:
        committed = "" if old is None else ratio(old)
        rows.append(f"| {line.scenario} | {line.other} | {committed} | {ratio(line)} | {verdict} |")
    return "\n".join(rows)


def ratio(line: Line) -> str:
    return f"{median(line.ratios):.3g} {spread(line.ratios)}"
