"""File descriptors used up: newcomers are refused, clients that are there notice nothing, and the log has two lines."""

from __future__ import annotations

import http.client
import json
import re
import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.kit.engine import EngineWebSocket
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

pytest.importorskip("resource", reason="there is no limit to set")
APP = Path(__file__).with_name("few_descriptors_app.py")
LIMIT = 200
SHORT = re.compile(rf"nearly all of the {LIMIT} file descriptors .*ulimit -n")
ENOUGH = re.compile("there are free file descriptors again")
LOOPS = ["uvloop", "asyncio"]


class Page:
    """A connection that stays."""

    def __init__(self, server: ServerProcess) -> None:
        self.connection = http.client.HTTPConnection(*server.address, timeout=5)

    def get(self, path: str) -> tuple[int, Any]:
        self.connection.request("GET", path)
        reply = self.connection.getresponse()
        body = reply.read()
        return reply.status, json.loads(body)


@pytest.mark.parametrize("loop", LOOPS)
def test_used_up(loop: str) -> None:
    with (
        ServerProcess.script(APP, {"NOFILE": str(LIMIT), "LOOP": loop}) as server,
        ExitStack() as crowd,
    ):
        page = Page(server)
        assert page.get("/socket.io/health") == (200, {"status": "ok", "reasons": []})
        engine = EngineWebSocket.open(server.address, "/socket.io/")
        client = SioClient(engine)
        client.connect()
        for _ in range(LIMIT + 20):
            crowd.callback(socket.create_connection(server.address, timeout=5).close)
        server.wait_for_log(SHORT, 10)

        assert client.call("open") == [APP.stat().st_size]
        health = page.get("/socket.io/health")
        assert health == (
            200,
            {
                "status": "degraded",
                "reasons": ["nearly all file descriptors are in use (ulimit -n)"],
            },
        )
        cpu = psutil.Process(server.pid).cpu_times().user
        with (
            socket.create_connection(server.address, timeout=10) as newcomer,
            suppress(ConnectionError),
        ):
            newcomer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert newcomer.recv(4096)[:13] in (b"HTTP/1.1 503 ", b"")
        assert psutil.Process(server.pid).cpu_times().user - cpu < 1

        crowd.close()
        server.wait_for_log(ENOUGH, 10)
        assert server.get("/socket.io/health").status == 200
        counters = server.get_json("/counters")
        assert counters["descriptors_short"] == 1
        assert counters["http_refused"]["no file descriptors"] > 0
        assert len(SHORT.findall(server.log)) == len(ENOUGH.findall(server.log)) == 1
        assert "Too many open files" not in server.log
        engine.leave()
