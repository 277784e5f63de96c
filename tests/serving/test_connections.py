"""HTTP connections: several requests on one, some at once, pages and polling and WebSockets in turn."""

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from tests.kit.raw import WAIT
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("pages_app.py")
HOST = b" HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket" + HOST + b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(APP) as server:
        server.allow_traceback("a header is not one")
        yield server


class Connection:
    """Bytes as they come."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.socket = socket.create_connection(server.address, timeout=WAIT)
        self.received = b""

    def send(self, *requests: bytes) -> None:
        self.socket.sendall(b"".join(requests))

    def read_until(self, pattern: bytes) -> bytes:
        """What has come since the last call, up to the end of the pattern."""
        while (found := re.search(pattern, self.received, re.DOTALL)) is None:
            data = self.socket.recv(1 << 20)
            assert data, f"closed after {self.received!r}"
            self.received += data
        head, self.received = self.received[: found.end()], self.received[found.end() :]
        return head

    def is_quiet(self, seconds: float = 0.3) -> bool:
        """Nothing more comes, and it is not closed."""
        self.socket.settimeout(seconds)
        try:
            self.received += self.socket.recv(1)
        except TimeoutError:
            return not self.received
        finally:
            self.socket.settimeout(WAIT)
        return False


@pytest.fixture
def connection(server: ServerProcess) -> Iterator[Connection]:
    connection = Connection(server)
    yield connection
    connection.socket.close()


def get(path: str) -> bytes:
    return b"GET " + path.encode() + HOST + b"\r\n"


def test_a_websocket_after_a_page(connection: Connection) -> None:
    """Pools of connections do that. The page is not asked for again."""
    connection.send(b"POST /count", HOST, b"Content-Length: 0\r\n\r\n")
    number = int(connection.read_until(rb"counted \d+").rsplit(b" ")[-1])
    connection.send(UPGRADE)
    assert connection.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
    connection.read_until(rb"0\{[^}]*\}")
    assert connection.is_quiet()
    connection.socket.close()
    other = Connection(connection.server)
    other.send(b"POST /count", HOST, b"Content-Length: 0\r\n\r\n")
    assert other.read_until(rb"counted \d+").endswith(b" %d" % (number + 1))
    other.socket.close()


def test_a_websocket_in_the_segment_of_another_request(connection: Connection) -> None:
    """It outlives the time for which a connection without a request is kept."""
    connection.send(b"POST /socket.io/?EIO=4&transport=polling&sid=unknown", HOST,
                    b"Content-Length: 0\r\n\r\n", UPGRADE)  # fmt: skip
    connection.read_until(b"101 Switching")
    connection.read_until(rb"0\{[^}]*\}")
    assert connection.is_quiet(6)


def test_a_websocket_before_a_page_is_answered_is_refused(connection: Connection) -> None:
    """Behind the page."""
    connection.send(get("/after/0.3/text"), UPGRADE)
    assert b" 200 " in connection.read_until(b"text")
    connection.read_until(rb"HTTP/1.1 400 .*before the answer to another request")


@pytest.mark.parametrize("name", ["mysid", "connect.sid", "x_sid"])
def test_a_key_that_ends_in_sid_is_not_the_sid(connection: Connection, name: str) -> None:
    connection.send(get(f"/socket.io/?EIO=4&transport=polling&{name}=5"))
    assert b" 200 " in connection.read_until(b"\r\n\r\n")
    connection.read_until(rb"0\{[^}]*\}")


def test_what_is_behind_a_number_sign_is_no_query(connection: Connection) -> None:
    """However the request is read: this one opens a session, in place of asking for one."""
    connection.send(get("/socket.io/?EIO=4&transport=polling#&sid=5"))
    assert b" 200 " in connection.read_until(b"\r\n\r\n")
    connection.read_until(rb"0\{[^}]*\}")


def test_requests_at_once_are_answered_in_their_order(connection: Connection) -> None:
    connection.send(
        get("/after/0.2/A"), get("/few"), get("/after/0.2/B"), get("/"), get("/after/0.0/C")
    )
    time.sleep(0.3)
    connection.send(get("/after/0.0/D"))
    text = connection.read_until(rb"\r\n\r\nD")
    assert re.findall(rb"\r\n\r\n([A-D])|(piece \d|index)", text) == [
        (b"A", b""), (b"", b"piece 0"), (b"", b"piece 1"), (b"", b"piece 2"), (b"B", b""),
        (b"", b"index"), (b"C", b""), (b"D", b""),
    ]  # fmt: skip
    assert text.count(b"HTTP/1.1 200 OK") == 6


def test_a_body_in_pieces_behind_a_stream(connection: Connection) -> None:
    connection.send(get("/few"), b"POST /digest", HOST, b"Content-Length: 4\r\n\r\nab")
    time.sleep(0.1)
    connection.send(b"cd")
    connection.read_until(b"piece 2")
    connection.read_until(b"88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589")


def test_who_does_not_read_is_not_answered_without_end(
    server: ServerProcess, connection: Connection
) -> None:
    """What waits for one connection is bounded, and comes in the end."""
    memory = psutil.Process(server.pid).memory_info
    before = memory().rss
    for _ in range(300):
        connection.send(get("/big"))
        time.sleep(0.002)
    assert memory().rss - before < 20_000_000
    for _ in range(300):
        connection.read_until(b"\r\n\r\n" + rb"\0{200000}")


@pytest.mark.parametrize("name", ["X-One: 1\r\nX-Two", "X One", "X:One", "", "X-NUL"], ids=ascii)
@pytest.mark.parametrize("kind", ["whole", "stream"])
def test_headers_cannot_be_smuggled_into_an_answer(
    connection: Connection, name: str, kind: str
) -> None:
    """The view is at fault, and nothing of its answer is sent."""
    connection.send(get(f"/header/{kind}?name={quote(name)}"))
    head = connection.read_until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert b"X-Two" not in head and b"x-nul" not in head.lower()


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_none(connection: Connection, status: int) -> None:
    connection.send(get(f"/bare/{status}"), get("/"))
    text = connection.read_until(b"index")
    assert text.startswith(b"HTTP/1.1 %d " % status)
    assert re.search(rb"\r\n\r\nHTTP/1.1 200 OK\r\n", text)
    assert b"body" not in text


def test_an_answer_has_one_date(connection: Connection) -> None:
    for path in ("/file", "/dated"):
        connection.send(get(path))
        head = connection.read_until(b"\r\n\r\n")
        connection.read_until(b"file")
        assert head.lower().count(b"\r\ndate: ") == 1


def test_a_connection_without_requests_is_closed(connection: Connection) -> None:
    connection.send(get("/"))
    connection.read_until(b"index")
    begun = time.monotonic()
    connection.socket.settimeout(8)
    assert connection.socket.recv(1) == b""
    assert 4 < time.monotonic() - begun < 7


def test_a_server_that_stops_says_no_more_than_that() -> None:
    """Of streams, read or not, of views, and of bodies that are still to come: there is no traceback."""
    with ServerProcess.script(APP) as server:
        requests = [get("/endless"), get("/large"), get("/after/8.0/x")]
        requests.append(b"POST /digest" + HOST + b"Content-Length: 100000\r\n\r\nx")
        connections = [Connection(server) for _ in requests]
        for connection, data in zip(connections, requests, strict=True):
            connection.send(data)
        connections[0].read_until(b"3\n")
        assert server.stop()
        assert server.process.returncode == 0
        assert "Traceback" not in server.log
        for connection in connections:
            connection.socket.close()
