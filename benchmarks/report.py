"""From figures to a table and a plot."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

README = Path(__file__).with_name("README.md")
PLOT = Path(__file__).with_name("ratios.svg")
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


@dataclass
class Line:
    """One scenario against one other, all pairs of it."""

    scenario: str
    what: str
    other: str
    unit: str
    goal: float | None
    at_most: float | None
    ours: list[float]
    theirs: list[float]
    #: cores that others used during the runs of the scenario
    noise: list[float]

    @property
    def ratios(self) -> list[float]:
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)]

    @property
    def met(self) -> str:
        if self.goal is None and self.at_most is None:
            return ""
        good = self.goal is None or median(self.ratios) <= self.goal
        good &= self.at_most is None or median(self.ours) <= self.at_most
        return "yes" if good else "**no**"


def half_range(values: Sequence[float]) -> float:
    """How far the values lie apart, as a share of their median."""
    return (max(values) - min(values)) / 2 / median(values)


def spread(values: Sequence[float]) -> str:
    return f"±{100 * half_range(values):.0f}%"


def table(lines: list[Line]) -> str:
    rows = [
        "| scenario | what | ours | against | theirs | ours / theirs | pairs | goal | met |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        goal = "" if line.goal is None else f"≤ {line.goal:.3g}"
        if line.at_most is not None:
            goal += f"{', ' if goal else ''}≤ {line.at_most:g} {line.unit}"
        rows.append(
            f"| {line.scenario} | {line.what} | {number(line.ours)} {line.unit} | {line.other} "
            f"| {number(line.theirs)} {line.unit} | **{median(line.ratios):.3g}** {spread(line.ratios)} "
            f"| {len(line.ours)} | {goal} | {line.met} |"
        )
    return "\n".join(rows)


def number(values: Sequence[float]) -> str:
    return f"{median(values):.3g} {spread(values)}"


def read(kept: Path) -> list[Line]:
    """The lines of the run that was kept; none if there was no such run."""
    return [Line(**item) for item in json.loads(kept.read_text())] if kept.exists() else []


def merged(lines: list[Line], earlier: list[Line], order: list[tuple[str, str]]) -> list[Line]:
    """These, and those of earlier runs that were not measured again and still are in the order."""
    new = {(line.scenario, line.other): line for line in lines}
    old = {(line.scenario, line.other): line for line in earlier}
    return [(old | new)[name] for name in order if name in old or name in new]


def write_readme(text: str) -> None:
    """Put the last full table into its place."""
    old = README.read_text()
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    README.write_text(re.sub(pattern, lambda _: f"{BEGIN}\n{text}\n{END}", old, flags=re.DOTALL))


def plot(lines: list[Line]) -> None:
    """The ratios as bars, on a scale where halves and doubles are equally long."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "flask-duplex"
    lines = lines[::-1]
    figure, axes = plt.subplots(figsize=(9, 0.36 * len(lines) + 1))
    positions = range(len(lines))
    middle = [median(line.ratios) for line in lines]
    errors = [
        [m - min(line.ratios) for m, line in zip(middle, lines, strict=True)],
        [max(line.ratios) - m for m, line in zip(middle, lines, strict=True)],
    ]
    colours = ["#c0392b" if "no" in line.met else "#2a7f62" for line in lines]
    axes.barh(positions, middle, xerr=errors, color=colours, height=0.6, ecolor="#555555")
    for position, line in zip(positions, lines, strict=True):
        if line.goal is not None:
            axes.plot([line.goal] * 2, [position - 0.4, position + 0.4], color="black")
    axes.set_yticks(positions, [f"{line.scenario} / {line.other}" for line in lines])
    axes.set_xscale("log", base=2)
    axes.axvline(1, color="#999999", linewidth=0.8)
    axes.set_xlabel("ours / theirs: shorter is better; the black marks are the goals")
    figure.tight_layout()
    figure.savefig(PLOT, metadata={"Date": None})
