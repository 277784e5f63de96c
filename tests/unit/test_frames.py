"""What processes say to each other arrives as it was said, however the stream cuts it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_socketio.relay.frames import Frame, FrameReader, Kind

HEADS: Any = st.none() | st.lists(st.text(max_size=5), max_size=3)
FRAMES = st.builds(
    Frame, st.sampled_from(Kind), st.integers(0, 2**32 - 1), HEADS, st.binary(max_size=300)
)


@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_any_cut(frames: list[Frame], sizes: list[int]) -> None:
    data = b"".join(frame.encode() for frame in frames)
    reader, found = FrameReader(), list[Frame]()
    turn = 0
    while data:
        size = sizes[turn % len(sizes)]
        found += reader.feed(data[:size])
        data = data[size:]
        turn += 1
    assert found == frames


def test_a_large_frame_costs_time_in_proportion() -> None:
    """64 MB in pieces of 16 KiB: to copy what there is with each piece would be 128 GB."""
    frame = Frame(Kind.PUBLISH, body=bytes(64_000_000))
    data, reader = frame.encode(), FrameReader()
    begun = time.process_time()
    found = [f for at in range(0, len(data), 16384) for f in reader.feed(data[at : at + 16384])]
    assert found == [frame]
    assert time.process_time() - begun < 5


def test_no_kind() -> None:
    with pytest.raises(ValueError, match="255"):
        list(FrameReader().feed(b"\0" * 8 + b"\xff" + bytes(4)))
