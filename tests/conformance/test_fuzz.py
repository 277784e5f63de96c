"""Nonsense from the network: the server lives on, others are served, and who sends it is answered, refused or closed.

Never silence: whatever a connected client has sent, an event after it is either answered, or the connection is over.
The log of the server must hold no traceback (`ServerProcess` looks at its end).
"""

from __future__ import annotations

import contextlib
import socket
import time
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.servers import SOCKETIO_PATH, our_own_lane
from tests.kit.engine import Packet, RawPolling, open_engine, target
from tests.kit.raw import WAIT, ConnectionClosed, Exchange, RawWebSocket, frame
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

pytestmark = pytest.mark.usefixtures("unharmed")

some_examples = settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

JSON = [
    "",
    "[]",
    "{}",
    "null",
    '["echo"]',
    '["echo",1]',
    '["connect"]',
    '["disconnect","x"]',
    '["nobody",{"a":[]}]',
    '["echo",{"_placeholder":true,"num":0}]',
    '["echo",{"_placeholder":true,"num":1}]',
    '[{"_placeholder":true,"num":0}]',
    '["echo",NaN]',
    '["\\ud800"]',
    '["\\u0000"]',
    '["__proto__",{"__proto__":1}]',
    '["echo",' + "9" * 5000 + "]",
    "[" * 2000,
    '{"token":1}',
    '{"how":"accept"}',
]
NAMESPACES = ["", "/,", "/custom,", "/custom", "/nope,", "/custom?a=1,", "/\ud83d,", "//,"]
COUNTS = ["", "0-", "1-", "2-", "11-", "-", "1", "1e1-", "９-", "9" * 30 + "-"]
IDS = ["", "0", "1", "12", "-1", "1.5", "９", "²", "9" * 5000]


def clean(text: str) -> str:
    """Text that UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode()


packets: st.SearchStrategy[Packet] = st.one_of(
    st.builds(
        lambda *parts: clean("4" + "".join(parts)),
        st.sampled_from("01234567x"),
        st.sampled_from(COUNTS),
        st.sampled_from(NAMESPACES),
        st.sampled_from(IDS),
        st.sampled_from(JSON),
    ),
    st.builds(lambda kind, text: clean(f"4{kind}{text}"), st.sampled_from("2356"), st.text()),
    st.sampled_from(
        ["0", "1", "2", "2probe", "3", "3probe", "5", "6", "7", "", "b", "bAQ==", "b!"]
    ),
    st.text(max_size=20).map(clean),
    st.binary(max_size=20),
)


def answers_or_closes(client: SioClient) -> None:
    """The client's own end of an example: its event is answered, or its session is gone."""
    deadline = time.monotonic() + WAIT
    client.engine.send('42["message","marker"]')
    try:
        while client.engine.recv(deadline - time.monotonic()) != '42["message-back","marker"]':
            pass
    except ConnectionClosed:
        return


@some_examples
@given(sent=st.lists(packets, min_size=1, max_size=4))
def test_fuzzed_packets_of_a_connected_client(app: ServerProcess, sent: list[Packet]) -> None:
    engine = open_engine(app, "websocket", SOCKETIO_PATH)
    client = SioClient(engine)
    client.join()
    engine.send(*sent)
    answers_or_closes(client)
    engine.leave()


@some_examples
@given(sent=st.lists(packets, min_size=1, max_size=4))
def test_fuzzed_packets_before_a_connect(app: ServerProcess, sent: list[Packet]) -> None:
    """No connect among them: an event then closes; one among them: it is answered."""
    engine = open_engine(app, "websocket", SOCKETIO_PATH)
    engine.send(*sent)
    answers_or_closes(SioClient(engine))
    engine.leave()


payloads = st.one_of(
    st.lists(packets, max_size=5).map(
        lambda sent: "\x1e".join(p if isinstance(p, str) else "bAQI=" for p in sent).encode()
    ),
    st.binary(max_size=50),
    st.text(alphabet='0123456b\x1e[]{}",-/ \x00é', max_size=40).map(str.encode),
    st.integers(1, 3000).map(lambda count: b"\x1e" * count),
    st.integers(1, 3000).map(lambda count: b"3\x1e" * count + b"3"),
)


@some_examples
@given(body=payloads)
def test_fuzzed_payloads(app: ServerProcess, body: bytes) -> None:
    client = SioClient(RawPolling.open(app.address, SOCKETIO_PATH))
    client.join()
    assert isinstance(client.engine, RawPolling)
    reply = client.engine.start_post(body).reply_or_none()
    assert reply is None or reply.status in (200, 400)
    answers_or_closes(client)
    client.engine.leave()


query_values = st.one_of(
    st.sampled_from(["4", "3", "", "polling", "websocket", "__proto__", "%", "%ff", "%00", "\x7f"]),
    st.text(max_size=10).map(lambda text: quote(clean(text))),
    st.integers(0, 4000).map(lambda size: "x" * size),
)
queries = st.lists(
    st.tuples(st.sampled_from(["EIO", "transport", "sid", "b64", "j", "t", "%", ""]), query_values),
    max_size=5,
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))


@some_examples
@given(query=queries, method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "HEAD"]))
def test_fuzzed_query_strings(app: ServerProcess, query: str, method: str) -> None:
    exchange = Exchange(app.address)
    line = f"{method} {SOCKETIO_PATH}?{query} HTTP/1.1\r\n"
    fields = "Host: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    exchange.send((line + fields).encode("latin-1"))
    head = read_until_closed(exchange.sock).split(b"\r\n")[0]
    status = int(head.split()[1])
    assert 200 <= status < 300 or 400 <= status < 500


@our_own_lane
@some_examples
@given(query=queries)
def test_fuzzed_query_strings_of_websockets(app: ServerProcess, query: str) -> None:
    exchange = Exchange(app.address)
    exchange.send(
        f"GET {SOCKETIO_PATH}?{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode("latin-1")
    )
    exchange.sock.settimeout(WAIT)
    status = int(exchange.sock.recv(4096).split()[1])
    assert status == 101 or 400 <= status < 500
    exchange.abort()


frames = st.builds(
    frame,
    st.integers(0, 15),
    st.one_of(st.binary(max_size=200), st.sampled_from([b"3", b"40", b'42["echo"]'])),
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0, 0, 0, 1, 2, 4, 7]),
    masked=st.sampled_from([True, True, True, False]),
)
raw_bytes = st.one_of(
    st.binary(min_size=1, max_size=50), st.lists(frames, min_size=1).map(b"".join)
)


@our_own_lane
@some_examples
@given(data=raw_bytes, cuts=st.lists(st.integers(0, 200), max_size=3))
def test_fuzzed_websocket_bytes(app: ServerProcess, data: bytes, cuts: list[int]) -> None:
    """Whatever they mean: when the client has ended its side, the server ends the connection."""
    ws = RawWebSocket.connect(app.address, target(SOCKETIO_PATH, "websocket"))
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
        ws.send_raw(data[start:end])
    with contextlib.suppress(OSError):
        ws.sock.shutdown(socket.SHUT_WR)
    read_until_closed(ws.sock)


def read_until_closed(sock: socket.socket) -> bytes:
    """All bytes until the server closes, which has to be soon."""
    sock.settimeout(WAIT)
    data = b""
    try:
        while chunk := sock.recv(65536):
            data += chunk
    except ConnectionResetError:
        pass
    sock.close()
    return data


@pytest.mark.timing
def test_a_flood_of_tiny_fragments_is_bounded(app: ServerProcess) -> None:
    """A message is put together from many pieces, or refused, but not kept for ever."""
    ws = RawWebSocket.connect(app.address, target(SOCKETIO_PATH, "websocket"))
    ws.send_raw(frame(1, b"4", fin=False))
    empty = frame(0, b"", fin=False) * 1000
    for _ in range(200):
        ws.send_raw(empty)
    ws.send_raw(frame(0, b"0"))
    try:
        while not str(ws.recv()).startswith("40"):
            pass
    except ConnectionClosed as closed:
        assert closed.code in (1002, 1008, 1009, None)
    ws.abort()
