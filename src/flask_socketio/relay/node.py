"""This process among those that serve one port."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

from ..engine.engine import Engine
from ..engine.handshake import Handshake
from ..engine.picows import FastLane
from ..hub.socket import Socket
from .bus import PeerLink
from .folder import Folder
from .frames import Frame, Kind
from .handover import CAN_HAND_OVER, Receiver
from .link import Link
from .owner import Owner, request_of
from .peers import Peers
from .relay import Relay


class Node:
    """Its streams, and who acts on what comes through them."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        name: str,
        path: Path,
        bus: PeerLink[Socket] | None,
        max_payload: int,
    ) -> None:
        #: session ids begin with it
        self.name = name
        self._loop = loop
        self._folder = Folder(path)
        self._peers = Peers(loop, self._folder, self.name, self._received, self._gone)
        self.relay = Relay(loop, self._folder, self._peers, max_payload)
        self._bus = bus
        if bus is not None:
            bus.peers = self._peers
        self._owner: Owner
        self._lane: FastLane
        self._receiver: Receiver | None = None
        self._adopting: set[asyncio.Task[None]] = set()

    async def start(self, engine: Engine, lane: FastLane) -> None:
        """Know the others, and be known to them."""
        self._owner = Owner(engine)
        self.relay.refused = engine.admission.tell
        self._lane = lane
        if CAN_HAND_OVER:
            address = self._folder.hand(self.name)
            listener = self._folder.listen(address, socket.SOCK_SEQPACKET)
            self._receiver = Receiver(self._loop, listener, self._adopt)
        await self._peers.start()

    def _received(self, link: Link, frame: Frame) -> None:
        if frame.kind is Kind.ANSWER:
            self.relay.answered(frame)
        elif frame.kind is not Kind.PUBLISH:
            self._owner.received(link, frame)
        elif self._bus is not None:
            self._bus.received(frame)

    def _gone(self, link: Link) -> None:
        self.relay.gone(link)
        self._owner.gone(link)
        if self._bus is not None and link.node:
            self._bus.gone(link.node)

    def _adopt(self, described: Any, early: bytes, connection: socket.socket) -> None:
        task = self._loop.create_task(
            Handshake.adopt(self._lane, connection, request_of(described), early)
        )
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    def close(self) -> None:
        if self._receiver is not None:
            self._receiver.close()
        self._peers.close()
