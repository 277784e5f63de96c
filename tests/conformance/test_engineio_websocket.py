"""Engine.IO over WebSocket: messages, framing (RFC 6455), and what ends a connection at once."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from tests.conformance.servers import ENGINE_PATH, our_own_lane
from tests.kit.engine import EngineWebSocket, open_engine, parse_handshake, target
from tests.kit.raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    QUIET,
    TEXT,
    ConnectionClosed,
    RawWebSocket,
    frame,
)
from tests.kit.server import ServerProcess

MAX_PAYLOAD = 1_000_000


@pytest.fixture
def client(echo: ServerProcess) -> Iterator[EngineWebSocket]:
    client = open_engine(echo, "websocket", ENGINE_PATH)
    assert isinstance(client, EngineWebSocket)
    yield client
    client.leave()


@pytest.fixture
def ws(client: EngineWebSocket) -> RawWebSocket:
    return client.ws


def test_text_comes_and_goes(ws: RawWebSocket) -> None:
    ws.send("4hello")
    assert ws.recv() == "4hello"


def test_binary_comes_and_goes_as_it_is(ws: RawWebSocket) -> None:
    ws.send(b"\x01\x02\x03\x04")
    assert ws.recv() == b"\x01\x02\x03\x04"


@pytest.mark.parametrize("size", [0, 1, 124, 125, 126, 65534, 65535, 65536, 200_000])
def test_messages_of_every_length_class(ws: RawWebSocket, size: int) -> None:
    ws.send("4" + "x" * size)
    ws.send(b"\xff" * size)
    assert ws.recv() == "4" + "x" * size
    assert ws.recv() == b"\xff" * size


def test_many_messages_keep_their_order(ws: RawWebSocket) -> None:
    ws.send_raw(b"".join(frame(TEXT, b"4%d" % number) for number in range(1000)))
    assert [ws.recv() for _ in range(1000)] == [f"4{number}" for number in range(1000)]


def test_a_frame_may_come_byte_by_byte(ws: RawWebSocket) -> None:
    for byte in frame(TEXT, b"4hello") + frame(BINARY, bytes(130)):
        ws.send_raw(bytes([byte]))
    assert ws.recv() == "4hello"
    assert ws.recv() == bytes(130)


@our_own_lane
@pytest.mark.parametrize("cut", [0, 1, 3, 10, 40])
def test_the_first_frames_may_come_with_the_handshake(echo: ServerProcess, cut: int) -> None:
    """Any number of them, and a part of one."""
    frames = b"".join(frame(TEXT, b"4%d" % number) for number in range(50))
    end = len(frames) - cut
    address, path = echo.address, target(ENGINE_PATH, "websocket")
    ws = RawWebSocket.connect(address, path, early=frames[:end])
    ws.send_raw(frames[end:])
    parse_handshake(ws.recv())
    assert [ws.recv() for _ in range(50)] == [f"4{number}" for number in range(50)]
    ws.abort()


def test_a_fragmented_message_is_put_together(ws: RawWebSocket) -> None:
    ws.send_raw(frame(TEXT, b"4h", fin=False))
    ws.send_raw(frame(CONTINUATION, b"el", fin=False))
    ws.send_raw(frame(CONTINUATION, b"", fin=False))
    ws.send_raw(frame(CONTINUATION, b"lo"))
    assert ws.recv() == "4hello"


def test_a_fragmented_binary_message_is_put_together(ws: RawWebSocket) -> None:
    ws.send_raw(frame(BINARY, b"\x01", fin=False) + frame(CONTINUATION, b"\x02"))
    assert ws.recv() == b"\x01\x02"


def test_a_character_may_be_cut_by_fragments(ws: RawWebSocket) -> None:
    text = "4ключ".encode()
    ws.send_raw(frame(TEXT, text[:2], fin=False) + frame(CONTINUATION, text[2:]))
    assert ws.recv() == "4ключ"


def test_a_ping_is_answered(ws: RawWebSocket) -> None:
    ws.send_raw(frame(PING, b"are you there"))
    assert ws.recv_pong() == b"are you there"


def test_a_ping_between_fragments_is_answered(ws: RawWebSocket) -> None:
    ws.send_raw(frame(TEXT, b"4hel", fin=False))
    ws.send_raw(frame(PING, b"x" * 125))
    assert ws.recv_pong() == b"x" * 125
    ws.send_raw(frame(CONTINUATION, b"lo"))
    assert ws.recv() == "4hello"


def test_a_pong_nobody_asked_for_is_ignored(ws: RawWebSocket) -> None:
    ws.send_raw(frame(PONG, b"unasked"))
    ws.send("4hello")
    assert ws.recv() == "4hello"


@our_own_lane
def test_messages_before_a_close_frame_are_processed(ws: RawWebSocket) -> None:
    ws.send_raw(frame(TEXT, b"4last") + frame(CLOSE, struct.pack("!H", 1000)))
    assert ws.recv() == "4last"
    assert ws.expect_close() == 1000


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 3000, 4999])
def test_a_close_frame_is_answered_and_tcp_closed(ws: RawWebSocket, code: int) -> None:
    ws.send_raw(frame(CLOSE, struct.pack("!H", code) + b"bye"))
    assert ws.expect_close() in (code, 1000)


def test_a_close_frame_without_a_code_is_answered(ws: RawWebSocket) -> None:
    ws.send_raw(frame(CLOSE))
    assert ws.expect_close() in (1005, 1000)


VIOLATIONS = [
    pytest.param(frame(TEXT, b"4x", masked=False), 1002, id="unmasked"),
    pytest.param(frame(TEXT, b"4x", rsv=4), 1002, id="RSV1"),
    pytest.param(frame(TEXT, b"4x", rsv=2), 1002, id="RSV2"),
    pytest.param(frame(TEXT, b"4x", rsv=1), 1002, id="RSV3"),
    pytest.param(frame(PING, b"", rsv=4), 1002, id="RSV1 on a ping"),
    pytest.param(frame(3, b"4x"), 1002, id="opcode 3"),
    pytest.param(frame(7, b"4x"), 1002, id="opcode 7"),
    pytest.param(frame(11, b""), 1002, id="opcode 11"),
    pytest.param(frame(15, b""), 1002, id="opcode 15"),
    pytest.param(frame(TEXT, b"4\xff"), 1007, id="no UTF-8"),
    pytest.param(frame(TEXT, b"4\xed\xa0\x80"), 1007, id="lone surrogate"),
    pytest.param(frame(TEXT, b"4\xd0"), 1007, id="cut character"),
    pytest.param(
        frame(TEXT, b"4\xd0", fin=False) + frame(CONTINUATION, b"x"), 1007, id="no UTF-8, cut"
    ),
    pytest.param(frame(CONTINUATION, b"x"), 1002, id="continuation of nothing"),
    pytest.param(
        frame(TEXT, b"4x") + frame(CONTINUATION, b"x"), 1002, id="continuation after the end"
    ),
    pytest.param(
        frame(TEXT, b"4x", fin=False) + frame(TEXT, b"4y"), 1002, id="text inside a message"
    ),
    pytest.param(frame(PING, b"x" * 126), 1002, id="long ping"),
    pytest.param(frame(CLOSE, struct.pack("!H", 1000) + b"x" * 124), 1002, id="long close"),
    pytest.param(frame(PING, b"x", fin=False), 1002, id="fragmented ping"),
    pytest.param(frame(CLOSE, b"x"), 1002, id="close of one byte"),
    pytest.param(frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007, id="close, no UTF-8"),
    *(
        pytest.param(frame(CLOSE, struct.pack("!H", code)), 1002, id=f"close code {code}")
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535)
    ),
]


@pytest.mark.parametrize(("data", "code"), VIOLATIONS)
def test_a_framing_violation_closes(ws: RawWebSocket, data: bytes, code: int) -> None:
    ws.send_raw(data)
    assert ws.expect_close() == code


def test_nothing_after_a_violation_is_processed(ws: RawWebSocket) -> None:
    ws.send_raw(frame(TEXT, b"4x", rsv=4) + frame(TEXT, b"4after"))
    received: list[str | bytes] = []
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            received.append(ws.recv())
    assert closed.value.code == 1002
    assert received == []
    ws.abort()


def test_a_message_of_the_maximum_is_accepted(ws: RawWebSocket) -> None:
    ws.send("4" + "x" * (MAX_PAYLOAD - 1))
    assert ws.recv() == "4" + "x" * (MAX_PAYLOAD - 1)


def test_a_larger_message_closes_when_declared(ws: RawWebSocket) -> None:
    """By its header: the message itself is never sent here."""
    ws.send_raw(frame(TEXT, b"4" + b"x" * MAX_PAYLOAD)[:100])
    assert ws.expect_close() == 1009


def test_a_larger_message_closes_when_sent(ws: RawWebSocket) -> None:
    ws.send_raw(frame(BINARY, b"x" * (MAX_PAYLOAD + 1)))
    assert ws.expect_close() == 1009


def test_a_larger_message_in_fragments_closes(ws: RawWebSocket) -> None:
    ws.send_raw(frame(TEXT, b"4" + b"x" * 600_000, fin=False))
    ws.send_raw(frame(CONTINUATION, b"x" * 600_000, fin=False))
    assert ws.expect_close() == 1009


def test_an_enormous_length_closes(ws: RawWebSocket) -> None:
    ws.send_raw(b"\x82\xff" + struct.pack("!Q", 2**63 - 1) + b"mask")
    assert ws.expect_close() in (1009, 1002)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param("abc", id="unknown type"),
        pytest.param("7", id="type 7"),
        pytest.param("", id="empty"),
        pytest.param("４hello", id="full-width digit"),
        pytest.param("0", id="open"),
        pytest.param("2", id="ping"),
        pytest.param("2probe", id="probe"),
        pytest.param("5", id="upgrade"),
    ],
)
def test_a_wrong_packet_closes(ws: RawWebSocket, packet: str) -> None:
    ws.send(packet)
    assert ws.expect_close() == 1002


def test_a_close_packet_closes(ws: RawWebSocket) -> None:
    ws.send("1")
    assert ws.expect_close() == 1000


def test_a_pong_nobody_waits_for_is_ignored(ws: RawWebSocket) -> None:
    for _ in range(100):
        ws.send("3")
    ws.send("4hello")
    assert ws.recv() == "4hello"
    assert ws.is_quiet(QUIET)


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_a_lost_connection_ends_the_session(client: EngineWebSocket, reset: bool) -> None:
    client.ws.abort(reset)
    client.expect_gone_elsewhere()
