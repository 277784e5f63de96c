"""Which packet may arrive when: every pair of a state and a packet, against tables written a second time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_socketio.protocol.errors import EngineProtocolError, SocketProtocolError
from flask_socketio.protocol.socketio import TYPE_NAMES, Packet
from flask_socketio.protocol.states import (
    EngineAction,
    SocketAction,
    SocketState,
    TransportRole,
    engine_action,
    socket_action,
)
from tests.protocol.strategies import any_text

# Engine.IO v4, "Protocol": a client may close, answer pings and send messages; "Upgrade": probe, then switch.
ENGINE = {
    ("CURRENT", "1"): "CLOSE",
    ("CURRENT", "3"): "PONG",
    ("CURRENT", "4"): "MESSAGE",
    ("PROBING", "2"): "ANSWER_PROBE",
    ("PROBED", "5"): "SWITCH",
}
KINDS = [*"0123456789", "b", "x", " ", "-", "\x00", "４", "²", "\ud800", "\U0001f600", ""]

# Socket.IO v5, "Exchange protocol".
SOCKET = {
    ("ABSENT", "CONNECT"): "CONNECT",
    ("PENDING", "DISCONNECT"): "DISCONNECT",
    ("CONNECTED", "DISCONNECT"): "DISCONNECT",
    ("CONNECTED", "EVENT"): "EVENT",
    ("CONNECTED", "ACK"): "ACK",
}


@pytest.mark.parametrize("role", TransportRole)
@pytest.mark.parametrize("kind", KINDS)
def test_engine_packets(role: TransportRole, kind: str) -> None:
    packet = "2probe" if kind == "2" else kind
    action = ENGINE.get((role.name, kind))
    if action is None:
        with pytest.raises(EngineProtocolError):
            engine_action(role, packet)
    else:
        assert engine_action(role, packet) is EngineAction[action]


@pytest.mark.parametrize(
    "packet", ["2", "2prob", "2probes", "2Probe", "2 probe", "2\x00", "22probe"]
)
@pytest.mark.parametrize("role", TransportRole)
def test_probe_is_that_very_packet(role: TransportRole, packet: str) -> None:
    with pytest.raises(EngineProtocolError):
        engine_action(role, packet)


@given(st.sampled_from(TransportRole), any_text | st.sampled_from(KINDS))
def test_any_text_is_an_action_or_the_typed_error(role: TransportRole, packet: str) -> None:
    try:
        action = engine_action(role, packet)
    except EngineProtocolError as error:
        message = str(error)
        assert len(message) < 200
    else:
        assert ENGINE[role.name, packet[0]] == action.name


@pytest.mark.parametrize("state", SocketState)
@pytest.mark.parametrize("type_", range(len(TYPE_NAMES)), ids=TYPE_NAMES)
def test_socket_packets(state: SocketState, type_: int) -> None:
    action = SOCKET.get((state.name, TYPE_NAMES[type_]))
    packet = Packet(type_, "/" + "x" * 500, ["x"], 1)
    if action is None:
        with pytest.raises(SocketProtocolError) as caught:
            socket_action(state, packet)
        assert len(str(caught.value)) < 300
    else:
        assert socket_action(state, packet) is SocketAction[action]


def test_the_tables_here_name_what_exists() -> None:
    assert {role for role, _ in ENGINE} == {role.name for role in TransportRole}
    assert set(ENGINE.values()) == {action.name for action in EngineAction}
    assert {state for state, _ in SOCKET} <= {state.name for state in SocketState}
    assert set(SOCKET.values()) == {action.name for action in SocketAction}
