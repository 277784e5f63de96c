"""Times by upper bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flask_socketio.base.histogram import BOUNDS, Histogram


@given(st.lists(st.lists(st.floats(0, 100) | st.sampled_from(BOUNDS))))
def test_how_many_took_so_long_at_most(batches: list[list[float]]) -> None:
    histogram = Histogram()
    for batch in batches:
        histogram.add(batch)
    times = [time for batch in batches for time in batch]
    found = histogram.snapshot()
    assert found["count"] == found["buckets"]["+Inf"] == len(times)
    for bound in BOUNDS:
        assert found["buckets"][str(bound)] == sum(time <= bound for time in times)
    assert abs(found["sum"] - sum(times)) < 1e-6
