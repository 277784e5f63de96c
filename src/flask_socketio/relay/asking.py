"""Questions to all workers of this machine, over the streams between them: a message queue may be what is wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from .frames import Frame, Kind
from .link import Link

logger = logging.getLogger("flask_socketio.server")

#: What answers a question; JSON, in which keys are strings.
Answers = Mapping[str, Callable[[], Any]]


class Asking:
    """What a worker asks the others, and answers them. Touched on the loop alone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, links: Mapping[str, Link]) -> None:
        self._loop = loop
        self._links = links
        #: what others may ask this one
        self.answers: Answers = {}
        self._latest = 0
        #: by question, the answers that are still to come, by worker
        self._open: dict[int, dict[str, asyncio.Future[Any]]] = {}

    @property
    def has_others(self) -> bool:
        """Whether there is anybody to ask."""
        return any(not link.is_away for link in self._links.values())

    async def ask(self, kind: str, patience: float) -> tuple[dict[str, Any], list[Link]]:
        """The answers by worker, and those who have not answered within so many seconds."""
        links = {node: link for node, link in self._links.items() if not link.is_away}
        if not links:
            return {}, []
        self._latest = number = self._latest + 1 & 0xFFFF_FFFF
        waiting = self._open[number] = {node: self._loop.create_future() for node in links}
        try:
            for link in links.values():
                link.send(Frame(Kind.ASK, number, kind))
            done, _ = await asyncio.wait(waiting.values(), timeout=patience)
        finally:
            del self._open[number]
        said = {node: future.result() for node, future in waiting.items() if future in done}
        told = {node: value for node, value in said.items() if value is not None}
        # One that has ended meanwhile is not silent.
        silent = [link for node, link in links.items() if node not in told and node in self._links]
        return told, silent

    def asked(self, link: Link, frame: Frame) -> None:
        """Answer a question, of this machine's."""
        if link.is_away:
            return
        answer = self.answers.get(frame.head)
        body = b"null"
        try:
            if answer is not None:
                body = orjson.dumps(answer())
        except Exception:  # the stream goes on: polling requests come by it
            logger.exception("what another worker has asked for cannot be answered")
        link.send(Frame(Kind.SAID, frame.number, body=body))

    def answered(self, link: Link, frame: Frame) -> None:
        """One that comes too late is for nobody."""
        self._keep(frame.number, link.node, orjson.loads(frame.body))

    def gone(self, link: Link) -> None:
        """It will not answer."""
        for number in self._open:
            self._keep(number, link.node, None)

    def _keep(self, number: int, node: str, value: Any) -> None:
        future = self._open.get(number, {}).get(node)
        if future is not None and not future.done():
            future.set_result(value)
