"""No operation takes more calls or bytecodes than what is committed, by `make count`, says."""

import platform
import sys

from benchmarks.count.compare import changes
from benchmarks.count.measure import ROOT, count_all
from benchmarks.count.result import COUNTS, Result, Sample, own, total
from tests.kit.missing import skip_or_fail

#: An operation may grow by that much.
LIMIT = 1.03
NAMED = 8


def grown(before: Sample, after: Sample) -> bool:
    return any(b > LIMIT * a for a, b in zip(total(before), total(after), strict=True))


def explain(name: str, before: Sample, after: Sample) -> str:
    (calls, bytecodes), (more_calls, more_bytecodes) = total(before), total(after)
    lines = [
        f"{name}: {calls:g} -> {more_calls:g} calls, {bytecodes:g} -> {more_bytecodes:g} bytecodes",
        *(f"  {change}" for change in changes(before, after)[:NAMED]),
    ]
    return "\n".join(lines)


def test_no_operation_has_grown() -> None:
    if sys.platform != "linux":
        skip_or_fail("calls and bytecodes are counted on Linux alone")
    committed = Result.read(COUNTS)
    if not platform.python_version().startswith(f"{committed.python}."):
        skip_or_fail(f"calls and bytecodes are those of Python {committed.python}")
    counted = Result.of(count_all(ROOT / "src"))
    assert set(counted.operations) == set(committed.operations)
    pairs = [
        (name, committed.operations[name], counted.operations[name])
        for name in committed.operations
    ]
    found = [explain(name, own(a), own(b)) for name, a, b in pairs if grown(own(a), own(b))]
    if (
        not found and counted.versions == committed.versions
    ):  # else libraries may have grown by themselves
        found = [explain(name, a, b) for name, a, b in pairs if grown(a, b)]
    assert not found, "\n".join(["more than what is committed, by more than 3 %:", *found])
