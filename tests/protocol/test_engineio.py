"""Engine.IO v4: packets, the polling payload, the query, the open packet."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_socketio.protocol import engineio as eio
from flask_socketio.protocol.errors import EngineProtocolError
from flask_socketio.protocol.message import Message
from tests.protocol import reference
from tests.protocol.reference import Frame

text_packets = st.builds(
    lambda kind, text: kind + text,
    st.sampled_from("0123456"),
    st.text().map(lambda text: text.replace("\x1e", "")),
)
MANY = 1_000
packets = st.lists(text_packets | st.binary(max_size=60), min_size=1, max_size=8)


# Payloads


@given(packets)
def test_payload_is_decoded(sent: list[Frame]) -> None:
    assert list(eio.decode_payload(reference.encode_payload(sent), MANY)) == sent


@given(packets)
def test_payload_is_encoded(sent: list[Frame]) -> None:
    messages = [
        eio.binary_message(packet) if isinstance(packet, bytes) else Message(packet.encode())
        for packet in sent
    ]
    payload = b"\x1e".join(message.polling for message in messages)
    assert payload == reference.encode_payload(sent)


def test_payload_of_the_specification() -> None:
    assert list(eio.decode_payload(b"4hello\x1e2\x1e4world", MANY)) == ["4hello", "2", "4world"]
    assert list(eio.decode_payload(b"4hello\x1ebAQIDBA==", MANY)) == ["4hello", b"\x01\x02\x03\x04"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x1e",
        b"\x1e4a",
        b"4a\x1e",
        b"4a\x1e\x1e4b",
        b"4\xff",
        b"4\xc3",
        b"4\xed\xa0\x80",  # half a surrogate pair
        b"4\xc0\x80",  # NUL in two bytes
        b"b!!!",
        b"bYQ",
        b"bYQ=",
        b"b=",
        b"b====",
        b"bYQ==YQ==",
        b"bYQ==\n",
        b"bY Q==",
        b"b-_-_",
        "b４４４４".encode(),
        b"b\x00AAA",
    ],
)
def test_malformed_payload(payload: bytes) -> None:
    with pytest.raises(EngineProtocolError):
        list(eio.decode_payload(payload, MANY))


def test_too_many_packets() -> None:
    assert len(list(eio.decode_payload(b"\x1e".join([b"3"] * 5), 5))) == 5
    with pytest.raises(EngineProtocolError, match="6 packets in one request, max_packets is 5"):
        eio.decode_payload(b"\x1e".join([b"3"] * 6), 5)


@given(st.binary())
def test_any_bytes_are_packets_or_an_error(payload: bytes) -> None:
    check_payload(payload)


@given(packets, st.data())
def test_damaged_payload_is_packets_or_an_error(sent: list[Frame], data: st.DataObject) -> None:
    payload = reference.encode_payload(sent)
    start = data.draw(st.integers(0, len(payload)))
    end = data.draw(st.integers(start, min(len(payload), start + 3)))
    junk = data.draw(st.binary(max_size=4) | st.sampled_from([b"\x1e", b"b", b"=", b"\xff"]))
    check_payload(payload[:start] + junk + payload[end:])


def check_payload(payload: bytes) -> None:
    try:
        received = list(eio.decode_payload(payload, MANY))
    except EngineProtocolError:
        return
    assert "" not in received
    # Nothing is lost on the way in: the same packets make the same payload, but for base64's unused bits.
    assert reference.decode_payload(reference.encode_payload(received)) == received
    assert len(received) == payload.count(b"\x1e") + 1


# Packets


@given(st.text())
def test_text_message(text: str) -> None:
    message = eio.text_message(text)
    assert message.text == b"4" + text.encode() == eio.text_message(text.encode()).text
    assert message.polling == b"4" + text.encode()
    [frame] = reference.parse_frames(message.websocket)
    assert (frame.fin, frame.opcode, frame.payload) == (True, 1, b"4" + text.encode())


@given(st.binary())
def test_binary_message(data: bytes) -> None:
    message = eio.binary_message(data)
    assert list(eio.decode_payload(message.polling, MANY)) == [data]
    [frame] = reference.parse_frames(message.websocket)
    assert (frame.fin, frame.opcode, frame.payload) == (True, 2, data)


@given(st.none() | st.binary(min_size=1, max_size=300), st.lists(st.binary(max_size=300)))
def test_message_has_all_its_packets_in_both_forms(text: bytes | None, binary: list[bytes]) -> None:
    if text is None and not binary:
        return
    message = Message(text, tuple(binary))
    expected = [(1, text)] if text is not None else []
    expected += [(2, data) for data in binary]
    for _ in range(2):  # made, and kept
        frames = reference.parse_frames(message.websocket)
        assert [(frame.opcode, frame.payload) for frame in frames] == expected
    assert all(frame.fin and not frame.reserved and frame.mask is None for frame in frames)
    encoded = [text] if text is not None else []
    encoded += [reference.encode_payload([data]) for data in binary]
    assert message.polling == message.polling == b"\x1e".join(encoded)
    assert message.size == 100 + len(text or b"") + sum(
        map(len, binary)
    )  # and what its object takes


@pytest.mark.parametrize(
    ("message", "packet"),
    [
        (eio.CLOSE_PACKET, b"1"),
        (eio.PING_PACKET, b"2"),
        (eio.PROBE_ANSWER, b"3probe"),
        (eio.NOOP_PACKET, b"6"),
    ],
)
def test_constant_packets(message: Message, packet: bytes) -> None:
    assert message.polling == packet
    assert reference.parse_frames(message.websocket)[0].payload == packet


@given(
    st.fixed_dictionaries(
        {
            "sid": st.text(),
            "upgrades": st.sampled_from([[], ["websocket"]]),
            "pingInterval": st.integers(0, 2**53),
            "pingTimeout": st.integers(0, 2**53),
            "maxPayload": st.integers(0, 2**53),
        }
    )
)
def test_open_packet(fields: dict[str, Any]) -> None:
    packet = eio.open_packet(fields).text
    assert packet is not None
    assert packet[:1] == b"0"
    assert json.loads(packet[1:]) == fields
    assert b"\x1e" not in packet


# The query


@given(st.text(), st.none() | st.text(), st.text(), st.randoms(use_true_random=False))
def test_query(transport: str, sid: str | None, revision: str, random: Any) -> None:
    parameters = [("transport", transport), ("EIO", revision), ("t", "x"), ("b64", "1")]
    if sid is not None:
        parameters.append(("sid", sid))
    random.shuffle(parameters)
    query = eio.parse_query(urlencode(parameters).encode())
    assert (query.transport, query.sid, query.revision) == (transport, sid, revision)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", ("", None, "")),
        (b"EIO=4&transport=polling", ("polling", None, "4")),
        (b"EIO=4&transport=polling&sid=", ("polling", "", "4")),
        (b"sid=a&sid=b&EIO=4&EIO=3&transport=polling&transport=x", ("polling", "a", "4")),
        (b"EIO=%34&%73id=a", ("", "a", "4")),
        (b"eio=4&Sid=a&TRANSPORT=polling", ("", None, "")),
        (b"EIO=4;transport=polling", ("", None, "4;transport=polling")),
        (b"__proto__=1&constructor=2&sid=__proto__", ("", "__proto__", "")),
        (b"&&&=&==&EIO=4", ("", None, "4")),
    ],
)
def test_query_by_example(query: bytes, expected: tuple[str, str | None, str]) -> None:
    parsed = eio.parse_query(query)
    assert (parsed.transport, parsed.sid, parsed.revision) == expected


@given(st.binary() | st.text(alphabet="sid=%&;EIO4Ff+\ufffd").map(lambda text: text.encode()))
def test_any_query_is_parsed(query: bytes) -> None:
    parsed = eio.parse_query(b"EIO=4&transport=websocket&sid=own&" + query)
    assert (parsed.transport, parsed.sid, parsed.revision) == ("websocket", "own", "4")
    eio.parse_query(query)


@given(
    st.from_regex(rb"EIO=[4%+&]?&transport=[pw=%]{0,2}(&t=[x.%&=]{0,2})?&sid=[a%+&=]{0,3}(&sid=b)?", fullmatch=True)
)  # fmt: skip
def test_what_clients_write_is_read_as_any_other_query(query: bytes) -> None:
    assert eio.parse_query(query) == eio.parse_query(query + b"&another")


@given(st.text())
def test_session_id_of_a_hostile_query_is_not_another_one(sid: str) -> None:
    assert eio.parse_query(b"sid=" + quote(sid, safe="").encode()).sid == sid
