"""Results and queues between real threads and green ones; each case in a process of its own."""

import subprocess
import sys

import pytest

EXPECTED = {
    "waiting_lets_others_run": "kept",
    "everybody_is_woken": "70",
    "the_first_counts": "no",
    "a_wait_ends_in_time": "True",
    "a_backlog_keeps_order": "True",
    "records_come_from_the_apps_thread": "True",
    "a_loop_that_cannot_start": "Too many open files\n200",
}


@pytest.mark.parametrize("case", EXPECTED)
@pytest.mark.parametrize("kind", ["plain", "gevent", "eventlet"])
def test_in_this_kind_of_process(kind: str, case: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.unit.worlds", kind, case],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.stdout.strip() == EXPECTED[case], ended.stdout + ended.stderr
