"""What others publish to the message queue of a server.

Oracle: a message is acted upon, or refused with an Exception by the thread that reads it, never by the loop; an
emission that is published again says the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_socketio.cluster.base import Callback, Room
from flask_socketio.cluster.queued import QueueAdapter
from flask_socketio.cluster.wire import Message, emit_message, fields_of, is_for, read, write
from flask_socketio.handling.codec import message_dumps
from flask_socketio.protocol.message import Message as Packet
from flask_socketio.protocol.socketio import JSON, Body

from .bounds import bounded

DUMPS = message_dumps(None)
Act = Callable[[], object]


class Member:
    """A client."""

    def __init__(self, adapter: QueueAdapter[Any], sid: str) -> None:
        self.adapter = adapter
        self.sid, self.namespace = sid, "/"
        self.rooms: dict[Room, None] = {}

    def send(self, message: Packet) -> None:
        assert message.websocket

    def send_with_ack(self, body: Body, callback: Callback) -> None:
        callback.function(1)

    def disconnect(self) -> None:
        self.adapter.remove(self)


def check(data: bytes) -> None:
    bounded(receive, data)


def receive(text: bytes) -> None:
    """A server with two clients in a room receives it."""
    adapter = QueueAdapter[Any](JSON, DUMPS, published)
    for sid in ("a", "b"):
        adapter.add(Member(adapter, sid))
        adapter.join("/", sid, "hall")
    adapter.callbacks.remember(Callback(lambda *args: None, on_loop=True), None)
    act = understood(adapter, text)
    if act is not None:
        act()


def published(make: Callable[[], Message], size: int) -> None:
    write(make(), "another")


def understood(adapter: QueueAdapter[Any], text: bytes) -> Act | None:
    """What the loop will do, as a server's listening thread finds out."""
    try:
        message = read(text)
        if not is_for(message, "me"):
            return None
        if message["method"] == "emit":
            return emission(adapter, message)
        fields = fields_of(message)
    except Exception:  # noqa: BLE001 - as who listens does, see cluster/queue.py
        return None
    return lambda: adapter.received(*fields)


def emission(adapter: QueueAdapter[Any], message: Message) -> Act:
    found = adapter.read_emission(message)
    again = adapter.read_emission(read(write(emit_message(found, DUMPS, None), "x")))
    same = (again.body, again.to, again.skip) == (found.body, found.to, found.skip)

    def act() -> None:
        assert same, (again, found)
        adapter.broadcast(found)

    return act
