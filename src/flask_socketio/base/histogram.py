"""How times are spread: counts by upper bounds, as Prometheus has them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

#: Upper bounds in seconds: from what takes no time to what a user takes for a failure.
BOUNDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


class Histogram:
    """Touched on one thread at a time."""

    __slots__ = ("_count", "_counts", "_sum")

    def __init__(self) -> None:
        #: that took so long at most, by bound
        self._counts = [0] * len(BOUNDS)
        self._count = 0
        self._sum = 0.0

    def add(self, seconds: Iterable[float]) -> None:
        """Many at once, which costs each of them little: they are sorted, and the bounds are looked for among them."""
        times = sorted(seconds)
        self._count += len(times)
        self._sum += sum(times)
        for index, bound in enumerate(BOUNDS):
            self._counts[index] += bisect_right(times, bound)

    def snapshot(self) -> dict[str, Any]:
        """`count`, `sum` in seconds, and `buckets`: how many took so long at most, by the bound."""
        buckets = dict(zip(map(str, BOUNDS), self._counts, strict=True))
        return {"count": self._count, "sum": self._sum, "buckets": {**buckets, "+Inf": self._count}}
