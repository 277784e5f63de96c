"""The life of a client in its namespaces, driven at random: the hub with neither a loop nor threads nor a network.

A client sends whatever it likes, handlers return in any order, the application emits and disconnects. A model of a few
lines says what must come of it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from flask_socketio.cluster.base import Callback, Emission
from flask_socketio.cluster.memory import MemoryAdapter
from flask_socketio.engine.config import Limits
from flask_socketio.hub.call import Call, CallKind, Handler, Outcome
from flask_socketio.hub.client import Client
from flask_socketio.hub.hub import Hub
from flask_socketio.protocol.errors import SocketProtocolError
from flask_socketio.protocol.message import Message
from flask_socketio.protocol.reasons import CloseReason
from flask_socketio.protocol.socketio import JSON
from flask_socketio.protocol.states import SocketState

NAMESPACES = ["/", "/a"]
LIMIT = 4

Frame = str | bytes

namespaces = st.sampled_from(NAMESPACES)
ids = st.sampled_from(["", "7"])
nonsense = st.sampled_from(["2{}[]", '2{}["connect"]', "9", "51-{}[]", "3{}[]"])
#: now and then
boldness = st.integers(0, 4).map(lambda number: number == 4)


class Connection:
    """Takes down what is sent, and checks it as a client would."""

    sid = "connection"

    def __init__(self) -> None:
        self.environ: dict[str, Any] = {}
        self.sent: list[tuple[int, str, str]] = []
        self.inside: set[str] = set()
        self.closed = False
        self.paused = False

    def send(self, message: Message) -> None:
        if self.closed:
            return
        assert message.text is not None
        text = message.text.decode()
        kind, namespace, rest = int(text[1]), "/", text[2:]
        if rest.startswith("/"):
            namespace, rest = rest.split(",", 1)
        self.sent.append((kind, namespace, rest))
        if kind == 0:
            assert namespace not in self.inside, "connected twice"
            self.inside.add(namespace)
        elif kind == 1:
            self.inside.discard(namespace)
        elif kind == 4:
            assert namespace not in self.inside, "refused after it was accepted"
        else:
            assert namespace in self.inside, f"{text} for a namespace the client is not in"

    def close(self, reason: CloseReason) -> None:
        raise AssertionError(f"closed: {reason}")

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Handlers:
    """There is one for everything."""

    def asks_first(self, namespace: str) -> bool:
        return False

    def serves(self, namespace: str) -> bool:
        return namespace in NAMESPACES

    def events(self) -> dict[str, list[str]]:
        return {}

    def find(self, namespace: str, event: str) -> tuple[Handler, tuple[str, ...]]:
        return Handler(print, False, None), ()


class Deadlines(set[Any]):
    """Those that have to join a namespace in time."""


def feed(client: Client, frame: Frame) -> None:
    if isinstance(frame, str):
        client.on_text(frame)
    else:
        client.on_binary(frame)


class HubMachine(RuleBasedStateMachine):
    always_connect = False

    @initialize()
    def start(self) -> None:
        self.calls: list[Call] = []
        self.started: list[Call] = []
        self.deadlines = Deadlines()
        self.adapter = MemoryAdapter()
        self.hub = Hub(
            Handlers(),
            self.adapter,
            Limits(max_events_in_flight=LIMIT),
            self._run,
            self.deadlines,
            always_connect=self.always_connect,
        )
        self.open()

    def open(self) -> None:
        self.connection = Connection()
        #: an ack has been awaited, for which reading may have gone on
        self.asked = False
        self.client = self.hub.connection_opened(self.connection)
        #: what the client is in each namespace
        self.state = dict.fromkeys(NAMESPACES, SocketState.ABSENT)
        #: the server has thrown it out, so what it sends meanwhile is ignored
        self.thrown_out: set[str] = set()

    def close(self) -> None:
        self.connection.closed = True
        self.client.on_close(CloseReason.TRANSPORT_CLOSE)
        assert not self.client.sockets and not self.deadlines

    def _run(self, call: Call) -> None:
        self.calls.append(call)
        self.started.append(call)

    # The client

    def receive(
        self, namespace: str, frames: list[Frame], allowed: set[SocketState], bold: bool
    ) -> bool:
        """Have the client send a packet; return whether it is acted upon.

        One that may not come in this state is an error and the end of the connection: only the bold send it.
        """
        assert isinstance(frames[0], str)
        ignored = namespace in self.thrown_out and not frames[0].startswith("0")
        if ignored or self.state[namespace] in allowed:
            for frame in frames:
                feed(self.client, frame)
            return not ignored
        if bold:
            if self.state[namespace] is SocketState.ABSENT:
                del frames[1:]  # the error comes before an attachment has been kept
            with pytest.raises(SocketProtocolError):
                for frame in frames:
                    feed(self.client, frame)
            self.close()
            self.open()
        return False

    @property
    def speaking(self) -> set[SocketState]:
        """States in which a client may speak."""
        if self.always_connect:
            return {SocketState.PENDING, SocketState.CONNECTED}
        return {SocketState.CONNECTED}

    def prefix(self, namespace: str) -> str:
        return "" if namespace == "/" else namespace + ","

    @rule(namespace=namespaces, bold=boldness)
    def client_connects(self, namespace: str, bold: bool) -> None:
        frames: list[Frame] = ["0" + self.prefix(namespace)]
        if self.receive(namespace, frames, {SocketState.ABSENT}, bold):
            self.state[namespace] = SocketState.PENDING
            self.thrown_out.discard(namespace)
            assert self.calls[-1].kind is CallKind.CONNECT

    @rule(namespace=namespaces, bold=boldness)
    def client_disconnects(self, namespace: str, bold: bool) -> None:
        allowed = {SocketState.PENDING, SocketState.CONNECTED}
        if self.receive(namespace, ["1" + self.prefix(namespace)], allowed, bold):
            self.state[namespace] = SocketState.ABSENT
            self.connection.inside.discard(namespace)

    @rule(namespace=namespaces, with_attachment=st.booleans(), id_=ids, bold=boldness)
    def client_emits(self, namespace: str, with_attachment: bool, id_: str, bold: bool) -> None:
        count = len(self.started)
        prefix = self.prefix(namespace) + id_
        frames: list[Frame] = [f'2{prefix}["x"]']
        if with_attachment:
            frames = [f'51-{prefix}["x",{{"_placeholder":true,"num":0}}]', b"\1"]
        connected = self.state[namespace] is SocketState.CONNECTED
        acted = self.receive(namespace, frames, self.speaking, bold)
        assert len(self.started) - count == (acted and connected) or bold

    @rule(namespace=namespaces, id_=st.integers(0, 3), bold=boldness)
    def client_answers(self, namespace: str, id_: int, bold: bool) -> None:
        self.receive(namespace, [f"3{self.prefix(namespace)}{id_}[]"], self.speaking, bold)

    @rule(namespace=namespaces, text=nonsense, bold=boldness)
    def client_sends_nonsense(self, namespace: str, text: str, bold: bool) -> None:
        if bold:
            with pytest.raises(SocketProtocolError):
                self.client.on_text(text.format(self.prefix(namespace)))
            self.close()
            self.open()

    @rule(bold=boldness)
    def connection_ends(self, bold: bool) -> None:
        if bold:
            self.close()
            self.open()

    # The application

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), accepted=st.booleans())
    def handler_returns(self, data: st.DataObject, accepted: bool) -> None:
        call = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        socket, namespace = call.socket, call.socket.namespace
        current = self.client.sockets.get(namespace) is socket
        outcome = Outcome()
        if call.kind is CallKind.CONNECT:
            outcome = Outcome(accepted, None if accepted else JSON.encode_body({"message": "no"}))
            if current and not accepted:
                self.state[namespace] = SocketState.ABSENT
                if self.always_connect:
                    self.thrown_out.add(namespace)
            elif current:
                self.state[namespace] = SocketState.CONNECTED
        elif call.kind is CallKind.EVENT and call.ack_id is not None:
            outcome = Outcome(body=JSON.encode_body(["answer"]))
        sent = len(self.connection.sent)
        self.hub.finished(call, outcome)
        new = self.connection.sent[sent:]
        if call.kind is CallKind.CONNECT and current and not self.always_connect:
            assert new[0][0] == (0 if accepted else 4)
        if self.state[namespace] is SocketState.ABSENT:
            self.connection.inside.discard(namespace)

    @rule(namespace=namespaces, wants_answer=st.booleans())
    def application_emits(self, namespace: str, wants_answer: bool) -> None:
        callback = Callback(lambda: None) if wants_answer else None
        self.asked |= wants_answer
        emission = Emission(namespace, ["x"], JSON.encode_body(["x"]), callback=callback)
        before = len(self.connection.sent)
        self.adapter.broadcast(emission)
        received = len(self.connection.sent) - before
        state = self.state[namespace]
        if state is SocketState.ABSENT:
            assert received == 0
        elif state is SocketState.CONNECTED:
            assert received == 1

    @rule(namespace=namespaces)
    def application_disconnects(self, namespace: str) -> None:
        socket = self.client.sockets.get(namespace)
        if socket is None:
            return
        self.adapter.disconnect(namespace, socket.sid)
        assert self.connection.sent[-1][:2] == (1, namespace)
        self.state[namespace] = SocketState.ABSENT
        self.thrown_out.add(namespace)

    # What holds at any time

    @invariant()
    def states_are_those_of_the_model(self) -> None:
        for namespace, state in self.state.items():
            socket = self.client.sockets.get(namespace)
            assert (socket.state if socket else SocketState.ABSENT) is state

    @invariant()
    def a_client_in_no_namespace_has_a_deadline(self) -> None:
        assert self.deadlines == (set() if self.client.sockets else {self.client})

    @invariant()
    def handlers_are_called_in_their_order(self) -> None:
        """connect, then events, then disconnect; each of the first and the last once, and none while connect runs."""
        running = {id(call) for call in self.calls}
        lives: dict[str, list[Call]] = {}
        for call in self.started:
            lives.setdefault(call.socket.sid, []).append(call)
        for life in lives.values():
            kinds = [call.kind for call in life]
            assert kinds[0] is CallKind.CONNECT and kinds.count(CallKind.CONNECT) == 1
            assert CallKind.DISCONNECT not in kinds[:-1]
            assert len(life) == 1 or id(life[0]) not in running

    @invariant()
    def reading_pauses_at_the_bound(self) -> None:
        running = sum(call.socket.client is self.client for call in self.calls)
        assert self.client.in_flight == running
        assert self.client.load >= running
        load = self.client.load
        assert self.hub.load.events >= load
        awaited = any(socket.acks for socket in self.client.sockets.values())
        if (load >= LIMIT and not self.asked) or load >= LIMIT * 10:
            assert self.connection.paused
        elif load <= LIMIT // 2 or (awaited and load <= LIMIT * 5):
            assert not self.connection.paused

    def teardown(self) -> None:
        """Everybody leaves and everything returns: nothing is left behind."""
        if not hasattr(self, "client"):
            return
        self.close()
        while self.calls:
            self.hub.finished(self.calls.pop(0), Outcome())
        self.handlers_are_called_in_their_order()
        assert not self.client.sockets and not self.deadlines
        assert self.client.in_flight == self.client.load == 0
        assert self.hub.load.events == self.hub.load.clients == 0
        assert not self.hub.load.paused
        assert vars(self.adapter) == vars(MemoryAdapter())


class AlwaysConnectMachine(HubMachine):
    always_connect = True


many_steps = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # it looks at the clock
)
TestHub = HubMachine.TestCase
TestHub.settings = many_steps
TestHubAlwaysConnect = AlwaysConnectMachine.TestCase
TestHubAlwaysConnect.settings = many_steps


def always_connecting() -> tuple[Hub, list[Call], Connection, Client]:
    """A client whose connect handler is running, and which has been told that it is connected."""
    calls: list[Call] = []
    hub = Hub(Handlers(), MemoryAdapter(), Limits(), calls.append, Deadlines(), always_connect=True)
    connection = Connection()
    client = hub.connection_opened(connection)
    client.on_text("0")
    return hub, calls, connection, client


def test_always_connect_nothing_is_sent_after_disconnect() -> None:
    hub, _, connection, client = always_connecting()
    hub.adapter.disconnect("/", client.sockets["/"].sid)
    hub.adapter.broadcast(Emission("/", ["x"], JSON.encode_body(["x"])))
    assert [kind for kind, _, _ in connection.sent] == [0, 1]


def test_always_connect_client_comes_back_before_its_handler_returns() -> None:
    """In JavaScript: socket.disconnect().connect()"""
    hub, calls, connection, client = always_connecting()
    client.on_text("1")
    connection.inside.clear()
    client.on_text("0")
    while calls:
        hub.finished(calls.pop(0), Outcome())
    assert client.sockets["/"].state is SocketState.CONNECTED
    assert connection.inside == {"/"}


def test_every_state_is_reached() -> None:
    """One life through all of them, with what the client is told."""
    calls: list[Call] = []
    hub = Hub(Handlers(), MemoryAdapter(), Limits(), calls.append, Deadlines())
    connection = Connection()
    client = hub.connection_opened(connection)
    client.on_text('0/a,{"token":1}')
    socket = client.sockets["/a"]
    assert socket.state is SocketState.PENDING and calls[0].args == ({"token": 1},)
    hub.finished(calls[0], Outcome())
    assert socket.state is SocketState.CONNECTED
    client.on_text('2/a,1["x",2]')
    hub.finished(calls[1], Outcome(body=JSON.encode_body([3])))
    client.on_text("1/a,")
    assert socket.state is SocketState.DISCONNECTED and "/a" not in client.sockets
    assert [call.kind for call in calls] == [
        CallKind.CONNECT,
        CallKind.EVENT,
        CallKind.DISCONNECT,
    ]
    (connect, _, sid), ack = connection.sent
    assert connect == 0 and json.loads(sid) == {"sid": socket.sid}
    assert ack == (3, "/a", "1[3]")


class Detached:
    """A client in a room, whose connection has ended without it while a handler of its was running."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.deadlines = Deadlines()
        self.hub = Hub(Handlers(), MemoryAdapter(), Limits(), self.calls.append, self.deadlines)
        self.old = self.hub.connection_opened(Connection())
        self.old.on_text("0")
        self.hub.finished(self.calls[0], Outcome())
        self.socket = self.old.sockets["/"]
        self.hub.adapter.join("/", self.socket.sid, "room")
        self.old.on_text('27["slow"]')
        self.hub.detach(self.socket)
        self.hub.connection_closed(self.old, CloseReason.TRANSPORT_CLOSE)

    def emit(self) -> None:
        self.hub.adapter.broadcast(Emission("/", ["x"], JSON.encode_body(["x"]), ("room",)))


def test_a_detached_socket_keeps_its_rooms_and_gets_nothing() -> None:
    it = Detached()
    it.emit()
    assert isinstance(it.old.connection, Connection)
    assert [kind for kind, _, _ in it.old.connection.sent] == [0]
    assert it.hub.adapter.rooms("/", it.socket.sid) == [it.socket.sid, "room"]
    assert [call.kind for call in it.calls] == [CallKind.CONNECT, CallKind.EVENT]
    assert it.old not in it.deadlines


def test_a_detached_socket_goes_on_over_another_connection() -> None:
    it = Detached()
    connection = Connection()
    connection.inside.add("/")
    new = it.hub.connection_opened(connection)
    it.hub.attach(it.socket, new)
    assert new not in it.deadlines
    it.emit()
    assert connection.sent == [(2, "/", '["x"]')]
    # What began before is counted where it began; the answer goes where the client is.
    it.hub.finished(it.calls[1], Outcome(body=JSON.encode_body(["done"])))
    assert connection.sent[1:] == [(3, "/", '7["done"]')]
    assert (it.old.in_flight, it.old.load, new.in_flight, new.load) == (0, 0, 0, 0)
    new.on_text('28["quick"]')
    assert it.calls[-1].owner is new and it.calls[-1].socket is it.socket
    new.on_text("1")
    assert it.calls[-1].kind is CallKind.DISCONNECT


@pytest.mark.parametrize("leave", ["gives up", "throws out"])
def test_a_detached_socket_leaves(leave: str) -> None:
    it = Detached()
    if leave == "gives up":
        it.hub.leave(it.socket, CloseReason.TRANSPORT_CLOSE)
    else:
        it.hub.adapter.disconnect("/", it.socket.sid)
    assert it.calls[-1].kind is CallKind.DISCONNECT
    it.hub.finished(it.calls[-1], Outcome())
    assert it.socket.state is SocketState.DISCONNECTED
    assert list(it.hub.adapter.sockets()) == []
    assert it.old not in it.deadlines
