"""A WebSocket of a server that keeps its connections: to the process that owns the session, we are the client."""

from __future__ import annotations

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from http import HTTPStatus
from typing import Any

from ..engine.answers import HttpAnswer, Receive, Send
from ..protocol import rfc6455 as ws

logger = logging.getLogger("flask_socketio.engine")

#: What the server adds to its answer by itself.
_ADDED = {b"upgrade", b"connection", b"sec-websocket-accept"}
#: A mask that changes nothing: only what a page says to proxies has to be masked by another one.
_MASKED, _NO_MASK = 0x80, bytes(4)
#: Bytes of a length that does not fit where it should stand.
_LENGTHS = {126: 2, 127: 8}
#: Codes that stand for a close frame without one, and for none (RFC 6455, section 7.4.1).
_NOT_SENT = {None, 1005, 1006}


class _Connected(asyncio.StreamReaderProtocol):
    """Knows its transport."""

    transport: asyncio.Transport

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.transport = transport


class Bridge:
    """`protocol` is to be connected with the owner, who has been told of the handshake."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reader = StreamReader(loop=loop)
        self.protocol = _Connected(self._reader, loop=loop)

    async def serve(self, receive: Receive, send: Send) -> HttpAnswer | None:
        """Until either end is gone; returns the owner's answer where that is no WebSocket."""
        try:
            status, headers = await self._head()
            if status != HTTPStatus.SWITCHING_PROTOCOLS:
                known = dict(headers)
                body = await self._reader.readexactly(int(known[b"content-length"]))
                return status, known[b"content-type"], body
            added = [(name, value) for name, value in headers if name not in _ADDED]
            await send({"type": "websocket.accept", "headers": added})
            await self._exchange(receive, send)
        except EOFError:  # the owner has ended before it has answered
            await send({"type": "websocket.close"})
        finally:
            self.protocol.transport.close()
        return None

    async def _head(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """The status and the headers of the owner's answer."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        pairs = [line.split(b": ", 1) for line in lines]
        return int(first.split()[1]), [(name.lower(), value) for name, value in pairs]

    async def _exchange(self, receive: Receive, send: Send) -> None:
        flows = [
            self._loop.create_task(self._to_owner(receive)),
            self._loop.create_task(self._to_client(send)),
        ]
        try:
            await asyncio.wait(flows, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for flow in flows:
                flow.cancel()
            await asyncio.gather(*flows, return_exceptions=True)

    async def _to_owner(self, receive: Receive) -> None:
        """Messages -> frames."""
        writer = StreamWriter(self.protocol.transport, self.protocol, self._reader, self._loop)
        while (event := await receive())["type"] == "websocket.receive":
            data: bytes | None = event.get("bytes")
            opcode = ws.TEXT if data is None else ws.BINARY
            writer.write(_masked(opcode, event["text"].encode() if data is None else data))
            await writer.drain()
        if (code := event.get("code")) not in _NOT_SENT:
            writer.write(_masked(ws.CLOSE, code.to_bytes(2)))

    async def _to_client(self, send: Send) -> None:
        """Frames -> messages; our servers send each whole."""
        try:
            await self._pass_on(send)
        except EOFError:
            await send({"type": "websocket.close", "code": ws.INTERNAL_ERROR})
        except Exception as error:  # noqa: BLE001 - each server has its own way to say that the client is gone
            logger.debug("WebSocket: not sent: %r", error)

    async def _pass_on(self, send: Send) -> None:
        while True:
            opcode, payload = await self._frame()
            if opcode == ws.TEXT:
                await send({"type": "websocket.send", "text": payload.decode()})
            elif opcode == ws.BINARY:
                await send({"type": "websocket.send", "bytes": payload})
            elif opcode == ws.CLOSE:
                reason = payload[2:].decode()
                await send(
                    {"type": "websocket.close", "code": ws.close_code(payload), "reason": reason}
                )
                return

    async def _frame(self) -> tuple[int, bytes]:
        first, size = await self._reader.readexactly(2)
        if size in _LENGTHS:
            size = int.from_bytes(await self._reader.readexactly(_LENGTHS[size]))
        return first & 0x0F, await self._reader.readexactly(size)


def _masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame."""
    frame = ws.encode_frame(opcode, payload)
    head = len(frame) - len(payload)
    return bytes((frame[0], frame[1] | _MASKED)) + frame[2:head] + _NO_MASK + payload
