"""Clients that do anything, in any order, legal or not: they receive what a model says, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.conformance.servers import OUR_OWN, SOCKETIO_PATH, app_process
from tests.kit.engine import RawPolling, open_engine, upgrade
from tests.kit.server import ServerProcess
from tests.kit.sio import DISCONNECT, SioClient, event_packet, prefix

CLIENTS = ("ann", "ben", "cem")
NAMESPACES = ("/", "/custom")
ROOM = "room"
#: Packets that a client in a namespace, which stands for the slash, may not send.
NONSENSE = ("9", "2probe", "4x", "40/", '42/["connect"]', "451-/[]")

namespaces = st.sampled_from(NAMESPACES)
values = st.one_of(st.integers(0, 9), st.text(max_size=5), st.lists(st.none(), max_size=2))


there = precondition(lambda self: self.there)
joined = precondition(lambda self: self.joined)


class Clients(RuleBasedStateMachine):
    """The model: who is there, over which namespaces, in which rooms. What is due is read at once, by everybody."""

    server: ServerProcess

    def __init__(self) -> None:
        super().__init__()
        self.there: dict[str, SioClient] = {}
        #: the rooms of a client in a namespace that it has joined
        self.joined: dict[tuple[str, str], set[str]] = {}
        #: those that the server has disconnected; what they send there is ignored, it may not have known
        self.taken_out: set[tuple[str, str]] = set()
        self.said = 0

    def teardown(self) -> None:
        """Nothing has come that was not due."""
        for name, client in self.there.items():
            for namespace in self.namespaces_of(name):
                assert client.call("ack", "value", namespace=namespace) == ["v"]
            client.engine.leave()

    def namespaces_of(self, name: str) -> list[str]:
        return [namespace for who, namespace in self.joined if who == name]

    def draw_client(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.there)))

    def draw_joined(self, data: st.DataObject) -> tuple[str, str]:
        """A client and a namespace that it is in."""
        return data.draw(st.sampled_from(sorted(self.joined)))

    def gone(self, name: str) -> None:
        del self.there[name]
        for namespace in NAMESPACES:
            self.joined.pop((name, namespace), None)
            self.taken_out.discard((name, namespace))

    # -- connections ---------------------------------------------------------------------------

    @precondition(lambda self: len(self.there) < len(CLIENTS))
    @rule(data=st.data(), transport=st.sampled_from(["polling", "websocket"]))
    def open(self, data: st.DataObject, transport: str) -> None:
        name = data.draw(st.sampled_from([name for name in CLIENTS if name not in self.there]))
        self.there[name] = SioClient(open_engine(self.server, transport, SOCKETIO_PATH))
        self.join("/", name)

    @there
    @rule(data=st.data())
    def upgrade(self, data: st.DataObject) -> None:
        client = self.there[self.draw_client(data)]
        if isinstance(client.engine, RawPolling):
            client.engine = upgrade(self.server, client.engine)

    @there
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        name = self.draw_client(data)
        self.there[name].engine.leave()
        self.gone(name)

    # -- namespaces ----------------------------------------------------------------------------

    @there
    @rule(data=st.data(), namespace=namespaces)
    def join_namespace(self, data: st.DataObject, namespace: str) -> None:
        name = self.draw_client(data)
        if (name, namespace) not in self.joined:
            self.join(namespace, name)

    def join(self, namespace: str, name: str) -> None:
        self.there[name].join(namespace)
        self.joined[name, namespace] = set()
        self.taken_out.discard((name, namespace))

    @joined
    @rule(data=st.data())
    def leave_namespace(self, data: st.DataObject) -> None:
        name, namespace = self.draw_joined(data)
        self.there[name].engine.send(f"41{prefix(namespace)}")
        del self.joined[name, namespace]

    @joined
    @rule(data=st.data())
    def be_disconnected(self, data: st.DataObject) -> None:
        name, namespace = self.draw_joined(data)
        self.there[name].emit("kick", namespace=namespace)
        assert self.there[name].recv().type == DISCONNECT
        del self.joined[name, namespace]
        self.taken_out.add((name, namespace))

    # -- events --------------------------------------------------------------------------------

    @joined
    @rule(data=st.data(), value=values, blob=st.binary(max_size=5))
    def echo(self, data: st.DataObject, value: Any, blob: bytes) -> None:
        name, namespace = self.draw_joined(data)
        packet = event_packet(["echo", value, {"_placeholder": True, "num": 0}], namespace)
        self.there[name].engine.send(f"451-{packet[2:]}", blob)
        self.there[name].expect("echo", value, blob, namespace=namespace)

    @joined
    @rule(data=st.data(), value=values)
    def call(self, data: st.DataObject, value: Any) -> None:
        name, namespace = self.draw_joined(data)
        answer = self.there[name].call("message-with-ack", value, 1, namespace=namespace)
        assert answer == [value, 1]

    @joined
    @rule(data=st.data())
    def join_room(self, data: st.DataObject) -> None:
        name, namespace = self.draw_joined(data)
        assert self.there[name].call("join", ROOM, namespace=namespace) == []
        self.joined[name, namespace].add(ROOM)
        self.tell_the_room(name, namespace)

    @joined
    @rule(data=st.data())
    def leave_room(self, data: st.DataObject) -> None:
        name, namespace = self.draw_joined(data)
        assert self.there[name].call("leave", ROOM, namespace=namespace) == []
        self.joined[name, namespace].discard(ROOM)
        self.tell_the_room(name, namespace)

    @joined
    @rule(data=st.data())
    def tell(self, data: st.DataObject) -> None:
        self.tell_the_room(*self.draw_joined(data))

    def tell_the_room(self, name: str, namespace: str) -> None:
        self.said += 1
        self.there[name].emit("tell", ROOM, self.said, namespace=namespace)
        for (who, where), inside in self.joined.items():
            if where == namespace and ROOM in inside:
                self.there[who].expect("told", self.said, namespace=namespace)

    # -- what must not be ----------------------------------------------------------------------

    @joined
    @rule(data=st.data())
    def answer_what_nobody_asked(self, data: st.DataObject) -> None:
        name, namespace = self.draw_joined(data)
        self.there[name].engine.send(f"43{prefix(namespace)}99[]")

    @there
    @rule(data=st.data(), namespace=namespaces)
    def speak_where_it_has_been_disconnected(self, data: st.DataObject, namespace: str) -> None:
        name = self.draw_client(data)
        if (name, namespace) in self.taken_out:
            self.there[name].emit("echo", namespace=namespace)

    @there
    @rule(data=st.data(), namespace=namespaces, packet=st.sampled_from(NONSENSE))
    def send_what_must_not_be(self, data: st.DataObject, namespace: str, packet: str) -> None:
        name = self.draw_client(data)
        if (name, namespace) in self.joined:
            self.break_the_rules(name, packet.replace("/", prefix(namespace)))
        elif (name, namespace) not in self.taken_out:
            self.break_the_rules(name, event_packet(["echo"], namespace))

    def break_the_rules(self, name: str, packet: str) -> None:
        """Who does is closed; the others notice nothing."""
        self.there[name].engine.send(packet)
        self.there[name].engine.expect_gone()
        self.gone(name)


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[ServerProcess]:
    with app_process(OUR_OWN) as server:
        Clients.server = server
        yield server


def test_clients_and_the_model_agree() -> None:
    run_state_machine_as_test(Clients, settings=settings(max_examples=30, stateful_step_count=40))


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_clients_and_the_model_agree_for_long() -> None:
    run_state_machine_as_test(Clients, settings=settings(max_examples=500, stateful_step_count=50))
