"""TCP between machines: a protocol for a connection, and a transport for what is above, once both know each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from ..engine.parser import Parser, feed
from .greeting import Guest, Host, Known
from .secret import ForgedError


class Sealed(asyncio.Protocol, asyncio.Transport):
    """`choose` is given who the other end is, and returns the protocol above."""

    def __init__(
        self,
        greeting: Guest | Host,
        choose: Callable[[Known], asyncio.BaseProtocol],
        forged: Callable[[], object],
    ) -> None:
        super().__init__()
        self._greeting = greeting
        self._choose = choose
        self._forged = forged
        self._unread = bytearray()
        self._known: Known | None = None
        #: whether they do, once that is decided
        self.greeted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._protocol: asyncio.BaseProtocol
        self._raw: asyncio.Transport
        self._is_connected = False

    # -- of the connection below -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast(asyncio.Transport, transport)
        self._is_connected = True
        self._raw.write(self._greeting.hello)

    def data_received(self, data: bytes) -> None:
        try:
            if self._known is None:
                data = self._greet(data)
            if self._known is not None:
                self._deliver(self._known.opener.feed(data))
        except ForgedError:
            self._forged()
            self._raw.abort()

    def _greet(self, data: bytes) -> bytes:
        """Returns what has come behind the greeting."""
        unread, greeting = self._unread, self._greeting
        unread += data
        while self._known is None and len(unread) >= (awaited := greeting.awaited):
            answer, known = greeting.take(bytes(unread[:awaited]))
            del unread[:awaited]
            self._raw.write(answer)
            if known is not None:
                self._become_known(known)
        return bytes(unread)

    def _become_known(self, known: Known) -> None:
        self._known = known
        self._protocol = self._choose(known)
        self._protocol.connection_made(self)
        self._decide(True)

    def _decide(self, are_known: bool) -> None:
        if not self.greeted.done():
            self.greeted.set_result(are_known)

    def _deliver(self, data: bytes) -> None:
        while data:
            protocol: Any = self._protocol
            if hasattr(protocol, "get_buffer"):
                data = feed(cast(Parser, protocol), data)
            else:
                protocol.data_received(data)
                return

    def pause_writing(self) -> None:
        if self._known is not None:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        if self._known is not None:
            self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._decide(False)
        if self._known is not None:
            self._protocol.connection_lost(exc)

    # -- for the protocol above ------------------------------------------------------------------

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def write(self, data: Any) -> None:
        assert self._known is not None
        self._raw.write(self._known.sealer.seal(bytes(data)))

    def get_write_buffer_size(self) -> int:
        return self._raw.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._raw.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._raw.resume_reading()

    def can_write_eof(self) -> bool:
        return self._raw.can_write_eof()

    def write_eof(self) -> None:
        self._raw.write_eof()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._raw.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._raw.is_closing()

    def close(self) -> None:
        self._raw.close()

    def abort(self) -> None:
        self._raw.abort()

    def drop(self) -> None:
        """Nobody is above, and nobody will be."""
        if self._is_connected:
            self._raw.abort()
