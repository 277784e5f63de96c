"""What a server holds: memory, threads, descriptors, and what it says of itself. Linux."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

MIB = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """`memory` and `peak` are bytes resident, now and at most since `Sampler.reset_peak`."""

    memory: int
    peak: int
    threads: int
    descriptors: int


class Sampler:
    """Looks at a process from outside."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._proc = Path("/proc") / str(pid)

    def sample(self) -> Sample:
        """Raises psutil.NoSuchProcess where it is gone."""
        with self._process.oneshot():
            return Sample(
                self._process.memory_info().rss,
                self._peak(),
                self._process.num_threads(),
                self._process.num_fds(),
            )

    def reset_peak(self) -> Sample:
        """Begin anew with the peak of memory; returns what there is now."""
        (self._proc / "clear_refs").write_text("5")
        return self.sample()

    def growth(self, since: Sample) -> float:
        """MiB resident more than then, at the peak."""
        return max(0, self.sample().peak - since.memory) / MIB

    def _peak(self) -> int:
        status = (self._proc / "status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024


def wait_until(condition: Callable[[], bool], timeout: float = 10.0) -> bool:
    """Whether it came true within the time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
