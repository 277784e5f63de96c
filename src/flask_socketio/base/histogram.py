"""How times are spread: counts by upper bounds, as Prometheus has them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from functools import partial
from itertools import accumulate
from typing import Any

#: Upper bounds in seconds: from what takes no time to what a user takes for a failure.
BOUNDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip

_slot = partial(bisect_left, BOUNDS)


class Histogram:
    """Touched on one thread at a time."""

    __slots__ = ("_counts", "_sum")

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._sum = 0.0

    def add(self, seconds: Iterable[float]) -> None:
        """Many at once: what each costs is not Python's time."""
        times = list(seconds)
        self._counts.update(map(_slot, times))
        self._sum += sum(times)

    def snapshot(self) -> dict[str, Any]:
        """`count`, `sum` in seconds, and `buckets`: how many took so long at most, by the bound."""
        counts = [self._counts[slot] for slot in range(len(BOUNDS) + 1)]
        bounds = [*map(str, BOUNDS), "+Inf"]
        return {
            "count": sum(counts),
            "sum": self._sum,
            "buckets": dict(zip(bounds, accumulate(counts), strict=True)),
        }
