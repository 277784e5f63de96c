"""The processes on other machines: where they are, and a stream to each of them."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ..base.counters import Counters
from ..base.told import Told
from ..cluster.members import Facts, Members
from .announced import AnnouncementError, announce, believed, host_and_port
from .arrival import Arrival, Take, beginning
from .frames import Frame, Kind
from .greeting import FRAMES, WEBSOCKET, Guest, Host, Known
from .link import Link
from .secret import Secret
from .tcp import Door, call, listen
from .tls import MutualTls

logger = logging.getLogger("flask_socketio.server")

#: Seconds after which each says that it is there, and for how many times it may fail to before it is taken for dead.
_BEAT, _MOST_SILENT = 2.0, 5
#: Seconds after which a process to which the stream has ended is looked for.
_PAUSE = 0.1
#: The name of an announcement among what a member says of itself, and seconds to wait for those of all others.
_FACT, _FIRST_WORD = "relay", 3.0
#: Processes that are being connected to at the same time; what more announce themselves wait for their next time.
_MOST_MEETING = 64


class AddressError(ValueError):
    """This process cannot be found at the address that it was told."""

    def __init__(self, address: str, error: OSError) -> None:
        why = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            why += " (several workers on a machine need port 0, which takes any)"
        super().__init__(f"cluster_address={address!r}: {why}")


@dataclass(frozen=True, slots=True)
class Cluster:
    """How machines find and know each other."""

    address: str
    secret: Secret = field(repr=False)
    tls: MutualTls | None


class Machines:
    """`links` are known by node, those on this machine as well; of the latter there is nothing to do here.

    `received` is called with frames, `gone` with links that have ended, `take` with WebSockets that arrive.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        members: Members,
        cluster: Cluster,
        links: dict[str, Link],
        counters: Counters,
        *,
        received: Callable[[Link, Frame], object],
        gone: Callable[[Link], object],
        take: Take,
    ) -> None:
        self._loop = loop
        self._node = members.node
        self._members = members
        self._cluster = cluster
        self._links = links
        self._counters = counters
        self._received = received
        self._gone = gone
        self._take = take
        self._told = Told(logger, loop)
        #: of the others, by node
        self._addresses: dict[str, tuple[str, int]] = {}
        self._open: set[Link] = set()
        self._meeting: dict[str, asyncio.Task[None]] = {}
        self._address = ""
        self._door: Door | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Be found, and find the others, if the message queue leads to them.

        Raises AddressError where the address is not this machine's, or is in use.
        """
        host, port = host_and_port(self._cluster.address)
        try:
            listener = listen(host, port)
        except OSError as error:
            raise AddressError(self._cluster.address, error) from None
        shown = f"[{host}]" if ":" in host else host
        self._address = f"{shown}:{listener.getsockname()[1]}"
        tls, secret = self._cluster.tls, self._cluster.secret
        self._door = Door(
            self._loop,
            listener,
            tls and tls.of_host,
            lambda: Host(secret, self._node),
            self._choose,
            self._refused,
        )
        self._beat()
        self._members.announce()
        self._members.on_came.append(self._heard_of)
        self._members.on_gone.append(lambda node: self._addresses.pop(node, None))
        for node in self._members.nodes:
            self._heard_of(node, self._members.facts_of(node) or {})
        await self._meet_all()

    async def _meet_all(self) -> None:
        """Wait until those who are there have said so, and are connected."""
        settled = asyncio.Event()
        self._members.on_settled.append(settled.set)
        if not self._members.knows_all:
            with suppress(TimeoutError):
                await asyncio.wait_for(settled.wait(), _FIRST_WORD)
        if self._meeting:
            await asyncio.wait(self._meeting.values())

    def close(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._meeting.values()):
            task.cancel()
        for link in list(self._open):
            link.close()

    def _refused(self, reason: str, what: str) -> None:
        self._counters.refuse_machine(reason)
        self._told.warning("another machine's word refused: %s: %s", reason, what, kind=reason)

    # -- who is there ----------------------------------------------------------------------------

    def _heard_of(self, node: str, facts: Facts) -> None:
        """A process has announced itself, for the first time or again."""
        told = facts.get(_FACT)
        if told is None or node == self._node:
            return
        try:
            self._addresses[node] = believed(self._cluster.secret, node, told, time.time())
        except AnnouncementError as error:
            self._refused(str(error), node[:16])
            return
        self._look_for(node)

    def _look_for(self, node: str) -> None:
        is_known = node in self._links or node in self._meeting
        if is_known or node not in self._addresses or self._door is None:
            return
        if len(self._meeting) >= _MOST_MEETING:
            self._refused("too many announced", node)
            return
        self._meeting[node] = task = self._loop.create_task(self._meet(node))
        task.add_done_callback(lambda _: self._meeting.pop(node, None))

    async def _meet(self, node: str) -> None:
        try:
            await self._call(node, FRAMES, self._choose)
        except OSError as error:  # it is looked for again when it announces itself the next time
            host, port = self._addresses.pop(node, ("?", 0))
            self._told.warning("no connection with another machine, %s:%d: %s", host, port, error)

    async def _call(
        self, node: str, purpose: bytes, choose: Callable[[Known], asyncio.BaseProtocol]
    ) -> asyncio.Transport:
        address = self._addresses.get(node)
        if address is None:
            raise ConnectionRefusedError("it has not announced its address")
        greeting = Guest(self._cluster.secret, purpose, self._node, node)
        tls = self._cluster.tls
        return await call(greeting, address, tls and tls.of_guest, choose)

    # -- streams ---------------------------------------------------------------------------------

    def _choose(self, known: Known) -> asyncio.BaseProtocol:
        """What goes on with one who is known."""
        if known.purpose == WEBSOCKET:
            return Arrival(self._take)
        link = Link(self._loop, self._open.add, self._frame, self._lost)
        link.node, link.is_away = known.node, True
        if (there := self._links.get(link.node)) is None or there.is_away:
            self._links[link.node] = link
        return link

    def _frame(self, link: Link, frame: Frame) -> None:
        link.silent = 0
        if frame.kind is not Kind.ALIVE:
            self._received(link, frame)

    def _lost(self, link: Link) -> None:
        self._open.discard(link)
        if self._links.get(link.node) is link:
            del self._links[link.node]
        self._gone(link)
        self._loop.call_later(_PAUSE, self._look_for, link.node)

    def _beat(self) -> None:
        self._timer = self._loop.call_later(_BEAT, self._beat)
        now, secret = time.time(), self._cluster.secret
        self._members.facts[_FACT] = announce(secret, self._node, self._address, now)
        for link in list(self._open):
            link.silent += 1
            if link.silent > _MOST_SILENT:
                self._told.warning("another machine's process does not answer: %s", link.node)
                link.abort()
            else:
                link.send(Frame(Kind.ALIVE))

    # -- WebSockets ------------------------------------------------------------------------------

    async def send(
        self, node: str, described: Any, early: bytes, protocol: asyncio.BaseProtocol
    ) -> asyncio.Transport:
        """A connection on which that process answers a client's handshake. Raises OSError, within a few seconds."""
        transport = await self._call(node, WEBSOCKET, lambda _: protocol)
        transport.write(beginning(described, early))
        return transport
