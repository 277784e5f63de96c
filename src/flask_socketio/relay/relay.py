"""Requests of sessions that another process has."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import deque
from dataclasses import dataclass
from functools import partial
from itertools import count

from ..base.real import socket_from, socket_pair
from ..base.told import Told
from ..engine.admission import Admission
from ..engine.asgi import AsgiHandshake
from ..engine.handshake import Handshake
from ..engine.polling import Exchange
from ..engine.request import EngineRequest
from ..protocol.errors import BAD_REQUEST, HandshakeRefused
from .bridge import Bridge
from .folder import Folder, node_of
from .frames import Frame, Kind
from .handover import CAN_HAND_OVER, hand_over
from .link import Link
from .machines import Machines
from .owner import describe, outline
from .pump import pumps

#: Of requests under way; then they begin again.
_LAST_NUMBER = 2**32 - 1
#: Processes that have ended, by whose names their clients' requests are known.
_REMEMBERED = 100

logger = logging.getLogger("flask_socketio.server")


@dataclass(slots=True)
class _Asked:
    link: Link
    number: int
    #: bytes that its body may still have before the owner refuses it
    left: int
    #: the piece of its body that came last, which is sent with what comes next
    piece: bytes = b""


class Relay:
    """Answers them in its place: polling by way of it, and WebSocket handshakes by giving it the connection."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        links: dict[str, Link],
        folder: Folder | None,
        machines: Machines | None,
        max_payload: int,
    ) -> None:
        self._max_payload = max_payload
        self._loop = loop
        self._folder = folder
        self._machines = machines
        self._links = links
        self._numbers = count(1)
        self._asked: dict[Exchange, _Asked] = {}
        self._by_number: dict[int, Exchange] = {}
        self._is_stopping = False
        self._handing: set[asyncio.Task[None]] = set()
        self._told = Told(logger, loop)
        #: those whose process has ended, the latest last
        self._ended: deque[str] = deque(maxlen=_REMEMBERED)
        #: counts and logs a request that nobody can answer
        self.admission: Admission

    # -- the requests' side (a Responder) --------------------------------------------------------

    def begin(self, exchange: Exchange) -> None:
        request = exchange.request
        sid = request.query.sid or ""
        link = self._links.get(node_of(sid))
        if link is None:
            has_ended = node_of(sid) in self._ended
            refusal = self.admission.origin.about_unknown(sid, has_ended=has_ended)
            self.admission.tell(request, refusal)
            exchange.refuse(refusal)
        elif request.is_websocket:
            self._give_away(exchange, link)
        else:
            number = next(self._numbers) & _LAST_NUMBER
            self._asked[exchange] = _Asked(link, number, self._max_payload)
            self._by_number[number] = exchange
            link.send(Frame(Kind.REQUEST, number, outline(request)))
            if request.on_wait is not None:
                request.on_wait(partial(self._pass, exchange, Kind.RELEASE))

    def body_arrived(self, exchange: Exchange, data: bytes) -> None:
        asked = self._asked.get(exchange)
        if asked is not None and asked.left >= 0:  # else it has been told too much already
            asked.left -= len(data)
            asked.piece, piece = (
                (data, asked.piece) if asked.left >= 0 else (b"", asked.piece + data)
            )
            if piece:
                self._pass(exchange, Kind.BODY, piece)

    def body_complete(self, exchange: Exchange) -> None:
        asked = self._asked.get(exchange)
        if asked is not None and exchange.request.method != "GET":
            self._pass(exchange, Kind.COMPLETE, asked.piece)
        if self._is_stopping:
            self._pass(exchange, Kind.RELEASE)

    def lost(self, exchange: Exchange) -> None:
        self._pass(exchange, Kind.LOST)
        self._forget(exchange)

    def _pass(self, exchange: Exchange, kind: Kind, data: bytes = b"") -> None:
        asked = self._asked.get(exchange)
        if asked is not None:
            asked.link.send(Frame(kind, asked.number, body=data))

    def _forget(self, exchange: Exchange) -> None:
        asked = self._asked.pop(exchange, None)
        if asked is not None:
            del self._by_number[asked.number]

    def stop(self) -> None:
        """This process is about to end: nobody waits here any more for what another one may have to say."""
        self._is_stopping = True
        for exchange in self._asked:
            self._pass(exchange, Kind.RELEASE)

    # -- the owner's side ------------------------------------------------------------------------

    def answered(self, frame: Frame) -> None:
        """The owner has."""
        exchange = self._by_number.get(frame.number)
        if exchange is None:
            return  # its client has hung up
        self._forget(exchange)
        status, content_type, headers = frame.head
        exchange.request.response_headers += [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]
        exchange.answer((status, content_type.encode(), frame.body))

    def gone(self, link: Link) -> None:
        """The owner has ended, and its sessions with it."""
        self._ended.append(link.node)
        for exchange in [exchange for exchange, asked in self._asked.items() if asked.link is link]:
            self._forget(exchange)
            sid = exchange.request.query.sid or ""
            exchange.refuse(self.admission.origin.about_unknown(sid, has_ended=True))

    # -- WebSockets ------------------------------------------------------------------------------

    def _give_away(self, exchange: Exchange, link: Link) -> None:
        if not link.is_away and not CAN_HAND_OVER:
            exchange.refuse(_stay_with_polling("it cannot be handed over here"))
            return
        task = self._loop.create_task(self._try_to_give(exchange, link))
        self._handing.add(task)
        task.add_done_callback(self._handing.discard)

    async def _try_to_give(self, exchange: Exchange, link: Link) -> None:
        try:
            if isinstance(exchange, AsgiHandshake):
                await self._bridge(exchange, link)
            elif isinstance(exchange, Handshake):
                await self._give(exchange, link)
        except OSError as error:
            self._told.warning("a WebSocket was not handed over: %s", error)
            exchange.refuse(_stay_with_polling(str(error)))

    async def _give(self, handshake: Handshake, link: Link) -> None:
        """Give the connection itself where that can be, else have its bytes go through this process."""
        if link.is_away or handshake.transport.get_extra_info("ssl_object") is not None:
            outer, inner = pumps(handshake.transport)
            await self._connect(link, handshake.request, handshake.early, inner)
            outer.on_end = handshake.give_to(outer)
            outer.take_over()
        else:
            descriptor = handshake.transport.get_extra_info("socket").fileno()
            with socket_from(os.dup(descriptor)) as connection:
                await self._hand_over(link, handshake.request, handshake.early, connection)
            handshake.let_go()

    async def _bridge(self, handshake: AsgiHandshake, link: Link) -> None:
        """Speak with the owner as a client does, in the place of the server's that keeps its connections."""
        bridge = Bridge(self._loop)
        await self._connect(link, handshake.request, b"", bridge.protocol)
        handshake.leave_to(bridge.serve)

    async def _connect(
        self, link: Link, request: EngineRequest, early: bytes, protocol: asyncio.BaseProtocol
    ) -> None:
        """A connection on which the owner answers the handshake."""
        if link.is_away:
            assert self._machines is not None
            await self._machines.send(link.node, describe(request), early, protocol)
            return
        own, other = socket_pair()
        with other:
            await self._hand_over(link, request, early, other)
        await self._loop.create_unix_connection(lambda: protocol, sock=own)

    async def _hand_over(
        self, link: Link, request: EngineRequest, early: bytes, connection: socket.socket
    ) -> None:
        assert self._folder is not None
        await hand_over(self._folder.hand(link.node), describe(request), early, connection)


def _stay_with_polling(why: str) -> HandshakeRefused:
    return HandshakeRefused(
        BAD_REQUEST, f"the session is another process's, and the connection is not: {why}"
    )
