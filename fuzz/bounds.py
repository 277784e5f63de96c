"""What an input may cost: time and memory in proportion to its length."""

from __future__ import annotations

import time
import tracemalloc
from binascii import crc32
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds of CPU time, for any input and for each of its bytes: who is watched by a fuzzer is slower than else.
_SECONDS, _SECONDS_PER_BYTE = 0.05, 50e-6
#: Bytes of memory, the same. The densest are MessagePack's empty maps, of one byte each.
_BYTES, _BYTES_PER_BYTE = 4 << 20, 100
#: One input in so many is looked at as larger ones, of so many bytes: linear, it takes four times as long. Eight times
#: would be allowed.
_SELDOM, _LARGE, _FACTOR, _TIMES = 256, 32 * 1024, 4, 8
#: Others may have been at work.
_TRIES = 3


def bounded(function: Callable[[bytes], T], data: bytes) -> T:
    """Call it, and raise AssertionError if it takes too long, or now and then too much memory.

    A cost that grows faster than the input does shows on large ones, so a part of an input is repeated sometimes.
    """
    seed = crc32(data)
    if data and seed % _SELDOM == 0:
        large = grown(data, seed // _SELDOM, _LARGE)
        _check_memory(function, large)
        limit = _SECONDS + _TIMES * min(timed(function, large)[1] for _ in range(_TRIES))
        larger = grown(data, seed // _SELDOM, _LARGE * _FACTOR)
        _check_time(function, larger, limit)
    return _check_time(function, data, _SECONDS + _SECONDS_PER_BYTE * len(data))


def grown(data: bytes, seed: int, size: int) -> bytes:
    """The input with a part of it many times over."""
    first, second = seed % len(data), seed // len(data) % len(data)
    start, end = min(first, second), max(first, second) + 1
    return data[:start] + data[start:end] * (size // (end - start)) + data[end:]


def timed(function: Callable[[bytes], T], data: bytes) -> tuple[T, float]:
    started = time.thread_time()
    return function(data), time.thread_time() - started


def _check_time(function: Callable[[bytes], T], data: bytes, limit: float) -> T:
    taken: list[float] = []
    for _ in range(_TRIES):
        result, seconds = timed(function, data)
        if seconds <= limit:
            return result
        taken.append(seconds)
    raise AssertionError(
        f"{min(taken):.3f} s for {len(data)} bytes, at most {limit:.3f}: {data[:200]!r}"
    )


def _check_memory(function: Callable[[bytes], object], data: bytes) -> None:
    tracemalloc.start()
    try:
        function(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    limit = _BYTES + _BYTES_PER_BYTE * len(data)
    assert peak <= limit, f"{peak} bytes for {len(data)}: {data[:200]!r}"
