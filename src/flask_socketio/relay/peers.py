"""The other processes that serve the same port, and a stream to each of them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from .folder import Folder
from .frames import Frame, Kind
from .link import Link

logger = logging.getLogger("flask_socketio.server")

#: Seconds that a new process waits for the others to know it.
_PATIENCE = 2.0
#: Seconds after which a process to which the stream has ended is looked for.
_PAUSE = 0.1


class Peers:
    """`received` is called with frames that are not about who is there, `gone` with links that have ended."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        folder: Folder,
        node: str,
        links: dict[str, Link],
        received: Callable[[Link, Frame], object],
        gone: Callable[[Link], object],
    ) -> None:
        self.node = node
        self.links = links
        self._loop = loop
        self._folder = folder
        self._received = received
        self._gone = gone
        #: called with the node of a process that has ended without a word
        self.on_ended: list[Callable[[str], object]] = []
        self._server: asyncio.AbstractServer | None = None
        #: all streams, those of processes that have not said who they are among them
        self._open: set[Link] = set()
        self._is_closed = False
        self._meeting: set[asyncio.Task[None]] = set()
        self._welcomes: dict[str, asyncio.Future[None]] = {}

    async def start(self) -> None:
        """Be found, and find the others; returns when they send us what they publish."""
        listener = self._folder.listen(self._folder.stream(self.node), socket.SOCK_STREAM)
        self._server = await self._loop.create_unix_server(self._make_link, sock=listener)
        await asyncio.gather(*(self._meet(node) for node in self._folder.nodes()))

    def _make_link(self) -> Link:
        return Link(self._loop, self._open.add, self._frame, self._lost)

    async def _meet(self, node: str) -> None:
        if node == self.node:
            return
        try:
            _, link = await self._loop.create_unix_connection(
                self._make_link, self._folder.stream(node)
            )
        except OSError:  # it has ended without a word
            self._folder.forget(node)
            for call in self.on_ended:
                call(node)
            return
        welcome = self._welcomes[node] = self._loop.create_future()
        self._know(link, node)
        link.send(Frame(Kind.HELLO, head=self.node))
        await asyncio.wait([welcome], timeout=_PATIENCE)

    def _know(self, link: Link, node: str) -> None:
        link.node = node
        self.links[node] = link

    def _frame(self, link: Link, frame: Frame) -> None:
        if frame.kind is Kind.HELLO:
            self._know(link, frame.head)
            link.send(Frame(Kind.WELCOME))
        elif frame.kind is Kind.WELCOME:
            self._welcomed(link.node)
        else:
            self._received(link, frame)

    def _welcomed(self, node: str) -> None:
        welcome = self._welcomes.pop(node, None)
        if welcome is not None and not welcome.done():
            welcome.set_result(None)

    def _lost(self, link: Link) -> None:
        self._open.discard(link)
        if self.links.get(link.node) is link:
            del self.links[link.node]
        self._welcomed(link.node)
        self._gone(link)
        if link.node and not self._is_closed:
            self._loop.call_later(_PAUSE, self._look_for, link.node)

    def _look_for(self, node: str) -> None:
        """It has ended, most likely; else it is one of us still."""
        if node not in self.links and not self._is_closed:
            task = self._loop.create_task(self._meet(node))
            self._meeting.add(task)
            task.add_done_callback(self._meeting.discard)

    def publish(self, frame: Frame, most: int) -> int:
        """Send a frame to everybody but those who have left so many bytes unread; returns how many these are."""
        data = frame.encode()
        skipped = 0
        for link in self.links.values():
            if link.waiting > most:
                skipped += 1
            else:
                link.send_bytes(data)
        return skipped

    def close(self) -> None:
        """Be found no longer."""
        self._is_closed = True
        self._folder.forget(self.node)
        if self._server is not None:
            self._server.close()
        for link in list(self._open):
            link.close()
