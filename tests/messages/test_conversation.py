"""`logger=` and `engineio_logger=`: what clients and server say to each other, in the log."""

from __future__ import annotations

import json
import re

import pytest

from tests.kit.engine import RawPolling, target
from tests.kit.raw import RawWebSocket
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

from .conftest import Serve, connect

APP = """
import logging
from flask_socketio import join_room, leave_room

shown = logging.getLogger("shop")
shown.addHandler(logging.StreamHandler())
shown.setLevel(logging.INFO)
quiet = logging.getLogger("quiet")
quiet.setLevel(logging.WARNING)
socketio = SocketIO(app, {})

@socketio.on("add")
def add(a, b):
    join_room("sums")
    emit("sum", a + b)
    leave_room("sums")
    return b"12345", a + b

@socketio.on("connect", namespace="/closed")
def refuse():
    return False

@socketio.on("echo")
def echo(value): ...
"""


def converse(server: ServerProcess) -> tuple[str, str, str]:
    """Talk a little; returns the log, the id of the connection and that of the client."""
    engine = RawPolling.open(server.address, "/socket.io/")
    client = SioClient(engine)
    client.connect(auth={"token": "secret"})
    client.engine.send("40/closed,")
    client.recv()
    client.emit("add", 1, 2, id=7)
    client.expect("sum", 3)
    client.recv()
    client.emit("echo", "x\n" * 5000)
    client.emit("add" * 100)
    client.engine.send("41")
    engine.leave()
    return server.log, engine.sid, client.sids["/"]


@pytest.mark.parametrize("given", ["logger=True", "logger=shown"])
def test_events(serve: Serve, given: str) -> None:
    with serve(APP.format(given)) as server:
        log, _, sid = converse(server)
    lines = log.splitlines()
    for said in (
        f"{sid} connected to namespace '/'",
        f"{sid} sent event 'add' in namespace '/': 1, 2",
        f"{sid} joined room 'sums' in namespace '/'",
        f"emit 'sum' to '{sid}' in namespace '/': 3",
        f"{sid} left room 'sums' in namespace '/'",
        f"{sid} disconnected from namespace '/': client namespace disconnect",
    ):
        assert lines.count(said) == 1, (said, log)
    assert re.search(rf"^{sid} gets ack 7 of event 'add': .* <5 bytes>$", log, re.M)
    assert re.search(r"^\S+ refused in namespace '/closed'$", log, re.M)
    (long,) = [line for line in lines if "sent event 'echo'" in line]
    assert r"x\n" in long
    assert len(long) < 200
    assert "secret" not in log
    assert "packet" not in log


@pytest.mark.parametrize("given", ["engineio_logger=True", "engineio_logger=shown"])
def test_packets(serve: Serve, given: str) -> None:
    with serve(APP.format(given)) as server:
        log, eio_sid, sid = converse(server)
    lines = log.splitlines()
    for said in (
        f"{eio_sid} opened over polling",
        f"{eio_sid} received packet '40{{…}}'",
        f"{eio_sid} received packet '427[\"add\", 1, 2]'",
        f"{eio_sid} sends packet '42[\"sum\",3]'",
    ):
        assert lines.count(said) == 1, (said, log)
    connected = json.dumps({"sid": sid}, separators=(",", ":"))
    assert f"{eio_sid} sends packet '40{connected}'" in lines
    assert re.search(rf"^{re.escape(eio_sid)} sends packet '461-7.* <5 bytes>$", log, re.M)
    assert re.search(rf"^{re.escape(eio_sid)} closed: ", log, re.M)
    (long,) = [line for line in lines if '42["echo' in line]
    assert len(long) < 300
    assert "secret" not in log
    assert "sent event" not in log


@pytest.mark.parametrize("given", ["", "logger=False", "logger=quiet, engineio_logger=quiet"])
def test_without(serve: Serve, given: str) -> None:
    with serve(APP.format(given)) as server:
        log, _, sid = converse(server)
    assert sid not in log
    assert "packet" not in log


def test_an_upgrade(serve: Serve) -> None:
    with serve(APP.format("engineio_logger=True")) as server:
        polling = RawPolling.open(server.address, "/socket.io/")
        ws = RawWebSocket.connect(server.address, target("/socket.io/", "websocket", polling.sid))
        ws.send("2probe")
        assert ws.recv() == "3probe"
        ws.send("5")
        server.wait_for_log(re.compile(f"{re.escape(polling.sid)} upgraded to websocket"), 5)
        ws.abort()


def test_it_is_told_of_by_websocket(serve: Serve) -> None:
    with serve(APP.format("engineio_logger=True")) as server:
        client = connect(server)
        client.engine.leave()
        server.wait_for_log(re.compile("opened over websocket(.|\n)*closed: "), 5)
