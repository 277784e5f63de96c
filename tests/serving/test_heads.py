"""Heads of requests: too large, without an end, and not quite right. None of them holds up anybody."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.kit.raw import WAIT, Reply, request
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("pages_app.py")
LINE = b" HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
#: Where requests go, by way of what, and what they bring.
WAYS = {
    "page": (b"GET /", b""),
    "asgi": (b"HEAD /", b""),
    "polling": (b"GET /socket.io/?EIO=4&transport=polling&sid=x", b""),
    "polling handshake": (b"GET /socket.io/?EIO=4&transport=polling", b""),
    "websocket": (b"GET /socket.io/?EIO=4&transport=websocket", UPGRADE),
}
ways = pytest.mark.parametrize(("begin", "more"), WAYS.values(), ids=WAYS)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(APP) as server:
        yield server


def ask(server: ServerProcess, *parts: bytes) -> bytes:
    """All that comes until the server closes, which it has to."""
    with socket.create_connection(server.address, timeout=WAIT) as connection:
        with suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
        found = b""
        while data := connection.recv(1 << 16):
            found += data
    return found


def status(answer: bytes) -> int:
    head = re.match(rb"HTTP/1\.1 (\d+) .*\r\nconnection: close\r\n", answer, re.I | re.S)
    assert head is not None, answer
    return int(head[1])


@ways
def test_too_many_fields(server: ServerProcess, begin: bytes, more: bytes) -> None:
    fields = b"".join(b"X-%d: x\r\n" % number for number in range(101))
    assert status(ask(server, begin, LINE, more, fields, b"\r\n")) == 431


@ways
def test_one_name_too_often(server: ServerProcess, begin: bytes, more: bytes) -> None:
    assert status(ask(server, begin + LINE + more + b"X: x\r\n" * 200_000 + b"\r\n")) == 431


@ways
def test_a_head_that_is_too_large(server: ServerProcess, begin: bytes, more: bytes) -> None:
    assert status(ask(server, begin, LINE, more, b"X: " + b"x" * 65536 + b"\r\n\r\n")) == 431


@ways
def test_a_target_that_is_too_long(server: ServerProcess, begin: bytes, more: bytes) -> None:
    filler = b"?" if b"?" not in begin else b"&"
    assert status(ask(server, begin + filler + b"x" * 65536, LINE, more, b"\r\n")) == 414


@pytest.mark.parametrize(
    ("begin", "again", "expected"),
    [
        (b"GET /" + LINE, b"X: x\r\n", 431),
        (b"GET /" + LINE + b"X: ", b"x", 431),
        (b"GET /" + LINE, b"x", 431),
        (b"GET /", b"x", 414),
        (b"", b"\r\n", 431),
        (b"POST /ignore" + LINE + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X: x\r\n", 431),
    ],
    ids=["fields", "value", "name", "target", "empty lines", "trailers"],
)  # fmt: skip
def test_one_without_an_end(
    server: ServerProcess, begin: bytes, again: bytes, expected: int
) -> None:
    memory = psutil.Process(server.pid).memory_info
    server.get("/")
    before = memory().rss
    answer = ask(server, begin, *[again * (65536 // len(again))] * 200)
    assert status(answer[answer.rindex(b"HTTP/1.1") :]) == expected
    assert memory().rss - before < 8_000_000


def test_what_is_just_small_enough(server: ServerProcess) -> None:
    fields = {f"X-{number}": "x" * 600 for number in range(98)}
    assert request(server.address, "GET", "/", headers=fields).text == "index"
    reply = request(server.address, "GET", "/socket.io/?EIO=4&transport=polling", headers=fields)
    assert reply.status == 200


def test_they_are_counted_and_told_once(server: ServerProcess) -> None:
    for _ in range(5):
        ask(server, b"GET /" + LINE + LINE[11:] * 200 + b"\r\n")
    assert server.get_json("/counters")["http_refused"]["too many header fields"] >= 5
    assert server.log.count("refused: too many header fields") == 1


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: a\r\n"], ids=["none", "two"])
@ways
def test_there_is_one_host(server: ServerProcess, begin: bytes, more: bytes, hosts: bytes) -> None:
    assert status(ask(server, begin, b" HTTP/1.1\r\n", hosts, more, b"\r\n")) == 400


def test_two_hosts_of_an_old_client(server: ServerProcess) -> None:
    assert status(ask(server, b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")) == 400


@pytest.mark.parametrize("version", [b"0.9", b"2.0"])
@ways
def test_another_version_in_this_form(
    server: ServerProcess, begin: bytes, more: bytes, version: bytes
) -> None:
    assert status(ask(server, begin, b" HTTP/", version, b"\r\nHost: a\r\n", more, b"\r\n")) == 505


def test_an_old_client_sends_no_chunks(server: ServerProcess) -> None:
    """Who is before us may not know them, and take what follows for the next request."""
    head = b"POST /digest HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert status(ask(server, head, b"3\r\nabc\r\n0\r\n\r\n")) == 400


def test_trailers_are_no_headers(server: ServerProcess) -> None:
    fields = b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    trailers = b"0\r\nX-Forwarded-For: evil\r\nExpect: 100-continue\r\n\r\n"
    answer = ask(server, b"GET /environ" + LINE + fields + trailers)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"FORWARDED" not in answer


@pytest.mark.parametrize("version", [b"1.1", b"1.0"], ids=["page", "asgi"])
def test_a_path_is_its_bytes(server: ServerProcess, version: bytes) -> None:
    head = b" HTTP/" + version + b"\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = ask(server, b"GET /at/%ff%c3%a9" + head)
    assert answer.endswith(rb"'/at/\xff\xc3\xa9'")


def test_an_old_client_needs_none(server: ServerProcess) -> None:
    assert ask(server, b"GET / HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nindex")


def test_an_old_client_is_sent_no_chunks(server: ServerProcess) -> None:
    answer = ask(server, b"GET /few HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert b"chunked" not in answer.lower()
    assert answer.endswith(b"\r\n\r\npiece 0\npiece 1\npiece 2\n")


@pytest.mark.parametrize("together", [True, False], ids=["one segment", "two"])
def test_an_upgrade_that_nobody_knows_is_ignored(server: ServerProcess, together: bool) -> None:
    head = (
        b"POST /digest" + LINE + b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: 4\r\n\r\n"
    )
    answer = ask(server, head + b"abcd") if together else ask(server, head, b"abcd")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589")


def test_no_tunnels(server: ServerProcess) -> None:
    assert status(ask(server, b"CONNECT localhost:80" + LINE + b"\r\n")) == 400


def test_others_go_on(server: ServerProcess) -> None:
    reply: Reply = request(server.address, "GET", "/")
    assert reply.text == "index"
