"""How many connections may be open: of all clients, and of each address."""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.kit.engine import target
from tests.kit.raw import OPENED, WAIT, Exchange, RawWebSocket, request, start_request
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("options_app.py")
PATH = "/socket.io/"
ALL, ADDRESS = "max_connections", "max_connections_per_address"
REASONS = {ALL: "too many connections", ADDRESS: "too many connections from one address"}


@contextmanager
def serving(**options: Any) -> Iterator[ServerProcess]:
    with ServerProcess.script(APP, {"SOCKETIO_OPTIONS": json.dumps(options)}) as server:
        yield server


def eventually(check: Callable[[], bool]) -> None:
    """The server notices that a client has hung up when it comes to it."""
    deadline = time.monotonic() + 5
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def websocket(server: ServerProcess) -> RawWebSocket:
    return RawWebSocket.connect(server.address, target(PATH, "websocket"))


def refused(server: ServerProcess, option: str) -> None:
    reply = request(server.address, "GET", "/")
    assert (reply.status, reply.text) == (503, REASONS[option])
    assert reply.headers["connection"] == "close"
    assert int(reply.headers["retry-after"]) > 0


def served(server: ServerProcess) -> bool:
    return request(server.address, "GET", "/").status == 200


@pytest.mark.parametrize("option", [ALL, ADDRESS])
def test_a_connection_too_many(option: str) -> None:
    with serving(**{option: 3}) as server:
        idle = Exchange(server.address)
        polling = start_request(server.address, "GET", target(PATH, "polling"))
        upgraded = websocket(server)
        assert upgraded.recv()
        for _ in range(3):
            refused(server, option)
        idle.abort()
        eventually(lambda: served(server))
        upgraded.close()
        polling.abort()
        eventually(lambda: served(server))
        assert server.get_json("/counters")["http_refused"][REASONS[option]] >= 3
        assert server.log.count("a connection was refused: ") == 1


@pytest.mark.parametrize("option", [ALL, ADDRESS])
def test_a_place_is_given_back_whatever_had_it(option: str) -> None:
    with serving(**{option: 2}) as server:
        for number in range(20):
            eventually(lambda: served(server))
            open_ = websocket(server)
            open_.recv()
            open_.sock.close() if number % 2 else open_.close()
            with_bad_key = {"Upgrade": "websocket", "Connection": "Upgrade"}
            reply = request(server.address, "GET", target(PATH, "websocket"), headers=with_bad_key)
            assert reply.status in (400, 503)
        first, second = Exchange(server.address), Exchange(server.address)
        eventually(lambda: not served(server))
        first.abort()
        second.abort()
        eventually(lambda: served(server))


def connect(server: ServerProcess, source: str = "127.0.0.1") -> socket.socket:
    connection = socket.create_connection(server.address, WAIT, (source, 0))
    OPENED.add(connection)
    return connection


def answer(connection: socket.socket) -> bytes:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    with connection.makefile("rb") as file:
        return file.read()


def test_each_address_has_its_own() -> None:
    with serving(**{ADDRESS: 1}) as server:
        held = connect(server)
        refused(server, ADDRESS)
        assert "127.0.0.1" in server.log
        assert answer(connect(server, "127.0.0.2")).startswith(b"HTTP/1.1 200")
        held.close()


def test_an_upload_is_told_as_well() -> None:
    """What it sends is read: the answer is not lost."""
    with serving(**{ALL: 1}) as server:
        held = connect(server)
        assert request(server.address, "POST", "/", body=bytes(1_000_000)).status == 503
        held.close()


def test_over_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    pem = tmp_path / "server.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(pem)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    options = {"SOCKETIO_OPTIONS": json.dumps({ADDRESS: 1}), "CERTIFICATE": str(pem)}
    with (
        ServerProcess.script(APP, options) as server,
        context.wrap_socket(connect(server), server_hostname="localhost") as first,
        context.wrap_socket(connect(server), server_hostname="localhost") as second,
    ):
        assert answer(second).startswith(b"HTTP/1.1 503")
        assert answer(first).startswith(b"HTTP/1.1 200")


def test_many_too_many() -> None:
    with serving(**{ALL: 5}) as server:
        held = [Exchange(server.address) for _ in range(5)]
        crowd = [Exchange(server.address) for _ in range(300)]
        for exchange in crowd:
            exchange.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            reply = exchange.reply_or_none()
            assert reply is None or reply.status == 503
        for exchange in held:
            exchange.abort()
        eventually(lambda: served(server))


@pytest.mark.parametrize("program", ["flask --app APP run --port 0", "uvicorn --port 0 APP"])
def test_where_another_server_accepts_a_line_says_so(program: str) -> None:
    words = program.replace("APP", "tests.serving.options_app:app").split()
    argv = [str(Path(sys.executable).with_name(words[0])), *words[1:]]
    with ServerProcess(argv, {"SOCKETIO_OPTIONS": json.dumps({ALL: 1})}) as server:
        for _ in range(2):
            assert server.get(target(PATH, "polling")).status == 200
        assert server.log.count("max_connections_per_address do not hold here") == 1
