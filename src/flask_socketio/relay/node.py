"""This process among those that serve one port."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

from ..base.counters import Counters
from ..engine.engine import Engine
from ..engine.handshake import Handshake
from ..engine.picows import FastLane
from ..hub.socket import Socket
from .bus import PeerLink
from .folder import Folder, new_node
from .frames import Frame, Kind
from .handover import CAN_HAND_OVER, Receiver
from .link import Link
from .machines import Cluster, Machines
from .owner import Owner, request_of
from .peers import Peers
from .relay import Relay


class Node:
    """Its streams, and who acts on what comes through them."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        path: Path | None,
        cluster: Cluster | None,
        bus: PeerLink[Socket] | None,
        max_payload: int,
        counters: Counters,
    ) -> None:
        #: session ids begin with it
        self.name = new_node()
        self._loop = loop
        links: dict[str, Link] = {}
        self._folder = None if path is None else Folder(path)
        self._peers = None
        if self._folder is not None:
            self._peers = Peers(loop, self._folder, self.name, links, self._received, self._gone)
        self._machines = None
        if cluster is not None:
            self._machines = Machines(
                loop,
                self.name,
                cluster,
                links,
                counters,
                received=self._received,
                gone=self._gone,
                take=self._answer,
            )
        self.relay = Relay(loop, links, self._folder, self._machines, max_payload)
        self._bus = bus
        if bus is not None and self._peers is not None:
            bus.peers = self._peers
        self._owner: Owner
        self._lane: FastLane
        self._receiver: Receiver | None = None
        self._adopting: set[asyncio.Task[None]] = set()

    async def start(self, engine: Engine, lane: FastLane) -> None:
        """Know the others, and be known to them."""
        self._owner = Owner(engine)
        self._lane = lane
        if self._machines is not None:
            self._machines.start()
        if self._folder is None or self._peers is None:
            return
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

    def _adopt(self, described: Any, early: bytes, connection: socket.socket) -> None:
        task = self._loop.create_task(
            Handshake.adopt(self._lane, connection, request_of(described), early)
        )
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    def _answer(self, described: Any, early: bytes, transport: asyncio.Transport) -> None:
        """A WebSocket has come from another machine."""
        handshake = Handshake(self._lane, set[Any](), early)
        transport.set_protocol(handshake)
        handshake.connection_made(transport)
        handshake.begin(request_of(described))

    def close(self) -> None:
        if self._receiver is not None:
            self._receiver.close()
        if self._peers is not None:
            self._peers.close()
        if self._machines is not None:
            self._machines.close()
