"""https:// where http:// is spoken."""

from __future__ import annotations

import socket
import ssl

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
