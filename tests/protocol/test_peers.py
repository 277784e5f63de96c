"""Against an independent peer: python-socketio's and python-engineio's packets read ours, and ours read theirs.

Where theirs do more than the specification says (they cut a namespace at `?`, read an Engine.IO message as JSON, take
no more than 16 packets in a payload) the examples stay away from the difference.
"""

from __future__ import annotations

from typing import Any

import engineio
import pytest
import socketio
from engineio.payload import Payload
from hypothesis import given
from hypothesis import strategies as st

from flask_socketio.protocol import engineio as eio
from flask_socketio.protocol import socketio as sio
from flask_socketio.protocol.message import Message
from flask_socketio.protocol.socketio import Decoder
from tests.protocol.reference import BINARY_ACK, BINARY_EVENT, Frame, Sent
from tests.protocol.strategies import binary_packets, packets

TheirSocketPacket = socketio.packet.Packet
TheirEnginePacket = engineio.packet.Packet


any_packet = (packets() | binary_packets()).filter(lambda sent: "?" not in sent.namespace)


@given(any_packet)
def test_they_read_our_socket_packets(sent: Sent) -> None:
    body = None if sent.data is None else sio.JSON.encode_body(sent.data)
    message = sio.JSON.encode(sent.type, sent.namespace, body, sent.id)
    assert message.text is not None
    engine_packet = TheirEnginePacket(encoded_packet=message.text.decode())
    assert engine_packet.packet_type == engineio.packet.MESSAGE
    theirs = TheirSocketPacket(encoded_packet=message.text[1:].decode())
    assert theirs.attachment_count == len(message.binary)
    for attachment in message.binary:
        theirs.add_attachment(attachment)
    type_ = {BINARY_EVENT: 2, BINARY_ACK: 3}.get(theirs.packet_type, theirs.packet_type)
    assert (type_, theirs.namespace or "/", theirs.id) == (sent.type, sent.namespace, sent.id)
    assert repr(theirs.data) == repr(sent.data)


@given(any_packet)
def test_we_read_their_socket_packets(sent: Sent) -> None:
    encoded = TheirSocketPacket(sent.type, sent.data, sent.namespace, sent.id).encode()
    head, *attachments = encoded if isinstance(encoded, list) else [encoded]
    decoder = Decoder(1000)
    packet = decoder.feed_text(head)
    for attachment in attachments:
        assert packet is None
        packet = decoder.feed_binary(attachment)
    assert packet is not None
    assert (packet.type, packet.namespace, packet.id) == (sent.type, sent.namespace, sent.id)
    assert repr(packet.data) == repr(sent.data)


texts = st.text("abcé😀 \"'\\/[]{}:,", max_size=20)
payloads = st.lists(
    texts.map(lambda text: "4x" + text) | st.sampled_from(["1", "2", "3", "6"]) | st.binary(),
    min_size=1,
    max_size=16,
)


@given(payloads)
def test_they_read_our_payloads(sent: list[Frame]) -> None:
    messages = [
        eio.binary_message(packet) if isinstance(packet, bytes) else Message(packet.encode())
        for packet in sent
    ]
    payload = b"\x1e".join(message.polling for message in messages)
    theirs = Payload(encoded_payload=payload.decode()).packets
    assert [as_frame(packet) for packet in theirs] == sent


@given(payloads)
def test_we_read_their_payloads(sent: list[Frame]) -> None:
    theirs: list[Any] = [
        TheirEnginePacket(engineio.packet.MESSAGE, packet)
        if isinstance(packet, bytes)
        else TheirEnginePacket(int(packet[0]), packet[1:])
        for packet in sent
    ]
    assert list(eio.decode_payload(Payload(packets=theirs).encode().encode(), 1_000)) == sent


def as_frame(packet: Any) -> Frame:
    encoded = packet.encode()
    assert isinstance(encoded, str | bytes)
    return encoded


@pytest.mark.parametrize("ping_interval", [25000, 300])
def test_they_read_our_open_packet(ping_interval: int) -> None:
    fields = {
        "sid": "a-b_c",
        "upgrades": ["websocket"],
        "pingInterval": ping_interval,
        "pingTimeout": 20000,
        "maxPayload": 1000000,
    }
    theirs = Payload(encoded_payload=eio.open_packet(fields).polling.decode()).packets
    assert [(packet.packet_type, packet.data) for packet in theirs] == [
        (engineio.packet.OPEN, fields)
    ]
