"""Rooms on one server: who receives what, and what is left behind."""

from __future__ import annotations

from collections.abc import Iterable
from time import thread_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_socketio.cluster.base import Emission
from flask_socketio.cluster.memory import MemoryAdapter
from flask_socketio.protocol import socketio as sio
from flask_socketio.protocol.message import Message


class FakeSocket:
    """What the adapter needs of a hub's socket."""

    def __init__(self, sid: str, namespace: str = "/") -> None:
        self.sid = sid
        self.namespace = namespace
        self.rooms: dict[Any, None] = {}
        self.messages: list[Message] = []
        self.callbacks: list[Any] = []
        self.disconnected = 0

    def send(self, message: Message) -> None:
        self.messages.append(message)

    def send_with_ack(self, body: sio.Body, callback: Any) -> None:
        self.callbacks.append((body, callback))

    def disconnect(self) -> None:
        self.disconnected += 1


class Server:
    """An adapter and its sockets, by id."""

    def __init__(self, *sids: str, namespace: str = "/") -> None:
        self.adapter = MemoryAdapter()
        self.sockets: dict[str, Any] = {}
        for sid in sids:
            self.connect(sid, namespace)

    def connect(self, sid: str, namespace: str = "/") -> None:
        self.sockets[sid] = FakeSocket(sid, namespace)
        self.adapter.add(self.sockets[sid])

    def emit(self, *to: Any, skip: tuple[Any, ...] = (), namespace: str = "/") -> str:
        """Emit to these rooms, to everybody without any; return the ids of those who received it."""
        emission = Emission(
            namespace, ["x"], sio.JSON.encode_body(["x"]), to=to if to else None, skip=skip
        )
        return self._received(emission)

    def _received(self, emission: Emission) -> str:
        for socket in self.sockets.values():
            socket.messages.clear()
        self.adapter.broadcast(emission)
        assert all(len(socket.messages) <= 1 for socket in self.sockets.values()), "sent twice"
        return "".join(sorted(sid for sid, socket in self.sockets.items() if socket.messages))

    def emit_to_nobody(self) -> str:
        return self._received(Emission("/", ["x"], sio.JSON.encode_body(["x"]), to=()))

    def join(self, sids: Iterable[str], room: Any, namespace: str = "/") -> None:
        for sid in sids:
            self.adapter.join(namespace, sid, room)


def test_everybody_in_the_namespace() -> None:
    server = Server("a", "b")
    server.connect("c", "/other")
    assert server.emit() == "ab"
    assert server.emit(namespace="/other") == "c"
    assert server.emit(namespace="/nobody") == ""


def test_rooms() -> None:
    server = Server("a", "b", "c")
    server.join("ab", "red")
    server.join("bc", "blue")
    assert server.emit("red") == "ab"
    assert server.emit("blue") == "bc"
    assert server.emit("red", "blue") == "abc"
    assert server.emit("red", "red") == "ab"
    assert server.emit("green") == ""
    assert server.emit("green", "blue") == "bc"
    assert server.emit_to_nobody() == ""


def test_own_room() -> None:
    server = Server("a", "b")
    assert server.emit("a") == "a"
    assert server.emit("a", "b") == "ab"
    assert server.adapter.rooms("/", "a") == ["a"]
    server.adapter.join("/", "a", "a")
    server.adapter.leave("/", "a", "a")
    assert server.adapter.rooms("/", "a") == ["a"]
    assert server.emit("a") == "a"


def test_rooms_are_of_one_namespace() -> None:
    server = Server("a")
    server.connect("b", "/other")
    server.join("a", "red")
    server.join("b", "red", "/other")
    assert server.emit("red") == "a"
    assert server.emit("red", namespace="/other") == "b"
    server.adapter.close_room("/other", "red")
    assert server.emit("red") == "a"


def test_skipped() -> None:
    server = Server("a", "b", "c", "d")
    server.join("ab", "red")
    server.join("bc", "blue")
    assert server.emit(skip=("a",)) == "bcd"
    assert server.emit(skip=("red",)) == "cd"
    assert server.emit("red", skip=("a",)) == "b"
    assert server.emit("red", skip=("blue",)) == "a"
    assert server.emit("red", "blue", skip=("b", "c")) == "a"
    assert server.emit("a", skip=("a",)) == ""
    assert server.emit(skip=("green", "nobody")) == "abcd"


@pytest.mark.timing
@pytest.mark.parametrize("field", ["to", "skip"])
@pytest.mark.parametrize("kind", ["id", "room"])
def test_long_lists_cost_no_more_for_each(field: str, kind: str) -> None:
    def cost(count: int) -> float:
        """Seconds for each of so many clients, at best."""
        server = Server(*(f"id{number}" for number in range(count)))
        for number in range(count):
            server.join([f"id{number}"], f"room{number}")
        listed = {field: tuple(f"{kind}{number}" for number in range(count))}
        emission = Emission("/", ["x"], sio.JSON.encode_body(["x"]), **listed)  # pyright: ignore[reportArgumentType]
        took: list[float] = []
        for _ in range(10):
            begun = thread_time()
            server.adapter.broadcast(emission)
            took.append(thread_time() - begun)
        return min(took) / count

    # Every client has dictionaries of its own, which the nearest caches do not hold. Ten times, where it was quadratic.
    assert cost(10_000) < 4 * cost(1_000)


@pytest.mark.parametrize("room", ["", "é", 7, 1.5, ("a", 1), None, b"x", frozenset({1})])
def test_anything_hashable_is_a_room(room: Any) -> None:
    server = Server("a", "b")
    server.join("a", room)
    assert server.emit(room) == "a"
    assert server.emit(skip=(room,)) == "b"
    assert server.adapter.rooms("/", "a") == ["a", room]


def test_rooms_are_in_the_order_of_joining() -> None:
    server = Server("a")
    for room in ("z", "y", "x", "y"):
        server.join("a", room)
    assert server.adapter.rooms("/", "a") == ["a", "z", "y", "x"]
    assert server.adapter.rooms("/", "nobody") == []
    assert server.adapter.rooms("/other", "a") == []


def test_leaving() -> None:
    server = Server("a", "b")
    server.join("ab", "red")
    server.adapter.leave("/", "a", "red")
    assert server.emit("red") == "b"
    assert server.adapter.rooms("/", "a") == ["a"]
    server.adapter.leave("/", "a", "red")
    server.adapter.leave("/", "a", "never joined")
    server.adapter.leave("/", "nobody", "red")
    server.adapter.leave("/nowhere", "a", "red")
    assert server.emit("red") == "b"


def test_who_is_gone_receives_nothing() -> None:
    server = Server("a", "b")
    server.join("ab", "red")
    server.adapter.remove(server.sockets["a"])
    assert server.emit() == server.emit("red") == "b"
    assert server.emit("a") == ""
    assert server.adapter.find("/", "a") is None
    assert server.adapter.rooms("/", "a") == []
    with pytest.raises(ValueError, match="a"):
        server.adapter.join("/", "a", "red")
    server.adapter.disconnect("/", "a")
    assert server.sockets["a"].disconnected == 0


def test_closing_a_room() -> None:
    server = Server("a", "b", "c")
    server.join("ab", "red")
    server.join("b", "blue")
    server.adapter.close_room("/", "red")
    assert server.emit("red") == ""
    assert server.adapter.rooms("/", "b") == ["b", "blue"]
    assert server.emit() == "abc"
    server.adapter.close_room("/", "red")
    server.adapter.close_room("/nowhere", "red")
    server.join("c", "red")
    assert server.emit("red") == "c"


def test_another_clients_room_is_not_to_be_had() -> None:
    """What is sent to one client would reach who joined the room of its name."""
    server = Server("a", "b")
    with pytest.raises(ValueError, match="sid"):
        server.adapter.join("/", "a", "b")
    with pytest.raises(ValueError, match="sid"):
        server.adapter.close_room("/", "b")
    assert server.emit("b") == "b"


def test_joining_needs_a_client() -> None:
    server = Server("a")
    with pytest.raises(ValueError, match="nobody"):
        server.adapter.join("/", "nobody", "red")
    with pytest.raises(ValueError, match="/nowhere"):
        server.adapter.join("/nowhere", "a", "red")
    assert server.emit("red") == ""


def test_disconnect() -> None:
    server = Server("a", "b")
    server.adapter.disconnect("/", "a")
    assert (server.sockets["a"].disconnected, server.sockets["b"].disconnected) == (1, 0)


def test_one_message_for_all() -> None:
    server = Server("a", "b", "c")
    server.emit()
    messages = [socket.messages[0] for socket in server.sockets.values()]
    assert messages[0].text == b'42["x"]'
    assert all(message is messages[0] for message in messages)


def test_acks_are_asked_of_each() -> None:
    server = Server("a", "b", "c")
    server.join("ab", "red")

    def callback() -> None: ...

    body = sio.JSON.encode_body(["x"])
    emission = Emission("/", ["x"], body, to=("red",), skip=("b",), callback=callback)
    server.adapter.broadcast(emission)
    asked = {sid: socket.callbacks for sid, socket in server.sockets.items() if socket.callbacks}
    assert asked == {"a": [(body, callback)]}


def test_leaving_while_a_broadcast_is_under_way() -> None:
    """Sending may close a slow client, which then leaves everything at once."""
    server = Server("a", "b", "c")
    server.join("abc", "red")
    for sid in "ab":
        socket = server.sockets[sid]
        socket.send = lambda _, socket=socket: server.adapter.remove(socket)
    assert server.emit("red") == "c"
    assert server.emit() == "c"


# Against sets


commands = st.lists(
    st.tuples(
        st.sampled_from(["connect", "join", "join", "join", "leave", "close", "remove"]),
        st.sampled_from("abcd"),
        st.sampled_from(["red", "blue", "green"]),
    ),
    max_size=30,
)
some_rooms = st.lists(st.sampled_from(["red", "blue", "green", *"abcd"]), max_size=3)


@given(commands, some_rooms, some_rooms)
def test_any_commands(history: list[tuple[str, str, str]], to: list[str], skip: list[str]) -> None:
    server = Server(*"abcd")
    members: dict[str, set[str]] = {sid: set() for sid in "abcd"}
    for command, sid, room in history:
        if command == "connect" and sid not in members:
            server.connect(sid)
            members[sid] = set()
        elif command == "join" and sid in members:
            server.adapter.join("/", sid, room)
            members[sid].add(room)
        elif command == "leave":
            server.adapter.leave("/", sid, room)
            members.get(sid, set()).discard(room)
        elif command == "close":
            server.adapter.close_room("/", room)
            for rooms in members.values():
                rooms.discard(room)
        elif command == "remove" and sid in members:
            server.adapter.remove(server.sockets[sid])
            del members[sid]
    for sid, rooms in members.items():
        assert set(server.adapter.rooms("/", sid)) == {sid, *rooms}
    expected = {
        sid
        for sid, rooms in members.items()
        if (not to or {sid, *rooms} & set(to)) and not {sid, *rooms} & set(skip)
    }
    assert set(server.emit(*to, skip=tuple(skip))) == expected
    for sid in list(members):
        server.adapter.remove(server.sockets[sid])
    assert vars(server.adapter) == vars(MemoryAdapter()), "something is left behind"
