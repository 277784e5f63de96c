"""Whether anything runs in this process; Linux, where a thread that could run but has no core shows as well."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

_THREADS = Path("/proc/self/task")
_LOOK = 0.001


def wait_until_quiet(total: Callable[[], int]) -> None:
    """Wait until all other threads sleep, and `total` stays what it is while they could have taken the GIL."""
    before = -1
    while True:
        now = total() if _others_sleep() else -1
        if now == before >= 0:
            return
        before = now
        time.sleep(_LOOK)


def _others_sleep() -> bool:
    own = str(threading.get_native_id())
    return all(_sleeps(thread) for thread in _THREADS.iterdir() if thread.name != own)


def _sleeps(thread: Path) -> bool:
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0] == "S"
    except OSError:  # it has ended just now
        return True
