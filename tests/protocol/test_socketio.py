"""Socket.IO v5: packets <-> frames, attachments wherever they are in the data, and what a peer may not send."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_socketio.protocol import socketio as sio
from flask_socketio.protocol.errors import SocketProtocolError
from flask_socketio.protocol.socketio import Decoder, Packet
from tests.protocol import reference
from tests.protocol.reference import ACK, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT, Frame, Sent
from tests.protocol.strategies import (
    RESERVED,
    ack_ids,
    any_text,
    binary_packets,
    event_names,
    mutations,
    packets,
)

PLACEHOLDER = '{"_placeholder":true,"num":0}'


def feed(decoder: Decoder, frame: Frame) -> Packet | None:
    return decoder.feed_text(frame) if isinstance(frame, str) else decoder.feed_binary(frame)


def decode(frames: Iterable[Frame], max_attachments: int = 1000) -> list[Packet]:
    """The packets that the frames make."""
    decoder = Decoder(max_attachments)
    received = [feed(decoder, frame) for frame in frames]
    return [packet for packet in received if packet is not None]


def error_of(frames: Iterable[Frame]) -> str:
    """What is wrong with the frames; empty if nothing is."""
    try:
        decode(frames)
    except SocketProtocolError as error:
        return str(error)
    return ""


def assert_is(packet: Packet | None, sent: Sent) -> None:
    """Equal, and of equal types: 1 is not True and not 1.0."""
    assert packet is not None
    assert (packet.type, packet.namespace, packet.id) == (sent.type, sent.namespace, sent.id)
    assert repr(packet.data) == repr(sent.data)


def frames_of(sent: Sent) -> list[Frame]:
    """The frames that the package under test makes of a packet."""
    body = None if sent.data is None else sio.JSON.encode_body(sent.data)
    message = sio.JSON.encode(sent.type, sent.namespace, body, sent.id)
    assert message.text is not None and message.text.startswith(b"4")
    return [message.text[1:].decode(), *message.binary]


# Round trips


EXAMPLES = [
    (Sent(CONNECT), ["0"]),
    (Sent(CONNECT, "/admin"), ["0/admin,"]),
    (Sent(CONNECT, "/admin", {"token": "123"}), ['0/admin,{"token":"123"}']),
    (Sent(CONNECT_ERROR, "/", {"message": "no"}), ['4{"message":"no"}']),
    (Sent(DISCONNECT, "/admin"), ["1/admin,"]),
    (Sent(EVENT, "/", ["hello", 1]), ['2["hello",1]']),
    (Sent(EVENT, "/admin", ["hello"], 456), ['2/admin,456["hello"]']),
    (Sent(ACK, "/admin", [], 456), ["3/admin,456[]"]),
    (Sent(ACK, "/", [], 0), ["30[]"]),
    (Sent(EVENT, "/", ["a", b"\1"]), [f'51-["a",{PLACEHOLDER}]', b"\1"]),
    (
        Sent(EVENT, "/admin", ["a", {"b": [b"\1", b""]}], 7),
        [
            '52-/admin,7["a",{"b":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]}]',
            b"\1",
            b"",
        ],
    ),
    (Sent(ACK, "/admin", [b"\3"], 456), [f"61-/admin,456[{PLACEHOLDER}]", b"\3"]),
]


@pytest.mark.parametrize(("sent", "frames"), EXAMPLES)
def test_examples_of_the_specification(sent: Sent, frames: list[Frame]) -> None:
    assert frames_of(sent) == frames
    [packet] = decode(frames)
    assert_is(packet, sent)


@given(packets(), st.randoms(use_true_random=False))
def test_packet_is_decoded(sent: Sent, order: random.Random) -> None:
    [packet] = decode(reference.encode_packet(sent, shuffle=order))
    assert_is(packet, sent)


@given(binary_packets(), st.randoms(use_true_random=False))
def test_attachments_are_put_back(sent: Sent, order: random.Random) -> None:
    *due, last = reference.encode_packet(sent, shuffle=order)
    decoder = Decoder(6)
    assert [feed(decoder, frame) for frame in due] == [None] * len(due)
    assert_is(feed(decoder, last), sent)
    assert decoder.awaited is None


@given(packets() | binary_packets())
def test_own_frames_are_decoded(sent: Sent) -> None:
    [packet] = decode(frames_of(sent))
    assert_is(packet, sent)


@given(binary_packets())
def test_frames_are_those_of_the_reference(sent: Sent) -> None:
    """Same head, same attachments in the same order, same data."""
    head, *attachments = frames_of(sent)
    expected, *expected_attachments = reference.encode_packet(sent)
    assert attachments == expected_attachments
    assert isinstance(head, str) and isinstance(expected, str)
    data = expected.index("[") if sent.namespace == "/" else expected.index(",")
    assert head[:data] == expected[:data]


@given(st.lists(packets() | binary_packets(), max_size=5))
def test_packets_one_after_the_other(sent: list[Sent]) -> None:
    """Each comes out with its own last frame, and nothing of it is left for the next one."""
    decoder = Decoder(1000)
    for packet in sent:
        *due, last = reference.encode_packet(packet)
        assert [feed(decoder, frame) for frame in due] == [None] * len(due)
        assert_is(feed(decoder, last), packet)


def test_body_is_the_same_for_every_receiver() -> None:
    body = sio.JSON.encode_body(["x", b"\1", b"\2"])
    first = sio.JSON.encode(EVENT, "/a", body, 1)
    second = sio.JSON.encode(EVENT, "/b", body)
    assert first.text is not None and first.text.startswith(b"452-/a,1[")
    assert second.text is not None and second.text.startswith(b"452-/b,[")
    assert first.binary == second.binary == (b"\1", b"\2")


@pytest.mark.parametrize("value", [b"\1\2", bytearray(b"\1\2"), memoryview(b"\1\2")])
def test_every_kind_of_bytes_is_an_attachment(value: Any) -> None:
    head, *attachments = frames_of(Sent(EVENT, "/", ["x", value]))
    assert head == f'51-["x",{PLACEHOLDER}]'
    assert attachments == [b"\1\2"]


def test_attachment_is_a_copy() -> None:
    value = bytearray(b"\1\2")
    body = sio.JSON.encode_body(["x", value])
    value[0] = 9
    assert body.attachments == (b"\1\2",)


# Attachments that do not match


@given(binary_packets(), st.data())
def test_text_frame_where_attachments_are_due(sent: Sent, data: st.DataObject) -> None:
    frames = reference.encode_packet(sent)
    position = data.draw(st.integers(1, len(frames) - 1))
    text = data.draw(
        st.sampled_from(["", "0", '2["x"]', f'51-["x",{PLACEHOLDER}]']) | st.text(max_size=5)
    )
    decoder = Decoder(1000)
    for frame in frames[:position]:
        assert feed(decoder, frame) is None
    assert decoder.awaited is not None
    with pytest.raises(SocketProtocolError):
        decoder.feed_text(text)


@given(packets() | binary_packets(), st.binary())
def test_binary_frame_where_none_is_due(sent: Sent, data: bytes) -> None:
    decoder = Decoder(1000)
    with pytest.raises(SocketProtocolError):
        decoder.feed_binary(data)
    for frame in reference.encode_packet(sent):
        feed(decoder, frame)
    with pytest.raises(SocketProtocolError):
        decoder.feed_binary(data)


@given(binary_packets(), binary_packets(), st.randoms(use_true_random=False))
def test_interleaved_packets(first: Sent, second: Sent, order: random.Random) -> None:
    """Two packets with attachments cannot share a connection frame by frame."""
    one, two = reference.encode_packet(first), reference.encode_packet(second)
    position = order.randrange(1, len(one))
    with pytest.raises(SocketProtocolError):
        decode([*one[:position], *two, *one[position:]])


@given(binary_packets(), st.data())
def test_frames_in_parts_wait_for_the_rest(sent: Sent, data: st.DataObject) -> None:
    frames = reference.encode_packet(sent)
    position = data.draw(st.integers(1, len(frames) - 1))
    decoder = Decoder(1000)
    assert [feed(decoder, frame) for frame in frames[:position]] == [None] * position
    awaited = decoder.awaited
    assert awaited is not None
    assert (awaited.type, awaited.namespace, awaited.id) == (sent.type, sent.namespace, sent.id)
    rest = [feed(decoder, frame) for frame in frames[position:]]
    assert rest[:-1] == [None] * (len(rest) - 1)
    assert_is(rest[-1], sent)


@given(st.integers(1, 40), st.integers(0, 40))
def test_limit_of_attachments(declared: int, limit: int) -> None:
    sent = Sent(EVENT, "/", ["x", *[b""] * declared])
    decoder = Decoder(limit)
    head = reference.encode_packet(sent)[0]
    if declared <= limit:
        assert feed(decoder, head) is None
        assert decoder.awaited is not None
    else:
        with pytest.raises(SocketProtocolError):
            feed(decoder, head)
        assert decoder.awaited is None


@pytest.mark.parametrize("declared", [1, 3])
@pytest.mark.parametrize("named", [0, 1, 2, 3, 4])
def test_as_many_placeholders_as_attachments(declared: int, named: int) -> None:
    placeholders = [{"_placeholder": True, "num": number} for number in range(named)]
    text = reference.encode_packet(Sent(EVENT, "/", ["x", placeholders]))[0]
    assert isinstance(text, str)
    frames = [f"5{declared}-{text[1:]}", *[b"\1"] * declared]
    if declared == named:
        [packet] = decode(frames)
        assert packet.data == ["x", [b"\1"] * named]
    else:
        with pytest.raises(SocketProtocolError):
            decode(frames)


@pytest.mark.parametrize(
    "number",
    [
        "-1",
        "1",
        "99",
        "18446744073709551616",
        "0.0",
        "0.5",
        "1e400",
        '"0"',
        '"splice"',
        '"__class__"',
        "null",
        "true",
        "false",
        "[]",
        "[0]",
        "{}",
        PLACEHOLDER,
        '{"_placeholder":true,"num":{"_placeholder":true,"num":0}}',
        '0,"num":1',
        "[" * 1000 + "]" * 1000,
        '"' + "x" * 100_000 + '"',
    ],
)
def test_placeholder_without_an_attachment(number: str) -> None:
    with pytest.raises(SocketProtocolError) as caught:
        decode([f'51-["x",{{"_placeholder":true,"num":{number}}}]', b"\1"])
    assert len(str(caught.value)) < 500  # it goes to a log


@pytest.mark.parametrize(
    "data",
    [
        "[{}]",
        '["x"]',
        '["x",{"_placeholder":true}]',
        '["x",{"num":0}]',
        '["x",{"_placeholder":false,"num":0}]',
        '["x",{"_placeholder":1,"num":0}]',
        '["x",{"_placeholder":"true","num":0}]',
        '["x",{"_placeholder":true,"_placeholder":false,"num":0}]',
        f'["x",{PLACEHOLDER},{PLACEHOLDER}]',
        f"[{PLACEHOLDER}]",
        f'[{PLACEHOLDER},"x"]',
        PLACEHOLDER,
        f'["x",{{"a":{PLACEHOLDER},"b":[{PLACEHOLDER}]}}]',
        '["x",' + ",".join([PLACEHOLDER] * 2000) + "]",
    ],
)
def test_attachment_with_no_place_or_with_two(data: str) -> None:
    with pytest.raises(SocketProtocolError):
        decode([f"51-{data}", b"\1"])


def test_duplicate_keys_last_one_counts() -> None:
    [packet] = decode(['51-["x",{"_placeholder":true,"num":9,"num":0,"a":1}]', b"\1"])
    assert packet.data == ["x", b"\1"]
    [packet] = decode(['2["x",{"a":1,"a":2}]'])
    assert packet.data == ["x", {"a": 2}]


def test_placeholder_in_a_packet_without_attachments_is_data() -> None:
    [packet] = decode([f'2["x",{PLACEHOLDER}]'])
    assert packet.data == ["x", {"_placeholder": True, "num": 0}]


BAD_COUNTS = ["-", "0-", "00-", "-1-", "+1-", "1", "1.5-", "1e1-", "1_0-", "0x1-", "１-", "²-"]


@pytest.mark.parametrize(
    "count", ["", " 1-", "1 -", "1--", "11-", "9" * 11 + "-", "9" * 2000 + "-", *BAD_COUNTS]
)
@pytest.mark.parametrize("kind", "56")
def test_bad_number_of_attachments(kind: str, count: str) -> None:
    id_ = "" if kind == "5" else "7"
    with pytest.raises(SocketProtocolError):
        decode([f'{kind}{count}{id_}["x",{PLACEHOLDER}]'], max_attachments=10)


# Malformed packets


@pytest.mark.parametrize(
    "frame",
    [
        "",
        " ",
        "7",
        "9",
        "-1",
        "x",
        "２",
        '["x"]',
        "b",
        "\x00",
        "\ud800",
        '2-["x"]',
        '2,["x"]',
        '21-["x"]',
        '2admin,["x"]',
        '2/admin["x"]',
        '2/admin,/b,["x"]',
        "2[",
        '2["x"',
        "2['x']",
        '2["x",]',
        '2["x"]x',
        '2["x"]["y"]',
        '2["x"]\x00',
        '2\ufeff["x"]',
        '2["\x00"]',
        '2["\n"]',
        '2["\ud800"]',
        '2["x",NaN]',
        '2["x",Infinity]',
        '2["x",-Infinity]',
        '2["x",1e400]',
        '2["x",01]',
        '2["x",+1]',
        '2["x",.5]',
        '2["x",1_0]',
        '2["x",１]',
        '2["x",undefined]',
        '2["x",//\n1]',
        '2["\\x41"]',
        '2["\\u12"]',
    ],
)
def test_malformed(frame: str) -> None:
    with pytest.raises(SocketProtocolError):
        decode([frame])


NO_EVENTS = [
    "[]",
    "{}",
    "null",
    "1",
    '"x"',
    "true",
    "[[]]",
    "[1]",
    "[1.5]",
    "[null]",
    "[true]",
    '[["x"]]',
    '[{"toString":"x"}]',
    '{"0":"x","length":1}',
    '[{"_placeholder":true,"num":0}]',
    '["\\u0063onnect"]',
]


@pytest.mark.parametrize(
    "data",
    [
        "",
        *NO_EVENTS,
        *(f'["{name}"]' for name in RESERVED),
        *(f'["{name}",1]' for name in RESERVED),
    ],
)
def test_no_event(data: str) -> None:
    for frame in (f"2{data}", f"2/a,{data}", f"27{data}", f"51-{data}"):
        with pytest.raises(SocketProtocolError):
            decode([frame])


@pytest.mark.parametrize("name", ["", "*", "__proto__", "__class__", "message", "Connect", "\x00"])
def test_any_other_name_is_an_event(name: str) -> None:
    [packet] = decode(reference.encode_packet(Sent(EVENT, "/", [name])))
    assert packet.data == [name]


WRONG_DATA = {
    "an ack has an id and a list": '3 3[] 3["x"] 31 31{} 31null 31"x" 311 3/a,[] 3-1[] 31.5[]',
    "connect: an object or nothing": '0null 0[] 0[1] 0"x" 0true 0/a,[] 0/a,null 0{ 0{}{}',
    "disconnect: nothing": '1{} 1[] 1null 1"x" 1/a,{} 1/a,[]',
    "connect_error: an object, or a string as in revision 4": "4 4null 4[] 41 4true 4/a,",
}


@pytest.mark.parametrize("frames", WRONG_DATA.values(), ids=WRONG_DATA)
def test_wrong_data_for_the_type(frames: str) -> None:
    for frame in frames.split():
        with pytest.raises(SocketProtocolError):
            decode([frame])


@given(event_names, ack_ids)
def test_ack_id(name: str, id_: int) -> None:
    [packet] = decode(reference.encode_packet(Sent(EVENT, "/", [name], id_)))
    assert packet.id == id_


@pytest.mark.parametrize("digits", [17, 18, 31, 4300, 4301, 5000, 1_000_000])
def test_ack_id_is_bounded(digits: int) -> None:
    for kind in "23":
        with pytest.raises(SocketProtocolError):
            decode([f'{kind}{"9" * digits}["x"]'])


@pytest.mark.parametrize("id_", ["-1", "+1", "1.5", "1e3", " 1", "４", "²", "٣", "0x1", "1_000"])
def test_ack_id_is_ascii_digits(id_: str) -> None:
    for kind in "23":
        with pytest.raises(SocketProtocolError):
            decode([f'{kind}{id_}["x"]'])


@pytest.mark.parametrize("length", [600, 5000, 1_000_000])
@pytest.mark.parametrize("end", ["", ","])
def test_namespace_is_bounded(length: int, end: str) -> None:
    with pytest.raises(SocketProtocolError) as caught:
        decode([f"0/{'x' * length}{end}"])
    assert len(str(caught.value)) < 500


def test_namespace_without_a_comma_where_nothing_follows() -> None:
    for frame in ("0/admin", "0/admin,"):
        [packet] = decode([frame])
        assert_is(packet, Sent(CONNECT, "/admin"))


def test_main_namespace_may_be_written() -> None:
    for frame in ("0", "0/", "0/,"):
        [packet] = decode([frame])
        assert_is(packet, Sent(CONNECT))


@pytest.mark.parametrize("depth", [10, 500, 900, 990, 1000, 1010, 1020, 1030, 5000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize(
    "head", ["2", "27", "37", "0", "1", "4", "51-", "61-7", '51-["x",', '2["x",', "2/a,"]
)
def test_nesting(head: str, opening: str, closing: str, depth: int) -> None:
    """Never a RecursionError, whatever becomes of the packet; nor an error of endless length."""
    end = "]" if head.endswith('"x",') else ""
    frames: list[Frame] = [f"{head}{opening * depth}{PLACEHOLDER}{closing * depth}{end}"]
    if head.startswith(("5", "6")):
        frames.append(b"\1")
    assert len(error_of(frames)) < 500


@pytest.mark.parametrize("depth", [1, 100, 500, 1000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_attachment_deep_down(opening: str, closing: str, depth: int) -> None:
    frames = [f'51-["x",{opening * depth}{PLACEHOLDER}{closing * depth}]', b"\1"]
    [packet] = decode(frames)
    item = packet.data[1]
    for _ in range(depth):
        item = item[0] if isinstance(item, list) else item["a"]
    assert item == b"\1"


@pytest.mark.parametrize("head", ["0", "1", "2", "21", "3", "4", "51-", "7", "2/a,"])
@pytest.mark.parametrize("rest", ["x" * 10_000, "[" + "1," * 10_000 + "1]", '{"a":' * 10_000])
def test_errors_are_short(head: str, rest: str) -> None:
    """They go to a log."""
    assert 0 < len(error_of([head + rest])) < 500


# Anything at all


def assert_well_formed(packet: Packet) -> None:
    """What everybody behind the decoder relies on."""
    assert packet.namespace.startswith("/") and "," not in packet.namespace
    assert packet.id is None or (type(packet.id) is int and packet.id >= 0)
    if packet.type == EVENT:
        assert type(packet.data) is list
        assert type(packet.data[0]) is str and packet.data[0] not in RESERVED
    elif packet.type == ACK:
        assert type(packet.data) is list and packet.id is not None
    elif packet.type == CONNECT:
        assert packet.data is None or type(packet.data) is dict
    elif packet.type == DISCONNECT:
        assert packet.data is None
    else:
        assert packet.type == CONNECT_ERROR and type(packet.data) in (str, dict)
    # It can be sent on: no NaN, no half surrogate pair, nothing that is no JSON.
    json.dumps(reference.lift_out(packet.data)[0], allow_nan=False, ensure_ascii=False).encode()


def check(frames: list[Frame]) -> None:
    """Well-formed packets until the first mistake, and that is an error of the right type."""
    decoder = Decoder(10)
    for frame in frames:
        try:
            packet = feed(decoder, frame)
        except SocketProtocolError:
            return
        if packet is not None:
            assert_well_formed(packet)


PIECES = [
    "0-",
    "1-",
    "2-",
    "/a",
    '"x"',
    '["x"',
    "null",
    "true",
    "NaN",
    "1e400",
    "\\ud800",
    "\\udc00",
]
PIECES += [PLACEHOLDER, '"_placeholder"', '"num"', *'012345679-/,[]{}":\\１ ', "\x00", "\ud83d"]
pieces = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
hostile_frames = st.lists(any_text | pieces | st.binary(max_size=8), max_size=6)


@given(hostile_frames)
def test_any_frames(frames: list[Frame]) -> None:
    check(frames)


@given(st.sampled_from("0123456"), st.sampled_from(["", "1-", "2-"]), pieces, hostile_frames)
def test_any_frames_behind_a_good_start(
    kind: str, count: str, rest: str, frames: list[Frame]
) -> None:
    check([f"{kind}{count}{rest}", *frames])


@given(packets() | binary_packets(), st.data())
def test_damaged_packets(sent: Sent, data: st.DataObject) -> None:
    check(data.draw(mutations(reference.encode_packet(sent), pieces)))


@given(st.lists(packets() | binary_packets(), min_size=1, max_size=3), st.data())
def test_shuffled_frames(sent: list[Sent], data: st.DataObject) -> None:
    frames = [frame for packet in sent for frame in reference.encode_packet(packet)]
    check(data.draw(st.permutations(frames)))
