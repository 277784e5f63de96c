"""What a short run says of a change: by how far its ratios and the committed ones lie apart, and how widely."""

from __future__ import annotations

import pytest

from benchmarks.quick import ROWS, Verdict, any_worse, judge, judge_all, table
from benchmarks.report import Line
from benchmarks.scenarios import SCENARIOS


def line(scenario: str, *ratios: float) -> Line:
    ours = [10 * ratio for ratio in ratios]
    return Line(scenario, "", "node", "µs", None, None, ours, [10.0 for _ in ratios], [])


@pytest.mark.parametrize(
    ("before", "now", "verdict"),
    [
        ([1.0, 1.0, 1.0], [1.04, 1.04, 1.04], Verdict.SAME),  # nothing is that exact
        ([1.0, 1.0, 1.0], [1.07, 1.07, 1.07], Verdict.WORSE),
        ([1.0, 1.0, 1.0], [0.93, 0.93, 0.93], Verdict.BETTER),
        ([0.9, 1.0, 1.1], [1.09, 1.09, 1.09], Verdict.SAME),  # within the spread of the one
        ([1.0, 1.0, 1.0], [1.0, 1.09, 1.2], Verdict.SAME),  # and of the other
        ([0.9, 1.0, 1.1], [1.1, 1.18, 1.3], Verdict.SAME),  # and of both
        ([0.9, 1.0, 1.1], [1.1, 1.25, 1.3], Verdict.WORSE),
        ([0.9, 1.0, 1.1], [0.7, 0.8, 0.85], Verdict.BETTER),
        ([0.4, 0.5, 0.6, 0.5, 0.5], [0.7, 0.7], Verdict.WORSE),  # not as many of each
    ],
)
def test_the_verdict(before: list[float], now: list[float], verdict: Verdict) -> None:
    assert judge(before, now) is verdict


def test_twice_as_good_is_as_far_as_half_as_good() -> None:
    wide = [0.5, 1.0, 2.0]
    assert judge(wide, [1.7]) is judge(wide, [1 / 1.7]) is Verdict.SAME
    assert judge(wide, [1.8]) is Verdict.WORSE
    assert judge(wide, [1 / 1.8]) is Verdict.BETTER


def test_each_line_is_compared_with_the_same_one_of_the_other_run() -> None:
    before = [line("echo", 0.5, 0.5), line("page", 2.0, 2.0), line("polling", 1.0, 1.0)]
    judged = judge_all(before, [line("page", 1.0, 1.0), line("echo", 0.8, 0.8), line("new", 3.0)])
    assert [(now.scenario, verdict) for now, _, verdict in judged] == [
        ("page", Verdict.BETTER), ("echo", Verdict.WORSE), ("new", Verdict.NEW),
    ]  # fmt: skip
    assert any_worse(judged)
    assert not any_worse(judged[:1] + judged[2:])
    assert table(judged).splitlines()[2:] == [
        "| page | node | 2 ±0% | 1 ±0% | better |",
        "| echo | node | 0.5 ±0% | 0.8 ±0% | **worse** |",
        "| new | node |  | 3 ±0% | not measured before |",
    ]


def test_the_main_rows_are_rows() -> None:
    lines = {(scenario.name, other.peer) for scenario in SCENARIOS for other in scenario.others}
    assert set(ROWS.items()) <= lines
