"""What a watcher is told, by a server and by the test client's hub; and that nobody pays for what is not asked for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import socketio as neighbour
from flask import Flask

from flask_socketio import SocketIO, emit, join_room
from flask_socketio.engine.session import Session
from flask_socketio.engine.watched import session_maker
from flask_socketio.handling.runner import Runner
from flask_socketio.handling.watched import runner_maker
from flask_socketio.hub.call import Call
from flask_socketio.hub.hub import Hub
from flask_socketio.hub.socket import Socket
from flask_socketio.hub.watched import hub_maker
from flask_socketio.protocol.socketio import Packet
from flask_socketio.watching.watcher import Watcher, watched_broadcast
from tests.kit.engine import EngineClient, EngineWebSocket, RawPolling
from tests.kit.server import ServerProcess
from tests.watching import app as told_app

APP = Path(told_app.__file__)


def told_by(server: ServerProcess, last: str) -> list[list[Any]]:
    deadline = time.monotonic() + 20
    while True:
        told = server.get_json("/told")
        if any(each[0] == last for each in told):
            return told
        assert time.monotonic() < deadline, told
        time.sleep(0.02)


def in_order(told: list[list[Any]], *expected: list[Any]) -> None:
    """They are all there, in this order, with others between them."""
    rest = iter(told)
    for each in expected:
        assert each in rest, (each, told)


def open_client(server: ServerProcess, transport: str) -> EngineClient:
    kind = RawPolling if transport == "polling" else EngineWebSocket
    return kind.open(server.address, "/socket.io/")


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_what_a_server_tells(transport: str) -> None:
    with ServerProcess.script(APP) as server:
        client = open_client(server, transport)
        client.send("40")
        told_by(server, "connected")
        client.send('421["ask","me"]')
        told_by(server, "ack_sent")
        client.send('431["got it"]')
        told_by(server, "ack_received")
        client.send('42["later"]')
        told_by(server, "event_received")
        server.allow_traceback("that fails")
        client.send('42["fail"]')
        deadline = time.monotonic() + 20
        while ["handler_ended", "fail", "that fails"] not in server.get_json("/told"):
            assert time.monotonic() < deadline
        client.send("1")
        told = told_by(server, "session_closed")
        client.leave()
    in_order(
        told,
        ["session_opened", transport],
        ["packet_received", "40"],
        ["handler_begins", "connect"],
        ["handler_ended", "connect", "None"],
        ["connected", "/"],
        ["packet_received", '421["ask","me"]'],
        ["event_received", "['ask', 'me']", 1],
        ["handler_begins", "ask"],
        ["emitted", "asked", False],
        ["handler_ended", "ask", "None"],
        ["joined", "a room"],
        ["packet_sent", '421["asked","ask"]', "()"],
        ["ack_sent", "ask"],
        ["packet_sent", '431["answer"]', "()"],
    )
    in_order(told, ["ack_received", ["got it"], 1], ["handler_begins", None])
    in_order(told, ["handler_begins", "later"], ["packet_sent", '42["asked","later"]', "()"])
    in_order(
        told,
        ["disconnected", "/", ["a room"]],
        ["left", "a room"],
    )
    in_order(told, ["disconnected", "/", ["a room"]], ["session_closed", "transport close"])
    assert [each for each in told if each[0] == "joined"] == [["joined", "a room"]]


def test_an_upgrade_and_a_refusal() -> None:
    with ServerProcess.script(APP) as server:
        client = neighbour.Client()
        with pytest.raises(neighbour.exceptions.ConnectionError):
            client.connect(server.url, auth={"may": "not"}, transports=["polling", "websocket"])
        client.disconnect()
        told = told_by(server, "session_closed")
    in_order(told, ["session_opened", "polling"], ["session_upgraded", "websocket"])
    in_order(told, ["refused", "/"])
    assert not any(each[0] in ("connected", "disconnected") for each in told)


class Some(Watcher):
    """Wants two things."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def connected(self, socket: Socket) -> None:
        self.told.append(socket.namespace)

    def handler_begins(self, call: Call) -> None:
        self.told.append(call.event)


class Events(Watcher):
    def event_received(self, socket: Socket, packet: Packet) -> None: ...


def test_the_test_client_tells_as_well() -> None:
    app = Flask(__name__)
    socketio = SocketIO(app)
    watcher = Some()
    socketio._life.watch(watcher)

    @socketio.on("ask")
    def ask() -> None:
        join_room("r")
        emit("asked", to="r")

    client = socketio.test_client(app)
    client.emit("ask")
    assert client.get_received()[0]["name"] == "asked"
    assert watcher.told == ["/", "ask"]
    with pytest.raises(RuntimeError, match="before the server begins"):
        socketio._life.watch(Some())


def test_what_nobody_wants_to_know_costs_nothing() -> None:
    assert session_maker([]) is Session
    assert hub_maker([]) is Hub
    assert runner_maker([]) is Runner
    assert session_maker([Some(), Events()]) is Session
    assert runner_maker([Events()]) is Runner
    for name in ("_event", "finished", "_ack"):
        made = hub_maker([Some()]).args[0]  # type: ignore[attr-defined]
        assert getattr(made, name) is getattr(Hub, name)

    def broadcast(_: object) -> None: ...

    assert watched_broadcast(broadcast, [Some()]) is broadcast
