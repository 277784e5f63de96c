"""Processes that stand still for a while."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def paused(pid: int) -> Iterator[None]:
    """It stands still inside of the block.

    On a busy machine a process of many threads goes on until one of them has had its turn and seen the signal.
    """
    os.kill(pid, signal.SIGSTOP)
    try:
        _wait_until_it_stands(pid)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _wait_until_it_stands(pid: int) -> None:
    deadline = time.monotonic() + 60
    while any(_state(thread) != "T" for thread in Path(f"/proc/{pid}/task").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _state(thread: Path) -> str:
    # "pid (name) state …"; the name may have anything in it
    return (thread / "stat").read_text().rpartition(")")[2].split()[0]
