"""TCP between machines: who comes has a moment to prove who it is; so has who is called."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial

from ..base.real import new_socket, socket_from
from .greeting import Guest, Host, Known
from .sealed import Sealed

#: Seconds for TCP, TLS and the greeting.
PATIENCE = 3.0
#: Connections whose other end is not known yet; one more ends the one that has taken longest.
MOST_STRANGERS = 64
#: How many are accepted in one turn of the loop, and seconds until it is tried again where there is no descriptor.
_AT_ONCE, _PAUSE = 16, 1.0
_BACKLOG = 1024

Choose = Callable[[Known], asyncio.BaseProtocol]


def listen(host: str, port: int) -> socket.socket:
    """Raises OSError."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = new_socket(family, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


async def call(
    greeting: Guest, address: tuple[str, int], context: ssl.SSLContext | None, choose: Choose
) -> asyncio.Transport:
    """Connect to another machine; returns when both know each other. Raises OSError, within a few seconds."""
    loop = asyncio.get_running_loop()
    sealed = Sealed(greeting, choose, _nobody_is_told)
    try:
        async with asyncio.timeout(PATIENCE):
            await loop.create_connection(
                lambda: sealed, *address, ssl=context, server_hostname="" if context else None
            )
            is_known = await sealed.greeted
    except BaseException:
        sealed.drop()
        raise
    if not is_known:
        raise ConnectionRefusedError("it does not know the key, or is another one")
    return sealed


def _nobody_is_told() -> None:
    """The caller is, by the exception."""


class Door:
    """Where others come in. `refused` is called with the reason, and where it was."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        context: ssl.SSLContext | None,
        greet: Callable[[], Host],
        choose: Choose,
        refused: Callable[[str, str], object],
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._context = context
        self._greet = greet
        self._choose = choose
        self._refused = refused
        #: the oldest first
        self._strangers: dict[asyncio.Task[None], None] = {}
        loop.add_reader(listener, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError:  # there is no descriptor for it
                self._loop.remove_reader(self._listener)
                self._loop.call_later(_PAUSE, self._open_again)
                return
            own = socket_from(connection.detach())
            own.setblocking(False)
            self._let_in(own, address[0])

    def _open_again(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._accept)

    def _let_in(self, connection: socket.socket, origin: str) -> None:
        if len(self._strangers) >= MOST_STRANGERS:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            oldest.cancel()
            self._refused("too many strangers", origin)
        task = self._loop.create_task(self._meet(connection, origin))
        self._strangers[task] = None
        task.add_done_callback(lambda task: self._strangers.pop(task, None))

    async def _meet(self, connection: socket.socket, origin: str) -> None:
        sealed = Sealed(self._greet(), self._choose, partial(self._refused, "forged", origin))
        is_known = False
        try:
            async with asyncio.timeout(PATIENCE):
                await self._loop.connect_accepted_socket(
                    lambda: sealed, connection, ssl=self._context
                )
                is_known = await sealed.greeted
            if not is_known:
                self._refused("unknown", origin)
        except TimeoutError:
            self._refused("too slow", origin)
        except OSError:  # what TLS raises is one
            self._refused("no TLS", origin)
        finally:
            if not is_known:
                sealed.drop()

    def close(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for task in list(self._strangers):
            task.cancel()
