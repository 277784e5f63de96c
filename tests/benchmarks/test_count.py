"""Calls and bytecodes of each operation: none takes more than what is committed, by `make count`, says."""

import platform
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from benchmarks.count.compare import changes, table
from benchmarks.count.measure import ROOT, count_all
from benchmarks.count.result import COUNTS, Result, Sample, own, total
from benchmarks.count.tally import Tally
from tests.kit.missing import skip_or_fail

#: An operation may grow by that much.
LIMIT = 1.03
NAMED = 8


def grown(before: Sample, after: Sample) -> bool:
    return any(b > LIMIT * a for a, b in zip(total(before), total(after), strict=True))


def explain(name: str, before: Sample, after: Sample) -> str:
    (calls, bytecodes), (more_calls, more_bytecodes) = total(before), total(after)
    more = [change for change in changes(before, after) if change.bytecodes > 0]
    lines = [
        f"{name}: {calls:g} -> {more_calls:g} calls, {bytecodes:g} -> {more_bytecodes:g} bytecodes",
        *(f"  {change}" for change in more[:NAMED]),
    ]
    return "\n".join(lines)


def test_no_operation_has_grown() -> None:
    if sys.platform != "linux":
        skip_or_fail("calls and bytecodes are counted on Linux alone")
    committed = Result.read(COUNTS)
    if not platform.python_version().startswith(f"{committed.python}."):
        skip_or_fail(
            f"the calls and bytecodes that are committed are those of Python {committed.python}"
        )
    counted = Result.of(count_all(ROOT / "src"))
    assert set(counted.operations) == set(committed.operations)
    pairs = [(name, old, counted.operations[name]) for name, old in committed.operations.items()]
    found = [explain(name, own(a), own(b)) for name, a, b in pairs if grown(own(a), own(b))]
    if not found and counted.versions == committed.versions:  # other libraries cost what they cost
        found = [explain(name, a, b) for name, a, b in pairs if grown(a, b)]
    assert not found, "\n".join(["more than what is committed, by more than 3 %:", *found])


def test_what_moves_to_another_module_is_the_same() -> None:
    before: Sample = {"hub:Hub.emit": (1, 40), "hub:Hub.leave": (1, 5), "flask": (2, 10)}
    after: Sample = {"hub.rooms:Hub.emit": (1, 40), "hub:Hub.leave": (2, 8), "flask": (2, 9)}
    found = [(change.name, change.calls, change.bytecodes) for change in changes(before, after)]
    assert found == [("hub:Hub.leave", 1, 3), ("flask", 0, -1)]


def test_a_result_can_be_read_again_and_compared(tmp_path: Path) -> None:
    versions = {"python": "3.11.7", "flask": "3.1.3"}
    before = Result(versions, {"echo": {"hub:Hub.emit": (2, 100), "flask": (1, 20)}})
    before.write(tmp_path / "counts.json")
    assert Result.read(tmp_path / "counts.json") == before
    assert before.python == "3.11"
    after = Result(versions, {"echo": {"hub:Hub.emit": (2, 110), "flask": (1, 20)}})
    lines = table(before, after).splitlines()
    assert lines[2] == "| echo | 2 | 100 → 110 (+10.0%) | 3 | 120 → 130 (+8.3%) |"
    assert lines[-1] == "- `hub:Hub.emit` +10 bytecodes, +0 calls"


def test_every_thread_is_counted() -> None:
    tally = Tally(set())

    def work() -> int:
        return sum(number for number in (1, 2, 3))  # its generator is entered four times

    def begin() -> None:
        tally.begin()
        work()
        run(work)

    before = threading.gettrace()
    run(begin)
    threading.settrace(before)  # pyright: ignore[reportArgumentType]
    calls, bytecodes = tally.take()["tests"]
    assert calls == 2 * (1 + 4) + 1  # and `run`
    assert bytecodes > calls
    assert tally.take() == {}


def run(function: Callable[[], object]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()
