"""Two results side by side, and the functions that make the difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .result import NOTHING, Result, Sample, difference, own, total

_NAMED = 5


@dataclass(frozen=True)
class Change:
    """By how much a function, or a package, costs more; less, where negative."""

    name: str
    calls: float
    bytecodes: float

    def __str__(self) -> str:
        return f"`{self.name}` {self.bytecodes:+g} bytecodes, {self.calls:+g} calls"


def changes(before: Sample, after: Sample) -> list[Change]:
    """What costs more first. A function that has moved to another module is still the same."""
    names: dict[str, str] = {_moved(name): name for name in (*before, *after)}
    old, new = _without_modules(before), _without_modules(after)
    found = [
        Change(name, *difference(old.get(key, NOTHING), new.get(key, NOTHING)))
        for key, name in names.items()
    ]
    found.sort(key=lambda change: (-change.bytecodes, -change.calls, change.name))
    return [change for change in found if change.calls or change.bytecodes]


def _moved(name: str) -> str:
    """What stays of a name when its module is another one."""
    module, colon, function = name.rpartition(":")
    return colon + function if module else name


def _without_modules(sample: Sample) -> Sample:
    found: Sample = {}
    for name, (calls, bytecodes) in sample.items():
        sums = found.get(_moved(name), NOTHING)
        found[_moved(name)] = sums[0] + calls, sums[1] + bytecodes
    return found


def table(before: Result, after: Result) -> str:
    """Markdown: each operation in both, then the functions that changed it most."""
    lines = [
        "| operation | own calls | own bytecodes | all calls | all bytecodes |",
        "|---|--:|--:|--:|--:|",
    ]
    both = [name for name in after.operations if name in before.operations]
    pairs = {name: (before.operations[name], after.operations[name]) for name in both}
    lines += [_row(name, *pair) for name, pair in pairs.items()]
    found = {name: list(_most_changed(*pair)) for name, pair in pairs.items()}
    lines += ["", *(line for name in both if found[name] for line in (f"{name}:", *found[name]))]
    return "\n".join(lines).rstrip()


def _row(name: str, before: Sample, after: Sample) -> str:
    old = *total(own(before)), *total(before)
    new = *total(own(after)), *total(after)
    cells = [_cell(a, b) for a, b in zip(old, new, strict=True)]
    return f"| {' | '.join([name, *cells])} |"


def _cell(before: float, after: float) -> str:
    if before == after:
        return f"{after:g}"
    return f"{before:g} → {after:g} ({after / before - 1:+.1%})"


def _most_changed(before: Sample, after: Sample) -> Iterator[str]:
    found = changes(before, after)
    more = [change for change in found if change.bytecodes > 0][:_NAMED]
    less = [change for change in found if change.bytecodes < 0][-_NAMED:]
    yield from (f"- {change}" for change in (*more, *less))
