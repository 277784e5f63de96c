"""A server of ours as the simulation has it: the message queue, rooms and the loop, with members that only count."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.apps.cluster_process import Process, given, serve
from flask_socketio.base.counters import Counters
from flask_socketio.cluster.backlog import Bounds
from flask_socketio.cluster.base import Emission
from flask_socketio.cluster.brokers import make_broker
from flask_socketio.cluster.nodes import new_node
from flask_socketio.cluster.queue import MessageQueue
from flask_socketio.cluster.queued import QueueLink
from flask_socketio.dispatch.inbox import Inbox
from flask_socketio.protocol.json import dumps
from flask_socketio.protocol.socketio import JSON


def _no_answers(_adapter: Any) -> dict[str, Any]:
    return {}


class Member:
    namespace = "/"

    def __init__(self, process: Ours, sid: str) -> None:
        self.sid = sid
        self.rooms: dict[Any, None] = {}
        self._process = process

    def send(self, message: Any) -> None:
        self._process.delivered += 1


class Ours(Process):
    """On its loop's thread, but for what it is told."""

    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__(spec)
        self.counters = Counters()
        queue = MessageQueue(
            make_broker,
            spec["url"],
            spec["channel"],
            write_only=False,
            bounds=Bounds(1_000_000, 1 << 40),
        )
        queue.begin()
        self.inbox = Inbox(asyncio.get_running_loop())
        self.link: Any = QueueLink(
            queue, JSON, dumps, _no_answers, self.inbox.post, self.counters, new_node()
        )
        for room in spec["rooms"]:
            member: Any = Member(self, f"member of {room}")
            self.link.adapter.add(member)
            self.link.adapter.join("/", member.sid, room)

    def emit(self, room: str | None) -> None:
        args = ["message", self.data]
        to = None if room is None else (room,)
        self.inbox.post(
            self.link.adapter.broadcast, Emission("/", args, JSON.encode_body(args), to)
        )

    def published(self) -> int:
        return self.counters.queue_published


async def main() -> None:
    process = Ours(given())
    await asyncio.to_thread(serve, process)
    await process.link.close()


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
