"""The simulation of servers that share a broker: that it runs, and that nothing is lost in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cluster import KINDS_BY_NAME, ROOMS, rooms_of

ROOT = Path(__file__).parents[2]
KINDS = ["ours-redis", "ours-nats", "python-socketio-redis"]


def test_every_room_has_its_homes() -> None:
    for homes in (1, 2):
        found = [room for listener in range(3) for room in rooms_of(listener, 3, homes)]
        assert len(found) == homes * ROOMS
        assert len(set(found)) == ROOMS


@pytest.mark.soak
def test_each_kind_delivers_everything() -> None:
    program = [sys.executable, "-m", "benchmarks.cluster", "--kinds", ",".join(KINDS)]
    size = ["--listeners", "2", "--rates", "500,0", "--messages", "200", "--seconds", "0.2"]
    done = subprocess.run(
        [*program, *size, "--runs", "1"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    rows = [row.strip("| ").split(" | ") for row in done.stdout.split("\n\n")[1].splitlines()[2:]]
    assert [(row[0], row[1], row[2], row[-1]) for row in rows] == [
        (kind, "2", rate, "0") for rate in ("500", "any") for kind in KINDS
    ]


def test_the_figures_that_are_kept_are_of_every_kind() -> None:
    runs = json.loads((ROOT / "benchmarks" / "cluster.json").read_text())
    assert {run["kind"] for run in runs} == set(KINDS_BY_NAME)
    assert all(run["lost"] == 0 for run in runs)
