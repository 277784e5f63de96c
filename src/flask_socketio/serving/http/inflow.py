"""What a client sends at once: parsed in slices, and not further ahead of the answers than it has to be."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from time import perf_counter
from typing import Any, Protocol

from ...engine.slices import SLICE

#: Bytes that are parsed at once; there may be some fifty requests in them.
PIECE = 2048


class Reader(Protocol):
    """The connection that it comes from, which is a `HttpProtocol`."""

    loop: AbstractEventLoop
    transport: Any
    flow: Any
    #: requests that wait until others are answered
    pipeline: Any

    def room(self) -> int:
        """How many bytes may be parsed at once."""
        ...

    def parse(self, piece: bytes) -> None: ...


class Inflow:
    """What has been read and not been parsed yet. While some of it waits, nothing is read."""

    __slots__ = ("_at", "_data", "_parses", "_reader", "_resume_reading", "_wakes", "waits")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._data = b""
        self._at = 0
        self._parses = False
        self._wakes = False
        self.waits = False
        self._resume_reading = reader.flow.resume_reading
        reader.flow.resume_reading = self._resume

    def add(self, data: bytes, *, first: bool = False) -> None:
        """Parse what has come; `first`: before what waits."""
        rest = self._data[self._at :]
        self._data, self._at = (data + rest if first else rest + data), 0
        if self._parses or self.waits:
            return
        if self._reader.flow.read_paused:
            self.waits = True
        else:
            self._go_on()

    def close(self) -> bytes:
        """Give up what waits, and read on; returns it."""
        rest, self._data, self._at = self._data[self._at :], b"", 0
        self._read_on()
        del self._reader.flow.resume_reading  # no circle of references
        return rest

    def _resume(self) -> None:
        """In place of the flow's `resume_reading`: an answer has been given, or a view has read."""
        if not self.waits:
            self._resume_reading()
        elif self._parses:
            self._reader.flow.read_paused = False
        else:
            self._wake_soon()

    def _wake_soon(self) -> None:
        if not self._wakes:
            self._wakes = True
            self._reader.loop.call_soon(self._wake)

    def _wake(self) -> None:
        self._wakes = False
        if self.waits:
            self._go_on()

    def _go_on(self) -> None:
        """Parse a slice."""
        flow = self._reader.flow
        flow.read_paused = False  # who pauses it from now on has a reason of his own
        self._parses = True
        try:
            is_over = self._parse_until(perf_counter() + SLICE)
        finally:
            self._parses = False
        if self._at >= len(self._data):
            self._data, self._at = b"", 0
            self._read_on()
            return
        self.waits = True
        flow.pause_reading()
        if is_over:
            self._wake_soon()

    def _parse_until(self, end: float) -> bool:
        """Parse until nothing is left, or there is no room for more; whether the time is over before."""
        reader = self._reader
        while self._at < len(self._data) and not (reader.flow.read_paused or reader.pipeline):
            if perf_counter() > end:
                return True
            piece = self._data[self._at : self._at + reader.room()]
            self._at += len(piece)
            if not reader.transport.is_closing():
                reader.parse(piece)
        return False

    def _read_on(self) -> None:
        """Nothing waits any more."""
        flow = self._reader.flow
        if self.waits:
            self.waits = False
            if not (flow.read_paused or self._reader.transport.is_closing()):
                flow.read_paused = True  # as it has been
                self._resume_reading()
