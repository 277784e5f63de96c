"""This process among those that serve one port."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

from ..base.counters import Counters
from ..cluster.link import Link as LinkToOthers
from ..cluster.queued import QueueLink
from ..engine.engine import Engine
from ..engine.handshake import Handshake
from ..engine.picows import FastLane
from ..hub.socket import Socket
from .asking import Asking
from .bus import PeerLink
from .folder import Folder, node_of
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
        name: str,
        path: Path | None,
        cluster: Cluster | None,
        link: LinkToOthers[Socket] | None,
        max_payload: int,
        counters: Counters,
    ) -> None:
        #: session ids begin with it
        self.name = name
        self._loop = loop
        links: dict[str, Link] = {}
        self._folder = None if path is None else Folder(path)
        self._peers = None
        #: what the workers of this machine can be asked by
        self.asking = Asking(loop, links)
        if self._folder is not None:
            self._peers = Peers(loop, self._folder, self.name, links, self._received, self._gone)
        self._machines = None
        if cluster is not None and isinstance(link, QueueLink):
            self._machines = Machines(
                loop,
                link.members,
                cluster,
                links,
                counters,
                received=self._received,
                gone=self._gone,
                take=self._answer,
            )
        self.relay = Relay(loop, links, self._folder, self._machines, max_payload)
        self._bus = link if isinstance(link, PeerLink) else None
        if self._bus is not None and self._peers is not None:
            self._bus.peers = self._peers
        if isinstance(link, QueueLink) and self._peers is not None:
            self._peers.on_ended.append(link.members.lost)  # on the queue it would only be silent
        self._owner: Owner
        self._lane: FastLane
        self._receiver: Receiver | None = None
        self._adopting: set[asyncio.Task[None]] = set()

    async def start(self, engine: Engine, lane: FastLane) -> None:
        """Know the others, and be known to them."""
        self._owner = Owner(engine)
        self.relay.admission = engine.admission
        self._lane = lane
        if self._folder is not None and self._peers is not None:
            await self._find_peers(self._folder, self._peers)
        if (
            self._machines is not None
        ):  # those of this machine are known by now, and not connected to by TCP
            await self._machines.start()

    async def _find_peers(self, folder: Folder, peers: Peers) -> None:
        if CAN_HAND_OVER:
            address = folder.hand(self.name)
            listener = folder.listen(address, socket.SOCK_SEQPACKET)
            self._receiver = Receiver(self._loop, listener, self._adopt)
        await peers.start()

    def _received(self, link: Link, frame: Frame) -> None:
        if frame.kind is Kind.ANSWER:
            self.relay.answered(frame)
        elif frame.kind is Kind.ASK:
            self.asking.asked(link, frame)
        elif frame.kind is Kind.SAID:
            self.asking.answered(link, frame)
        elif frame.kind is not Kind.PUBLISH:
            self._owner.received(link, frame)
        elif self._bus is not None:
            self._bus.received(frame)

    def _gone(self, link: Link) -> None:
        self.relay.gone(link)
        self.asking.gone(link)
        self._owner.gone(link)
        if self._bus is not None and link.node:
            self._bus.gone(link.node)

    def _adopt(self, described: Any, early: bytes, connection: socket.socket) -> None:
        task = self._loop.create_task(
            Handshake.adopt(self._lane, connection, request_of(described), early)
        )
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    def _answer(self, described: Any, early: bytes, transport: asyncio.Transport) -> None:
        """A WebSocket has come from another machine, for a session of ours: it goes no further."""
        request = request_of(described)
        if node_of(request.query.sid or "") != self.name:
            transport.abort()
            return
        handshake = Handshake(self._lane, set[Any](), early)
        transport.set_protocol(handshake)
        handshake.connection_made(transport)
        handshake.begin(request)

    def close(self) -> None:
        if self._receiver is not None:
            self._receiver.close()
        if self._peers is not None:
            self._peers.close()
        if self._machines is not None:
            self._machines.close()
