"""Packets as MessagePack: what others send."""

from __future__ import annotations

import tracemalloc

import pytest

from flask_socketio.protocol.errors import SocketProtocolError
from flask_socketio.protocol.msgpack import MsgpackDecoder


@pytest.mark.parametrize("claimed", [1_000, 16_000, 100_000])
def test_arrays_that_are_not_there_take_no_memory(claimed: int) -> None:
    """One in another, each of which claims to be long: 1,000 lists of that length were made first."""
    frame = (b"\xdd" + claimed.to_bytes(4)) * 20_000
    tracemalloc.start()
    with pytest.raises(SocketProtocolError):
        MsgpackDecoder().feed_binary(frame)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * len(frame)


@pytest.mark.parametrize("items", [0, 1, 100, 1_000, 100_000])
def test_arrays_that_are_there_are_taken(items: int) -> None:
    data = b"\xdd" + (items + 1).to_bytes(4) + b"\xa1x" + b"\x01" * items
    packet = MsgpackDecoder().feed_binary(b"\x82\xa4type\x02\xa4data" + data)
    assert packet is not None
    assert packet.data == ["x", *[1] * items]
