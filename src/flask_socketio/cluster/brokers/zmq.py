"""ZeroMQ: a PUSH and a SUB socket, to a proxy that hands on what it PULLs to all who have subscribed."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, cast

import zmq as _zmq
import zmq.asyncio as _zmq_asyncio

from .looped import Hand, LoopedBroker

zmq, zmq_asyncio = cast(Any, _zmq), cast(Any, _zmq_asyncio)

_URL = re.compile(r"(?:zmq|zmq\+tcp)://([^/?#]*):(\d+)\+(\d+)/?")

#: Milliseconds between two questions whether the proxy is there, and that it has for an answer.
_HEARTBEAT = 3000
#: Seconds after which the proxy may not have known yet who asks.
_ASK_AGAIN = 0.05
#: That a connection has ended, or was none.
_ENDS = (
    zmq.EVENT_CLOSED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
)


class ZmqLink:
    """What the proxy has taken is not confirmed. So questions are sent behind it, which come back by way of the proxy;
    python-socketio reads past them."""

    def __init__(self, channel: str) -> None:
        name = json.dumps(channel)
        #: what a message begins with, as it is written here
        self._begin = f'{{"type":"message","channel":{name},"data":'.encode()
        #: and as the standard library has it for python-socketio
        self._others_begin = f'{{"type": "message", "channel": {name}, "data": '.encode()
        self._push, self._sub = _new_socket(zmq.PUSH), _new_socket(zmq.SUB)
        self._monitors = [s.get_monitor_socket(_ENDS) for s in (self._push, self._sub)]
        self._ended = asyncio.Event()
        self._watching = [asyncio.ensure_future(self._watch(m)) for m in self._monitors]
        self._asked = 0
        self._question = b""

    async def _watch(self, monitor: Any) -> None:
        await monitor.recv_multipart()
        self._ended.set()

    async def connect(self, sink: str, source: str) -> None:
        self._push.connect(sink)
        self._sub.connect(source)
        await self._unless_ended(self._until_subscribed())

    async def is_open(self) -> bool:
        return not self._ended.is_set()

    async def publish(self, messages: list[bytes]) -> Sequence[Exception | None]:
        await self._unless_ended(self._send(messages))
        return [None] * len(messages)

    async def _send(self, messages: list[bytes]) -> None:
        for message in messages:
            await self._push.send(b"%b%b}" % (self._begin, message))
        await self._ask()
        await self._answered()

    async def listen(self, hand: Hand) -> None:
        for begin in (self._begin, self._others_begin):
            self._sub.subscribe(begin)
        await self._unless_ended(self._until_subscribed())
        await hand(None)
        await self._unless_ended(self._read(hand))

    async def _read(self, hand: Hand) -> None:
        while True:
            text: bytes = await self._sub.recv()
            own = text.startswith(self._begin)
            await hand(text[len(self._begin if own else self._others_begin) : -1])

    async def _until_subscribed(self) -> None:
        """Returns when the proxy knows all that has been subscribed to: a subscription of its own is the last one."""
        if self._question:
            self._sub.unsubscribe(self._question)
        self._question = b'{"type":"question","of":"%b","number":' % uuid.uuid4().hex.encode()
        self._sub.subscribe(self._question)
        answer = asyncio.ensure_future(self._answered())
        try:
            while not answer.done():
                await self._ask()
                await asyncio.wait([answer], timeout=_ASK_AGAIN)
        finally:
            answer.cancel()

    async def _ask(self) -> None:
        self._asked += 1
        await self._push.send(b"%b%d}" % (self._question, self._asked))

    async def _answered(self) -> None:
        """Returns when the latest question is back."""
        while await self._sub.recv() != b"%b%d}" % (self._question, self._asked):
            pass

    async def _unless_ended(self, doing: Coroutine[Any, Any, None]) -> None:
        task, end = asyncio.ensure_future(doing), asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait([task, end], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise ConnectionError("connection refused, or ended by the other side")
            task.result()
        finally:
            task.cancel()
            end.cancel()

    async def close(self) -> None:
        for task in self._watching:
            task.cancel()
        await asyncio.wait(self._watching)
        for socket in (self._push, self._sub):
            socket.disable_monitor()
        for socket in (*self._monitors, self._push, self._sub):
            socket.close(linger=0)


def _new_socket(kind: int) -> Any:
    # To end a context may take for ever: there is one for the process.
    socket = zmq_asyncio.Context.instance().socket(kind)
    socket.linger = 0
    socket.immediate = 1  # nothing is kept for a proxy that is not there
    socket.reconnect_ivl = -1
    socket.heartbeat_ivl = socket.heartbeat_timeout = _HEARTBEAT
    return socket


def make_broker(url: str, channel: str) -> LoopedBroker[ZmqLink]:
    """The broker for zmq+tcp://host:port1+port2: a proxy that PULLs at the first port, and publishes at the other."""
    parts = _URL.fullmatch(url)
    if parts is None:
        raise ValueError("the form is zmq+tcp://host:port1+port2")
    host, sink, source = parts.groups()
    return LoopedBroker(
        partial(_connected, f"tcp://{host}:{sink}", f"tcp://{host}:{source}", channel)
    )


async def _connected(sink: str, source: str, channel: str) -> ZmqLink:
    link = ZmqLink(channel)
    try:
        await link.connect(sink, source)
    except BaseException:
        await link.close()
        raise
    return link
