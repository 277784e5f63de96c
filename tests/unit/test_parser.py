"""picows' parser as a connection's protocol."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from contextlib import closing

import pytest
from picows import WSFrame, WSListener, WSTransport

from flask_socketio.engine.parser import make_parser

uvloop = pytest.importorskip("uvloop")


class Listener(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None: ...

    def frames_were_wrong(self, close_frame: bytes) -> None: ...

    def abort(self) -> None: ...


class Before(asyncio.Protocol):
    """Gives its connection to a parser at the first bytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.set_protocol(make_parser(Listener(), 100))


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_nothing_is_kept_of_the_protocol_before(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    made: list[weakref.ref[Before]] = []

    def make() -> Before:
        protocol = Before()
        made.append(weakref.ref(protocol))
        return protocol

    async def connect() -> None:
        loop = asyncio.get_running_loop()
        async with await loop.create_server(make, "127.0.0.1", 0) as server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            with closing(writer):
                writer.write(b"GET")
                while not made or made[0]() is not None:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(asyncio.wait_for(connect(), 10))
