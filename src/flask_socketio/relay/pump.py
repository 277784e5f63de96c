"""A connection that cannot be handed over, for this process encrypts it, or this machine has it: its bytes go on to the
process that owns the session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast


class Pump(asyncio.Protocol):
    """One of two ends: what it reads, the other one writes, no faster than that is read."""

    def __init__(self) -> None:
        self.other: Pump
        #: called when the connection has ended
        self.on_end: Callable[[], object] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.other._transport.write(data)

    def pause_writing(self) -> None:
        self.other._transport.pause_reading()

    def resume_writing(self) -> None:
        self.other._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.other._transport.close()
        if self.on_end is not None:
            self.on_end()

    def shutdown(self) -> None:
        """Called by uvicorn when it stops."""
        self._transport.close()

    def take_over(self) -> None:
        """Be the protocol of the connection, unless the client has hung up meanwhile."""
        if self._transport.is_closing():
            self.connection_lost(None)
            return
        self._transport.set_protocol(self)
        self._transport.resume_reading()


def pumps(transport: asyncio.Transport) -> tuple[Pump, Pump]:
    """The client's end, which is to take over that connection, and the owner's, which is to be connected."""
    outer, inner = Pump(), Pump()
    outer.other, inner.other = inner, outer
    outer.connection_made(transport)
    return outer, inner
