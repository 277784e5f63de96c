"""WebSocket close frames (RFC 6455, 5.5.1 and 7): what comes before one counts, what comes after does not."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import pytest

from tests.conformance.servers import ENGINE_PATH, our_own_lane
from tests.kit.engine import EngineWebSocket, open_engine
from tests.kit.raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawWebSocket,
    frame,
)
from tests.kit.server import ServerProcess


def close_frame(code: int) -> bytes:
    return frame(CLOSE, struct.pack("!H", code))


COMPLETE = [
    pytest.param(frame(TEXT, b"4late"), id="text"),
    pytest.param(frame(BINARY, b"late"), id="binary"),
    pytest.param(frame(PING, b"late"), id="ping"),
    pytest.param(frame(PONG, b"late"), id="pong"),
    pytest.param(frame(TEXT, b"4late") * 1000, id="many texts"),
    pytest.param(frame(TEXT, b"1"), id="close packet"),
    pytest.param(frame(BINARY, bytes(300_000)), id="large"),
]
CUT = [
    pytest.param(frame(TEXT, b"4late", fin=False), id="first fragment"),
    pytest.param(frame(TEXT, b"4late")[:1], id="a byte"),
    pytest.param(frame(TEXT, b"4late")[:4], id="part of a head"),
    pytest.param(frame(TEXT, b"4late")[:8], id="part of a payload"),
    pytest.param(frame(CLOSE, struct.pack("!H", 1001))[:3], id="part of a close frame"),
    pytest.param(frame(BINARY, bytes(300_000))[:100_000], id="part of a large frame"),
]
WRONG = [
    pytest.param(frame(TEXT, b"4late", rsv=4), id="RSV1"),
    pytest.param(frame(TEXT, b"4late", rsv=2), id="RSV2"),
    pytest.param(frame(PING, b"late", rsv=1), id="RSV3"),
    pytest.param(frame(3, b"late"), id="opcode 3"),
    pytest.param(frame(11, b"late"), id="opcode 11"),
    pytest.param(frame(TEXT, b"4late", masked=False), id="unmasked"),
    pytest.param(frame(TEXT, b"4\xff"), id="no UTF-8"),
    pytest.param(frame(CONTINUATION, b"late"), id="continuation of nothing"),
    pytest.param(frame(PING, b"late", fin=False), id="fragmented ping"),
    pytest.param(frame(CLOSE, b"x"), id="close of one byte"),
    pytest.param(close_frame(1005), id="forbidden close code"),
    pytest.param(b"\x82\xff" + struct.pack("!Q", 2**63 - 1) + b"mask", id="enormous length"),
    pytest.param(b"\xff" * 50, id="garbage"),
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="a request"),
]
CLOSES = [
    pytest.param(close_frame(4001), id="the same close"),
    pytest.param(close_frame(1001), id="another close"),
    pytest.param(frame(CLOSE), id="close without a code"),
]
together = pytest.mark.parametrize("together", [True, False], ids=["together", "apart"])


@pytest.fixture
def client(echo: ServerProcess) -> Iterator[EngineWebSocket]:
    client = open_engine(echo, "websocket", ENGINE_PATH)
    assert isinstance(client, EngineWebSocket)
    yield client
    client.leave()


@pytest.fixture
def ws(client: EngineWebSocket) -> RawWebSocket:
    return client.ws


def send(ws: RawWebSocket, together: bool, *parts: bytes) -> None:
    """In one segment, or with pauses in which the server reads."""
    for part in [b"".join(parts)] if together else parts:
        ws.send_raw(part)
        time.sleep(0.02)


@together
@pytest.mark.parametrize("after", COMPLETE + CUT + WRONG + CLOSES)
def test_nothing_counts_after_the_clients_close_frame(
    client: EngineWebSocket, after: bytes, together: bool
) -> None:
    """The connection ends with the code of that one, as if nothing had come behind it."""
    send(client.ws, together, close_frame(4001), after)
    assert client.ws.read_to_end() == ([], 4001)
    client.expect_gone_elsewhere()


@our_own_lane  # uvicorn ends TCP before the app can answer, and websockets finds a fault with the fragments
@together
@pytest.mark.parametrize(
    "after",
    [frame(TEXT, b"4late"), frame(CONTINUATION, b"lo"), b"\xff\xff"],
    ids=["text", "continuation", "garbage"],
)
@pytest.mark.parametrize(
    ("before", "answer"),
    [
        (frame(TEXT, b"4a") * 3, ["4a"] * 3),
        (frame(TEXT, b"4a") + frame(TEXT, b"4hel", fin=False), ["4a"]),
    ],
    ids=["messages", "first fragment"],
)
def test_what_came_before_a_close_frame_counts(
    ws: RawWebSocket, before: bytes, answer: list[str], after: bytes, together: bool
) -> None:
    send(ws, together, before, close_frame(4001), after)
    assert ws.read_to_end() == (answer, 4001)


@our_own_lane
@together
def test_what_was_sent_arrives_though_the_client_goes_on_sending(
    ws: RawWebSocket, together: bool
) -> None:
    """To close TCP with unread data would reset it, and the client would lose what is on its way to it."""
    large = frame(BINARY, bytes(400_000))
    send(ws, together, large, close_frame(1000), large)
    assert ws.read_to_end() == ([bytes(400_000)], 1000)


@our_own_lane  # uvicorn reads all of a segment before the app sees any of it
@together
@pytest.mark.parametrize("wrong", WRONG)
def test_what_came_before_a_violation_counts(
    ws: RawWebSocket, wrong: bytes, together: bool
) -> None:
    send(ws, together, frame(TEXT, b"4a"), frame(TEXT, b"4b"), wrong)
    messages, code = ws.read_to_end()
    assert messages == ["4a", "4b"]
    assert code in (1002, 1007, 1009)


@our_own_lane  # as above
@together
@pytest.mark.parametrize("after", COMPLETE + WRONG)
def test_nothing_counts_after_the_servers_close_frame(
    ws: RawWebSocket, after: bytes, together: bool
) -> None:
    """The server closes for the packet `1`, and waits for the client's answer."""
    send(ws, together, frame(TEXT, b"1"), after)
    assert ws.read_to_end() == ([], 1000)
