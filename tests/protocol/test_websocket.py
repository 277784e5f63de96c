"""RFC 6455: frames out, messages in, close codes, the opening handshake."""

from __future__ import annotations

import base64
import hashlib
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_socketio.protocol import rfc6455 as ws
from flask_socketio.protocol.errors import ProtocolError, WebSocketProtocolError
from flask_socketio.protocol.rfc6455 import BINARY, CONTINUATION, TEXT, MessageAssembler
from tests.protocol.reference import parse_frames
from tests.protocol.strategies import any_text

NO_LIMIT = 10**9
WIDE_TEXT = "a é € 😀 \u07ff\u0800\uffff\U00010000\U0010ffff \x00\x7f\x80"

# Frames out


def check_frame(opcode: int, payload: bytes) -> None:
    [frame] = parse_frames(ws.encode_frame(opcode, payload))
    assert frame.fin and frame.reserved == 0 and frame.mask is None
    assert (frame.opcode, frame.payload) == (opcode, payload)


@given(st.sampled_from([TEXT, BINARY, ws.CLOSE, ws.PING, ws.PONG]), st.binary(max_size=300))
def test_frame(opcode: int, payload: bytes) -> None:
    check_frame(opcode, payload)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 255, 256, 65534, 65535, 65536, 65537, 2**20])
def test_frame_sizes(size: int) -> None:
    check_frame(BINARY, b"\xa5" * size)


@given(st.integers(0, 65535), st.text() | st.text("€😀é", min_size=30, max_size=130))
def test_close_frame(code: int, reason: str) -> None:
    """The reason is cut where it is too long, and never within a character."""
    [frame] = parse_frames(ws.encode_close(code, reason))
    assert frame.fin and frame.opcode == ws.CLOSE and len(frame.payload) <= 125
    assert int.from_bytes(frame.payload[:2], "big") == code
    sent = frame.payload[2:].decode()
    assert reason.startswith(sent)
    if len(reason.encode()) <= 123:
        assert sent == reason
    else:
        assert len(frame.payload) > 121


# Close frames in


def test_every_close_code() -> None:
    """Section 7.4 and the IANA registry: what may be in a close frame, and nothing else."""
    registered = {1000, 1001, 1002, 1003, *range(1007, 1015)}
    for code in range(65536):
        payload = code.to_bytes(2, "big") + b"reason"
        if code in registered or 3000 <= code <= 4999:
            assert ws.close_code(payload) == code
        else:
            with pytest.raises(WebSocketProtocolError) as caught:
                ws.close_code(payload)
            assert caught.value.code == ws.PROTOCOL_ERROR


def test_close_without_a_code() -> None:
    assert ws.close_code(b"") == ws.NORMAL_CLOSURE


@pytest.mark.parametrize("payload", [b"\x03", b"\x00", b"\xff"])
def test_half_a_close_code(payload: bytes) -> None:
    with pytest.raises(WebSocketProtocolError) as caught:
        ws.close_code(payload)
    assert caught.value.code == ws.PROTOCOL_ERROR


@pytest.mark.parametrize("reason", [b"\xff", b"ok\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80"])
def test_close_reason_is_text(reason: bytes) -> None:
    with pytest.raises(WebSocketProtocolError) as caught:
        ws.close_code(b"\x03\xe8" + reason)
    assert caught.value.code == ws.INVALID_TEXT


@given(st.binary(max_size=125))
def test_any_close_payload(payload: bytes) -> None:
    try:
        code = ws.close_code(payload)
    except WebSocketProtocolError as error:
        code = error.code
        assert code in (ws.PROTOCOL_ERROR, ws.INVALID_TEXT)
    # What comes out may be sent back.
    assert ws.close_code(code.to_bytes(2, "big")) == code


# Messages in


def fragments(payload: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(payload)) for cut in cuts), len(payload)]
    return [payload[start:end] for start, end in itertools.pairwise(edges)]


def feed_all(assembler: MessageAssembler, opcode: int, parts: list[bytes]) -> str | bytes | None:
    """Feed one message's fragments; nothing may come before the last one."""
    for number, part in enumerate(parts[:-1]):
        assert assembler.feed(CONTINUATION if number else opcode, False, part) is None
        assert not assembler.idle
    message = assembler.feed(CONTINUATION if len(parts) > 1 else opcode, True, parts[-1])
    assert assembler.idle
    return message


messages = st.text(max_size=30) | st.binary(max_size=60)


@given(st.lists(st.tuples(messages, st.lists(st.integers(0, 60), max_size=6)), max_size=6))
def test_messages_in_any_fragments(sent: list[tuple[str | bytes, list[int]]]) -> None:
    assembler = MessageAssembler(200)  # each fits, all together do not
    for message, cuts in sent:
        opcode, payload = (
            (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)
        )
        assert feed_all(assembler, opcode, fragments(payload, cuts)) == message


def test_every_split_of_text() -> None:
    """Also within a character."""
    payload = WIDE_TEXT.encode()
    for first in range(len(payload) + 1):
        for second in range(first, len(payload) + 1):
            parts = fragments(payload, [first, second])
            assert feed_all(MessageAssembler(NO_LIMIT), TEXT, parts) == WIDE_TEXT


INVALID_UTF8 = [
    b"\xff",
    b"\x80",
    b"a\xc3",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
]


@pytest.mark.parametrize("payload", INVALID_UTF8)
def test_text_that_is_no_text(payload: bytes) -> None:
    for cut in range(len(payload) + 1):
        with pytest.raises(WebSocketProtocolError) as caught:
            feed_all(MessageAssembler(NO_LIMIT), TEXT, fragments(payload, [cut]))
        assert caught.value.code == ws.INVALID_TEXT
        with pytest.raises(WebSocketProtocolError):
            ws.decode_text(payload)
        parts = fragments(payload, [cut])
        assert feed_all(MessageAssembler(NO_LIMIT), BINARY, parts) == payload


@given(
    st.lists(
        st.tuples(
            st.sampled_from([CONTINUATION, CONTINUATION, TEXT, BINARY]),
            st.booleans(),
            st.binary(max_size=3) | st.sampled_from([b"abc", b"\xc3", b"\xa9"]),
        ),
        max_size=12,
    ),
    st.integers(0, 12),
)
def test_frames_in_any_order(frames: list[tuple[int, bool, bytes]], limit: int) -> None:
    """Against section 5.4 and 8.1 read word by word."""
    assembler = MessageAssembler(limit)
    open_message: tuple[int, bytes] | None = None
    for opcode, fin, payload in frames:
        expected: Any = None
        if (opcode == CONTINUATION) != (open_message is not None):
            expected = ws.PROTOCOL_ERROR
        else:
            kind, data = open_message or (opcode, b"")
            data += payload
            open_message = None if fin else (kind, data)
            if len(data) > limit:
                expected = ws.MESSAGE_TOO_BIG
            elif fin and kind == TEXT:
                try:
                    expected = data.decode("utf-8", "strict")
                except UnicodeDecodeError:
                    expected = ws.INVALID_TEXT
            elif fin:
                expected = data
        if isinstance(expected, int):
            with pytest.raises(WebSocketProtocolError) as caught:
                assembler.feed(opcode, fin, payload)
            assert caught.value.code == expected
            assert isinstance(caught.value, ProtocolError)
            return
        assert assembler.feed(opcode, fin, payload) == expected
        assert assembler.idle == (open_message is None)


@given(st.integers(0, 50), st.lists(st.integers(0, 60), max_size=5), st.integers(1, 9))
def test_size_limit(limit: int, cuts: list[int], excess: int) -> None:
    fits, too_large = b"x" * limit, b"x" * (limit + excess)
    assembler = MessageAssembler(limit)
    for _ in range(3):
        assert feed_all(assembler, BINARY, fragments(fits, cuts)) == fits
    with pytest.raises(WebSocketProtocolError) as caught:
        feed_all(assembler, BINARY, fragments(too_large, cuts))
    assert caught.value.code == ws.MESSAGE_TOO_BIG


def test_size_limit_does_not_wait_for_the_last_fragment() -> None:
    assembler = MessageAssembler(10)
    assembler.feed(BINARY, False, b"x" * 10)
    with pytest.raises(WebSocketProtocolError) as caught:
        assembler.feed(CONTINUATION, False, b"x")
    assert caught.value.code == ws.MESSAGE_TOO_BIG


@pytest.mark.parametrize("payload", [b"", b"x"])
def test_number_of_fragments_is_limited(payload: bytes) -> None:
    """Empty ones cost memory as well (ws: CVE-2026-48779)."""
    assembler = MessageAssembler(NO_LIMIT)
    for _ in range(3):
        parts = [payload] * ws.MAX_FRAGMENTS
        assert feed_all(assembler, BINARY, parts) == payload * ws.MAX_FRAGMENTS
    with pytest.raises(WebSocketProtocolError) as caught:
        feed_all(assembler, BINARY, [payload] * (ws.MAX_FRAGMENTS + 1))
    assert caught.value.code == ws.POLICY_VIOLATION


# The opening handshake


def headers(**changes: str | None) -> dict[str, str]:
    good = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec_websocket_version": "13",
        "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    merged = {**good, **changes}
    return {name.replace("_", "-"): value for name, value in merged.items() if value is not None}


def test_handshake_of_the_specification() -> None:
    assert ws.accept_token(headers()) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@given(st.binary(min_size=16, max_size=16))
def test_accept_token(nonce: bytes) -> None:
    key = base64.b64encode(nonce)
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()  # noqa: S324
    token = ws.accept_token(headers(sec_websocket_key=key.decode()))
    assert token == base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"upgrade": "WebSocket"},
        {"upgrade": "WEBSOCKET"},
        {"connection": "upgrade"},
        {"connection": "keep-alive, Upgrade"},
        {"connection": "Upgrade,keep-alive"},
        {"connection": " ,  UPGRADE ,"},
        {"origin": "null", "sec_websocket_extensions": "__proto__", "cookie": "\xff"},
    ],
)
def test_other_spellings_are_accepted(changes: dict[str, str]) -> None:
    assert ws.accept_token(headers(**changes)) == ws.accept_token(headers())


REFUSED: list[dict[str, str | None]] = [
    {"upgrade": None},
    {"upgrade": ""},
    {"upgrade": "h2c"},
    {"upgrade": "websocket2"},
    {"upgrade": "web socket"},
    {"connection": None},
    {"connection": ""},
    {"connection": "keep-alive"},
    {"connection": "upgraded"},
    {"connection": "not upgrade"},
    {"sec_websocket_version": None},
    {"sec_websocket_version": ""},
    {"sec_websocket_version": "8"},
    {"sec_websocket_version": "130"},
    {"sec_websocket_version": "13, 8"},
    {"sec_websocket_version": "１３"},
    {"sec_websocket_key": None},
    {"sec_websocket_key": ""},
    {"sec_websocket_key": "x"},
    {"sec_websocket_key": "!" * 24},
    {"sec_websocket_key": "=" * 24},
    {"sec_websocket_key": "é" * 24},
    {"sec_websocket_key": "\ud800" * 24},
    {"sec_websocket_key": base64.b64encode(b"x" * 15).decode()},
    {"sec_websocket_key": base64.b64encode(b"x" * 17).decode()},
    {"sec_websocket_key": base64.b64encode(b"x" * 16).decode() + "\r\nX: 1"},
    {"sec_websocket_key": base64.b64encode(b"x" * 16).decode()[:-1]},
    {"sec_websocket_key": base64.b64encode(b"x" * 100_000).decode()},
]


@pytest.mark.parametrize("changes", REFUSED)
def test_bad_handshake(changes: dict[str, str | None]) -> None:
    with pytest.raises(ValueError, match=r"."):
        ws.accept_token(headers(**changes))


NAMES = ["upgrade", "connection", "sec_websocket_version", "sec_websocket_key"]


@given(st.dictionaries(st.sampled_from(NAMES), st.none() | any_text, min_size=1))
def test_any_handshake(changes: dict[str, str | None]) -> None:
    """A token for the key that was sent, or a ValueError: nothing in between."""
    given_headers = headers(**changes)
    try:
        token = ws.accept_token(given_headers)
    except ValueError:
        return
    assert given_headers["sec-websocket-version"] == "13"
    nonce = base64.b64decode(given_headers["sec-websocket-key"])
    assert len(nonce) == 16 and len(base64.b64decode(token)) == 20
