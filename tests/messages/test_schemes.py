"""https:// where http:// is spoken, and the other way round."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.kit.server import ServerProcess

from .conftest import Serve

SAID = "a request was refused: this port is for http://, not for https:// (run() has certfile= and keyfile=)"


def test_https_on_a_port_for_http(serve: Serve) -> None:
    with serve("socketio = SocketIO(app)") as server:
        for _ in range(3):
            with socket.create_connection(server.address, timeout=10) as connection:
                try:
                    ssl.create_default_context().wrap_socket(
                        connection, server_hostname="localhost"
                    )
                except ssl.SSLError:
                    pass
                else:
                    raise AssertionError
        assert server.get("/socket.io/?EIO=4&transport=polling").status == 200
        assert server.log.count(SAID) == 1


SAID_TO_HTTP = "a request was refused: this port is for https://, not for http://"


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_http_on_a_port_for_https(write: Callable[[str], Path], loop: str) -> None:
    path = write("socketio = SocketIO(app)")
    text = path.read_text().replace("socketio.run(app", "socketio.run(app, ssl_context='adhoc'")
    if loop == "asyncio":
        text = "import sys; sys.modules['uvloop'] = None\n" + text
    path.write_text(text)
    with ServerProcess.script(path) as server:
        for request in (
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"POST /socket.io/ HTTP/1.1\r\n\r\n",
        ):
            with socket.create_connection(server.address, timeout=10) as connection:
                connection.sendall(request)
                with suppress(ConnectionResetError):
                    assert b"HTTP/1.1" not in connection.recv(1000)
        insecure = ssl.create_default_context()
        insecure.check_hostname, insecure.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(server.address, timeout=10) as connection,
            insecure.wrap_socket(connection) as encrypted,
        ):
            encrypted.sendall(
                b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n\r\n"
            )
            assert encrypted.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert server.log.count(SAID_TO_HTTP) == 1
