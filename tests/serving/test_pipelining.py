"""Many requests at once on one connection: all are answered in their order, and nobody else has to wait for them."""

from __future__ import annotations

import hashlib
import io
import random
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.kit.raw import OPENED
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("pages_app.py")
END = b" HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
Request = tuple[bytes, int, str]


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(APP) as server:
        yield server


def connect(server: ServerProcess) -> socket.socket:
    connection = socket.create_connection(server.address, timeout=20)
    OPENED.add(connection)
    return connection


def upload(size: int, more: bytes = b"") -> Request:
    body = random.randbytes(size)
    head = b"POST /digest%b%bContent-Length: %d\r\n\r\n" % (END, more, size)
    return head + body, 200, hashlib.sha256(body).hexdigest()


def chunked(size: int) -> Request:
    body = random.randbytes(size)
    pieces = [body[at : at + 1500] for at in range(0, size, 1500)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = b"POST /digest%bTransfer-Encoding: chunked\r\n\r\n" % END
    return head + chunks + b"0\r\n\r\n", 200, hashlib.sha256(body).hexdigest()


def requests(number: int) -> list[Request]:
    poll = b"GET /socket.io/?EIO=4&transport=polling&sid=none" + END + b"\r\n"
    kinds: list[Request] = [
        (b"GET /" + END + b"\r\n", 200, "index"),
        (b"GET /after/0.001/later" + END + b"X: %b\r\n\r\n" % (b"x" * 3000), 200, "later"),
        (b"GET /few" + END + b"\r\n", 200, "piece 0\npiece 1\npiece 2\n"),
        (poll, 400, '{"code":1,"message":"Session ID unknown"}'),
        upload(10),
        upload(10, UPGRADE),
        upload(9000, UPGRADE),
        upload(5000),
        upload(300_000),
        chunked(10),
        chunked(20_000),
        (b"POST /ignore%bContent-Length: 70000\r\n\r\n" % END + b"x" * 70_000, 200, "not read"),
    ]
    return random.choices(kinds, [20, 1, 5, 20, 10, 5, 1, 1, 1, 5, 1, 1], k=number)


@pytest.mark.parametrize(
    ("bad", "status", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400, "not one Host"),
        (b"nothing that would be HTTP\r\n\r\n", 400, "invalid request"),
        (b"GET /%b%bHTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"x" * 70_000, b" "), 414, "target too long"),
        (b"POST /digest%bTransfer-Encoding: chunked\r\n\r\nnone" % END, 400, "invalid request"),
    ],
    ids=["Host", "HTTP", "target", "chunk"],
)  # fmt: skip
@pytest.mark.parametrize("before", [1, 3])
def test_a_refusal_follows_the_answers_to_what_came_before(
    server: ServerProcess, before: int, bad: bytes, status: int, reason: str
) -> None:
    connection = connect(server)
    connection.sendall((b"GET /after/0.2/later%b\r\n" % END) * before + bad)
    answers = Answers(connection)
    for expected in [(200, "later")] * before + [(status, reason)]:
        response = HTTPResponse(answers)  # pyright: ignore[reportArgumentType]
        response.begin()
        assert (response.status, response.read().decode()) == expected
    assert answers.read() == b""


class Answers(io.BufferedReader):
    """What is left behind an answer is the next one's."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(socket.SocketIO(connection, "r"))

    def makefile(self, mode: str) -> Answers:
        return self

    def close(self) -> None:
        """HTTPResponse does, after each."""

    def read_one(self) -> tuple[int, str]:
        reply: Any = HTTPResponse(self)  # pyright: ignore[reportArgumentType]
        reply.begin()
        return reply.status, reply.read().decode()


def send(connection: socket.socket, data: bytes, largest: int) -> None:
    at = 0
    while at < len(data):
        size = random.randint(1, largest)
        connection.sendall(data[at : at + size])
        at += size


@pytest.mark.parametrize("largest", [50, 3000, 100_000, 1 << 30])
@pytest.mark.parametrize("seed", range(3))
def test_all_are_answered_in_their_order(server: ServerProcess, largest: int, seed: int) -> None:
    random.seed(seed)
    asked = requests(20 if largest < 1000 else 400)
    connection = connect(server)
    sender = threading.Thread(
        target=send, args=[connection, b"".join([data for data, *_ in asked]), largest]
    )
    sender.start()
    answers = Answers(connection)
    for _, status, text in asked:
        assert answers.read_one() == (status, text)
    sender.join()
    connection.close()


FLOODS = {
    "pages": b"GET /",
    "polling": b"GET /socket.io/?EIO=4&transport=polling&sid=none",
    "heads": b"HEAD /",
}


class Healthy:
    """Asks for a small answer, again and again."""

    def __init__(self, server: ServerProcess) -> None:
        self._connection = connect(server)
        self._answers = Answers(self._connection)

    def longest(self, seconds: float) -> float:
        """The longest that an answer has taken within so many seconds."""
        longest, end = 0.0, time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            self._connection.sendall(FLOODS["polling"] + END + b"\r\n")
            assert self._answers.read_one()[0] == 400
            longest = max(longest, time.monotonic() - begun)
        return longest


@pytest.mark.timing
@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_others_do_not_wait(server: ServerProcess, flood: bytes) -> None:
    healthy = Healthy(server)
    usual = healthy.longest(1)
    memory = psutil.Process(server.pid).memory_info
    before = memory().rss
    attacker = connect(server)

    def attack() -> None:
        try:
            attacker.sendall((flood + b" HTTP/1.1\r\nHost: a\r\n\r\n") * 40_000)
            while attacker.recv(1 << 20):
                pass
        except OSError:
            pass

    thread = threading.Thread(target=attack)
    thread.start()
    longest = healthy.longest(4)
    grown = memory().rss - before
    attacker.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert longest < max(0.3, 3 * usual)
    assert grown < 32 << 20
