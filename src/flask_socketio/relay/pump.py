"""A connection that cannot be handed over, for this process encrypts it: its bytes go on to the one that owns it."""

from __future__ import annotations

import asyncio
import socket
from typing import cast


class Pump(asyncio.Protocol):
    """One of two ends: what it reads, the other one writes, no faster than that is read."""

    def __init__(self) -> None:
        self.other: Pump
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

    def shutdown(self) -> None:
        """Called by uvicorn when it stops."""
        self._transport.close()


async def pump(
    loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, own: socket.socket
) -> Pump:
    """Join the client's connection and a socket; returns what is the connection's protocol from now on."""
    outer, inner = Pump(), Pump()
    outer.other, inner.other = inner, outer
    outer.connection_made(transport)
    await loop.create_unix_connection(lambda: inner, sock=own)
    transport.set_protocol(outer)
    transport.resume_reading()
    return outer
