"""The bound on the events of all clients together: who is read no more, and when again."""

from __future__ import annotations

import logging
import random
from collections import deque
from typing import Any

import pytest

from flask_socketio.cluster.base import Callback, Emission
from flask_socketio.cluster.memory import MemoryAdapter
from flask_socketio.engine.config import Limits
from flask_socketio.hub.call import Call, Handler, Outcome
from flask_socketio.hub.client import Client
from flask_socketio.hub.hub import Hub
from flask_socketio.protocol.socketio import JSON

OWN, ALL = 20, 60


class Connection:
    environ: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, number: int) -> None:
        self.sid = str(number)
        self.paused = False

    def send(self, message: object) -> None: ...

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Rig:
    """A hub with clients that have joined; calls wait until they are told to end."""

    def __init__(self, clients: int) -> None:
        self.calls: deque[Call] = deque()
        limits = Limits(max_events_in_flight=OWN, max_events=ALL)
        handlers: Any = self
        deadlines: Any = set()
        self.adapter = MemoryAdapter()
        self.hub = Hub(handlers, self.adapter, limits, self.calls.append, deadlines)
        self.connections = [Connection(number) for number in range(clients)]
        self.clients = [self.hub.connection_opened(connection) for connection in self.connections]
        for client in self.clients:
            client.on_text("0")

    def asks_first(self, namespace: str) -> bool:
        return False

    def serves(self, namespace: str) -> bool:
        return True

    def events(self) -> dict[str, list[str]]:
        return {}

    def find(self, namespace: str, event: str) -> Any:
        return (Handler(print, False, None), ()) if event == "event" else None

    def send(self, number: int, count: int = 1) -> None:
        """As much of it as the server reads."""
        for _ in range(count):
            if not self.connections[number].paused:
                self.clients[number].on_text('2["event"]')

    def finish(self, count: int = 1, client: Client | None = None) -> None:
        for call in [call for call in self.calls if client in (None, call.socket.client)][:count]:
            self.calls.remove(call)
            self.hub.finished(call, Outcome())

    def ask(self, number: int) -> None:
        (socket,) = self.clients[number].sockets.values()
        body = JSON.encode_body(["question"])
        callback = Callback(print)
        self.adapter.broadcast(Emission("/", ["question"], body, (socket.sid,), callback=callback))

    @property
    def paused(self) -> list[int]:
        return [number for number, connection in enumerate(self.connections) if connection.paused]


def test_the_busiest_are_read_no_more(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    rig = Rig(10)
    for number in range(3):
        rig.send(number, OWN - 1)
    assert not rig.paused
    rig.send(3, 3)
    assert not rig.paused
    rig.send(4)
    assert "61 events of 5 clients" in caplog.text
    rig.send(0)
    rig.send(5)
    assert rig.paused == [0]
    rig.send(5, 30)
    assert rig.clients[5].load == ALL // 6
    assert rig.paused == [0, 5]
    assert caplog.text.count("max_events") == 1


def test_all_are_read_again_when_half_is_left() -> None:
    rig = Rig(10)
    for number in range(10):
        rig.send(number, OWN)
    rig.finish(client=rig.clients[9], count=ALL)
    assert 9 not in rig.paused
    assert rig.paused
    while rig.hub.load.events > ALL // 2:
        rig.finish()
    assert not rig.paused
    rig.send(0, OWN - rig.clients[0].load)
    assert rig.paused == [0], "only its own bound counts now"


def test_nobody_can_make_it_many_more() -> None:
    """Each may add what makes its share: one event, where there are more clients than there may be events."""
    rig = Rig(ALL * 3)
    for number in list(range(ALL * 3)) * 3:
        rig.send(number, 5)
    assert rig.hub.load.events <= ALL * 3 + 5 * ALL


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_nothing_is_left_paused(seed: int) -> None:
    dice = random.Random(seed)
    rig = Rig(12)
    for _ in range(600):
        number = dice.randrange(12)
        rig.send(number, dice.choice([1, 2, 30]))
        if dice.random() < 0.1:
            rig.ask(number)
        rig.finish(dice.choice([0, 1, 5, 40]))
        assert rig.hub.load.events == sum(client.load for client in rig.clients)
        assert rig.hub.load.clients == sum(bool(client.load) for client in rig.clients)
    rig.finish(len(rig.calls))
    assert not rig.paused
    assert rig.hub.load.events == rig.hub.load.clients == 0


def test_large_events_count_as_more() -> None:
    rig = Rig(2)
    client, unit = rig.clients[0], rig.hub.load.unit
    assert unit == 16 * 1024 * 1024 // OWN
    client.on_text(f'2["event","{"x" * unit * 7}"]')
    assert client.load == 8
    client.on_text('52-["event",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
    client.on_binary(b"x" * unit * 3)
    client.on_binary(b"x" * unit * 8)
    assert client.load == 20
    assert rig.paused == [0]
    client.on_text('2["event","small"]')
    assert client.load == rig.hub.load.events == 21
    rig.finish(3)
    assert (client.load, rig.hub.load.events, rig.hub.load.clients) == (0, 0, 0)
    assert not rig.paused


def test_an_ack_that_is_awaited_is_read() -> None:
    """A handler in call() would wait for it in vain, and with it the events that wait for the handler."""
    rig = Rig(1)
    rig.send(0, OWN)
    assert rig.paused
    rig.ask(0)
    assert not rig.paused
    rig.send(0, OWN)
    assert not rig.paused
    rig.clients[0].on_text("31[]")
    rig.send(0)
    assert rig.paused
    rig.ask(0)
    rig.send(0, OWN * 20)
    assert rig.paused
    assert rig.clients[0].load == OWN * 10
