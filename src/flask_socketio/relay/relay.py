"""Requests of sessions that another process has."""

from __future__ import annotations

import asyncio
import logging
import socket
from itertools import count

from ..base.told import Told
from ..engine.handshake import Handshake
from ..engine.polling import Exchange
from ..protocol.errors import BAD_REQUEST, UNKNOWN_SID, HandshakeRefused
from .folder import Folder, node_of
from .frames import Frame, Kind
from .handover import CAN_HAND_OVER, hand_over
from .link import Link
from .owner import describe
from .peers import Peers

logger = logging.getLogger("flask_socketio.server")


class Relay:
    """Answers them in its place: polling by way of it, and WebSocket handshakes by giving it the connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, folder: Folder, peers: Peers) -> None:
        self._loop = loop
        self._folder = folder
        self._peers = peers
        self._numbers = count(1)
        self._asked: dict[Exchange, tuple[Link, int]] = {}
        self._by_number: dict[int, Exchange] = {}
        self._handing: set[asyncio.Task[None]] = set()
        self._told = Told(logger, loop)

    # -- the requests' side (a Responder) --------------------------------------------------------

    def begin(self, exchange: Exchange) -> None:
        request = exchange.request
        link = self._peers.links.get(node_of(request.query.sid or ""))
        if link is None:
            exchange.refuse(HandshakeRefused(UNKNOWN_SID, "no process has the session any more"))
        elif request.is_websocket:
            self._give_away(exchange, link)
        else:
            number = next(self._numbers)
            self._asked[exchange] = link, number
            self._by_number[number] = exchange
            link.send(Frame(Kind.REQUEST, number, describe(request)))

    def body_arrived(self, exchange: Exchange, data: bytes) -> None:
        self._pass(exchange, Kind.BODY, data)

    def body_complete(self, exchange: Exchange) -> None:
        self._pass(exchange, Kind.COMPLETE)

    def lost(self, exchange: Exchange) -> None:
        self._pass(exchange, Kind.LOST)
        self._forget(exchange)

    def _pass(self, exchange: Exchange, kind: Kind, data: bytes = b"") -> None:
        asked = self._asked.get(exchange)
        if asked is not None:
            link, number = asked
            link.send(Frame(kind, number, body=data))

    def _forget(self, exchange: Exchange) -> None:
        asked = self._asked.pop(exchange, None)
        if asked is not None:
            del self._by_number[asked[1]]

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
        for exchange in [asked for asked, (by, _) in self._asked.items() if by is link]:
            self._forget(exchange)
            exchange.refuse(HandshakeRefused(UNKNOWN_SID, "the process that had it has ended"))

    # -- WebSockets ------------------------------------------------------------------------------

    def _give_away(self, exchange: Exchange, link: Link) -> None:
        released = exchange.release() if CAN_HAND_OVER and isinstance(exchange, Handshake) else None
        if released is None:
            exchange.refuse(_stay_with_polling("it cannot be taken from this server"))
            return
        task = self._loop.create_task(self._hand_over(exchange, link.node, *released))
        self._handing.add(task)
        task.add_done_callback(self._handing.discard)

    async def _hand_over(
        self, exchange: Exchange, node: str, connection: socket.socket, early: bytes
    ) -> None:
        assert isinstance(exchange, Handshake)
        with connection:
            try:
                await hand_over(
                    self._folder.hand(node), describe(exchange.request), early, connection
                )
            except OSError as error:
                self._told.warning("a WebSocket was not handed over: %s", error)
                exchange.refuse(_stay_with_polling(str(error)))
            else:
                exchange.let_go()


def _stay_with_polling(why: str) -> HandshakeRefused:
    return HandshakeRefused(
        BAD_REQUEST, f"the session is another process's, and the connection is not: {why}"
    )
