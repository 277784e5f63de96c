"""What others publish to the message queue of a server.

Oracle: a message is acted upon, or refused with an Exception by the thread that reads it, never by the loop; an
emission that is published again says the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_socketio.cluster.base import Callback, Room
from flask_socketio.cluster.members import Members
from flask_socketio.cluster.questions import Questions
from flask_socketio.cluster.queued import QueueAdapter, receive
from flask_socketio.cluster.wire import Message, emit_message, is_for, member_of, read, write
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
    bounded(hear, data)


class Server:
    """With two clients in a room, a callback that waits, and a question that has been asked."""

    def __init__(self) -> None:
        self.members = Members("me1234", said)
        self.adapter = QueueAdapter[Any](JSON, DUMPS, published, self.members)
        self.questions = Questions(self.members, said, {"rooms": self.adapter.rooms})
        for sid in ("a", "b"):
            self.adapter.add(Member(self.adapter, sid))
            self.adapter.join("/", sid, "hall")
        self.adapter.callbacks.remember(Callback(lambda *args: None, on_loop=True), None)
        self.questions.ask("rooms", ["/", "a"], ["you567"])

    def understood(self, text: bytes) -> Act | None:
        """What the loop will do, as the listening thread finds out."""
        posted: list[Act] = []

        def post(function: Callable[..., object], *args: Any) -> None:
            posted.append(lambda: function(*args))

        try:
            message = read(text)
            if not is_for(message, "me"):
                return None
            if message["method"] == "emit":
                return emission(self.adapter, message)
            if message["method"] == "member":
                post(self.members.received, member_of(message))
            else:
                receive(message, self.adapter, self.questions, post)
        except Exception:  # noqa: BLE001 - as who listens does, see cluster/queue.py
            return None
        return posted[0]


def hear(text: bytes) -> None:
    act = Server().understood(text)
    if act is not None:
        act()


def said(message: Message) -> None:
    write(message, "another")


def published(make: Callable[[], Message], size: int) -> None:
    said(make())


def emission(adapter: QueueAdapter[Any], message: Message) -> Act:
    found = adapter.read_emission(message)
    again = adapter.read_emission(read(write(emit_message(found, DUMPS, None), "x")))
    same = (again.body, again.to, again.skip) == (found.body, found.to, found.skip)

    def act() -> None:
        assert same, (again, found)
        adapter.broadcast(found)

    return act
