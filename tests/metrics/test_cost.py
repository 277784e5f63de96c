"""What measuring adds to an event: 5 % of its calls and bytecodes at most, and without the option none."""

from __future__ import annotations

import sys

from benchmarks.count.measure import ROOT, Server, count
from benchmarks.count.operations import OPERATIONS
from benchmarks.count.result import own, total
from tests.kit.missing import skip_or_fail

LIMIT = 1.05
KINDS = ("calls", "bytecodes")
NAMES = ("echo", "async echo", "ack")


def counted(options: dict[str, bool]) -> dict[str, dict[str, tuple[float, float]]]:
    with Server(ROOT / "src", options) as server:
        return {name: own(count(server, OPERATIONS[name])) for name in NAMES}


def test_it_adds_little() -> None:
    if sys.platform != "linux":
        skip_or_fail("calls and bytecodes are counted on Linux alone")
    off, on = counted({}), counted({"metrics": True})
    for name in NAMES:
        assert not [function for function in off[name] if "meter" in function.lower()]
        assert [function for function in on[name] if "Meter" in function]
        for what, before, after in zip(KINDS, total(off[name]), total(on[name]), strict=True):
            print(f"{name}: {before:g} -> {after:g} {what} ({after / before - 1:+.1%})")
            assert before < after <= LIMIT * before, (name, what)
